"""Pairs of trajectories to one update of the policy: DPO and GRAPE.

groups ─ pairs ─ log-ratio of every arm to the reference, without gradient ─ logistic loss ─ its
derivative by each log-ratio ─ gradient of each arm's log-probs in pieces, so weighted ─ AdamW

The two passes give the exact gradient, and memory for a piece is enough for trajectories of any
length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tgrpo.config import LearnerConfig
from tgrpo.policies.base import Policy
from tgrpo.training.decisions import joined
from tgrpo.training.optimizer import Optimizer
from tgrpo.training.preferences import Pairs, Prefer, logistic_loss
from tgrpo.training.ranks import ALONE, Ranks
from tgrpo.training.shares import pieces
from tgrpo.trajectory import Group, Trajectory

PIECE = 256  # decisions that a gradient is taken of at a time, unless the learner says how many


@dataclass(frozen=True, slots=True)
class _Compared:
    """A group with its pairs and the reference's log-probs (N,) of its arms."""

    group: Group
    pairs: Pairs
    reference: Tensor


class PreferenceLearner:
    """See `Learner`. Groups without a pair are skipped and counted; `reference` never changes."""

    def __init__(
        self,
        policy: Policy,
        reference: Policy,
        config: LearnerConfig,
        prefer: Prefer,
        *,
        beta: float,
        temperature: float = 1.0,
        seed: int = 0,
        ranks: Ranks = ALONE,
    ) -> None:
        self.policy = policy
        self.reference = reference
        self.config = config
        self.temperature = temperature
        self._prefer, self._beta = prefer, beta
        self._seed, self._ranks = seed, ranks
        self._updates = 0
        self._optimizer = Optimizer(policy.named_parameters(), config, ranks)

    def update(self, groups: Sequence[Group]) -> dict[str, float]:
        """See `Learner`. Without a pair in any group no optimiser step is taken."""
        self._updates += 1
        items = [self._compare(group, pairs) for group in groups if (pairs := self._prefer(group))]
        metrics = {
            "advantage/groups_without_signal": 1.0 - len(items) / len(groups),
            "advantage/groups_alike": float(np.mean([group.alike for group in groups])),
            "preference/groups_skipped": float(len(groups) - len(items)),
            "preference/pairs": float(sum(len(item.pairs) for item in items)),
        }
        if not items:
            return metrics | {"update/steps": 0.0}
        rng = np.random.default_rng((self._seed, self._updates))
        steps = [
            self._step([items[index] for index in part])
            for _ in range(self.config.epochs)
            for part in _parts(rng.permutation(len(items)), self.config.minibatches)
        ]
        return metrics | _means(steps) | {"update/steps": float(len(steps))}

    def state_tensors(self) -> dict[str, Tensor]:
        """See `Learner`."""
        return {"updates": torch.tensor(self._updates), **self._optimizer.state_tensors()}

    def load_state_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """See `Learner`."""
        self._updates = int(tensors["updates"])
        self._optimizer.load_state_tensors(tensors)

    def _compare(self, group: Group, pairs: Pairs) -> _Compared:
        return _Compared(group, pairs, self._log_probs(self.reference, group))

    def _step(self, items: Sequence[_Compared]) -> dict[str, float]:
        """One optimiser step on the mean over groups of the mean over their pairs."""
        self._optimizer.zero()
        losses, margins = [], []
        for item in items:
            ratios = self._log_probs(self.policy, item.group) - item.reference
            ratios.requires_grad_()
            chosen, other = torch.tensor(item.pairs).T
            margin = ratios[chosen] - ratios[other]
            loss = logistic_loss(margin, self._beta).mean()
            (slopes,) = torch.autograd.grad(loss / len(items), ratios)
            for trajectory, slope in zip(item.group.trajectories, slopes.tolist(), strict=True):
                self._follow(trajectory, slope)
            losses.append(float(loss.detach()))
            margins.append(margin.detach())
        return {
            "loss/policy": float(np.mean(losses)),
            "preference/margin": float(torch.cat(margins).mean()),
            "preference/accuracy": float((torch.cat(margins) > 0).double().mean()),
            "update/gradient_norm": self._optimizer.step(),
        }

    def _follow(self, trajectory: Trajectory, slope: float) -> None:
        """Add slope · gradient of log π_θ(τ), piece by piece; an arm of no pair has slope 0."""
        if slope == 0:
            return
        for part in self._pieces(self.policy, trajectory):
            torch.autograd.backward(slope * part)

    def _log_probs(self, policy: Policy, group: Group) -> Tensor:
        """log π(τ) of every arm, (N,) float64, without gradient."""
        with torch.no_grad():
            sums = [
                sum((float(part) for part in self._pieces(policy, arm)), 0.0)
                for arm in group.trajectories
            ]
        return self._ranks.sum(torch.tensor(sums, dtype=torch.float64))

    def _pieces(self, policy: Policy, trajectory: Trajectory) -> Iterator[Tensor]:
        """Sums of the log-probs of this rank's share, at most `micro_batch` decisions each."""
        seen = joined([trajectory], policy.device)
        tokens = torch.from_numpy(trajectory.tokens).to(policy.device)
        every = torch.arange(len(trajectory), device=policy.device)
        for rows, counts in pieces(every, self.config.micro_batch or PIECE, self._ranks):
            log_probs = policy.log_probs(
                trajectory.context, seen[rows], tokens[rows], temperature=self.temperature
            )
            yield (log_probs * counts[:, None]).sum()


def _parts(order: np.ndarray, count: int) -> list[np.ndarray]:
    """`order` in `count` parts, fewer where there are fewer entries."""
    return np.array_split(order, min(count, len(order)))


def _means(steps: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([step[name] for step in steps])) for name in steps[0]}
