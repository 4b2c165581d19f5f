"""What a collector elsewhere is asked to play: jobs that know everything they need."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from tgrpo.policies.base import Sampler
from tgrpo.rollouts.batches import Batch, BatchPlay, Outcomes
from tgrpo.rollouts.playing import Play
from tgrpo.rollouts.rollout import GroupJob, GroupPlay, GroupResult, Rules
from tgrpo.tasks import Task, find_task


@dataclass(frozen=True, slots=True)
class GroupOrder:
    """One group under the rules of its collection."""

    job: GroupJob
    rules: Rules

    @property
    def size(self) -> int:
        """Slots of its lane."""
        return self.rules.group_size

    @property
    def task(self) -> Task:
        return self.job.task

    def play(self, sampler: Sampler) -> Play[GroupResult]:
        job = dataclasses.replace(self.job, task=found_here(self.job.task))
        return GroupPlay(sampler, job, self.rules)


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """One batch of an evaluation, on a lane of `size` slots."""

    batch: Batch
    size: int

    @property
    def task(self) -> Task:
        return self.batch.assignments[0].task

    def play(self, sampler: Sampler) -> Play[Outcomes]:
        task = found_here(self.task)
        assignments = tuple(dataclasses.replace(item, task=task) for item in self.batch.assignments)
        return BatchPlay(sampler, dataclasses.replace(self.batch, assignments=assignments))


Order = GroupOrder | BatchOrder


def found_here(task: Task) -> Task:
    """The same task where LIBERO lies in another folder than on the machine that sent it."""
    return task if task.bddl_file.is_file() else find_task(task.id)
