"""LIBERO's protocol: settle, act greedily, stop at success or after the suite's maximum of steps.

Success is what the program calls success (LIBERO's own goal under `success bddl`, or where there
is no program); LIBERO's first hit is kept beside it. Episodes that are solved before the first
action count like any other and are reported separately.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import rewardlang
from tgrpo.intervals import Interval, paired_difference, wilson
from tgrpo.policies.base import Sampler
from tgrpo.rollouts.episodes import Assignment
from tgrpo.rollouts.lockstep import Arm, Clock, Episode, Lane, OnSteps, lanes, play
from tgrpo.rollouts.workers import Pool
from tgrpo.simulation.initial_states import InitialState
from tgrpo.tasks import Task
from tgrpo.trajectory import Camera, Ending


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


def evaluate(
    policy: Sampler,
    pool: Pool,
    jobs: Sequence[EvaluationJob],
    *,
    batch_size: int,
    on_steps: OnSteps = lambda _: None,
) -> Evaluation:
    """Play every state of every job greedily; `batch_size` episodes share an inference.

    The result depends neither on `batch_size` nor on the pool's slots or workers.
    Raises WorkerError.
    """
    clock = Clock(pool.workers)
    outcomes: dict[tuple[int, int], Outcome] = {}
    episodes = [
        (number, index, _assignment(job, state, policy.cameras), _stage_order(job))
        for number, job in enumerate(jobs)
        for index, state in enumerate(job.states)
    ]
    free = lanes(pool, batch_size)
    runs = [
        _EvaluationRun(lane, policy, deque(episodes[share :: len(free)]), outcomes)
        for share, lane in enumerate(free)
    ]
    replaced = play(pool, runs, clock=clock, on_steps=on_steps)
    return Evaluation(
        tuple(
            TaskEvaluation(
                job.task.id,
                tuple(outcomes[number, index] for index in range(len(job.states))),
                len(_stage_order(job)),
            )
            for number, job in enumerate(jobs)
        ),
        clock.seconds(),
        replaced,
    )


def _assignment(job: EvaluationJob, state: InitialState, cameras: tuple[Camera, ...]) -> Assignment:
    return Assignment(job.task, state, job.program, job.max_steps or job.task.max_steps, cameras)


def _stage_order(job: EvaluationJob) -> dict[str, int]:
    """Path of a stage -> stages before it."""
    return {} if job.program is None else stage_order(job.program)


def stage_order(program: rewardlang.Program) -> dict[str, int]:
    """Path of a stage -> number of stages that the program lists before it."""
    return {stage.path: index for index, stage in enumerate(rewardlang.stages(program))}


def stages_reached(
    keys: Sequence[tuple[str, ...]], order: Mapping[str, int], *, success: bool
) -> int:
    """Stages before the furthest one that was active in an episode; all of them after success."""
    if success:
        return len(order)
    return max((order[path] for key in keys for path in key), default=0)


_Item = tuple[int, int, Assignment, dict[str, int]]


class _EvaluationRun:
    """Plays its share of the episodes; a row that is free takes the next one of the same task."""

    def __init__(
        self,
        lane: Lane,
        policy: Sampler,
        items: deque[_Item],
        outcomes: dict[tuple[int, int], Outcome],
    ):
        self.lane = lane
        self._policy = policy
        self._items = items
        self._outcomes = outcomes
        self._playing: dict[int, _Item] = {}  # row -> what it plays

    def move(self, pool: Pool, clock: Clock) -> None:
        self._take_back()
        self._retire()
        # The rest first: new rows join the batch once they have settled.
        self.lane.act(self._policy, pool, temperature=0.0, clock=clock)
        self._refill(pool)

    def _take_back(self) -> None:
        """What went with a worker is next again, in its old order."""
        for row in reversed(self.lane.take_lost()):
            self._items.appendleft(self._playing.pop(row))

    def _retire(self) -> None:
        for row in [row for row in self._playing if self.lane.arms[row].ending is not None]:
            number, index, _, order = self._playing.pop(row)
            self._outcomes[number, index] = _outcome(self.lane.arms.pop(row), order)

    def _refill(self, pool: Pool) -> None:
        free = deque(row for row in range(len(self.lane.slots)) if row not in self._playing)
        started: dict[int, Episode] = {}
        while free and self._items and self._may_start(self._items[0][2].task):
            row = free.popleft()
            self._playing[row] = self._items.popleft()
            started[row] = Episode(self._playing[row][2])
        if started:
            self.lane.begin(pool, started)

    def _may_start(self, task: Task) -> bool:
        """A batch has one task: another one begins when nothing of the last is left."""
        return all(assignment.task == task for _, _, assignment, _ in self._playing.values())


def _outcome(arm: Arm, order: Mapping[str, int]) -> Outcome:
    assert arm.ending is not None
    state = arm.episode.assignment.state
    success = arm.ending is Ending.SUCCESS
    return Outcome(
        split=state.split,
        state_index=state.index,
        success=success,
        ending=arm.ending,
        steps=len(arm),
        success_at_reset=arm.success_at_reset,
        native_success_step=arm.native_success_step,
        max_phi=arm.max_phi,
        stage=stages_reached(arm.stages, order, success=success),
    )


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
