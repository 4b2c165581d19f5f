"""TensorFlow's two ways to change an image's size that OpenVLA's checkpoints were trained with.

Pillow and torch have filters of the same names and other results: TensorFlow's Lanczos does not
round between its two passes, and its `crop_and_resize` samples the corners of the box where others
sample centres of pixels.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import sparse

_LOBES = 3  # of the sinc on each side of Lanczos3


def lanczos3(image: np.ndarray, size: int) -> np.ndarray:
    """(H, W, C) uint8 to (size, size, C) uint8: `tf.image.resize(..., "lanczos3", antialias=True)`,
    rounded half to even and clipped.
    """
    height, width, channels = image.shape
    rows = _lanczos_weights(height, size) @ image.reshape(height, -1)
    columns = rows.reshape(size, width, channels).swapaxes(0, 1).reshape(width, -1)
    scaled = (_lanczos_weights(width, size) @ columns).reshape(size, size, channels)
    return np.clip(np.rint(scaled.swapaxes(0, 1)), 0, 255).astype(np.uint8)


@cache
def _lanczos_weights(inputs: int, outputs: int) -> sparse.csr_array:
    """(outputs, inputs), rows sum to 1. Made smaller, the kernel grows with the scale.

    Rounded to float32 where TensorFlow rounds, and added from left to right as there; what they are
    multiplied with is summed in float64, within a few 1e-5 of its sums in float32.
    """
    scale = np.float32(1) / (np.float32(outputs) / np.float32(inputs))
    centres = (np.arange(outputs, dtype=np.float32) + np.float32(0.5)) * scale
    pixels = np.arange(inputs, dtype=np.float32) + np.float32(0.5)
    distances = np.float64((pixels - centres[:, None]) * (1 / max(scale, np.float32(1))))
    kernel = np.sinc(distances) * np.sinc(distances / _LOBES) * (np.abs(distances) <= _LOBES)
    weights = kernel.astype(np.float32)
    return sparse.csr_array(np.float64(weights * (1 / weights.cumsum(axis=1)[:, -1:])))


def central_crop(image: np.ndarray, area: float) -> np.ndarray:
    """The middle `area` of a square (S, S, C) uint8 image, bilinearly back to (S, S, C) uint8.

    `area` is the share of the area in (0, 1], so that a side is its square root:
    `tf.image.crop_and_resize` in [0, 1], then `convert_image_dtype(..., saturate=True)`, all in
    float32 as there, to the same bits.
    """
    size = len(image)
    assert image.shape[1] == size
    below, above, share = _crop_positions(size, area)
    lit = image * np.float32(1 / 255)
    across = lit[:, below] + (lit[:, above] - lit[:, below]) * share[:, None]
    crop = across[below] + (across[above] - across[below]) * share[:, None, None]
    # TensorFlow's way to round: 256 equal intervals for 256 values, and no half.
    return (np.clip(crop, 0, 1) * np.float32(255.5)).astype(np.uint8)


@cache
def _crop_positions(size: int, area: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each of `size` samples, the pixels before and after it, and how near to the latter."""
    one, last = np.float32(1), np.float32(size - 1)
    side = np.sqrt(np.float32(area))
    start = (one - side) / np.float32(2)
    step = ((start + side) - start) * last / last
    at = start * last + np.arange(size, dtype=np.float32) * step
    below = np.floor(at)
    return below.astype(np.intp), np.ceil(at).astype(np.intp), at - below
