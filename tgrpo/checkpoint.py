"""Checkpoints: one safetensors file with tensors and JSON metadata. Nothing is ever unpickled.

Tensors live in namespaces (`policy/…`, `optimizer/…`); the metadata names the kind of policy, its
architecture, the format's version and a checksum of the tensors. A file appears under its name only
when it is complete and on the disk; one that was damaged afterwards is told from a whole one.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, uint8

from tgrpo.files import replace_file

FORMAT = "tgrpo-checkpoint"
FORMAT_VERSION = 1


class CheckpointError(Exception):
    """A file that is not the checkpoint asked for; says what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint file holds."""

    kind: str  # of policy: "tiny"
    architecture: dict[str, Any]  # what the policy's class needs to build the network
    tensors: dict[str, Tensor]  # by "namespace/name"
    extra: dict[str, Any]  # anything of the writer's as JSON: iteration, metrics, RNG states

    def namespace(self, prefix: str) -> dict[str, Tensor]:
        """The tensors below `prefix/`, without it."""
        start = f"{prefix}/"
        return {
            name.removeprefix(start): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(start)
        }


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> Path:
    """Write `checkpoint` to `path` in one piece; returns `path`. Creates the folder if missing.

    Raises DiskFullError, OSError; what was at `path` before is there then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: _own_copy(tensor) for name, tensor in checkpoint.tensors.items()}
    metadata = {
        "format": FORMAT,
        "version": str(FORMAT_VERSION),
        "kind": checkpoint.kind,
        "architecture": json.dumps(checkpoint.architecture),
        "extra": json.dumps(checkpoint.extra),
        "checksum": checksum(tensors),
    }
    size = sum(tensor.nbytes for tensor in tensors.values())
    replace_file(path, lambda temporary: _save(tensors, temporary, metadata), size=size)
    return path


def read_checkpoint(path: Path, *, kind: str | None = None) -> Checkpoint:
    """Read `path`, on the CPU. With `kind`, another policy's checkpoint is an error.

    Raises CheckpointError for a missing file, one that is not ours, another version, another
    kind, or damage.
    """
    metadata, tensors = _read_file(path)
    _check(path, "format", metadata.get("format"), FORMAT)
    _check(path, "format version", metadata.get("version"), str(FORMAT_VERSION))
    if kind is not None:
        _check(path, "policy", metadata.get("kind"), kind)
    if metadata.get("checksum") not in (None, checksum(tensors)):
        raise CheckpointError(f"{path}: damaged: its tensors are not those that were written")
    return Checkpoint(
        kind=metadata.get("kind", ""),
        architecture=_json(path, metadata, "architecture"),
        tensors=tensors,
        extra=_json(path, metadata, "extra"),
    )


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """CRC-32 of names and contents, in order of the names; finds damage, not forgery."""
    crc = 0
    for name in sorted(tensors):
        crc = zlib.crc32(name.encode(), crc)
        crc = zlib.crc32(tensors[name].contiguous().reshape(-1).view(uint8).numpy().data, crc)
    return f"{crc:08x}"


def check_tensors(path: Path, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raise CheckpointError unless names and shapes agree, naming up to five that do not."""
    problems = [f"{name} is missing" for name in expected if name not in found]
    problems += [f"{name} is not part of this policy" for name in found if name not in expected]
    problems += [
        f"{name} has shape {tuple(found[name].shape)}, expected {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in found and found[name].shape != tensor.shape
    ]
    if problems:
        more = f", and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise CheckpointError(f"{path}: tensors do not fit: {'; '.join(problems[:5])}{more}")


def _save(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    try:
        save_file(dict(tensors), path, dict(metadata))
    except SafetensorError as error:
        # The number is all that the library keeps of the operating system's error.
        if number := re.search(r"\(os error (\d+)\)", str(error)):
            raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from None
        raise


def _read_file(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise CheckpointError(f"{path}: {what}; expected a checkpoint (*.safetensors)")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            names = file.keys()
            return file.metadata() or {}, {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path}: expected a checkpoint in safetensors format, found something else ({error})"
        ) from None


def _check(path: Path, what: str, found: str | None, expected: str) -> None:
    if found != expected:
        shown = "none" if found is None else repr(found)
        raise CheckpointError(f"{path}: {what}: found {shown}, expected {expected!r}")


def _json(path: Path, metadata: Mapping[str, str], key: str) -> dict[str, Any]:
    try:
        value = json.loads(metadata[key])
    except (KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path}: metadata {key!r} is missing or damaged: {error!r}"
        ) from None
    if not isinstance(value, dict):
        found = type(value).__name__
        raise CheckpointError(f"{path}: metadata {key!r}: found {found}, expected a table")
    return value


def _own_copy(tensor: Tensor) -> Tensor:
    # safetensors refuses tensors that share memory (tied weights, views of one buffer).
    return tensor.detach().to("cpu", copy=True).contiguous()
