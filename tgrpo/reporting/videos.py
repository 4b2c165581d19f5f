"""Episodes as MP4 files, H.264, that browsers and slides play."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import imageio.v3 as imageio
import numpy as np

from tgrpo.files import replace_file
from tgrpo.tasks import CONTROL_HZ

_SMALL = 300  # kbit/s at most: a megabyte for LIBERO's longest episodes, 520 steps


def write_video(path: Path, frames: np.ndarray) -> Path:
    """Write `frames` (T, H, W, 3) uint8 at the speed of the simulation; returns `path`.

    H and W are multiples of 2, as H.264 wants them. The file appears when it is complete.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda part: part.write_bytes(_encode(frames)))
    return path


def small_video(frames: np.ndarray) -> bytes:
    """The same as the bytes of a file that fits into a page: about 40 kB a second at most."""
    return _encode(frames, ["-maxrate", f"{_SMALL}k", "-bufsize", f"{_SMALL}k"])


def _encode(frames: np.ndarray, options: Sequence[str] = ()) -> bytes:
    """`options`: further ones of ffmpeg."""
    encoded: bytes = imageio.imwrite(
        "<bytes>",
        frames,
        extension=".mp4",
        plugin="FFMPEG",
        fps=CONTROL_HZ,
        codec="libx264",
        macro_block_size=2,
        ffmpeg_log_level="error",
        output_params=list(options),
    )
    return encoded
