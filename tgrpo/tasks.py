"""LIBERO's tasks as data: names, instructions, BDDL files and episode lengths. No simulator."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import rewardlang
from tgrpo.libero_package import COMPLETE, LiberoMissingError, import_libero, libero_path

CONTROL_HZ = 20  # control steps per second of simulated time
SETTLING_STEPS = 10
SETTLING_ACTION = np.array([0, 0, 0, 0, 0, 0, -1], dtype=np.float64)
SETTLING_ACTION.flags.writeable = False

# Longest episode in control steps, after settling: what published results allow per suite.
MAX_STEPS = {
    "libero_spatial": 220,
    "libero_object": 280,
    "libero_goal": 300,
    "libero_10": 520,
    "libero_90": 400,
}

# LIBERO-PRO's perturbations: what lies in another place, and what is another thing of its kind.
# Its suites are for evaluation alone, and their episodes as long as those of the suite perturbed.
PERTURBATIONS = ("swap", "object")
PERTURBED = {
    f"{suite}_{kind}": suite
    for suite in ("libero_spatial", "libero_object", "libero_goal", "libero_10")
    for kind in PERTURBATIONS
}

MOST_LISTED = 5


class UnknownTaskError(LookupError):
    """A suite or task that LIBERO does not have; the message names the nearest."""

    def __init__(self, what: str, name: str, known: tuple[str, ...]):
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        meant = f"did you mean {', '.join(map(repr, near))}?"
        super().__init__(f"unknown {what} {name!r}; {meant if near else _some(known)}")
        self.name = name
        self.known = known


def _some(known: tuple[str, ...]) -> str:
    more = ", …" if len(known) > MOST_LISTED else ""
    return f"known are {', '.join(map(repr, known[:MOST_LISTED]))}{more}"


@dataclass(frozen=True)
class Task:
    """One task of a suite. `max_steps` counts control steps after settling."""

    suite: str
    name: str
    instruction: str
    bddl_file: Path
    max_steps: int

    @property
    def id(self) -> str:
        return f"{self.suite}/{self.name}"

    @property
    def scene(self) -> rewardlang.Scene:
        """What exists in the task, from the shipped catalogue."""
        return rewardlang.load_scene(self.id)


def suites() -> tuple[str, ...]:
    """The suites of LIBERO, in the order of `MAX_STEPS`."""
    return tuple(MAX_STEPS)


@cache
def suite_tasks(suite: str) -> tuple[Task, ...]:
    """All tasks of a suite in LIBERO's order. Raises UnknownTaskError, LiberoMissingError."""
    expect_suite(suite, suite)
    folder = libero_path("bddl_files") / suite
    listed = import_libero("benchmark").task_maps
    if suite not in listed:
        raise LiberoMissingError(f"{suite} is LIBERO-PRO's: pip install {COMPLETE}")
    steps = MAX_STEPS[PERTURBED.get(suite, suite)]
    return tuple(
        Task(suite, task.name, task.language, folder / task.bddl_file, steps)
        for task in listed[suite].values()
    )


def expect_suite(suite: str, given: str) -> None:
    """Raise UnknownTaskError unless there is a suite of that name; `given` is all that was said."""
    if suite not in MAX_STEPS and suite not in PERTURBED:
        # A path to a BDDL file begins with no suite at all.
        raise UnknownTaskError("suite", suite or given, suites())


def task_of_file(bddl_file: Path) -> Task:
    """The task of any BDDL file, called after it; its suite is the folder that it lies in.

    No protocol says how long its episodes are: `max_steps` is 0.
    """
    file = bddl_file.absolute()
    return Task(file.parent.name, file.stem, rewardlang.instruction_of(file.stem), file, 0)


def find_task(suite_or_id: str, name: str | None = None) -> Task:
    """The task `suite/name`, given as one string or as two. Raises UnknownTaskError."""
    suite, _, rest = suite_or_id.partition("/")
    expect_suite(suite, suite_or_id)
    wanted = rest if name is None else name
    by_name = {task.name: task for task in suite_tasks(suite)}
    if wanted not in by_name:
        raise UnknownTaskError(f"task of {suite}", wanted, tuple(by_name))
    return by_name[wanted]
