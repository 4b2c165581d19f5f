"""What OpenVLA-OFT is told of the robot beside images, where its checkpoint has a projector for it.

The state is LIBERO's own observation of it: where the hand is, how it is turned as axis and angle,
and both finger joints. It is normalised by its data set's quantiles and becomes one column of the
language model's input, behind the patches.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tgrpo.checkpoint import CheckpointError
from tgrpo.policies.openvla.statistics import STATE_DIM

_WRAPPED = "module."  # before each name, where several GPUs trained it
# LIBERO says how the body of the hand is turned; an observation of ours, the grip site on it.
_HAND_FROM_SITE = np.array([np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)])


def robot_state(robot: np.ndarray) -> np.ndarray:
    """Observations (B, 9) of ours to states (B, 8) of LIBERO's, float64: position
    (3), axis times angle (3), finger joints (2).
    """
    robot = robot.astype(np.float64)
    return np.concatenate([robot[:, :3], _axis_angle(_hand(robot[:, 3:7])), robot[:, 7:9]], axis=1)


def _hand(site: np.ndarray) -> np.ndarray:
    """Quaternions w, x, y, z (B, 4) of the grip site to those of the hand."""
    (w, x, y, z), (c, _, _, s) = site.T, _HAND_FROM_SITE
    return np.stack([w * c - z * s, x * c + y * s, y * c - x * s, z * c + w * s], axis=1)


def _axis_angle(quaternion: np.ndarray) -> np.ndarray:
    """Of quaternions w, x, y, z (B, 4), as robosuite computes it; zero for no rotation."""
    cosine = np.clip(quaternion[:, :1], -1.0, 1.0)
    sine = np.sqrt(1.0 - cosine * cosine)
    angle = 2.0 * np.arccos(cosine)
    return np.where(np.isclose(sine, 0.0), 0.0, quaternion[:, 1:] * angle / np.maximum(sine, 1e-12))


class StateProjector(nn.Module):
    """Normalised states (B, 8) to one column (B, 1, width) each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(STATE_DIM, width)
        self.fc2 = nn.Linear(width, width)

    def forward(self, states: Tensor) -> Tensor:
        projected: Tensor = self.fc2(functional.gelu(self.fc1(states)))
        return projected[:, None]


def read_projector(path: Path, width: int) -> StateProjector:
    """The projector in a file of tensors, frozen. Raises CheckpointError."""
    try:
        # Tensors and containers alone: a file cannot make this run code.
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError) as error:
        raise CheckpointError(f"{path}: no file of tensors: {error}") from None
    projector = StateProjector(width)
    expected = {name: tuple(tensor.shape) for name, tensor in projector.state_dict().items()}
    found = _unwrapped(stored) if isinstance(stored, Mapping) else {}
    shapes = {name: tuple(tensor.shape) for name, tensor in found.items()}
    if shapes != expected:
        raise CheckpointError(f"{path}: has tensors {shapes}, expected {expected}")
    projector.load_state_dict(found)
    return projector.requires_grad_(False).eval()


def _unwrapped(stored: Mapping[str, object]) -> dict[str, Tensor]:
    tensors = {name: item for name, item in stored.items() if isinstance(item, Tensor)}
    return {name.removeprefix(_WRAPPED): tensor for name, tensor in tensors.items()}
