"""The safetensors files of a checkpoint: which there are, and what their headers say.

One file, `model.safetensors`, or several with an index. Headers alone are read here, a few hundred
kilobytes of 15 GB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
_LFS_POINTER = b"version https://git-lfs"


@dataclass(frozen=True, slots=True)
class Shard:
    """One file, and the shape of every tensor in it."""

    path: Path
    shapes: dict[str, tuple[int, ...]]

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """One after the other, on the CPU, as they are in the file."""
        with safe_open(self.path, framework="pt", device="cpu") as file:
            for name in self.shapes:
                yield name, file.get_tensor(name)


@dataclass(frozen=True, slots=True)
class Shards:
    """All files of a checkpoint that could be read, and what is wrong with the others."""

    files: tuple[Shard, ...]
    problems: tuple[str, ...]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: shape for file in self.files for name, shape in file.shapes.items()}


def read_shards(folder: Path) -> Shards:
    """What `folder` holds. Never raises for a mistake in it: mistakes are in `problems`."""
    names, problems = _file_names(folder)
    files = []
    for name in names:
        try:
            files.append(_read_header(folder / name))
        except _Unreadable as unreadable:
            problems.append(f"{name}: {unreadable}")
    return Shards(tuple(files), (*problems, *_written_twice(files)))


class _Unreadable(Exception):
    """What is wrong with one file."""


def _file_names(folder: Path) -> tuple[list[str], list[str]]:
    index = folder / INDEX
    if not index.is_file():
        if (folder / SINGLE).is_file():
            return [SINGLE], []
        return [], [f"no weights: neither {SINGLE} nor {INDEX} is there"]
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        names = sorted({str(name) for name in weight_map.values()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [], [f"{INDEX}: not an index of shards: {error!r}"]
    outside = [name for name in names if Path(name).name != name]
    problems = [f"{INDEX}: {name!r} is not a file of this folder" for name in outside]
    return [name for name in names if name not in outside], problems


def _read_header(path: Path) -> Shard:
    if not path.is_file():
        raise _Unreadable("missing; download it again")
    with path.open("rb") as file:
        if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
            raise _Unreadable("a pointer of Git LFS, not the weights; run `git lfs pull`")
    try:
        with safe_open(path, framework="pt", device="cpu") as opened:
            shapes = {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118 - no mapping
            return Shard(path, shapes)
    except (SafetensorError, OSError) as error:
        raise _Unreadable(_truncated(path) or f"not a safetensors file ({error})") from None


def _truncated(path: Path) -> str | None:
    """What to say of a file that ends before its header says it does; None where it does not."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > size:
            return None if size > 8 else f"truncated: {size} bytes"
        try:
            header = json.loads(file.read(length))
            ends = [
                entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"
            ]
            expected = 8 + length + max(ends)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
    if size >= expected:
        return None
    return f"truncated: {size} of {expected} bytes are there; download it again"


def _written_twice(files: list[Shard]) -> list[str]:
    seen: dict[str, str] = {}
    problems = []
    for file in files:
        for name in file.shapes:
            if name in seen:
                problems.append(f"{name} is in {seen[name]} and in {file.path.name}")
            seen[name] = file.path.name
    return problems
