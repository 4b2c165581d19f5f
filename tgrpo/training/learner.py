"""Groups of trajectories to one update of the policy: a clipped surrogate, anchored by a KL term.

The same for every algorithm that gives each decision an advantage (`tgrpo.training.levels`).

rewards (N, T) ─ advantages ─ decisions of all groups, shuffled ─ minibatches ─ AdamW
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tgrpo.config import LearnerConfig
from tgrpo.policies.base import Policy, bin_log_probs
from tgrpo.training.levels import Levels, group_advantages
from tgrpo.training.losses import DecisionLoss, decision_loss, decision_weights
from tgrpo.trajectory import Group, TaskContext, Trajectory


@dataclass(frozen=True, slots=True)
class Decisions:
    """Decisions of one task, flattened over groups, arms and steps."""

    context: TaskContext
    robot: Tensor  # (D, 9)
    objects: Tensor  # (D, K, 7)
    tokens: Tensor  # (D, 7)
    behaviour: Tensor  # (D, 7) log-probs
    advantages: Tensor  # (D,)
    weights: Tensor  # (D,), sum over all tasks is 1

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True, slots=True)
class _Arm:
    """A trajectory with the advantage (T,) and the weight (T,) of each decision."""

    trajectory: Trajectory
    advantages: Tensor
    weights: Tensor


Batch = list[tuple[Decisions, Tensor]]  # rows of each task's decisions


class Learner:
    """Owns optimiser state; changes `policy` in place and never `reference`.

    Equal seeds and equal sequences of groups give bitwise equal parameters on one machine with
    one number of threads. The order of minibatches is keyed by (seed, number of the update), so
    `state_tensors` is all that a resumed run needs.
    """

    def __init__(
        self,
        policy: Policy,
        reference: Policy,
        config: LearnerConfig,
        levels: Levels,
        *,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> None:
        """`temperature` must be the one that trajectories are sampled at."""
        self.policy = policy
        self.reference = reference
        self.config = config
        self.levels = levels
        self.temperature = temperature
        self._seed = seed
        self._updates = 0
        self._optimizer_steps = 0
        self._parameters = {
            name: parameter
            for name, parameter in policy.named_parameters()
            if parameter.requires_grad
        }
        self._optimizer = torch.optim.AdamW(
            self._parameters.values(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )

    def update(self, groups: Sequence[Group]) -> dict[str, float]:
        """One update from `groups`, all sampled by the current policy. Returns metrics by name.

        Where no advantage differs from 0 nothing is to be learnt: no optimiser step is taken.
        """
        self._updates += 1
        tables = [group_advantages(group, self.config, self.levels) for group in groups]
        metrics = _advantage_metrics(groups, tables)
        if not any(table.any() for table in tables):
            return metrics | {"update/steps": 0.0}
        decisions = self._flatten(groups, tables)
        rng = np.random.default_rng((self._seed, self._updates))
        tracker = _Tracker()
        for _ in range(self.config.epochs):
            for batch, scale in _minibatches(decisions, self.config.minibatches, rng):
                self._step(batch, scale, tracker)
        return metrics | tracker.means()

    def state_tensors(self) -> dict[str, Tensor]:
        """Optimiser state and counters, for a checkpoint."""
        tensors = {
            "updates": torch.tensor(self._updates),
            "optimizer_steps": torch.tensor(self._optimizer_steps),
        }
        for name, parameter in self._parameters.items():
            for key, value in self._optimizer.state.get(parameter, {}).items():
                tensors[f"{name}/{key}"] = torch.as_tensor(value).clone()
        return tensors

    def load_state_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state_tensors` gave. Raises KeyError for another policy's state."""
        self._updates = int(tensors["updates"])
        self._optimizer_steps = int(tensors["optimizer_steps"])
        for key, value in tensors.items():
            name, slash, slot = key.rpartition("/")
            if slash:
                self._optimizer.state[self._parameters[name]][slot] = value.clone()

    def _flatten(self, groups: Sequence[Group], tables: Sequence[np.ndarray]) -> list[Decisions]:
        """All decisions, by task."""
        arms = [
            (trajectory, table[arm, : len(trajectory)])
            for group, table in zip(groups, tables, strict=True)
            for arm, trajectory in enumerate(group.trajectories)
            if len(trajectory)
        ]
        lengths = [len(trajectory) for trajectory, _ in arms]
        by_task: dict[TaskContext, list[_Arm]] = {}
        for (trajectory, row), weights in zip(
            arms, torch.split(decision_weights(lengths), lengths), strict=True
        ):
            arm = _Arm(trajectory, torch.from_numpy(row.astype(np.float32)), weights)
            by_task.setdefault(trajectory.context, []).append(arm)
        return [self._decisions(context, items) for context, items in by_task.items()]

    def _decisions(self, context: TaskContext, arms: Sequence[_Arm]) -> Decisions:
        device = self.policy.device

        def join(name: str) -> Tensor:
            arrays = [getattr(arm.trajectory, name) for arm in arms]
            return torch.from_numpy(np.concatenate(arrays)).to(device)

        return Decisions(
            context=context,
            robot=join("robot"),
            objects=join("objects"),
            tokens=join("tokens"),
            behaviour=join("log_probs"),
            advantages=torch.cat([arm.advantages for arm in arms]).to(device),
            weights=torch.cat([arm.weights for arm in arms]).to(device),
        )

    def _step(self, batch: Batch, scale: float, tracker: _Tracker) -> None:
        """One optimiser step on a minibatch: rows of each task's decisions.

        `scale` makes the minibatch's share of J an estimate of the whole of J.
        """
        self._optimizer.zero_grad(set_to_none=True)
        for decisions, rows in batch:
            terms = self._terms(decisions, rows)
            weights = decisions.weights[rows] * scale
            loss = (weights * (terms.surrogate + self.config.kl_weight * terms.kl)).sum()
            torch.autograd.backward(loss)
            tracker.add(terms, weights)
        norm = torch.nn.utils.clip_grad_norm_(
            self._parameters.values(), self.config.max_gradient_norm
        )
        tracker.end_step(float(norm))
        self._warm_up()
        self._optimizer.step()

    def _warm_up(self) -> None:
        # Adam's first steps have the full length in every parameter, whatever the gradient: without
        # a warm-up the first update alone leaves the clip's interval in a tenth of its decisions.
        self._optimizer_steps += 1
        scale = min(1.0, self._optimizer_steps / max(1, self.config.warmup_steps))
        for group in self._optimizer.param_groups:
            group["lr"] = self.config.learning_rate * scale

    def _terms(self, decisions: Decisions, rows: Tensor) -> DecisionLoss:
        with torch.no_grad():
            reference = self._log_probs(self.reference, decisions, rows)
        return decision_loss(
            self._log_probs(self.policy, decisions, rows),
            decisions.behaviour[rows],
            reference,
            decisions.tokens[rows],
            decisions.advantages[rows],
            clip=self.config.clip,
            ratio=self.config.ratio,
            kl=self.config.kl,
        )

    def _log_probs(self, policy: Policy, decisions: Decisions, rows: Tensor) -> Tensor:
        """Of all bins, (B, 7, 256)."""
        logits = policy.action_logits(
            decisions.context,
            decisions.robot[rows],
            decisions.objects[rows],
            decisions.tokens[rows],
        )
        return bin_log_probs(logits, temperature=self.temperature)


