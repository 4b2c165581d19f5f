"""Camera frames of an episode -> a bounded number of small JPEG pictures for a page."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from rewardlang.simulator import Frames

_WIDEST = 256  # pixels
_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Picture:
    """What the camera saw after `step`, as a `data:` address."""

    step: int
    address: str


def pictures(frames: Frames, most: int) -> tuple[Picture, ...]:
    """At most `most` frames, evenly spaced from the first to the last."""
    indices = spaced(len(frames), most)
    return tuple(
        Picture(index, _address(Image.fromarray(image)))
        for index, image in zip(indices, frames.read(indices), strict=True)
    )


def spaced(count: int, most: int) -> list[int]:
    """At most `most` of the numbers below `count`, first and last among them where two fit."""
    if count <= most:
        return list(range(count))
    if most < 2:
        return [0] * most
    return [round(number * (count - 1) / (most - 1)) for number in range(most)]


def _address(image: Image.Image) -> str:
    image.thumbnail((_WIDEST, _WIDEST))
    file = BytesIO()
    image.save(file, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{b64encode(file.getvalue()).decode('ascii')}"
