"""PPO's critic: what the frozen policy sees in a state, and the time, to the return to come.

The features are those of the policy before RL (`Policy.hidden`), which never change: a value does
not drift while the policy learns, and the critic's few parameters are all there is to store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tgrpo.config import CriticConfig, LearnerConfig
from tgrpo.policies.base import Policy
from tgrpo.training.decisions import joined
from tgrpo.training.gae import generalized_advantages, normalized
from tgrpo.training.levels import decision_mask, rewards_of
from tgrpo.training.optimizer import Optimizer
from tgrpo.trajectory import Ending, Group, Trajectory

_TIME_SCALE = (
    100.0  # control steps; rewards of an episode of T_max steps depend on the time that is left
)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What the critic makes of a trajectory."""

    features: Tensor  # (T, hidden + 1)
    values: np.ndarray  # (T,)
    advantages: np.ndarray  # (T,)


class Critic:
    """Advantages of groups by GAE, and the fit of the value function to their returns.

    `fits` counts how often it has learned.
    """

    def __init__(
        self, reference: Policy, config: CriticConfig, learner: LearnerConfig, *, seed: int = 0
    ) -> None:
        """`reference` is never changed. Equal seeds give bitwise equal weights."""
        self._reference, self._config, self._learner = reference, config, learner
        self._seed, self.fits = seed, 0
        with torch.random.fork_rng(devices=[]):  # leaves the global generator as it was
            torch.manual_seed(seed)
            self.network = nn.Sequential(
                nn.Linear(reference.hidden_width + 1, config.width),
                nn.GELU(),
                nn.Linear(config.width, 1),
            ).to(reference.device)
        self._optimizer = Optimizer(self.network.named_parameters(), config)

    def advantages(self, groups: Sequence[Group]) -> list[np.ndarray]:
        """Advantages (N, T) of each group, normalised over all their decisions."""
        rows = iter(normalized([self._judge(arm).advantages for arm in _arms(groups)]))
        return [_table(group, rows) for group in groups]

    def fit(self, groups: Sequence[Group]) -> dict[str, float]:
        """Regress values on A + V, the λ-returns under the values so far. Returns metrics."""
        self.fits += 1
        judged = [self._judge(arm) for arm in _arms(groups)]
        features = torch.cat([item.features for item in judged])
        returns = np.concatenate([item.values + item.advantages for item in judged])
        targets = torch.from_numpy(returns.astype(np.float32)).to(features.device)
        if not len(targets):
            return {"critic/loss": 0.0, "critic/explained_variance": 0.0}
        losses = [self._step(features[rows], targets[rows]) for rows in self._rows(len(targets))]
        missed = targets - self._values(features)
        return {
            "critic/loss": float(np.mean(losses)),
            "critic/explained_variance": _explained(missed, targets),
        }

    def state_tensors(self) -> dict[str, Tensor]:
        """Parameters and optimiser, for a checkpoint."""
        weights = {f"weights/{key}": value for key, value in self.network.state_dict().items()}
        moments = {f"adam/{key}": value for key, value in self._optimizer.state_tensors().items()}
        return {"fits": torch.tensor(self.fits), **weights, **moments}

    def load_state_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state_tensors` gave. Raises KeyError, RuntimeError for another's."""
        self.fits = int(tensors["fits"])
        self.network.load_state_dict(below("weights", tensors))
        self._optimizer.load_state_tensors(below("adam", tensors))

    def _step(self, inputs: Tensor, targets: Tensor) -> float:
        self._optimizer.zero()
        loss = nn.functional.mse_loss(self.network(inputs).squeeze(-1), targets)
        torch.autograd.backward(loss)
        self._optimizer.step()
        return float(loss.detach())

    def _rows(self, count: int) -> Iterator[Tensor]:
        """Minibatches of every epoch, keyed by the number of the fit."""
        rng = np.random.default_rng((self._seed, 1, self.fits))
        for _ in range(self._config.epochs):
            order = torch.from_numpy(rng.permutation(count))
            yield from order.tensor_split(min(self._config.minibatches, count))

    def _judge(self, arm: Trajectory) -> _Judged:
        features = self._features(arm)
        values = self._values(features).cpu().numpy().astype(np.float64)
        rewards = np.nan_to_num(rewards_of(arm, self._learner))
        # What follows a cut is not known, and the last state was not kept: the one before it is.
        final = float(values[-1]) if arm.ending is Ending.CUT and len(values) else 0.0
        config = self._config
        advantages = generalized_advantages(
            rewards, values, final, discount=config.discount, trace=config.trace
        )
        return _Judged(features, values, advantages)

    def _values(self, inputs: Tensor) -> Tensor:
        with torch.no_grad():
            return self.network(inputs).squeeze(-1)

    def _features(self, arm: Trajectory) -> Tensor:
        """(T, hidden + 1)."""
        device, count = self._reference.device, len(arm)
        seen, at_once = joined([arm], device), self._learner.micro_batch or max(1, count)
        with torch.no_grad():
            # A whole episode of images at once needs more memory than any micro-batch.
            parts = [
                self._reference.hidden(arm.context, seen[begin : begin + at_once])
                for begin in range(0, max(1, count), at_once)
            ]
        hidden = torch.cat(parts)
        before = torch.from_numpy(np.cumsum(arm.steps) - arm.steps)  # control steps
        time = before.to(device=device, dtype=hidden.dtype) / _TIME_SCALE
        return torch.cat((hidden, time[:, None]), dim=1)


def below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The entries below `prefix/`, without it."""
    start = f"{prefix}/"
    return {key.removeprefix(start): item for key, item in tensors.items() if key.startswith(start)}


def _explained(missed: Tensor, targets: Tensor) -> float:
    """Share of the targets' variance that the values explain; 0 where there is none."""
    variance = float(targets.var(unbiased=False))
    return 1.0 - float(missed.var(unbiased=False)) / variance if variance > 0 else 0.0


def _arms(groups: Sequence[Group]) -> list[Trajectory]:
    return [arm for group in groups for arm in group.trajectories]


def _table(group: Group, rows: Iterator[np.ndarray]) -> np.ndarray:
    """The next rows, one for each arm, as (N, T) padded with zeros."""
    table = np.zeros(decision_mask(group).shape)
    for arm, row in zip(range(len(table)), rows, strict=False):  # `rows` goes on
        table[arm, : len(row)] = row
    return table
