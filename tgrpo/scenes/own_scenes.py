"""Scenes of BDDL files that are nobody's suite, asked of LIBERO's own classes.

The language reads a BDDL file by itself where it knows every category in it. Of a new category
these scenes are where it learns sizes, joints and regions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from rewardlang import Scene, SuiteCatalogue
from tgrpo.scenes.catalogue import read_scene, write_suite
from tgrpo.tasks import task_of_file

SUFFIX = ".bddl"


class OwnSceneError(ValueError):
    """A path without BDDL files, or a file that LIBERO cannot build; the message names it."""


def write_own_scenes(
    out: Path, paths: Sequence[Path], *, report: Callable[[str], None]
) -> tuple[Path, ...]:
    """Generate `<out>/<folder>.json` for the BDDL files among and below `paths`; returns the files.

    A file's suite is the folder that it lies in. Scenes that a catalogue file in `out` holds of
    other tasks stay in it. About 2 s per task; nothing is written where one of them cannot be
    built. Raises OwnSceneError, LiberoMissingError.
    """
    files = [file for path in paths for file in _files(path)]
    found: dict[str, dict[str, Scene]] = {}
    for number, file in enumerate(files, 1):
        report(f"{number}/{len(files)}: {file}")
        scene = _scene(file)
        found.setdefault(scene.suite, {})[scene.task] = scene
    out.mkdir(parents=True, exist_ok=True)
    merged = {suite: {**_written(out, suite), **scenes} for suite, scenes in found.items()}
    return tuple(write_suite(out, suite, scenes.values()) for suite, scenes in merged.items())


def _files(path: Path) -> list[Path]:
    """Raises OwnSceneError where there are none."""
    if not path.exists():
        raise OwnSceneError(f"there is no file or folder {path}")
    files = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
    if not files:
        raise OwnSceneError(f"there is no {SUFFIX} file in {path}")
    return files


def _scene(file: Path) -> Scene:
    task = task_of_file(file)
    try:
        return read_scene(task)
    except ImportError:
        raise
    except Exception as error:  # LIBERO's parser and classes raise whatever they stumble over
        raise OwnSceneError(
            f"{file}: LIBERO cannot build it: {type(error).__name__}: {error}\n"
            f"`rewardlang scene {file}` shows what is wrong with its text"
        ) from error


def _written(out: Path, suite: str) -> dict[str, Scene]:
    """What a catalogue file of an earlier call holds. Raises OwnSceneError."""
    path = out / f"{suite}.json"
    if not path.exists():
        return {}
    try:
        catalogue = SuiteCatalogue.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise OwnSceneError(f"{path} is there and is no catalogue file: {error}") from error
    return {scene.task: scene for scene in catalogue.scenes}
