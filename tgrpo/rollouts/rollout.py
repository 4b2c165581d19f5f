"""Groups of episodes from the same initial state under the same policy (Algorithm 1).

A result depends on the seed alone, not on the number of workers or on timing: noise is keyed by
(seed, iteration, group, arm, step), a batch always has the group's size, and what a group does
next depends on what its own arms did. Measured times are the exception.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

import rewardlang
from tgrpo.policies.base import Sampler
from tgrpo.rollouts.arms import Arm, Episode
from tgrpo.rollouts.episodes import Assignment
from tgrpo.rollouts.lockstep import Clock, Lane, OnSteps
from tgrpo.rollouts.playing import Stage, play_all
from tgrpo.rollouts.workers import Pool
from tgrpo.simulation.initial_states import InitialState
from tgrpo.tasks import Task
from tgrpo.trajectory import ACTION_DIM, Ending, Group, TaskContext

Stop = Literal["synchronous", "independent"]


class NoUsableStateError(RuntimeError):
    """Every candidate state of a group is solved, or unstable, before the first action."""


@dataclass(frozen=True, slots=True)
class GroupJob:
    """A group to collect. The first of `candidates` that leaves something to do is used."""

    number: int  # in the iteration; keys the noise
    task: Task
    program: rewardlang.Program | None
    candidates: tuple[InitialState, ...]
    max_steps: int


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for all groups of a collection; `seed` and `iteration` key the noise.

    resample   states tried beyond the first for a group whose arms all succeed or all fail
    run_on     groups, by their number, whose arms play on after a synchronous stop, to see what
               it cuts off; what is learned from is the same
    """

    group_size: int
    temperature: float
    stop: Stop
    seed: int
    iteration: int
    resample: int = 0
    run_on: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """Successes of groups that were played to every arm's own end.

    `late` ones came after their group's first: what a synchronous stop cuts off, or would.
    """

    successes: int = 0
    late: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.successes + other.successes, self.late + other.late)


@dataclass(frozen=True, slots=True)
class GroupResult:
    """A group, how many states were given up before one was of use, and what else was played."""

    group: Group
    redrawn: int
    resampled: tuple[Group, ...] = ()
    ended: Tally = Tally()


@dataclass(frozen=True, slots=True)
class Collected:
    """Groups in the order of their jobs, and those that taught nothing. `seconds`: see `Clock`."""

    groups: tuple[Group, ...]
    redrawn: int  # states that were given up because they were solved or unstable at the start
    resampled: tuple[Group, ...] = ()  # played, and replaced by a group from another state
    ended: Tally = Tally()
    workers_replaced: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)


def collect(
    policy: Sampler,
    pool: Pool,
    jobs: Sequence[GroupJob],
    rules: Rules,
    *,
    on_steps: OnSteps = lambda _: None,
) -> Collected:
    """Play all `jobs` with `policy`, as many at a time as fit the pool.

    Raises WorkerError, and NoUsableStateError for a task that is solved from the start.
    """
    clock = Clock(pool.workers)
    stage: Stage[GroupResult] = Stage(pool, rules.group_size, clock=clock, on_steps=on_steps)
    results = play_all(stage, [GroupPlay(policy, job, rules) for job in jobs])
    return gathered(results, clock.seconds(), stage.losses)


def gathered(
    results: Sequence[GroupResult], seconds: Mapping[str, float], workers_replaced: int
) -> Collected:
    """`results` in the order of the jobs."""
    return Collected(
        groups=tuple(item.group for item in results),
        redrawn=sum(item.redrawn for item in results),
        resampled=tuple(group for item in results for group in item.resampled),
        ended=sum((item.ended for item in results), Tally()),
        workers_replaced=workers_replaced,
        seconds=seconds,
    )


