"""Paths -> recorded episodes of one scene, with everything that is wrong with the paths at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rewardlang.scene import Scene
from rewardlang.simulator import OtherSceneError, RecordedEpisode, Simulator, SimulatorError

_LISTED = 3  # files of other scenes, where there is no other


@dataclass(frozen=True, slots=True)
class Loaded:
    """The episodes, and the number of files below the given folders that are of other scenes."""

    episodes: tuple[RecordedEpisode, ...]
    passed_over: int


def load(simulator: Simulator, scene: Scene, paths: Sequence[Path]) -> Loaded:
    """The episodes of files, and of the files below folders, in that order.

    A file that is named must be of `scene`; of a folder's files those that are count, and there
    must be one. Raises OtherSceneError where all of them can be read and none is, SimulatorError
    with everything that is wrong.
    """
    episodes: list[RecordedEpisode] = []
    problems: list[str] = []
    passed_over: list[str] = []
    for file, named in _files(simulator, paths, problems).items():
        try:
            episodes += simulator.recordings(file, scene)
        except OtherSceneError as error:
            (problems if named else passed_over).append(str(error))
        except SimulatorError as error:
            problems.append(str(error))
    if problems:
        raise SimulatorError("\n".join(problems))
    if passed_over and not episodes:
        raise OtherSceneError(_listed(passed_over))
    return Loaded(tuple(episodes), len(passed_over))


def _listed(passed_over: Sequence[str]) -> str:
    more = len(passed_over[_LISTED:])
    rest = [f"{more} more files are of other scenes"] if more else []
    return "\n".join([*passed_over[:_LISTED], *rest])


def _files(simulator: Simulator, paths: Sequence[Path], problems: list[str]) -> dict[Path, bool]:
    """Each file once -> whether it was named itself."""
    files: dict[Path, bool] = {}
    for path in paths:
        if not path.is_dir():
            files[path] = True
            continue
        below = sorted(
            file for file in path.rglob("*") if file.suffix in simulator.suffixes and file.is_file()
        )
        if not below:
            listed = " or ".join(simulator.suffixes)
            problems.append(f"{path}: there is no {listed} file in this folder")
        for file in below:
            files.setdefault(file, False)
    return files
