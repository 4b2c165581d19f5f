"""Images to what the towers take, prepared once for policies that are asked about the same ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from tgrpo.policies.openvla.images import Normalisation, pixel_values, prepared
from tgrpo.trajectory import Camera, Images


class Eyes:
    """`towers` normalise the images of `cameras`; `crop`: see `prepared`."""

    def __init__(
        self, towers: Sequence[Normalisation], cameras: tuple[Camera, ...], *, crop: bool
    ) -> None:
        self.cameras = cameras
        self._towers, self._crop = towers, crop
        # The learner asks the reference and then the policy, of the same rows.
        self._last: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def see(self, images: Images, device: torch.device) -> Tensor:
        """Images (B, H, W, 3) uint8 of V cameras to pixels (B, 6 V, 224, 224) on `device`."""
        views = [self._prepared(camera.name, images[camera.name]) for camera in self.cameras]
        pixels = [pixel_values(torch.from_numpy(view).to(device), self._towers) for view in views]
        return torch.cat(pixels, dim=1)

    def _prepared(self, name: str, frames: np.ndarray) -> np.ndarray:
        last = self._last.get(name)
        if last is None or not np.array_equal(last[0], frames):
            last = self._last[name] = frames.copy(), prepared(frames, crop=self._crop)
        return last[1]
