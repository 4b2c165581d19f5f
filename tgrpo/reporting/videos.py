"""Episodes as MP4 files, H.264, that browsers and slides play."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as imageio
import numpy as np

from tgrpo.files import replace_file
from tgrpo.tasks import CONTROL_HZ


def write_video(path: Path, frames: np.ndarray) -> Path:
    """Write `frames` (T, H, W, 3) uint8 at the speed of the simulation; returns `path`.

    H and W are multiples of 2, as H.264 wants them. The file appears when it is complete.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda part: _encode(part, frames))
    return path


def _encode(path: Path, frames: np.ndarray) -> None:
    data = imageio.imwrite(
        "<bytes>",
        frames,
        extension=".mp4",
        plugin="FFMPEG",
        fps=CONTROL_HZ,
        codec="libx264",
        macro_block_size=2,
        ffmpeg_log_level="error",
    )
    path.write_bytes(data)
