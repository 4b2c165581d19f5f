"""Behaviour cloning: demonstrations to a policy, by cross-entropy on action tokens."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from tgrpo.actions import NUM_BINS
from tgrpo.config import SFTConfig
from tgrpo.policies.base import Policy
from tgrpo.policies.observations import Observations
from tgrpo.training.decisions import Shown, joined
from tgrpo.trajectory import TaskContext

Progress = Callable[[int, int, dict[str, float]], None]  # (step, of steps, metrics)


class Demonstration(Shown, Protocol):
    """What SFT reads of a demonstration."""

    @property
    def context(self) -> TaskContext: ...
    @property
    def actions(self) -> np.ndarray: ...  # (T, 7) in [-1, 1]


@dataclass(frozen=True, slots=True)
class _Examples:
    """All decisions of one task."""

    context: TaskContext
    seen: Observations
    tokens: Tensor  # (D, 7 K)

    def __len__(self) -> int:
        return len(self.tokens)


def train_sft(
    policy: Policy,
    demonstrations: Sequence[Demonstration],
    config: SFTConfig,
    generator: np.random.Generator,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Train `policy` in place; returns the metrics of the last tenth of the steps.

    Batches are drawn from all decisions of all tasks alike. Equal generators give bitwise equal
    weights on one machine with one number of threads. Raises ValueError without demonstrations.
    """
    examples = _examples(policy, demonstrations)
    if not examples:
        raise ValueError("SFT needs at least one demonstration with at least one step")
    optimizer = _optimizer(policy, config)
    targets = smoothed_targets(config.smoothing).to(policy.device)
    recent: list[dict[str, float]] = []
    for step in range(config.steps):
        _set_learning_rate(optimizer, config, step)
        batch = _in_pieces(_draw(examples, config.batch_size, generator), config.micro_batch)
        recent.append(_train_step(policy, optimizer, batch, targets, config, generator))
        if progress is not None:
            progress(step + 1, config.steps, recent[-1])
    return _mean(recent[-max(1, config.steps // 10) :])


def demonstrated_chunks(tokens: np.ndarray, chunk: int) -> np.ndarray:
    """Tokens (T, 7) of a demonstration's actions to those of the next K from each step, (T, 7 K).

    After the last action it is repeated. The demonstrator succeeds with it, so nothing that comes
    later is ever demonstrated; but a policy that is a little late executes these tokens too, and
    to hold on to what brought success is better than what tokens without a target say.
    """
    steps = np.arange(len(tokens))[:, None] + np.arange(chunk)
    return tokens[np.minimum(steps, len(tokens) - 1)].reshape(len(tokens), -1)


def smoothed_targets(std: float) -> Tensor:
    """(256, 256): row k is the target distribution for a demonstrated bin k.

    A Gaussian of `std` bins around k, cut at the ends. Neighbouring bins are nearly the same
    action, which plain cross-entropy does not know: with few demonstrations it fits the gaps
    between the shown bins as if they mattered. 0 gives one-hot rows.
    """
    if std == 0:
        return torch.eye(NUM_BINS)
    bins = torch.arange(NUM_BINS, dtype=torch.float64)
    weights = torch.exp(-0.5 * ((bins - bins[:, None]) / std) ** 2)
    return (weights / weights.sum(dim=1, keepdim=True)).float()


def learning_rate_at(step: int, config: SFTConfig) -> float:
    """Linear warm-up, then cosine decay to a twentieth of the peak."""
    warmup = max(1, round(config.warmup * config.steps))
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, config.steps - warmup)
    return config.learning_rate * (0.05 + 0.95 * 0.5 * (1.0 + math.cos(math.pi * done)))


def _examples(policy: Policy, demonstrations: Sequence[Demonstration]) -> list[_Examples]:
    by_task: dict[TaskContext, list[Demonstration]] = {}
    for demonstration in demonstrations:
        if len(demonstration.actions):
            by_task.setdefault(demonstration.context, []).append(demonstration)
    return [_join(policy, context, items) for context, items in by_task.items()]


def _join(policy: Policy, context: TaskContext, items: list[Demonstration]) -> _Examples:
    single = [policy.encode(context, item.actions) for item in items]
    tokens = np.concatenate([demonstrated_chunks(rows, policy.chunk) for rows in single])
    device = policy.device
    return _Examples(context, joined(items, device), torch.from_numpy(tokens).to(device))


def _optimizer(policy: Policy, config: SFTConfig) -> torch.optim.AdamW:
    return torch.optim.AdamW(
        [parameter for parameter in policy.parameters() if parameter.requires_grad],
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        fused=True,
    )


def _set_learning_rate(optimizer: torch.optim.Optimizer, config: SFTConfig, step: int) -> None:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate_at(step, config)


def _draw(
    examples: Sequence[_Examples], size: int, generator: np.random.Generator
) -> Iterator[_Examples]:
    """`size` decisions, uniformly over all of them, grouped by task."""
    ends = np.cumsum([len(item) for item in examples])
    chosen = np.sort(generator.integers(ends[-1], size=size))
    for item, end in zip(examples, ends, strict=True):
        rows = chosen[(chosen >= end - len(item)) & (chosen < end)] - (end - len(item))
        if len(rows):
            index = torch.from_numpy(rows).to(item.tokens.device)
            yield _Examples(item.context, item.seen[index], item.tokens[index])


def _in_pieces(batch: Iterator[_Examples], size: int | None) -> Iterator[_Examples]:
    """The same decisions, at most `size` of them at a time."""
    for item in batch:
        for begin in range(0, len(item), size or len(item)):
            rows = slice(begin, begin + (size or len(item)))
            yield _Examples(item.context, item.seen[rows], item.tokens[rows])


def _train_step(
    policy: Policy,
    optimizer: torch.optim.Optimizer,
    batch: Iterator[_Examples],
    targets: Tensor,
    config: SFTConfig,
    generator: np.random.Generator,
) -> dict[str, float]:
    optimizer.zero_grad(set_to_none=True)
    totals = {"sft/loss": 0.0, "sft/accuracy": 0.0, "sft/bin_error": 0.0}
    for item in batch:
        share = len(item) / config.batch_size
        seen = _jitter(item.seen, config.position_noise, generator)
        logits = policy.action_logits(item.context, seen, item.tokens)
        cross_entropy = -(targets[item.tokens] * torch.log_softmax(logits, dim=-1)).sum(dim=-1)
        loss = cross_entropy.sum(dim=-1).mean() / policy.chunk
        torch.autograd.backward(loss * share)
        distance = (logits.detach().argmax(dim=-1) - item.tokens).abs().float()
        totals["sft/loss"] += share * float(loss.detach())
        totals["sft/accuracy"] += share * float((distance <= 2).float().mean())
        totals["sft/bin_error"] += share * float(distance.mean())
    torch.nn.utils.clip_grad_norm_(policy.parameters(), config.max_gradient_norm)
    optimizer.step()
    return totals


def _jitter(seen: Observations, noise: float, generator: np.random.Generator) -> Observations:
    """Observed positions moved by independent Gaussian noise: a sensor's error, not another state.

    Moving or turning everything together is not used: the arm's reach and the controller's frame
    are fixed in the world, so such a scene would need other actions.
    """
    if noise == 0:
        return seen
    robot, objects = seen.robot.clone(), seen.objects.clone()
    for positions in (robot[:, :3], objects[..., :3]):
        shift = generator.normal(0.0, noise, size=tuple(positions.shape)).astype(np.float32)
        positions += torch.from_numpy(shift).to(positions.device)
    return replace(seen, robot=robot, objects=objects)


def _mean(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]} if rows else {}