def _minibatches(
    decisions: Sequence[Decisions], count: int, rng: np.random.Generator
) -> Iterator[tuple[Batch, float]]:
    """Shuffle all decisions over `count` minibatches (fewer where there are fewer decisions)."""
    task = np.repeat(np.arange(len(decisions)), [len(item) for item in decisions])
    row = np.concatenate([np.arange(len(item)) for item in decisions])
    parts = np.array_split(rng.permutation(len(task)), min(count, len(task)))
    for part in parts:
        batch = [
            (item, torch.from_numpy(row[part[task[part] == index]]).to(item.tokens.device))
            for index, item in enumerate(decisions)
        ]
        yield [(item, rows) for item, rows in batch if len(rows)], float(len(parts))


def _advantage_metrics(groups: Sequence[Group], tables: Sequence[np.ndarray]) -> dict[str, float]:
    """Shares of groups that teach nothing, and how large advantages are."""
    size = np.concatenate([np.abs(table).ravel() for table in tables])
    outcomes = [{trajectory.success for trajectory in group.trajectories} for group in groups]
    return {
        "advantage/mean_abs": float(size.mean()) if size.size else 0.0,
        "advantage/max_abs": float(size.max(initial=0.0)),
        "advantage/groups_without_signal": float(np.mean([not table.any() for table in tables])),
        "advantage/groups_alike": float(np.mean([len(kinds) < 2 for kinds in outcomes])),
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
        self._ratios.append(terms.ratio)

    def end_step(self, gradient_norm: float) -> None:
        self._norms.append(gradient_norm)

    def means(self) -> dict[str, float]:
        ratio = torch.cat(self._ratios)
        return {name: value / len(self._norms) for name, value in self._sums.items()} | {
            "ratio/mean": float(ratio.mean()),
            "ratio/min": float(ratio.min()),
            "ratio/max": float(ratio.max()),
            "update/gradient_norm": float(np.mean(self._norms)),
            "update/steps": float(len(self._norms)),
        }
