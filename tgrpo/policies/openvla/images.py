"""A camera's frames as OpenVLA's checkpoints saw them, by the published evaluation's every step.

The steps before normalisation are TensorFlow's in the original; here they are numpy's, scipy's and
libjpeg's, with the same pixels. The network's eyes are trained on what JPEG and resampling leave of
an image, so each step counts.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import simplejpeg
import torch
from PIL import Image
from torch import Tensor

from tgrpo.policies.openvla.resampling import central_crop, lanczos3
from tgrpo.torchrun import place
from tgrpo.trajectory import Camera

CAMERA = Camera("agentview", height=256, width=256)  # of the demonstrations published for LIBERO
WRIST = Camera("robot0_eye_in_hand", height=256, width=256)  # of OpenVLA-OFT, where it has two
IMAGE_SIZE = 224  # a side of what the towers see
_QUALITY = 95
_CROP_AREA = 0.9  # of the random crops in training, whose centre stands for them in evaluation


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Of one vision tower, per channel of [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


DINOV2 = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # ImageNet's
SIGLIP = Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
TOWERS = (DINOV2, SIGLIP)


def prepared(frames: np.ndarray, *, crop: bool = True) -> np.ndarray:
    """Frames (B, H, W, 3) uint8, rows from bottom to top, to (B, 224, 224, 3) uint8.

    `crop`: whether the checkpoint was trained with random crops, as those published for LIBERO
    were. No image depends on the others, and each core of this process makes one at a time.
    """
    one = partial(_prepared, crop=crop)
    return np.stack(list(map(one, frames) if len(frames) == 1 else _threads().map(one, frames)))


@cache
def _threads() -> ThreadPoolExecutor:
    """Threads are enough: numpy, scipy's products and both JPEG libraries leave Python's lock."""
    return ThreadPoolExecutor(place().cores, thread_name_prefix="image")


def _prepared(frame: np.ndarray, *, crop: bool) -> np.ndarray:
    image = lanczos3(through_jpeg(rotated(frame)), IMAGE_SIZE)
    return central_crop(image, _CROP_AREA) if crop else image


def rotated(frame: np.ndarray) -> np.ndarray:
    """A frame as LIBERO's observation has it, (H, W, 3), turned by 180 degrees.

    Its rows run from bottom to top, so that `frame[::-1]` is what the camera sees, and this is that
    with left and right exchanged: what the published checkpoints learned to act on.
    """
    return np.ascontiguousarray(frame[::-1, ::-1])


def through_jpeg(image: np.ndarray) -> np.ndarray:
    """What is left of an image (H, W, 3) uint8 after JPEG at quality 95, chroma halved.

    Encoded with the accurate integer DCT and decoded with the fast one, as TensorFlow does unless
    told otherwise. Decoded with the accurate one, two thirds of the values would differ, by up to
    11.
    """
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=_QUALITY, subsampling="4:2:0")
    return simplejpeg.decode_jpeg(file.getvalue(), "RGB", fastdct=True, fastupsample=False)


def pixel_values(images: Tensor, towers: Sequence[Normalisation] = TOWERS) -> Tensor:
    """Prepared images (B, 224, 224, 3) uint8 to (B, 3 towers, 224, 224) float32, on their device.

    Each tower's three channels follow those of the tower before.
    """
    lit = images.permute(0, 3, 1, 2).to(torch.float32) / 255
    return torch.cat([_normalised(lit, tower) for tower in towers], dim=1)


def _normalised(lit: Tensor, tower: Normalisation) -> Tensor:
    mean = torch.tensor(tower.mean, device=lit.device).view(-1, 1, 1)
    std = torch.tensor(tower.std, device=lit.device).view(-1, 1, 1)
    return (lit - mean) / std


def towers_of(preprocessor: Mapping[str, Any]) -> tuple[Normalisation, ...]:
    """The normalisations that a checkpoint's `preprocessor_config.json` states, tower by tower.

    The numbers under `tvf_normalize_params` are the ones that the original code applies, where they
    are stated; `means` and `stds` are those it began with, and may be rounded otherwise.
    """
    stated = preprocessor.get("tvf_normalize_params")
    if stated:
        return tuple(Normalisation(tuple(one["mean"]), tuple(one["std"])) for one in stated)
    pairs = zip(preprocessor["means"], preprocessor["stds"], strict=True)
    return tuple(Normalisation(tuple(mean), tuple(std)) for mean, std in pairs)
