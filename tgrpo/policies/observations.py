"""What a policy sees of a batch of environments, as torch tensors: for learning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from torch import Tensor

from tgrpo.trajectory import Images


@dataclass(frozen=True, slots=True)
class Observations:
    """B environments of one task. `images` has those of the cameras that the policy asks for."""

    robot: Tensor  # (B, 9)
    objects: Tensor  # (B, K, 7)
    images: Mapping[str, Tensor] = field(default_factory=dict)  # (B, H, W, 3) uint8 each

    @classmethod
    def of(
        cls,
        robot: np.ndarray,
        objects: np.ndarray,
        images: Images | None = None,
        *,
        device: torch.device | None = None,
    ) -> Self:
        """The arrays on `device`; without one they share their memory with the tensors.

        Images stay on the CPU: an iteration's are gigabytes. A policy moves the rows that it reads.
        """
        seen = {name: torch.from_numpy(rows) for name, rows in (images or {}).items()}
        return cls(torch.from_numpy(robot).to(device), torch.from_numpy(objects).to(device), seen)

    def __len__(self) -> int:
        return len(self.robot)

    def __getitem__(self, rows: Tensor | slice) -> Self:
        """The given rows."""
        shown = rows if isinstance(rows, slice) else rows.cpu()
        images = {name: image[shown] for name, image in self.images.items()}
        return type(self)(self.robot[rows], self.objects[rows], images)
