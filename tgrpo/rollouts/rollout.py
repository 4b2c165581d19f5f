"""Groups of episodes from the same initial state under the same policy (Algorithm 1).

A result depends on the seed alone, not on the number of workers or on timing: noise is keyed by
(seed, iteration, group, arm, step), a batch always has the group's size, and what a group does
next depends on what its own arms did. Measured times are the exception.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

import rewardlang
from tgrpo.policies.base import Sampler
from tgrpo.rollouts.episodes import Assignment
from tgrpo.rollouts.lockstep import Arm, Clock, Episode, Lane, OnSteps, lanes, play
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
    queue = deque(jobs)
    runs = [_GroupRun(lane, policy, queue, rules) for lane in lanes(pool, rules.group_size)]
    replaced = play(pool, runs, clock=clock, on_steps=on_steps)
    groups = {number: group for run in runs for number, group in run.groups.items()}
    return Collected(
        groups=tuple(groups[job.number] for job in jobs),
        redrawn=sum(run.redrawn for run in runs),
        workers_replaced=replaced,
        seconds=clock.seconds(),
    )


class _GroupRun:
    """Plays one group after the other on one lane, taking jobs from a shared queue."""

    def __init__(self, lane: Lane, policy: Sampler, jobs: deque[GroupJob], rules: Rules):
        self.lane = lane
        self.groups: dict[int, Group] = {}
        self.redrawn = 0
        self._policy = policy
        self._jobs = jobs
        self._rules = rules
        self._job: GroupJob | None = None
        self._attempt = 0

    def move(self, pool: Pool, clock: Clock) -> None:
        if self._job is not None and self.lane.take_lost():
            self._begin(pool, self._job, self._attempt)
            return
        arms = list(self.lane.arms.values())
        if self._job is not None and any(arm.idle_from_start for arm in arms):
            self.redrawn += 1
            self._begin(pool, self._job, self._attempt + 1)
            return
        if self._job is not None and self._ended(arms):
            self.groups[self._job.number] = _group(self.lane.context, arms)
            self._job = None
        if self._job is not None:
            self.lane.act(self._policy, pool, temperature=self._rules.temperature, clock=clock)
        elif self._jobs:
            self._begin(pool, self._jobs.popleft(), 0)

    def _ended(self, arms: Sequence[Arm]) -> bool:
        synchronous = self._rules.stop == "synchronous"
        if synchronous and any(arm.ending is Ending.SUCCESS for arm in arms):
            for arm in arms:
                arm.ending = arm.ending or Ending.CUT
        return all(arm.ending is not None for arm in arms)

    def _begin(self, pool: Pool, job: GroupJob, attempt: int) -> None:
        if attempt == len(job.candidates):
            raise NoUsableStateError(
                f"{job.task.id}: all {attempt} states tried are solved (or unstable) "
                "before the first action; nothing can be learned from them"
            )
        self._job, self._attempt = job, attempt
        state, cameras = job.candidates[attempt], self._policy.cameras
        assignment = Assignment(job.task, state, job.program, job.max_steps, cameras)
        rows = range(len(self.lane.slots))
        self.lane.begin(
            pool, {arm: Episode(assignment, arm, self._uniforms(job, arm)) for arm in rows}
        )

    def _uniforms(self, job: GroupJob, arm: int) -> np.ndarray:
        key = (self._rules.seed, self._rules.iteration, job.number, arm)
        generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
        return generator.random((job.max_steps, ACTION_DIM))


def _group(context: TaskContext, arms: Sequence[Arm]) -> Group:
    # One table for the group, so that equal indices mean equal stages across its arms.
    keys = tuple(dict.fromkeys(key for arm in arms for key in (arm.start_stage, *arm.stages)))
    return Group(tuple(arm.trajectory(context, keys) for arm in arms))
