"""Compiled models: the first use of a task builds LIBERO's environment, later ones read the cache.

Processes that want the same task at once wait for the one that compiles it. What is read is in
memory and needs its files no more; where they went meanwhile, they are made anew.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import mujoco
import numpy as np

from tgrpo.files import replace_file
from tgrpo.libero_package import make_environment
from tgrpo.simulation.cached_files import (
    being_made,
    make_room,
    mark_used,
    size_limit,
    version_folder,
)
from tgrpo.simulation.state_only import state_only
from tgrpo.tasks import Task

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ObjectEntry:
    """One movable object or fixture: its name in BDDL, its category, its root body's name."""

    name: str
    category: str
    body: str
    fixture: bool


@dataclass(frozen=True)
class CompiledTask:
    """A state-only model with what LIBERO's Python side knows about it.

    `initial_arm` are the arm's joint positions (7,) rad at a reset, which the controller keeps as
    its null-space target.
    """

    model: mujoco.MjModel
    objects: tuple[ObjectEntry, ...]  # movables, then fixtures, in BDDL order
    initial_arm: tuple[float, ...]
    fixture_poses: np.ndarray  # (n, 7) of the n fixtures, before anything moves them

    @classmethod
    def of(
        cls, model: mujoco.MjModel, objects: Iterable[ObjectEntry], initial_arm: Iterable[float]
    ) -> CompiledTask:
        entries = tuple(objects)
        fixtures = [model.body(entry.body) for entry in entries if entry.fixture]
        poses = [np.concatenate([body.pos, body.quat]) for body in fixtures]
        return cls(model, entries, tuple(initial_arm), np.array(poses).reshape(-1, 7))

    @property
    def fixtures(self) -> tuple[ObjectEntry, ...]:
        return tuple(entry for entry in self.objects if entry.fixture)


class LoadedModels:
    """Compiled models of one process, each loaded once for all that use it at the same time.

    Its users take turns: each puts its fixtures in place before it moves (`Simulation` does), and
    no two threads may move on one model.
    """

    def __init__(self) -> None:
        self._in_use: WeakValueDictionary[Task, CompiledTask] = WeakValueDictionary()

    def compiled(self, task: Task) -> CompiledTask:
        """As `compiled_task`, shared."""
        found = self._in_use.get(task)
        if found is None:
            found = self._in_use[task] = compiled_task(task)
        return found


def compiled_task(task: Task) -> CompiledTask:
    """The compiled model of `task`, from the cache or (seconds) from LIBERO. Never shared.

    Raises CacheLimitError.
    """
    stem = entry_stem(task)
    try:
        return _read(stem)
    except _UNREADABLE:
        return _read_or_make(task, stem)


def libero_xml(task: Task) -> str:
    """LIBERO's own model of `task`, textures included, as it is after construction."""
    stem = entry_stem(task)
    try:
        return _read_xml(stem)
    except _UNREADABLE:
        with being_made(stem):
            return _make(task, stem)[1]


def environment_objects(environment: Any) -> tuple[ObjectEntry, ...]:
    """Movables, then fixtures, of a LIBERO environment in its own (BDDL) order."""
    inner = environment.env
    return tuple(
        ObjectEntry(name, item.category_name, item.root_body, fixture)
        for table, fixture in ((inner.objects_dict, False), (inner.fixtures_dict, True))
        for name, item in table.items()
    )


# FileNotFoundError is no damage: nothing was made yet, or another process has just removed it.
_UNREADABLE = (OSError, EOFError, ValueError, KeyError, TypeError)


def entry_stem(task: Task, kind: str = "") -> Path:
    """Path without suffix; with its folder it holds everything the model depends on.

    `kind`: of what else is kept of the task.
    """
    digest = hashlib.sha256(task.bddl_file.read_bytes()).hexdigest()[:16]
    return version_folder() / task.suite / "-".join(filter(None, (task.name, kind, digest)))


def with_suffix(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)


def _read_or_make(task: Task, stem: Path) -> CompiledTask:
    size_limit()  # a mistake there is told before LIBERO is built
    with being_made(stem):
        try:
            return _read(stem)  # another process has made it meanwhile
        except FileNotFoundError:
            logger.info("compiling the model of %s once, into %s", task.id, stem.parent)
        except _UNREADABLE as error:
            logger.warning("%s cannot be read (%s); compiling the model anew", stem, error)
        return _make(task, stem)[0]


def _read(stem: Path) -> CompiledTask:
    known = json.loads(with_suffix(stem, ".json").read_text())
    binary = with_suffix(stem, ".mjb")
    if not binary.is_file():
        raise FileNotFoundError(binary)
    compiled = CompiledTask.of(
        mujoco.MjModel.from_binary_path(str(binary)),
        (ObjectEntry(**entry) for entry in known["objects"]),
        known["initial_arm"],
    )
    mark_used(with_suffix(stem, ".json"))
    return compiled


def _read_xml(stem: Path) -> str:
    return gzip.decompress(with_suffix(stem, ".xml.gz").read_bytes()).decode()


def _make(task: Task, stem: Path) -> tuple[CompiledTask, str]:
    """Compile, keep in the cache, and make room there. With the XML of LIBERO's own model."""
    environment = make_environment(task.bddl_file)
    try:
        xml = environment.env.model.get_xml()
        compiled = CompiledTask.of(
            state_only(environment.sim.model._model, xml),
            environment_objects(environment),
            map(float, environment.robots[0].init_qpos),
        )
    finally:
        environment.close()
    _write(stem, compiled, xml)
    make_room(keep=stem)
    return compiled, xml


def _write(stem: Path, compiled: CompiledTask, xml: str) -> None:
    """All files, each complete or absent; the JSON last, since readers look for it first."""
    known = {
        "objects": [asdict(entry) for entry in compiled.objects],
        "initial_arm": list(compiled.initial_arm),
    }
    stem.parent.mkdir(parents=True, exist_ok=True)
    compressed = gzip.compress(xml.encode(), mtime=0)
    replace_file(with_suffix(stem, ".xml.gz"), lambda path: path.write_bytes(compressed))
    replace_file(
        with_suffix(stem, ".mjb"), lambda path: mujoco.mj_saveModel(compiled.model, str(path))
    )
    text = json.dumps(known, indent=1)
    replace_file(with_suffix(stem, ".json"), lambda path: path.write_text(text))
