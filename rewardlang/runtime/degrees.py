"""Degrees: how far a quantity has come, in [0, 1]; 1 only where its goal is reached.

`m` is the memory as a list, `slot` the place in it that holds the quantity's value at the stage's
first entry (None before). Broken physics (NaN) gives degree 0.
"""

from __future__ import annotations

from rewardlang.ir import PHI_CAP

Slots = list[float | None]


def falling(m: Slots, slot: int, now: float, goal: float) -> float:
    """Progress of a quantity that is to fall to `goal`, from its value at first entry.

    Where it was at its goal already, anything above the goal counts 0.
    """
    start = m[slot]
    if start is None:
        start = m[slot] = now
    if now <= goal:
        return 1.0
    if start <= goal:
        return 0.0
    degree = (start - now) / (start - goal)
    # `capped`, written out: these two are called for every stage in every step
    return PHI_CAP if degree >= PHI_CAP else degree if degree > 0.0 else 0.0


def rising(m: Slots, slot: int, now: float, goal: float) -> float:
    """As `falling`, of a quantity that is to rise."""
    start = m[slot]
    if start is None:
        start = m[slot] = now
    if now >= goal:
        return 1.0
    if start >= goal:
        return 0.0
    degree = (now - start) / (goal - start)
    return PHI_CAP if degree >= PHI_CAP else degree if degree > 0.0 else 0.0


def between(now: float, start: float, end: float) -> float:
    """`progress … from start to end`; 0 where the span is nothing."""
    return capped((now - start) / (end - start)) if start != end else 0.0


def graded(holds: bool | float, degree: float) -> float:
    """1 where the predicate holds, its degree below that otherwise."""
    return 1.0 if holds else capped(degree)


def capped(degree: float) -> float:
    """`degree` brought into [0, 0.99]: what is not done is worth less than what is."""
    if degree >= PHI_CAP:
        return PHI_CAP
    return degree if degree > 0.0 else 0.0
