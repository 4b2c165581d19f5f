"""What stands in an HDF5 file of LIBERO's layout, and everything that may be wrong with it.

No simulator runs here: names, shapes, and the poses of fixtures in the XML of a scene.

    load(path)        RawFile     as it stands, checked for nothing
    read_file(path)   DemoFile    every episode fits its task's model, or one error says why not
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

import h5py
import numpy as np

from tgrpo.simulation.model_cache import CompiledTask, compiled_task
from tgrpo.tasks import Task, suite_tasks, suites
from tgrpo.trajectory import ACTION_DIM, OBJECT_DIM

_LAYOUT = (
    "A demonstration file in LIBERO's layout is HDF5 with a group 'data' that names its task in "
    "the attribute bddl_file_name, and in it a group demo_0, demo_1, … per episode with the "
    "datasets actions (T, 7) and states (T, 1 + nq + nv) and the attribute model_file (XML)."
)

_NUMBERS = "fiu"  # numpy's kinds: floats, integers


class DemonstrationFileError(ValueError):
    """A file that cannot be read as demonstrations; the message lists everything wrong with it."""


def place_fixtures(xml: str, fixtures: Mapping[str, np.ndarray]) -> str:
    """The scene's XML with the root bodies of fixtures where an episode has them."""
    root = ElementTree.fromstring(xml)
    for body in root.iter("body"):
        pose = fixtures.get(body.get("name", ""))
        if pose is not None:
            body.set("pos", " ".join(repr(float(value)) for value in pose[:3]))
            body.set("quat", " ".join(repr(float(value)) for value in pose[3:]))
    return ElementTree.tostring(root, encoding="unicode")


