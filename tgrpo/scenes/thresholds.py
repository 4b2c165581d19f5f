"""Joint thresholds of LIBERO's articulated objects, found by asking the objects' own tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from rewardlang import Joint

_BESIDE = 1e-6  # how far from a threshold the tests are asked, m or rad


class ThresholdError(ValueError):
    """A test that does not change its answer at any of the object's own threshold candidates."""


def answers(item: Any, test: str) -> bool:
    """Whether the object's class implements `is_open` or `turn_on` (base classes only raise)."""
    try:
        getattr(item, test)(0.0)
    except (AttributeError, NotImplementedError):
        return False
    return True


def joint_thresholds(item: Any, names: Iterable[str]) -> tuple[Joint, ...]:
    """The joints `names` with the thresholds of `item`'s tests. Raises ThresholdError."""
    ranges = item.object_properties["articulation"]
    if answers(item, "is_open"):
        on = threshold(item.is_open, ranges["default_open_ranges"], inclusive=False)
        off = threshold(item.is_close, ranges["default_close_ranges"], inclusive=False)
    else:
        on = threshold(item.turn_on, ranges["default_turnon_ranges"], inclusive=True)
        off = threshold(item.turn_off, ranges["default_turnoff_ranges"], inclusive=False)
    (on_at, direction), (off_at, off_direction) = on, off
    if off_direction == direction:
        raise ThresholdError(f"{item.name}: opens and closes in the same direction")
    return tuple(
        Joint(name=name, on_at=on_at, off_at=off_at, direction=direction) for name in names
    )


def threshold(
    test: Callable[[float], bool], candidates: Sequence[float], *, inclusive: bool
) -> tuple[float, Literal[1, -1]]:
    """Where `test` changes its answer, and the side (+1 above, -1 below) on which it says yes.

    LIBERO's classes keep two numbers per state and compare with one of them; which one, and in
    which direction, is found by asking beside each. `inclusive` is the answer expected at the
    threshold itself. Raises ThresholdError.
    """
    for value in candidates:
        below, above = test(value - _BESIDE), test(value + _BESIDE)
        if below == above:
            continue
        if bool(test(value)) != inclusive:
            raise ThresholdError(f"{test}: unexpected answer at its own threshold {value}")
        return float(value), 1 if above else -1
    raise ThresholdError(f"{test}: none of {list(candidates)} is a threshold of it")
