"""Intervals and tests for trials: seeds, then states within each seed, are resampled.

Tasks are not resampled: a figure is about the tasks it names. Differences are paired: the same
seeds, and within a seed the same start and the same states.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

SAMPLES = 10_000
CHUNK = 1_000  # drawn at once: tens of MB


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval and, for a difference, the two-sided p of "none"."""

    value: float
    low: float
    high: float
    p: float = float("nan")

    def as_json(self) -> list[float | None]:
        return [self.value, self.low, self.high, None if math.isnan(self.p) else self.p]


def bootstrap(values: np.ndarray, *, seed: int = 0, samples: int = SAMPLES) -> Estimate:
    """Mean of `values` (seeds, tasks, states): success as 0 and 1, or differences of it.

    Hierarchical bootstrap, percentile interval. With one seed the interval is about its states
    alone. p is twice the smaller share of resampled means on either side of 0 (at least 1/B).
    """
    rng = np.random.default_rng(seed)
    parts = [
        _resampled(values, rng, min(CHUNK, samples - done)) for done in range(0, samples, CHUNK)
    ]
    means = np.concatenate(parts)
    low, high = np.quantile(means, [0.025, 0.975])
    side = min((means <= 0).sum(), (means >= 0).sum())
    return Estimate(
        float(values.mean()), float(low), float(high), min(1.0, 2 * (side + 1) / (samples + 1))
    )


def _resampled(values: np.ndarray, rng: np.random.Generator, samples: int) -> np.ndarray:
    """Means (samples,) of resampled `values` (seeds, tasks, states)."""
    seeds, _, states = values.shape
    drawn = values[rng.integers(seeds, size=(samples, seeds))]
    chosen = rng.integers(states, size=drawn.shape)
    return np.take_along_axis(drawn, chosen, axis=3).mean(axis=(1, 2, 3))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values of a family of comparisons (Holm, 1979)."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p))
        adjusted[name] = largest
    return adjusted
