"""The functions of `degrees` over the lanes of arrays; `on` are the lanes that are asked."""

from __future__ import annotations

from rewardlang.ir import PHI_CAP
from rewardlang.runtime.arrays import Array, Arrays, arrays_of
from rewardlang.runtime.trace import Memories


def falling(m: Memories, slot: int, now: Array, goal: float, on: Array) -> Array:
    start = m.start(slot, now, on)
    return _come(m.arrays, start - now, start - goal, now <= goal)


def rising(m: Memories, slot: int, now: Array, goal: float, on: Array) -> Array:
    start = m.start(slot, now, on)
    return _come(m.arrays, now - start, goal - start, now >= goal)


def between(now: Array, start: Array | float, end: Array | float) -> Array:
    arrays, span = arrays_of(now), end - start
    if isinstance(span, float):
        degree = (now - start) / span if span else arrays.full(now, now.shape, 0.0)
        return capped(degree)
    return arrays.where(span != 0.0, capped((now - start) / span), 0.0)


def graded(holds: Array, degree: Array) -> Array:
    return arrays_of(degree).where(holds, 1.0, capped(degree))


def capped(degree: Array) -> Array:
    arrays = arrays_of(degree)
    return arrays.smaller(PHI_CAP, arrays.larger(0.0, degree))


def _come(arrays: Arrays, way: Array, span: Array, reached: Array) -> Array:
    # without a span every way that is left leads to minus infinity, and so to 0
    return arrays.where(reached, 1.0, capped(way / arrays.larger(0.0, span)))