@dataclass(frozen=True, slots=True)
class RawDemo:
    """A demo group as it stands in the file; what is missing or no array of numbers is None."""

    name: str
    actions: np.ndarray | None
    states: np.ndarray | None
    model_file: str
    final_state: np.ndarray | None = None
    solved: bool | None = None


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo group of T control steps that fits its task's model.

    `final_state` is the one after the last action, which files of LIBERO's own do not have;
    `solved` is what the last of `rewards` says, None where there are none.
    """

    name: str
    actions: np.ndarray  # (T, 7) float64
    states: np.ndarray  # (T, 1 + nq + nv) float64, before each action
    final_state: np.ndarray | None  # (1 + nq + nv,) float64
    solved: bool | None
    model_file: str  # XML; empty where the file has none
    fixtures: Mapping[str, np.ndarray]  # body name -> pose (7,)


@dataclass(frozen=True, slots=True)
class DemoFile:
    """A file of demonstrations of one task, in order of their numbers."""

    path: Path
    task: Task
    attributes: Mapping[str, str]  # of `data`, those that are text
    demos: tuple[Demo, ...]


@dataclass(frozen=True, slots=True)
class RawFile:
    """What a file holds of interest, checked for nothing yet."""

    attributes: dict[str, str]  # of `data`, those that are text
    demos: tuple[RawDemo, ...]
    groups: tuple[str, ...] | None  # in the file, where it has no group `data`

    def problems(self) -> Iterator[str]:
        """What keeps the file as a whole from being one of demonstrations."""
        if self.groups is not None:
            yield f"no group 'data'; it holds {', '.join(self.groups) or 'nothing'}"
        elif not self.demos:
            yield "no group demo_… in 'data'"


def load(path: Path) -> RawFile:
    """Read actions, states and attributes; images stay where they are.

    Raises DemonstrationFileError for what is no readable HDF5 file.
    """
    try:
        with h5py.File(path, "r") as file:
            data = file.get("data")
            if not isinstance(data, h5py.Group):
                return RawFile({}, (), tuple(file))
            names = [name for name in data if _number(name) is not None]
            demos = [_raw(name, data[name]) for name in sorted(names, key=_order)]
            return RawFile(_texts(data), tuple(demos), None)
    except FileNotFoundError:
        raise DemonstrationFileError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise DemonstrationFileError(f"{path}: a folder, not a demonstration file") from None
    except OSError as error:
        raise file_error(path, [f"not an HDF5 file, or a damaged one ({error})"]) from error


def read_file(path: Path) -> DemoFile:
    """The checked demonstrations of a file; images stay where they are.

    Raises DemonstrationFileError with all that is wrong at once.
    """
    raw = load(path)
    problems = list(raw.problems())
    task, unknown = task_of(raw.attributes, path)
    if task is None or problems:
        raise file_error(path, problems or unknown)
    compiled = compiled_task(task)
    checked = [_fitted(demo, compiled) for demo in raw.demos]
    problems = grouped(
        (demo.name, found) for demo, (_, found) in zip(raw.demos, checked, strict=True)
    )
    if problems:
        raise file_error(path, problems)
    return DemoFile(path, task, raw.attributes, tuple(demo for demo, _ in checked if demo))


def _number(name: str) -> int | None:
    prefix, _, digits = name.rpartition("_")
    return int(digits) if prefix == "demo" and digits.isdecimal() else None


def _order(name: str) -> int:
    return _number(name) or 0


def _texts(data: h5py.Group) -> dict[str, str]:
    found = {}
    for name, value in data.attrs.items():
        if isinstance(value, bytes):
            found[name] = value.decode(errors="replace")
        elif isinstance(value, str):
            found[name] = value
    return found


def _raw(name: str, group: h5py.Group | h5py.Dataset) -> RawDemo:
    if not isinstance(group, h5py.Group):
        return RawDemo(name, None, None, "")
    final_state, rewards = group.attrs.get("final_state"), _numbers(group.get("rewards"))
    return RawDemo(
        name,
        actions=_numbers(group.get("actions")),
        states=_numbers(group.get("states")),
        model_file=_texts(group).get("model_file", ""),
        final_state=None if final_state is None else np.asarray(final_state),
        solved=None if rewards is None or rewards.size == 0 else bool(rewards.flat[-1] > 0),
    )


def _numbers(dataset: Any) -> np.ndarray | None:
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in _NUMBERS:
        return None
    return np.asarray(dataset[()], np.float64)


def task_of(attributes: Mapping[str, str], path: Path) -> tuple[Task | None, list[str]]:
    """The task that a file is about, or what keeps it from being known."""
    given = attributes.get("bddl_file_name", "").replace("\\", "/")
    bddl = PurePosixPath(given or path.stem.removesuffix("_demo"))
    name = bddl.stem if given else bddl.name
    everything = [task for suite in suites() for task in suite_tasks(suite)]
    named = [task for task in everything if task.name == name]
    if not named:
        near = difflib.get_close_matches(name, [task.name for task in everything], 1, 0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        source = "attribute bddl_file_name of 'data'" if given else "the file's name"
        return None, [f"unknown task {name!r} ({source}){hint}"]
    places = {*bddl.parts, *path.absolute().parts}
    content = attributes.get("bddl_file_content")
    for fits in (
        [task for task in named if task.suite in places],
        [task for task in named if task.bddl_file.read_text() == content],
        named,
    ):
        if len(fits) == 1:
            return fits[0], []
    ids = ", ".join(task.id for task in named)
    return None, [f"task {name!r} could be {ids}: put the file into a folder of the suite's name"]


def _fitted(demo: RawDemo, compiled: CompiledTask) -> tuple[Demo | None, list[str]]:
    """The episode, or what is wrong with it."""
    problems = _misfits(demo, 1 + compiled.model.nq + compiled.model.nv)
    fixtures: dict[str, np.ndarray] = {}
    if compiled.fixtures:
        fixtures, unknown = fixtures_in(demo.model_file, compiled)
        problems += unknown
    if problems or demo.actions is None or demo.states is None:
        return None, problems
    final = None if demo.final_state is None else demo.final_state.astype(np.float64)
    checked = Demo(
        demo.name, demo.actions, demo.states, final, demo.solved, demo.model_file, fixtures
    )
    return checked, []


def _misfits(demo: RawDemo, columns: int) -> list[str]:
    """What is wrong with the arrays of one episode."""
    problems = [
        *_shape_problems("actions", demo.actions, ACTION_DIM, "an action"),
        *_shape_problems("states", demo.states, columns, "time, qpos and qvel of this task"),
    ]
    if not problems and demo.actions is not None and demo.states is not None:
        if len(demo.actions) != len(demo.states):
            lengths = f"{len(demo.actions)} actions but {len(demo.states)} states"
            problems.append(f"{lengths}; there is one state before each action")
        elif len(demo.actions) == 0:
            problems.append("no steps")
    final = demo.final_state
    if final is not None and (final.dtype.kind not in _NUMBERS or final.shape != (columns,)):
        problems.append(f"attribute 'final_state' is not {columns} numbers")
    elif final is not None and not np.isfinite(final).all():
        problems.append("attribute 'final_state' holds values that are not finite")
    return problems


def _shape_problems(name: str, array: np.ndarray | None, columns: int, what: str) -> list[str]:
    if array is None:
        return [f"no dataset '{name}' of numbers"]
    if array.ndim != 2 or array.shape[1] != columns:
        return [f"'{name}' has shape {array.shape}, not (T, {columns}): {what}"]
    if not np.isfinite(array).all():
        return [f"'{name}' holds values that are not finite"]
    return []


def fixtures_in(xml: str, compiled: CompiledTask) -> tuple[dict[str, np.ndarray], list[str]]:
    """Poses (7,) of the fixtures' root bodies by name, and what keeps them from being known."""
    if not xml:
        return {}, ["no attribute 'model_file', which says where the fixtures stand"]
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        return {}, [f"attribute 'model_file' is not XML ({error})"]
    bodies = {body.get("name"): body for body in root.iter("body")}
    poses, problems = {}, []
    for entry in compiled.fixtures:
        pose = _pose(bodies[entry.body]) if entry.body in bodies else None
        if pose is None:
            problems.append(f"attribute 'model_file' has no body '{entry.body}' with a pose")
        else:
            poses[entry.body] = pose
    return poses, problems


def _pose(body: ElementTree.Element) -> np.ndarray | None:
    """Position and quaternion wxyz (7,) with MuJoCo's defaults; None where they are no numbers."""
    try:
        values = [float(text) for text in body.get("pos", "0 0 0").split()]
        values += [float(text) for text in body.get("quat", "1 0 0 0").split()]
    except ValueError:
        return None
    return np.array(values) if len(values) == OBJECT_DIM else None


def grouped(found: Iterable[tuple[str, list[str]]]) -> list[str]:
    """Problems with the episodes that have them, each problem once."""
    names: dict[str, list[str]] = {}
    for name, problems in found:
        for problem in problems:
            names.setdefault(problem, []).append(name)
    return [f"{_listed(demos)}: {problem}" for problem, demos in names.items()]


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def file_error(path: Path, problems: list[str]) -> DemonstrationFileError:
    lines = "\n".join(f"  - {problem}" for problem in problems)
    return DemonstrationFileError(f"{path} is not a demonstration file:\n{lines}\n{_LAYOUT}")
