"""A checkpoint of OpenVLA before it is loaded: can it be used, and does it fit the memory?"""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch

from tgrpo.capacity import control_groups, free_memory
from tgrpo.config import OpenVLAConfig, TrainConfig
from tgrpo.estimates.asked import setting_of
from tgrpo.estimates.fitting import check_fits
from tgrpo.estimates.memory import Setting
from tgrpo.gl_libraries import loaded_backend
from tgrpo.policies.devices import default_device
from tgrpo.policies.openvla.backbone import expect_usable, precision_on
from tgrpo.torchrun import place


def check_training(config: TrainConfig, suites: Sequence[str]) -> None:
    """Read headers, no weight. Raises CheckpointError, StatisticsError, DoesNotFitError."""
    gpu = default_device().type == "cuda"
    setting = setting_of(config, gpu=gpu, cards=place().size, drawing=_drawing_on_a_card())
    _check(config.openvla, suites, setting)


def check_evaluation(
    config: OpenVLAConfig, suites: Sequence[str], batch: int, *, renderers: int
) -> None:
    """The same before `batch` episodes at a time are played by as many simulators, and nothing is
    learnt.
    """
    device = default_device()
    precision = precision_on(device, config)
    setting = Setting(
        precision,
        rank=config.lora_rank,
        arms=1,
        evaluation=batch,
        micro_batch=1,
        views=1 + config.wrist,
        chunk=config.chunk,
        learning=False,
        renderers=renderers if device.type == "cuda" and _drawing_on_a_card() else 0,
    )
    _check(config, suites, setting)


def _check(config: OpenVLAConfig, suites: Sequence[str], setting: Setting) -> None:
    shapes, available = expect_usable(config, suites), _available(default_device())
    if available is not None:
        check_fits(shapes, setting, available)


def _drawing_on_a_card() -> bool:
    return loaded_backend(os.environ) == "egl"


def _available(device: torch.device) -> int | None:
    """Bytes that are free where the network goes; None where nobody knows."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    return free_memory(control_groups())
