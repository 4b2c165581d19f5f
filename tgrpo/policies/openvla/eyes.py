"""Frames to what the towers take, prepared once for policies that are asked about the same ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from tgrpo.policies.openvla.images import Normalisation, pixel_values, prepared


class Eyes:
    """`towers` normalise; `crop`: see `prepared`."""

    def __init__(self, towers: Sequence[Normalisation], *, crop: bool) -> None:
        self._towers, self._crop = towers, crop
        # The learner asks the reference and then the policy, of the same rows.
        self._last: tuple[np.ndarray, np.ndarray] | None = None

    def see(self, frames: np.ndarray, device: torch.device) -> Tensor:
        """Frames (B, H, W, 3) uint8 to pixels (B, 6, 224, 224) on `device`."""
        if self._last is None or not np.array_equal(self._last[0], frames):
            self._last = frames.copy(), prepared(frames, crop=self._crop)
        return pixel_values(torch.from_numpy(self._last[1]).to(device), self._towers)
