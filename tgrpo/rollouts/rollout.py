"""Groups of episodes from the same initial state under the same policy (Algorithm 1).

A result depends on the seed alone, not on the number of workers or on timing: noise is keyed by
(seed, iteration, group, arm, step), a batch always has the group's size, and what a group does
next depends on what its own arms did. Measured times are the exception.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

import rewardlang
from tgrpo.policies.base import Sampler
from tgrpo.rollouts.episodes import Assignment
from tgrpo.rollouts.lockstep import Arm, Clock, Episode, Lane, OnSteps
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
    """What holds for all groups of a collection; `seed` and `iteration` key the noise."""

    group_size: int
    temperature: float
    stop: Stop
    seed: int
    iteration: int


@dataclass(frozen=True, slots=True)
class GroupResult:
    """A group, and how many states were given up before one was of use."""

    group: Group
    redrawn: int


@dataclass(frozen=True, slots=True)
class Collected:
    """Groups in the order of their jobs. `seconds`: see `Clock`."""

    groups: tuple[Group, ...]
    redrawn: int  # states that were given up because they were solved or unstable at the start
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
        workers_replaced=workers_replaced,
        seconds=seconds,
    )


class GroupPlay:
    """One group on one lane: from the first of its states that leaves something to do."""

    def __init__(self, policy: Sampler, job: GroupJob, rules: Rules):
        self._policy, self._job, self._rules = policy, job, rules
        self._redrawn = 0

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
            return GroupResult(_group(lane.context, arms), self._redrawn)
        lane.act(self._policy, pool, temperature=self._rules.temperature, clock=clock)
        return None

    def _ended(self, arms: Sequence[Arm]) -> bool:
        synchronous = self._rules.stop == "synchronous"
        if synchronous and any(arm.ending is Ending.SUCCESS for arm in arms):
            for arm in arms:
                arm.ending = arm.ending or Ending.CUT
        return all(arm.ending is not None for arm in arms)

    def _begin(self, lane: Lane, pool: Pool) -> None:
        job = self._job
        if self._redrawn == len(job.candidates):
            raise NoUsableStateError(
                f"{job.task.id}: all {self._redrawn} states tried are solved (or unstable) "
                "before the first action; nothing can be learned from them"
            )
        state, cameras = job.candidates[self._redrawn], self._policy.cameras
        assignment = Assignment(job.task, state, job.program, job.max_steps, cameras)
        rows = range(len(lane.slots))
        lane.begin(pool, {arm: Episode(assignment, arm, self._uniforms(arm)) for arm in rows})

    def _uniforms(self, arm: int) -> np.ndarray:
        key = (self._rules.seed, self._rules.iteration, self._job.number, arm)
        generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
        return generator.random((self._job.max_steps, ACTION_DIM))


def _group(context: TaskContext, arms: Sequence[Arm]) -> Group:
    # One table for the group, so that equal indices mean equal stages across its arms.
    keys = tuple(dict.fromkeys(key for arm in arms for key in (arm.start_stage, *arm.stages)))
    return Group(tuple(arm.trajectory(context, keys) for arm in arms))
