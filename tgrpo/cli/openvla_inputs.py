"""A checkpoint of OpenVLA before a run: whether it can be used, and whether it fits the memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tgrpo.capacity import control_groups, free_memory
from tgrpo.config import TrainConfig
from tgrpo.estimates.fitting import check_fits
from tgrpo.estimates.memory import Setting
from tgrpo.policies.openvla.backbone import expect_usable, precision_on
from tgrpo.tasks import MAX_STEPS


def check_openvla(config: TrainConfig, suites: Sequence[str]) -> None:
    """Read headers, no weight. Raises CheckpointError, StatisticsError, DoesNotFitError."""
    shapes = expect_usable(config.openvla, suites)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    available = _available(device)
    if available is not None:
        check_fits(shapes, _setting(config, device), available)


def _setting(config: TrainConfig, device: torch.device) -> Setting:
    rollout, learner = config.rollout, config.learner
    steps = rollout.max_steps or max(MAX_STEPS.values())
    decisions = rollout.groups_per_iteration * rollout.group_size * steps
    return Setting(
        precision=precision_on(device, config.openvla),
        rank=config.openvla.lora_rank,
        arms=rollout.group_size,
        evaluation=config.evaluation.batch_size,
        micro_batch=learner.micro_batch or -(-decisions // learner.minibatches),
    )


def _available(device: torch.device) -> int | None:
    """Bytes that are free where the network goes; None where nobody knows."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    return free_memory(control_groups())
