"""What the arguments of an environment mean: which task is played, for what reward, from where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import rewardlang
from tgrpo.config import TasksConfig
from tgrpo.programs import ProgramsError, TaskProgram, select
from tgrpo.rollouts.episodes import Assignment
from tgrpo.simulation.initial_states import InitialState, Split, load_states
from tgrpo.tasks import Task, find_task

TaskLike = Task | str | Path  # a task, its `suite/name`, or the file of a program
ProgramLike = rewardlang.Program | str | Path  # a program, or its file

_SUFFIX = ".rl"
_OPTIONS = ("state",)


@dataclass(frozen=True)
class Starts:
    """The episodes that may be played: one task, one program, the states of one split."""

    task: Task
    program: rewardlang.Program | None
    states: tuple[InitialState, ...]
    max_steps: int

    def draw(self, generator: np.random.Generator) -> Assignment:
        """An episode from any of the states."""
        return self.at(int(generator.integers(len(self.states))))

    def at(self, index: int) -> Assignment:
        """The episode from state `index` of the split."""
        return Assignment(self.task, self.states[index], self.program, self.max_steps)

    def chosen(self, options: Mapping[str, Any] | None, count: int) -> Sequence[int | None]:
        """The states (count,) that the `options` of a reset ask for; None: to be drawn.

        Raises ValueError for an unknown option and for states that do not exist.
        """
        given = dict(options or {})
        if unknown := sorted(set(given) - set(_OPTIONS)):
            raise ValueError(
                f"unknown option of reset: {', '.join(map(repr, unknown))}; there is 'state', the "
                "index of an initial state, or one for each environment"
            )
        if given.get("state") is None:
            return [None] * count
        return self._indices(given["state"], count)

    def _indices(self, asked: object, count: int) -> list[int]:
        indices = np.asarray(asked)
        if not np.issubdtype(indices.dtype, np.integer) or indices.shape not in {(), (count,)}:
            raise ValueError(
                f"option 'state' is an index, or one for each of {count} environments, "
                f"not {asked!r}"
            )
        outside = (indices < 0) | (indices >= len(self.states))
        if outside.any():
            raise ValueError(
                f"{self.task.id} has no initial state {indices[outside].flat[0]} of split "
                f"{self.states[0].split!r}; there are 0 to {len(self.states) - 1}"
            )
        return np.broadcast_to(indices, (count,)).tolist()


def resolve(
    task: TaskLike | None,
    program: ProgramLike | None,
    split: Split,
    max_steps: int | None,
) -> Starts:
    """The episodes that these arguments of an environment ask for.

    Raises UnknownTaskError, ProgramsError for a program that is broken or missing, and ValueError
    for arguments that contradict each other.
    """
    if _is_file(task):
        if program is not None:
            raise ValueError(f"two programs are given, {task} and {program!r}; one is asked for")
        task, program = None, Path(str(task))
    chosen, reward = _join(task, program)
    steps = chosen.max_steps if max_steps is None else max_steps
    if steps < 1:
        raise ValueError(f"{chosen.id}: max_steps must be at least 1, not {steps}")
    return Starts(chosen, reward, load_states(chosen, split), steps)


def _is_file(task: TaskLike | None) -> bool:
    return isinstance(task, Path) or (isinstance(task, str) and task.endswith(_SUFFIX))


def _join(
    task: TaskLike | None, program: ProgramLike | None
) -> tuple[Task, rewardlang.Program | None]:
    if isinstance(program, str | Path):
        program = _read(Path(program)).program
    if task is None and program is None:
        raise ValueError("a task or a program must be given")
    chosen = task if isinstance(task, Task) else find_task(_name(task, program))
    if program is not None and program.scene != chosen.id:
        raise ValueError(f"{program.source.name} is for {program.scene}, not for {chosen.id}")
    return chosen, program


def _name(task: TaskLike | None, program: rewardlang.Program | None) -> str:
    if task is not None:
        return str(task)
    assert program is not None
    return program.scene


def _read(file: Path) -> TaskProgram:
    if not file.is_file():
        raise ProgramsError(f"{file}: no such file; a program is asked for")
    return select(file, TasksConfig()).used[0]
