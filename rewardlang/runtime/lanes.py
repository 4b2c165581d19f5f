"""What generated code over lanes works on: snapshots and memories of N states side by side.

The lanes are the last axis: each float of a snapshot and each slot of a memory is a row of N.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rewardlang.runtime.arrays import Array, Arrays

UNSET = float("-inf")  # a value at first entry that is not known yet: no quantity is that


class Rows:
    """N snapshots: `v[i]` is the row (N,) of one float, `v[a:b]` the rows (b - a, N) of several."""

    def __init__(self, values: Array, arrays: Arrays, table: Array | None = None) -> None:
        """`values` is (N, width); `table` a place (width, N) for them, used again and again.

        A new one at each step would cost more than everything that is done with it.
        """
        self.arrays = arrays
        self.table = arrays.full(values, values.shape[::-1], 0.0) if table is None else table
        self.table[:] = values.T
        self.seen: dict[Any, tuple[Array, Any]] = {}  # what has been worked out of them
        self._row: dict[int, Array] = {}

    def __getitem__(self, at: int | slice) -> Array:
        if isinstance(at, slice):
            return self.table[at]
        row = self._row.get(at)
        if row is None:
            row = self._row[at] = self.table[at]
        return row

    @property
    def everybody(self) -> Array:
        return self.arrays.full(self.table, self.table.shape[1:], True)


class Slots:
    """N memories: `m[i]` is the row (N,) of one slot, changed in place."""

    def __init__(self, table: Array, arrays: Arrays) -> None:
        self.arrays = arrays
        self.table = table
        self._row = list(table)
        self._lanes: Array = None

    def __getitem__(self, slot: int) -> Array:
        return self._row[slot]

    def at(self, table: tuple[int, ...], which: Array) -> Array:
        """The slot that each lane's entry of `table` names."""
        if self._lanes is None:
            ones = self.arrays.full(self.table, (self.table.shape[1],), True)
            self._lanes = self.arrays.indices(ones).cumsum(0) - 1
        return self.table[pick(self.arrays, table, which), self._lanes]

    def clear(self, start: int, end: int, mask: Array) -> None:
        self.arrays.put(self.table[start:end], mask, 0.0)


def slots(v: Rows, numbers: tuple[float | None, ...]) -> Slots:
    """The memory that generated code starts with; None: not yet known."""
    table = v.arrays.full(v.table, (len(numbers), v.table.shape[1]), 0.0)
    for slot, number in enumerate(numbers):
        if number is None:
            table[slot] = UNSET
    return Slots(table, v.arrays)


def pick(arrays: Arrays, table: tuple[float, ...], which: Array) -> Array:
    """Each lane's entry of a table of numbers; the last one where a lane is past the end."""
    return arrays.taken(arrays.table(table, arrays.device(which)), which)


def blended(arrays: Arrays, mask: Array, new: Any, old: Any) -> Any:
    """`new` in the lanes of the mask, `old` in the others; tuples one by one."""
    if old is None or new is old:
        return new
    if isinstance(new, tuple):
        return tuple(blended(arrays, mask, n, o) for n, o in zip(new, old, strict=True))
    return arrays.where(mask, new, old)


def each(
    arrays: Arrays,
    functions: tuple[Callable[..., Any], ...],
    which: Array,
    v: Rows,
    m: Slots,
    on: Array,
) -> Any:
    """The answers of a table of functions, each asked for the lanes that chose it."""
    result = None
    for number, function in enumerate(functions):
        here = on & (which == number)
        if arrays.some(here):
            result = blended(arrays, here, function(v, m, here), result)
    return result


def once(function: Callable[..., Array]) -> Callable[..., Array]:
    """Remembers the answer about the same snapshots, numbers and rows of them."""

    @functools.wraps(function)
    def remembered(v: Rows, *rest: Any) -> Array:
        key = (function, *(arg if isinstance(arg, int | float) else id(arg) for arg in rest))
        found = v.seen.get(key)
        if found is None:  # the arguments are kept too: no other array can get their id
            found = v.seen[key] = function(v, *rest), rest
        return found[0]

    return remembered


def namespace(arrays: Arrays) -> dict[str, Any]:
    """What generated code over lanes calls, on these arrays."""
    names = ("where", "larger", "smaller", "some", "put", "copied")
    bound: dict[str, Callable[..., Any]] = {"pick": pick, "blended": blended, "each": each}
    return (
        {name: getattr(arrays, name) for name in names}
        | {name: functools.partial(function, arrays) for name, function in bound.items()}
        | {"once": once, "slots": slots}
    )
