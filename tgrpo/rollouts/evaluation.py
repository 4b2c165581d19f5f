"""What an evaluation is asked for and what it comes to, by task and episode.

Success is what the program calls success (LIBERO's own goal under `success bddl`, or where there
is no program); LIBERO's first hit is kept beside it. Episodes that are solved before the first
action count like any other and are reported separately.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import rewardlang
from tgrpo.intervals import Interval, paired_difference, wilson
from tgrpo.simulation.initial_states import InitialState
from tgrpo.tasks import Task
from tgrpo.trajectory import Ending


@dataclass(frozen=True, slots=True)
class EvaluationJob:
    """One task and the states to start from."""

    task: Task
    states: tuple[InitialState, ...]
    program: rewardlang.Program | None = None
    max_steps: int | None = None  # none: the suite's


@dataclass(frozen=True, slots=True)
class Outcome:
    """One episode. Steps count from 1; `native_success_step` is LIBERO's first hit, 0 at reset."""

    split: str
    state_index: int
    success: bool
    ending: Ending
    steps: int
    success_at_reset: bool
    native_success_step: int | None
    max_phi: float
    stage: int  # stages behind the furthest one that was active; all of them after success


@dataclass(frozen=True, slots=True)
class TaskEvaluation:
    """All episodes of one task, in the order of the states."""

    task: str
    outcomes: tuple[Outcome, ...]
    stages: int = 0  # in the program

    @property
    def successes(self) -> int:
        return sum(outcome.success for outcome in self.outcomes)

    @property
    def unstable(self) -> int:
        """Episodes that ended as failures because the physics diverged."""
        return sum(outcome.ending is Ending.UNSTABLE for outcome in self.outcomes)

    @property
    def success(self) -> Interval:
        return wilson(self.successes, len(self.outcomes))

    @property
    def mean_stage(self) -> float:
        """Stages completed, on average; 0 without a program."""
        return _mean([outcome.stage for outcome in self.outcomes])

    @property
    def mean_phi(self) -> float:
        """Largest Φ of an episode, on average."""
        return _mean([outcome.max_phi for outcome in self.outcomes])

    def as_json(self) -> dict[str, Any]:
        success = self.success
        return {
            "task": self.task,
            "episodes": len(self.outcomes),
            "successes": self.successes,
            "success": success.value,
            "interval_95": [success.low, success.high],
            "successes_at_reset": sum(item.success_at_reset for item in self.outcomes),
            "native_successes": sum(item.native_success_step is not None for item in self.outcomes),
            "unstable": self.unstable,
            "mean_steps": _mean([item.steps for item in self.outcomes]),
            "mean_phi": self.mean_phi,
            "mean_stage": self.mean_stage,
            "stages": self.stages,
            "outcomes": [_outcome_json(item) for item in self.outcomes],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TaskEvaluation:
        """What `as_json` gave. Raises KeyError, TypeError, ValueError for anything else."""
        outcomes = tuple(
            Outcome(**{**item, "ending": Ending(item["ending"])}) for item in value["outcomes"]
        )
        return cls(value["task"], outcomes, value["stages"])


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Several tasks under one policy. `seconds`: see `lockstep.Clock`."""

    tasks: tuple[TaskEvaluation, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
    workers_replaced: int = 0

    @property
    def mean_success(self) -> float:
        """Mean over tasks of the success rate."""
        return _mean([item.success.value for item in self.tasks])

    def as_json(self) -> dict[str, Any]:
        return {
            "mean_success": self.mean_success,
            "tasks": [item.as_json() for item in self.tasks],
            "seconds": dict(self.seconds),
            "workers_replaced": self.workers_replaced,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Evaluation:
        """What `as_json` gave. Raises KeyError, TypeError, ValueError for anything else."""
        tasks = tuple(map(TaskEvaluation.from_json, value["tasks"]))
        return cls(tasks, value["seconds"], value["workers_replaced"])


def stage_order(program: rewardlang.Program | None) -> dict[str, int]:
    """Path of a stage -> number of stages that the program lists before it; none, none."""
    stages = () if program is None else rewardlang.stages(program)
    return {stage.path: index for index, stage in enumerate(stages)}


def stages_reached(
    keys: Sequence[tuple[str, ...]], order: Mapping[str, int], *, success: bool
) -> int:
    """Stages before the furthest one that was active in an episode; all of them after success."""
    if success:
        return len(order)
    return max((order[path] for key in keys for path in key), default=0)


def compare(before: TaskEvaluation, after: TaskEvaluation) -> Interval:
    """Paired difference of two evaluations of one task on the same states."""
    return paired_difference(
        [item.success for item in before.outcomes], [item.success for item in after.outcomes]
    )


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in Outcome.__slots__}


def _mean(values: Sequence[float]) -> float:
    """0 for none."""
    return sum(values) / len(values) if values else 0.0
