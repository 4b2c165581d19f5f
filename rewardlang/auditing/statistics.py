"""Rank statistics and advantages of what episodes were worth. Pure functions on numpy arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ranks(values: Sequence[float]) -> Floats:
    """Ranks (n,) from 1; equal values share the mean of theirs."""
    _, which, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: Floats = (last - (counts - 1) / 2)[which]
    return shared


def rise(values: Sequence[float]) -> float:
    """Spearman's correlation of `values` with their order; 0 where they are all equal."""
    of_values = ranks(values)
    if len(values) < 2 or of_values.max() == of_values.min():
        return 0.0
    return float(np.corrcoef(of_values, np.arange(len(values)))[0, 1])


def separation(higher: Sequence[float], lower: Sequence[float]) -> float:
    """Area under the ROC curve: the share of pairs in which the first is larger, ties half.

    Both hold one value at least.
    """
    first = np.asarray(higher)[:, None]
    second = np.asarray(lower)[None, :]
    return float(np.mean((first > second) + 0.5 * (first == second)))


def advantages(phi: Floats) -> Floats:
    """Φ of a group's arms (N, T) -> each arm's advantage (N,): TGRPO's, averaged over the steps.

    A reward is Φ at its step, and the advantage the z-score among the arms at each step plus that
    of the returns, with N - 1 in the standard deviation; 0 where all are alike.
    """
    mean: Floats = _z_scores(phi).mean(axis=1) + _z_scores(phi.sum(axis=1))
    return mean


def _z_scores(values: Floats) -> Floats:
    """Down the first axis."""
    alike = values.max(axis=0) == values.min(axis=0)  # a mean may be off by one rounding
    spread = np.where(alike, 1.0, values.std(axis=0, ddof=1))
    scores: Floats = np.where(alike, 0.0, (values - values.mean(axis=0)) / spread)
    return scores