class GroupPlay:
    """One group on one lane: from the first of its states that leaves something to do."""

    def __init__(self, policy: Sampler, job: GroupJob, rules: Rules):
        self._policy, self._job, self._rules = policy, job, rules
        self._redrawn = 0
        self._resampled: list[Group] = []
        self._tally = Tally()

    def move(self, lane: Lane, pool: Pool, clock: Clock) -> GroupResult | None:
        if lane.take_lost() or not lane.arms:
            self._begin(lane, pool)
            return None
        arms = list(lane.arms.values())
        if any(arm.idle_from_start for arm in arms):
            self._redrawn += 1
            self._begin(lane, pool)
            return None
        if self._ended(arms):
            return self._end(lane, pool, arms)
        lane.act(self._policy, pool, temperature=self._rules.temperature, clock=clock)
        return None

    def _end(self, lane: Lane, pool: Pool, arms: Sequence[Arm]) -> GroupResult | None:
        """The result, or None where another state is tried for it."""
        group = self._take(lane.context, arms)
        if self._is_replaced(group):
            self._resampled.append(group)
            self._begin(lane, pool)
            return None
        return GroupResult(group, self._redrawn, tuple(self._resampled), self._tally)

    def _ended(self, arms: Sequence[Arm]) -> bool:
        stopped = self._stops and any(arm.ending is Ending.SUCCESS for arm in arms)
        return stopped or all(arm.ending is not None for arm in arms)

    @property
    def _stops(self) -> bool:
        """The first success ends the group at once."""
        rules = self._rules
        return rules.stop == "synchronous" and self._job.number >= rules.run_on

    def _take(self, context: TaskContext, arms: Sequence[Arm]) -> Group:
        """The group as it is learned from."""
        if not self._stops:
            self._tally += _tally(arms)
        stop = _first_success(arms) if self._rules.stop == "synchronous" else None
        return _group(context, arms, stop)

    def _is_replaced(self, group: Group) -> bool:
        """All arms ended alike, and another state may be tried."""
        tried = len(self._resampled)
        left = tried < self._rules.resample and self._tried + 1 < len(self._job.candidates)
        return left and group.alike

    @property
    def _tried(self) -> int:
        """States that were given up."""
        return self._redrawn + len(self._resampled)

    def _begin(self, lane: Lane, pool: Pool) -> None:
        job = self._job
        if self._tried == len(job.candidates):
            raise NoUsableStateError(
                f"{job.task.id}: all {self._tried} states tried are solved (or unstable) "
                "before the first action; nothing can be learned from them"
            )
        state, cameras = job.candidates[self._tried], self._policy.cameras
        assignment = Assignment(job.task, state, job.program, job.max_steps, cameras)
        rows = range(len(lane.slots))
        lane.begin(pool, {arm: Episode(assignment, arm, self._uniforms(arm)) for arm in rows})

    def _uniforms(self, arm: int) -> np.ndarray:
        key = (self._rules.seed, self._rules.iteration, self._job.number, arm)
        generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
        # One draw for each token of each control step: the same ones however many make a decision.
        decisions = math.ceil(self._job.max_steps / self._policy.chunk)
        return generator.random((decisions, self._policy.chunk * ACTION_DIM))


def _tally(arms: Sequence[Arm]) -> Tally:
    ends = [len(arm) for arm in arms if arm.ending is Ending.SUCCESS]
    return Tally(len(ends), sum(end > min(ends) for end in ends))


def _first_success(arms: Sequence[Arm]) -> int | None:
    """Decisions of the shortest successful episode."""
    return min((len(arm) for arm in arms if arm.ending is Ending.SUCCESS), default=None)


def _group(context: TaskContext, arms: Sequence[Arm], stop: int | None) -> Group:
    # One table for the group, so that equal indices mean equal stages across its arms.
    keys = (key for arm in arms for key in arm.stages_of_decisions(stop))
    table = tuple(dict.fromkeys(keys))
    return Group(tuple(arm.trajectory(context, table, stop=stop) for arm in arms))
