"""Groups of trajectories to one update of the policy: a clipped surrogate, anchored by a KL term.

The same for every algorithm that gives each decision an advantage: those that compare the arms of a
group (`tgrpo.training.levels`), and PPO, which asks a critic.

groups ─ advantages (N, T) ─ decisions of all groups, shuffled ─ minibatches ─ AdamW
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from tgrpo.config import LearnerConfig
from tgrpo.policies.base import Policy
from tgrpo.training.decisions import (
    Batch,
    Decisions,
    Weigh,
    all_log_probs,
    flatten,
    in_pieces,
    minibatches,
)
from tgrpo.training.levels import decision_mask
from tgrpo.training.losses import DecisionLoss, decision_loss, decision_weights
from tgrpo.training.optimizer import Optimizer
from tgrpo.training.ranks import ALONE, Ranks
from tgrpo.trajectory import Group

Estimate = Callable[[Sequence[Group]], Sequence[np.ndarray]]  # advantages (N, T) of each group


class ClippedLearner:
    """See `Learner`. Never changes `reference`."""

    def __init__(
        self,
        policy: Policy,
        reference: Policy,
        config: LearnerConfig,
        estimate: Estimate,
        *,
        temperature: float = 1.0,
        seed: int = 0,
        weigh: Weigh = decision_weights,
        ranks: Ranks = ALONE,
    ) -> None:
        """`temperature` must be the one that trajectories are sampled at."""
        self.policy = policy
        self.reference = reference
        self.config = config
        self.temperature = temperature
        self._estimate = estimate
        self._weigh = weigh
        self._seed, self._ranks = seed, ranks
        self._updates = 0
        self._optimizer = Optimizer(policy.named_parameters(), config, ranks)

    def update(self, groups: Sequence[Group]) -> dict[str, float]:
        """See `Learner`.

        Where no advantage differs from 0 nothing is to be learnt: no optimiser step is taken.
        """
        self._updates += 1
        tables = self._ranks.first(self._estimate(groups))
        metrics = _advantage_metrics(groups, tables)
        if not any(table.any() for table in tables):
            return metrics | {"update/steps": 0.0}
        decisions = flatten(groups, tables, self._weigh, self.policy.device)
        rng = np.random.default_rng((self._seed, self._updates))
        tracker = _Tracker()
        for _ in range(self.config.epochs):
            for batch, scale in minibatches(decisions, self.config.minibatches, rng):
                self._step(batch, scale, tracker)
        return metrics | tracker.means(self._ranks)

    def state_tensors(self) -> dict[str, Tensor]:
        """See `Learner`."""
        return {"updates": torch.tensor(self._updates), **self._optimizer.state_tensors()}

    def load_state_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """See `Learner`."""
        self._updates = int(tensors["updates"])
        self._optimizer.load_state_tensors(tensors)

    def _step(self, batch: Batch, scale: float, tracker: _Tracker) -> None:
        """One optimiser step on a minibatch: rows of each task's decisions, shared by all ranks.

        `scale` makes the minibatch's share of J an estimate of the whole of J.
        """
        self._optimizer.zero()
        for decisions, rows, counts in in_pieces(batch, self.config.micro_batch, self._ranks):
            terms = self._terms(decisions, rows)
            weights = decisions.weights[rows] * counts * scale
            loss = (weights * (terms.surrogate + self.config.kl_weight * terms.kl)).sum()
            torch.autograd.backward(loss)
            tracker.add(terms, weights)
        tracker.end_step(self._optimizer.step())

    def _terms(self, decisions: Decisions, rows: Tensor) -> DecisionLoss:
        heat = self.temperature
        with torch.no_grad():
            reference = all_log_probs(self.reference, decisions, rows, temperature=heat)
        return decision_loss(
            all_log_probs(self.policy, decisions, rows, temperature=heat),
            decisions.behaviour[rows],
            reference,
            decisions.tokens[rows],
            decisions.advantages[rows],
            clip=self.config.clip,
            ratio=self.config.ratio,
            kl=self.config.kl,
        )


def _advantage_metrics(groups: Sequence[Group], tables: Sequence[np.ndarray]) -> dict[str, float]:
    """Shares of groups that teach nothing, and how large advantages are."""
    pairs = zip(groups, tables, strict=True)
    size = np.concatenate([np.abs(table)[decision_mask(group)] for group, table in pairs])
    return {
        "advantage/mean_abs": float(size.mean()) if size.size else 0.0,
        "advantage/max_abs": float(size.max(initial=0.0)),
        "advantage/groups_without_signal": float(np.mean([not table.any() for table in tables])),
        "advantage/groups_alike": float(np.mean([group.alike for group in groups])),
    }


class _Tracker:
    """Weighted means of the loss terms over the optimiser steps of one update."""

    def __init__(self) -> None:
        self._sums = {"loss/policy": 0.0, "loss/kl": 0.0, "loss/clip_fraction": 0.0}
        self._ratios: list[Tensor] = []
        self._norms: list[float] = []

    def add(self, terms: DecisionLoss, weights: Tensor) -> None:
        parts = (terms.surrogate.detach(), terms.kl.detach(), terms.clipped)
        for name, part in zip(self._sums, parts, strict=True):
            self._sums[name] += float((weights * part).sum())
        self._ratios.append(terms.ratio[weights > 0].cpu())

    def end_step(self, gradient_norm: float) -> None:
        self._norms.append(gradient_norm)

    def means(self, ranks: Ranks) -> dict[str, float]:
        """Over the decisions of all ranks."""
        sums, ratios = zip(*ranks.gather((self._sums, torch.cat(self._ratios))), strict=True)
        ratio, steps = torch.cat(ratios), len(self._norms)
        return {name: sum(own[name] for own in sums) / steps for name in self._sums} | {
            "ratio/mean": float(ratio.mean()),
            "ratio/min": float(ratio.min()),
            "ratio/max": float(ratio.max()),
            "update/gradient_norm": float(np.mean(self._norms)),
            "update/steps": float(len(self._norms)),
        }
