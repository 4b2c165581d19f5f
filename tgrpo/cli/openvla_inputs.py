"""A checkpoint of OpenVLA before a run: whether it can be used, and whether it fits the memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tgrpo.capacity import control_groups, free_memory
from tgrpo.config import TrainConfig
from tgrpo.estimates.asked import setting_of
from tgrpo.estimates.fitting import check_fits
from tgrpo.policies.openvla.backbone import expect_usable


def check_openvla(config: TrainConfig, suites: Sequence[str]) -> None:
    """Read headers, no weight. Raises CheckpointError, StatisticsError, DoesNotFitError."""
    shapes = expect_usable(config.openvla, suites)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    available = _available(device)
    if available is not None:
        check_fits(shapes, setting_of(config, gpu=device.type == "cuda"), available)


def _available(device: torch.device) -> int | None:
    """Bytes that are free where the network goes; None where nobody knows."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    return free_memory(control_groups())
