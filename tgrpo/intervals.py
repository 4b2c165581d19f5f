"""95 % intervals of success rates and of their differences on the same states."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z_95 = 1.959963984540054  # two-sided 95 % quantile of the normal distribution


@dataclass(frozen=True, slots=True)
class Interval:
    """A share, or a difference of two, with its 95 % interval."""

    value: float
    low: float
    high: float


def wilson(successes: int, episodes: int) -> Interval:
    """Wilson's 95 % score interval of a share; (0, 1) without episodes."""
    if episodes == 0:
        return Interval(math.nan, 0.0, 1.0)
    share, z2 = successes / episodes, Z_95**2
    centre = (share + z2 / (2 * episodes)) / (1 + z2 / episodes)
    spread = math.sqrt(share * (1 - share) / episodes + z2 / (4 * episodes**2))
    half = Z_95 * spread / (1 + z2 / episodes)
    # At 0 and n the exact limits are 0 and 1; rounding may miss them by an ulp.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == episodes else centre + half
    return Interval(share, low, high)


def paired_difference(before: Sequence[bool], after: Sequence[bool]) -> Interval:
    """Share of `after` minus that of `before` on the same states, with Newcombe's 95 % interval.

    Method 10 of Newcombe (1998), "Improved confidence intervals for the difference between
    binomial proportions based on paired data". Raises ValueError for unequal lengths.
    """
    if len(before) != len(after):
        raise ValueError(f"not paired: {len(before)} and {len(after)} episodes")
    if not before:
        return Interval(math.nan, -1.0, 1.0)
    first, second = wilson(sum(after), len(after)), wilson(sum(before), len(before))
    phi = _correlation(before, after)
    low = _distance(first.value - first.low, second.high - second.value, phi)
    high = _distance(second.value - second.low, first.high - first.value, phi)
    difference = first.value - second.value
    return Interval(difference, difference - low, difference + high)


def _distance(a: float, b: float, phi: float) -> float:
    return math.sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))


def _correlation(before: Sequence[bool], after: Sequence[bool]) -> float:
    """Newcombe's phi with continuity correction; 0 where a margin is empty."""
    n = len(before)
    pairs = list(zip(before, after, strict=True))
    both, neither = pairs.count((True, True)), pairs.count((False, False))
    gained, lost = pairs.count((False, True)), pairs.count((True, False))
    margins = (both + gained) * (lost + neither) * (both + lost) * (gained + neither)
    if margins == 0:
        return 0.0
    product = float(both * neither - gained * lost)
    if product > 0:
        product = max(product - n / 2, 0.0)
    return product / math.sqrt(margins)
