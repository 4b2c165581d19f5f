"""Rank 0 leads a run: it collects, evaluates and writes. The others learn with it.

A follower begins as a resumed run does, from a checkpoint in the run's folder, which all machines
must see. From then on it is given the groups of each iteration, and nothing else: everything random
is keyed, so that it makes the same update.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from tgrpo.config import TrainConfig
from tgrpo.policies.base import Policy
from tgrpo.policies.threads import threads
from tgrpo.torchrun import place
from tgrpo.training.algorithms import restored_learner
from tgrpo.training.learner import Learner
from tgrpo.training.ranks import Ranks
from tgrpo.training.run_folder import RunFolder
from tgrpo.training.run_state import state_at
from tgrpo.trajectory import Group

if TYPE_CHECKING:
    from tgrpo.training.sharding import Shards


@dataclass(frozen=True, slots=True)
class Begin:
    """There is a run that stands after `iteration`, and has the checkpoint of it."""

    config: TrainConfig
    folder: RunFolder
    iteration: int


@dataclass(frozen=True, slots=True)
class Update:
    """Learn from as many groups, which come one by one: images make them large."""

    groups: int


@dataclass(frozen=True, slots=True)
class End:
    """There is nothing more to do."""


Order = Begin | Update | End


def lead(learner: Learner, policy: Policy, run: Begin, ranks: Ranks) -> Learner:
    """`learner`, whose updates all ranks make together from now on."""
    if ranks.size == 1:
        return learner
    from tgrpo.training.sharding import Shards  # most of a second, which one process saves

    ranks.first(run)
    return _Leader(learner, Shards(policy, ranks), ranks)


def dismiss(ranks: Ranks) -> None:
    """Let the followers end."""
    ranks.first(End())


def follow(ranks: Ranks) -> None:
    """The life of every rank but the first. Raises RankLostError, CheckpointError."""
    order: Order = ranks.first()
    while isinstance(order, Begin):
        order = _follow(order, ranks)


def _follow(run: Begin, ranks: Ranks) -> Order:
    """Make every update of `run`; returns the order that is not one of them."""
    from tgrpo.training.sharding import Shards

    state = state_at(run.folder, run.iteration)
    learner = restored_learner(state, run.config, ranks)
    shards = Shards(state.policy, ranks)
    while True:
        order: Order = ranks.first()
        if not isinstance(order, Update):
            return order
        groups: list[Group] = [ranks.first() for _ in range(order.groups)]
        with threads(place().cores), shards.spread():
            learner.update(groups)


class _Leader:
    """See `Learner`."""

    def __init__(self, learner: Learner, shards: Shards, ranks: Ranks) -> None:
        self._learner, self._shards, self._ranks = learner, shards, ranks

    def update(self, groups: Sequence[Group]) -> dict[str, float]:
        self._ranks.first(Update(len(groups)))
        for group in groups:
            self._ranks.first(group)
        with self._shards.spread():
            return self._learner.update(groups)

    def state_tensors(self) -> dict[str, Tensor]:
        return self._learner.state_tensors()

    def load_state_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        self._learner.load_state_tensors(tensors)
