"""What generated code over lanes works on: snapshots of N episodes at T times, side by side.

A lane is one episode at one time: each float of a snapshot is an array (N * T,), one episode after
the other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rewardlang.runtime.arrays import Array, Arrays


class Rows:
    """Snapshots: `v[i]` is one float (N * T,), `v[a:b]` are several (b - a, N * T)."""

    def __init__(self, values: Array, arrays: Arrays, room: Array | None = None) -> None:
        """`values` is (N, T, width); `room` as many floats in a row, used again and again.

        New memory for each block would cost more than everything that is done with it.
        """
        self.arrays = arrays
        self.episodes, self.times, _ = values.shape
        self.seen: dict[Any, tuple[Array, Any]] = {}  # what has been worked out of them
        self._table = arrays.turned(values, room)
        self._row: dict[int, Array] = {}

    def __getitem__(self, at: int | slice) -> Array:
        if isinstance(at, slice):
            return self._table[at]
        row = self._row.get(at)
        if row is None:
            row = self._row[at] = self._table[at]
        return row

    def at(self, lanes: Array) -> SomeRows:
        return SomeRows(self, lanes)

    def full(self, value: float | bool) -> Array:
        """(N * T,) of one value."""
        return self.arrays.full(self._table, self._table.shape[1:], value)

    def by_time(self, row: Array) -> Array:
        """(N * T,) as (N, T)."""
        return row.reshape(self.episodes, self.times)


class SomeRows:
    """Some lanes of snapshots."""

    def __init__(self, whole: Rows, lanes: Array) -> None:
        self.whole = whole
        self.lanes = lanes
        self.arrays = whole.arrays

    def __getitem__(self, at: int) -> Array:
        return self.whole[at][self.lanes]

    def at(self, some: Array) -> SomeRows:
        return SomeRows(self.whole, self.lanes[some])


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
    v: SomeRows,
    m: Any,
    on: Array,
) -> Any:
    """The answers of a table of functions, each asked about the lanes that chose it, no others."""
    result = arrays.full(v.whole[0], on.shape, 0.0)
    for number, function in enumerate(functions):
        here = arrays.nonzero(on & (which == number))
        if len(here):
            result[here] = function(v.at(here), m.at(here), on[here])
    return result


def once(function: Callable[..., Array]) -> Callable[..., Array]:
    """Remembers the answer about the same snapshots, numbers and rows of them, for all lanes."""

    @functools.wraps(function)
    def remembered(v: Rows | SomeRows, *rest: Any) -> Array:
        if isinstance(v, SomeRows):
            return remembered(v.whole, *(getattr(arg, "whole", arg) for arg in rest))[v.lanes]
        key = (function, *(arg if isinstance(arg, int | float) else id(arg) for arg in rest))
        found = v.seen.get(key)
        if found is None:  # the arguments are kept too: no other array can get their id
            found = v.seen[key] = function(v, *rest), rest
        return found[0]

    return remembered


def namespace(arrays: Arrays) -> dict[str, Any]:
    """What generated code over lanes calls, on these arrays."""
    names = ("where", "larger", "smaller", "some")
    bound: dict[str, Callable[..., Any]] = {"pick": pick, "blended": blended, "each": each}
    return (
        {name: getattr(arrays, name) for name in names}
        | {name: functools.partial(function, arrays) for name, function in bound.items()}
        | {"once": once}
    )
