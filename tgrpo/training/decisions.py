"""Groups to the decisions in them, by task and in minibatches, and what a policy says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from tgrpo.policies.base import Policy, bin_log_probs
from tgrpo.policies.observations import Observations
from tgrpo.training.ranks import Ranks
from tgrpo.training.shares import pieces
from tgrpo.trajectory import Group, Images, TaskContext, Trajectory


@dataclass(frozen=True, slots=True)
class Decisions:
    """Decisions of one task, flattened over groups, arms and steps."""

    context: TaskContext
    seen: Observations
    tokens: Tensor  # (D, 7 K)
    behaviour: Tensor  # (D, 7 K) log-probs
    advantages: Tensor  # (D,)
    weights: Tensor  # (D,), sum over all tasks is 1

    def __len__(self) -> int:
        return len(self.tokens)


class Shown(Protocol):
    """An episode as a policy sees it; a `Trajectory` is one, and a demonstration."""

    @property
    def robot(self) -> np.ndarray: ...  # (T, 9), before each decision
    @property
    def objects(self) -> np.ndarray: ...  # (T, K, 7)
    @property
    def images(self) -> Images: ...  # (T, H, W, 3) of each camera


Batch = list[tuple[Decisions, Tensor]]  # rows of each task's decisions
Weigh = Callable[[list[int]], Tensor]  # lengths of trajectories -> weight of every decision


@dataclass(frozen=True, slots=True)
class _Arm:
    """A trajectory with the advantage (T,) and the weight (T,) of each decision."""

    trajectory: Trajectory
    advantages: Tensor
    weights: Tensor


def flatten(
    groups: Sequence[Group], tables: Sequence[np.ndarray], weigh: Weigh, device: torch.device
) -> list[Decisions]:
    """All decisions, by task. `tables` hold the advantages (N, T) of each group."""
    arms = [
        (trajectory, table[arm, : len(trajectory)])
        for group, table in zip(groups, tables, strict=True)
        for arm, trajectory in enumerate(group.trajectories)
        if len(trajectory)
    ]
    lengths = [len(trajectory) for trajectory, _ in arms]
    by_task: dict[TaskContext, list[_Arm]] = {}
    for (trajectory, row), weights in zip(arms, torch.split(weigh(lengths), lengths), strict=True):
        arm = _Arm(trajectory, torch.from_numpy(row.astype(np.float32)), weights)
        by_task.setdefault(trajectory.context, []).append(arm)
    return [_decisions(context, items, device) for context, items in by_task.items()]


def _decisions(context: TaskContext, arms: Sequence[_Arm], device: torch.device) -> Decisions:
    shown = [arm.trajectory for arm in arms]
    tokens, behaviour = (
        torch.from_numpy(np.concatenate(rows)).to(device)
        for rows in ([item.tokens for item in shown], [item.log_probs for item in shown])
    )
    return Decisions(
        context=context,
        seen=joined(shown, device),
        tokens=tokens,
        behaviour=behaviour,
        advantages=torch.cat([arm.advantages for arm in arms]).to(device),
        weights=torch.cat([arm.weights for arm in arms]).to(device),
    )


def joined(shown: Sequence[Shown], device: torch.device) -> Observations:
    """The observations of all decisions of several episodes of one task, in order."""
    return Observations.of(
        np.concatenate([item.robot for item in shown], dtype=np.float32),
        np.concatenate([item.objects for item in shown], dtype=np.float32),
        {name: np.concatenate([item.images[name] for item in shown]) for name in shown[0].images},
        device=device,
    )


def minibatches(
    decisions: Sequence[Decisions], count: int, rng: np.random.Generator
) -> Iterator[tuple[Batch, float]]:
    """Shuffle all decisions over `count` minibatches (fewer where there are fewer decisions).

    The number with each scales its sum to an estimate of the whole.
    """
    task = np.repeat(np.arange(len(decisions)), [len(item) for item in decisions])
    row = np.concatenate([np.arange(len(item)) for item in decisions])
    parts = np.array_split(rng.permutation(len(task)), min(count, len(task)))
    for part in parts:
        batch = [
            (item, torch.from_numpy(row[part[task[part] == index]]).to(item.tokens.device))
            for index, item in enumerate(decisions)
        ]
        yield [(item, rows) for item, rows in batch if len(rows)], float(len(parts))


def in_pieces(
    batch: Batch, size: int | None, ranks: Ranks
) -> Iterator[tuple[Decisions, Tensor, Tensor]]:
    """This rank's share of the rows, at most `size` at a time, and what each row counts.

    Over all pieces and ranks the gradients add up to the whole's.
    """
    for decisions, rows in batch:
        for piece, counts in pieces(rows, size, ranks):
            yield decisions, piece, counts


def all_log_probs(
    policy: Policy, decisions: Decisions, rows: Tensor, *, temperature: float
) -> Tensor:
    """Log-probs of all bins (B, 7 K, 256) in the given rows, with gradient."""
    logits = policy.action_logits(decisions.context, decisions.seen[rows], decisions.tokens[rows])
    return bin_log_probs(logits, temperature=temperature)
