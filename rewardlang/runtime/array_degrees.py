"""The functions of `degrees` over the lanes of arrays; `on` are the lanes that are asked.

A value at first entry that is not known yet is `UNSET`.
"""

from __future__ import annotations

from rewardlang.ir import PHI_CAP
from rewardlang.runtime.arrays import Array, Arrays, arrays_of
from rewardlang.runtime.lanes import UNSET, Slots


def falling(m: Slots, slot: int, now: Array, goal: float, on: Array) -> Array:
    start = _start(m, slot, now, on)
    return _come(m.arrays, start - now, start - goal, now <= goal)


def rising(m: Slots, slot: int, now: Array, goal: float, on: Array) -> Array:
    start = _start(m, slot, now, on)
    return _come(m.arrays, now - start, goal - start, now >= goal)


def between(now: Array, start: Array | float, end: Array | float) -> Array:
    span = end - start + now * 0.0  # an array, also between two numbers
    arrays = arrays_of(now)
    return arrays.where(span != 0.0, capped((now - start) / span), 0.0)


def graded(holds: Array, degree: Array) -> Array:
    return arrays_of(degree).where(holds, 1.0, capped(degree))


def capped(degree: Array) -> Array:
    arrays = arrays_of(degree)
    return arrays.smaller(arrays.larger(degree, 0.0), PHI_CAP)


def _start(m: Slots, slot: int, now: Array, on: Array) -> Array:
    start = m[slot]
    first = on & (start == UNSET)
    if m.arrays.some(first):
        m.arrays.put(start, first, now)
    return start


def _come(arrays: Arrays, way: Array, span: Array, reached: Array) -> Array:
    # without a span every way that is left leads to minus infinity, and so to 0
    return arrays.where(reached, 1.0, capped(way / arrays.larger(span, 0.0)))
