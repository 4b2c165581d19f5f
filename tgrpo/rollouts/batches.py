"""LIBERO's protocol: settle, act greedily, stop at success or after the suite's maximum of steps.

The states of a job are cut into batches once and for all: episodes that share an inference are the
same ones on any number of slots, workers or machines, and so are the results, to the bit.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tgrpo.policies.base import Sampler
from tgrpo.rollouts.arms import Arm, Episode
from tgrpo.rollouts.episodes import Assignment
from tgrpo.rollouts.evaluation import (
    Evaluation,
    EvaluationJob,
    Outcome,
    TaskEvaluation,
    stage_order,
    stages_reached,
)
from tgrpo.rollouts.lockstep import Clock, Lane, OnSteps
from tgrpo.rollouts.playing import Stage, play_all
from tgrpo.rollouts.workers import Pool
from tgrpo.trajectory import Ending

Outcomes = tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Episodes of one task that are played together. `job`: number of the job."""

    job: int
    assignments: tuple[Assignment, ...]


def batches(jobs: Sequence[EvaluationJob], size: int) -> tuple[Batch, ...]:
    """The states of each job in as few batches of at most `size` as possible, of even length."""
    return tuple(
        Batch(number, part) for number, job in enumerate(jobs) for part in _parts(job, size)
    )


def _parts(job: EvaluationJob, size: int) -> Iterator[tuple[Assignment, ...]]:
    steps = job.max_steps or job.task.max_steps
    whole = [Assignment(job.task, state, job.program, steps) for state in job.states]
    count = math.ceil(len(whole) / size)
    for part in range(count):
        yield tuple(whole[part * len(whole) // count : (part + 1) * len(whole) // count])


def evaluate(
    policy: Sampler,
    pool: Pool,
    jobs: Sequence[EvaluationJob],
    *,
    batch_size: int,
    on_steps: OnSteps = lambda _: None,
) -> Evaluation:
    """Play every state of every job greedily; up to `batch_size` episodes share an inference.

    Raises WorkerError.
    """
    clock = Clock(pool.workers)
    stage: Stage[Outcomes] = Stage(pool, batch_size, clock=clock, on_steps=on_steps)
    cut = batches(jobs, batch_size)
    results = play_all(stage, [BatchPlay(policy, batch) for batch in cut])
    return evaluated(jobs, cut, results, clock.seconds(), stage.losses)


def evaluated(
    jobs: Sequence[EvaluationJob],
    cut: Sequence[Batch],
    results: Sequence[Outcomes],
    seconds: Mapping[str, float],
    workers_replaced: int,
) -> Evaluation:
    """The outcomes of the batches `cut`, put together by task."""
    outcomes: list[list[Outcome]] = [[] for _ in jobs]
    for batch, result in zip(cut, results, strict=True):
        outcomes[batch.job] += result
    return Evaluation(
        tuple(
            TaskEvaluation(job.task.id, tuple(own), len(stage_order(job.program)))
            for job, own in zip(jobs, outcomes, strict=True)
        ),
        seconds,
        workers_replaced,
    )


class BatchPlay:
    """One batch on one lane, until its last episode has ended."""

    def __init__(self, policy: Sampler, batch: Batch):
        self._policy = policy
        self._assignments = [
            dataclasses.replace(item, cameras=policy.cameras) for item in batch.assignments
        ]

    def move(self, lane: Lane, pool: Pool, clock: Clock) -> Outcomes | None:
        if lane.take_lost() or not lane.arms:
            lane.begin(pool, dict(enumerate(map(Episode, self._assignments))))
        elif all(arm.ending is not None for arm in lane.arms.values()):
            return tuple(map(_outcome, lane.arms.values()))
        else:
            lane.act(self._policy, pool, temperature=0.0, clock=clock)
        return None


def _outcome(arm: Arm) -> Outcome:
    assert arm.ending is not None
    assignment = arm.episode.assignment
    state, order = assignment.state, stage_order(assignment.program)
    success = arm.ending is Ending.SUCCESS
    return Outcome(
        split=state.split,
        state_index=state.index,
        success=success,
        ending=arm.ending,
        steps=arm.steps,
        success_at_reset=arm.start.success,
        native_success_step=arm.native_success_step,
        max_phi=arm.max_phi,
        stage=stages_reached(arm.stages, order, success=success),
    )
