"""Is compiled success LIBERO's own? Both are asked about the same `mjData`, around every threshold.

Each atom of a goal is compared on its own, then their conjunction with `_check_success`, under two
placements of the fixtures. States are drawn until a quota is met: from a true one, a way is
followed until LIBERO's answer changes, and states are taken close to that place on both sides.
While ours runs, LIBERO's predicates raise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import rewardlang
from rewardlang import Scene
from tgrpo.libero_package import libero_path
from tgrpo.parity.answers import Asked, Atom, Parity, Quota
from tgrpo.parity.search import combine, explore
from tgrpo.parity.world import STANDS, ParityWorld
from tgrpo.scenes.catalogue import read_scene
from tgrpo.tasks import Task, UnknownTaskError, task_of_file


def bddl_tasks(suite: str) -> tuple[Task, ...]:
    """The tasks of any folder of BDDL files, LIBERO-PRO's included. Raises UnknownTaskError."""
    folders = libero_path("bddl_files")
    files = sorted((folders / suite).glob("*.bddl"))
    if not files:
        known = tuple(sorted(folder.name for folder in folders.iterdir() if folder.is_dir()))
        raise UnknownTaskError("suite", suite, known)
    return tuple(map(task_of_file, files))


def bddl_task(task_id: str) -> Task:
    """The task `suite/name` of such a folder. Raises UnknownTaskError."""
    suite, _, name = task_id.partition("/")
    by_name = {task.name: task for task in bddl_tasks(suite)}
    if name not in by_name:
        raise UnknownTaskError(f"task of {suite}", name, tuple(by_name))
    return by_name[name]


def scene_of(task: Task) -> Scene:
    """The scene that the language ships; of a task it does not know, one generated on the spot."""
    try:
        return rewardlang.load_scene(task.id)
    except rewardlang.UnknownSceneError:
        return read_scene(task)


def compare_task(task: Task, quota: Quota, seed: int) -> tuple[Parity, ...]:
    """Every atom of the task's goal, then, where there are several, all of them together.

    Raises BindError where the scene cannot hold its goal, ValueError for a predicate without
    states, and what LIBERO raises where it cannot build the task.
    """
    scene = scene_of(task)
    return compare(scene, task.bddl_file, scene.goal, quota, seed)


def compare(
    scene: Scene, bddl_file: Path, atoms: Sequence[Atom], quota: Quota, seed: int
) -> tuple[Parity, ...]:
    """Each of `atoms` on its own; then, if they are the scene's goal, that as a whole."""
    rng = np.random.default_rng(seed)
    with _opened(scene, bddl_file, atoms) as world:
        asked = [Asked(world, (atom,)) for atom in dict.fromkeys(atoms)]
        for one in asked:
            for stands in STANDS.values():
                explore(one, stands, quota, rng)
        if len(asked) > 1 and set(atoms) == set(scene.goal):
            whole = Asked(world, tuple(one.atoms[0] for one in asked))
            for stands in STANDS.values():
                combine(whole, asked, stands, quota, rng)
            asked.append(whole)
        return tuple(one.parity() for one in asked)


@contextmanager
def _opened(scene: Scene, bddl_file: Path, atoms: Sequence[Atom]) -> Iterator[ParityWorld]:
    world = ParityWorld(scene, bddl_file, _movable_supports(scene, atoms))
    try:
        with world.tests.guarded():
            yield world
    finally:
        world.close()


def _movable_supports(scene: Scene, atoms: Sequence[Atom]) -> tuple[str, ...]:
    """The objects, fixtures excepted, that something is to be put in or on."""
    names = [atom[2] for atom in atoms if len(atom) == 3]
    regions = scene.regions_by_name
    owners = dict.fromkeys(regions[name].owner if name in regions else name for name in names)
    return tuple(item.name for item in scene.objects if item.name in owners and not item.fixture)
