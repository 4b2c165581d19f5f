"""The seeing policy's network as torch modules: images, the robot's own pose, and an instruction.

Poses of objects do not enter.

    instruction words ─ Reading ─ summary, once per task
    each camera's image + summary ─ Eye ─ what is where in it
    robot's features + summary, and what the eyes say ─ residual layers ─ the policy's ActionHead
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tgrpo.policies.features import ROBOT_FEATURES, state_features
from tgrpo.policies.tiny_network import TinyConfig
from tgrpo.trajectory import OBJECT_DIM

_CHANNELS = (24, 48, 48)  # of the convolutions
_KERNELS = (5, 3, 3)
_STRIDES = (2, 2, 1)
_REACH = 3.0  # coordinates of an image's edge: places weigh as much as the robot's features
_SHARPNESS = 4.0  # before training: where a channel is strongest counts, its surroundings less


@dataclass(frozen=True, slots=True)
class VisionConfig(TinyConfig):
    """The architecture; stored in every checkpoint."""

    image_size: int = 96  # pixels of a side, of every camera

    def __post_init__(self) -> None:
        TinyConfig.__post_init__(self)
        if self.image_size < 16:
            raise ValueError(f"image_size must be at least 16 pixels, got {self.image_size}")


class VisionTrunk(nn.Module):
    """What is seen and felt to one vector per environment."""

    def __init__(self, config: VisionConfig, cameras: Sequence[str]) -> None:
        super().__init__()
        width = config.width
        self.robot = nn.Sequential(
            nn.Linear(ROBOT_FEATURES, width), nn.GELU(), nn.Linear(width, width)
        )
        self.eyes = nn.ModuleDict({camera: Eye(width) for camera in cameras})
        self.join = nn.Linear(width + len(cameras) * Eye.width, width)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width),
                nn.Linear(width, 4 * width),
                nn.GELU(),
                nn.Linear(4 * width, width),
            )
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, summary: Tensor, robot: Tensor, images: Mapping[str, Tensor]) -> Tensor:
        """(width,) of the instruction, (B, 9) and (B, H, W, 3) uint8 of each camera to (B, width).

        No gradient reaches robot and images.
        """
        felt = self.robot(_robot_features(robot)) + summary
        seen = [eye(images[camera], summary) for camera, eye in self.eyes.items()]
        hidden = self.join(torch.cat([felt, *seen], dim=1))
        for layer in self.layers:
            hidden = hidden + layer(hidden)
        return self.norm(hidden)


class Eye(nn.Module):
    """A camera's images to what is where in them, as far as the instruction asks.

    Convolutions whose channels the instruction scales and shifts (FiLM, arXiv 1709.07871, equation
    2), then where in the image each channel is (spatial soft-argmax, arXiv 1504.00702, section
    5.2) and how strongly. Places are finer than a pixel, and few numbers: a hand needs to know
    where things are, and a few demonstrations do not teach it textures.
    """

    width = 3 * _CHANNELS[-1]  # of what it says

    def __init__(self, told: int) -> None:
        super().__init__()
        layers = zip((3, *_CHANNELS[:-1]), _CHANNELS, _KERNELS, _STRIDES, strict=True)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2)
            for inputs, outputs, kernel, stride in layers
        )
        self.norms = nn.ModuleList(nn.GroupNorm(8, channels) for channels in _CHANNELS)
        self.told = nn.ModuleList(nn.Linear(told, 2 * channels) for channels in _CHANNELS)
        self.sharpness = nn.Parameter(torch.full((_CHANNELS[-1],), _SHARPNESS))

    def forward(self, images: Tensor, summary: Tensor) -> Tensor:
        """(B, H, W, 3) uint8 and a summary (told,) to (B, `width`)."""
        maps = images.permute(0, 3, 1, 2).to(summary.dtype) / 127.5 - 1
        for convolution, norm, told in zip(self.convolutions, self.norms, self.told, strict=True):
            scale, shift = told(summary)[:, None, None].chunk(2)
            maps = functional.gelu(norm(convolution(maps)) * (1 + scale) + shift)
        return self._places(maps)

    def _places(self, maps: Tensor) -> Tensor:
        """(B, C, h, w) to (B, 3 C): expected row and column, and mean, of each channel."""
        batch, channels, height, width = maps.shape
        scores = (maps * self.sharpness[:, None, None]).flatten(2)
        share = torch.softmax(scores, dim=-1).view(batch, channels, height, width)
        rows = torch.linspace(-_REACH, _REACH, height, device=maps.device, dtype=maps.dtype)
        columns = torch.linspace(-_REACH, _REACH, width, device=maps.device, dtype=maps.dtype)
        row, column = share.sum(dim=3) @ rows, share.sum(dim=2) @ columns
        return torch.cat((row, column, maps.mean(dim=(2, 3))), dim=1)


def _robot_features(robot: Tensor) -> Tensor:
    nothing = np.empty((len(robot), 0, OBJECT_DIM), np.float32)
    features, _ = state_features(robot.cpu().numpy(), nothing)
    return torch.from_numpy(features).to(robot.device)
