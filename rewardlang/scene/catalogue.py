"""Which scenes are known, by name: those that ship, those in the user's folders, BDDL files.

Names of the catalogue that ships mean the same everywhere: a task of a folder that bears one is
passed over. Of several folders the first that has a name counts, and in it a catalogue file before
a BDDL file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from rewardlang.scene.errors import SceneFileError, UnknownSceneError
from rewardlang.scene.folders import (
    SHIPPED,
    SUFFIX,
    bddl_files,
    catalogue_files,
    folder_suites,
    read_bddl,
    read_catalogue,
    users_folders,
    worded,
)
from rewardlang.scene.model import Scene

Read = Callable[[], Scene]


def suites() -> tuple[str, ...]:
    """The known suites."""
    return tuple(sorted({name for folder in _folders() for name in folder_suites(folder)}))


def task_names(suite: str) -> tuple[str, ...]:
    """The tasks of a suite. Raises UnknownSceneError, and SceneFileError for a broken catalogue."""
    return tuple(_tasks(suite))


def suite_scenes(suite: str) -> dict[str, Scene]:
    """All scenes of a suite by task name.

    Raises UnknownSceneError for an unknown suite, SceneFileError with everything that is wrong
    with its files.
    """
    scenes, broken = readable_scenes(suite)
    if broken:
        raise SceneFileError([problem for error in broken for problem in error.problems])
    return scenes


def readable_scenes(suite: str) -> tuple[dict[str, Scene], tuple[SceneFileError, ...]]:
    """The scenes of a suite that can be read, by task name, and what is wrong with the others.

    Raises UnknownSceneError, and SceneFileError for a broken catalogue.
    """
    scenes: dict[str, Scene] = {}
    broken: list[SceneFileError] = []
    for task, read in _tasks(suite).items():
        try:
            scenes[task] = read()
        except SceneFileError as error:
            broken.append(error)
    return scenes, tuple(broken)


def known_scenes() -> Iterator[Scene]:
    """Every scene that can be read, suite by suite; files with mistakes are passed over."""
    for suite in suites():
        tasks: dict[str, Read] = {}
        for folder in _folders():
            with suppress(SceneFileError):
                for task, read in _tasks_in(folder, suite).items():
                    tasks.setdefault(task, read)
        for read in tasks.values():
            with suppress(SceneFileError):
                yield read()


def load(scene_id: str, folder: Path | None = None) -> Scene:
    """The scene `suite/task`, or that of a `.bddl` file.

    `folder`: where a relative path starts (default: the working folder). Raises UnknownSceneError,
    and SceneFileError for a file that is missing or no scene. What is wrong with the files of a
    folder does not matter to a name that an earlier one has.
    """
    if is_path(scene_id):
        return _of_file((folder or Path()) / scene_id)
    suite, _, task = scene_id.partition("/")
    for known in _folders():
        if read := _tasks_in(known, suite).get(task):
            return read()
    raise UnknownSceneError(scene_id, tuple(f"{suite}/{name}" for name in _tasks(suite)))


def ships(scene: Scene) -> bool:
    """Whether it is had by the name of one of LIBERO's own tasks, not from a file or a folder."""
    return not scene.path and scene.task in _tasks_in(SHIPPED, scene.suite)


def seen_from(folder: Path, scene: Scene) -> Scene:
    """The same scene, its file named by the way from `folder`, so that both can move together.

    By its full path where there is no such way, as between the drives of Windows.
    """
    if not scene.path:
        return scene
    file = Path(scene.path)
    try:
        way = os.path.relpath(os.path.realpath(file.parent), os.path.realpath(folder))
    except ValueError:
        return scene
    return scene.model_copy(update={"path": (Path(way) / file.name).as_posix()})


def is_path(scene_id: str) -> bool:
    """Whether a `scene` line names a file."""
    return scene_id.endswith(SUFFIX)


def hidden_tasks() -> dict[Path, tuple[str, ...]]:
    """Folder -> the ids of its tasks that are passed over, since they bear names that ship."""
    ours = folder_suites(SHIPPED)
    found = {}
    for folder in users_folders():
        own: list[str] = []
        for suite in sorted(folder_suites(folder) & ours):
            with suppress(SceneFileError):
                hidden = _tasks_in(folder, suite).keys() & _tasks_in(SHIPPED, suite).keys()
                own += (f"{suite}/{task}" for task in sorted(hidden))
        if own:
            found[folder] = tuple(own)
    return found


def _folders() -> tuple[Path, ...]:
    return (SHIPPED, *users_folders())


def _tasks(suite: str) -> dict[str, Read]:
    """Task -> how its scene is had, folder by folder. Raises UnknownSceneError, SceneFileError."""
    tasks: dict[str, Read] = {}
    for folder in _folders():
        for task, read in _tasks_in(folder, suite).items():
            tasks.setdefault(task, read)
    if not tasks:
        raise UnknownSceneError(suite, suites())
    return tasks


def _tasks_in(folder: Path, suite: str) -> dict[str, Read]:
    tasks: dict[str, Read] = {}
    catalogue = catalogue_files(folder).get(suite)
    if catalogue is not None:
        for scene in read_catalogue(catalogue).scenes:
            tasks[scene.task] = partial(_given, scene, shipped=folder == SHIPPED)
    for task, path in bddl_files(folder, suite).items():
        tasks.setdefault(task, partial(read_bddl, path, suite, task))
    return tasks


def _given(scene: Scene, *, shipped: bool) -> Scene:
    return scene if shipped else worded(scene)


def _of_file(path: Path) -> Scene:
    """Its suite is the folder that it lies in."""
    found = Path(os.path.abspath(path))
    scene = read_bddl(path, found.parent.name, found.stem)
    return scene.model_copy(update={"path": str(found)})
