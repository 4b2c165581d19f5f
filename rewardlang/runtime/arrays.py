"""The few array operations that code over lanes is made of, of numpy or of torch.

Torch is not imported: `arrays_of` takes the namespace of its input.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any  # numpy.ndarray or torch.Tensor
Operation = Callable[..., Array]

TILE = 512  # snapshots turned at a time: they stay in cache until each of their floats is read


class Numpy:
    """The operations on numpy arrays."""

    name = "numpy"
    where: Operation = staticmethod(np.where)
    sqrt: Operation = staticmethod(np.sqrt)
    arccos: Operation = staticmethod(np.arccos)

    @staticmethod
    def larger(a: Array | float, b: Array | float) -> Array:
        """`max(a, b)`, also of NaN: the first, unless the second is larger."""
        if isinstance(a, float | int):
            return np.fmax(a, b)
        return np.where(b > a, b, a)

    @staticmethod
    def smaller(a: Array | float, b: Array | float) -> Array:
        if isinstance(a, float | int):
            return np.fmin(a, b)
        return np.where(b < a, b, a)

    @staticmethod
    def some(mask: Array) -> bool:
        return bool(np.count_nonzero(mask))

    @staticmethod
    def full(like: Array, shape: tuple[int, ...], value: float | bool) -> Array:
        kind = bool if isinstance(value, bool) else like.dtype
        return np.full(shape, value, kind) if value else np.zeros(shape, kind)

    @staticmethod
    def turned(values: Array, room: Array | None = None) -> Array:
        """(N, T, width) -> (width, N * T), in a place for it or in a new one."""
        flat = values.reshape(-1, values.shape[-1]).T
        room = np.empty(flat.size, flat.dtype) if room is None else room
        table = room[: flat.size].reshape(flat.shape)
        for start in range(0, flat.shape[1], TILE):
            table[:, start : start + TILE] = flat[:, start : start + TILE]
        return table

    @staticmethod
    def later(values: Array, first: Array) -> Array:
        """Values (N, T) one step later, after `first` (N,): (N * T,)."""
        return np.concatenate((first[:, None], values[:, :-1]), axis=1).reshape(-1)

    @staticmethod
    def repeated(values: Array, times: int) -> Array:
        """(N,) -> (N * times,)"""
        return values.repeat(times)

    @staticmethod
    def nonzero(mask: Array) -> Array:
        """The lanes of a mask, in order."""
        return np.flatnonzero(mask)

    @staticmethod
    def changes(ordered: Array) -> Array:
        """Where a value differs from the one before it."""
        return np.concatenate((ordered[:1] == ordered[:1], ordered[1:] != ordered[:-1]))

    @staticmethod
    def searched(ordered: Array, values: Array) -> Array:
        """Index of the last of `ordered` that is not above each value; -1: all are."""
        return np.searchsorted(ordered, values, side="right") - 1

    @staticmethod
    def times(_: Array, start: int, stop: int) -> Array:
        return np.arange(start, stop)

    @staticmethod
    def bits(mask: Array) -> Array:
        return mask.view(np.uint8)

    @staticmethod
    def to_host(array: Array) -> Array:
        return array

    @staticmethod
    def from_host(array: Array, like: Array) -> Array:
        return array.astype(like.dtype) if array.dtype == np.float64 else array

    @staticmethod
    @functools.lru_cache(maxsize=256)
    def table(numbers: tuple[float, ...], _like: str) -> Array:
        return np.array(numbers)

    @staticmethod
    def taken(table: Array, which: Array) -> Array:
        return table.take(which.astype(np.intp), mode="clip")

    @staticmethod
    def device(_: Array) -> str:
        return "cpu"


class Torch:
    """The same on torch tensors, of any device."""

    name = "torch"

    def __init__(self) -> None:
        self._torch = sys.modules["torch"]
        self.sqrt, self.arccos = self._torch.sqrt, self._torch.arccos
        self.table = functools.lru_cache(maxsize=256)(self._table)

    def where(self, mask: Array, yes: Array | float, no: Array | float) -> Array:
        if not self._is(yes) and not self._is(no):  # two numbers would become float32
            yes = self._torch.full_like(mask, yes, dtype=self._torch.float64)
        return self._torch.where(mask, yes, no)

    def larger(self, a: Array | float, b: Array | float) -> Array:
        if not self._is(a) and not self._is(b):
            return max(a, b)
        return self._torch.where(b > a, b, a)

    def smaller(self, a: Array | float, b: Array | float) -> Array:
        if not self._is(a) and not self._is(b):
            return min(a, b)
        return self._torch.where(b < a, b, a)

    def some(self, mask: Array) -> bool:
        return bool(mask.any())

    def full(self, like: Array, shape: tuple[int, ...], value: float | bool) -> Array:
        kind = self._torch.bool if isinstance(value, bool) else like.dtype
        return self._torch.full(shape, value, dtype=kind, device=like.device)

    def later(self, values: Array, first: Array) -> Array:
        return self._torch.cat((first[:, None], values[:, :-1]), dim=1).reshape(-1)

    def changes(self, ordered: Array) -> Array:
        return self._torch.cat((ordered[:1] == ordered[:1], ordered[1:] != ordered[:-1]))

    def searched(self, ordered: Array, values: Array) -> Array:
        return self._torch.searchsorted(ordered, values, right=True) - 1

    @staticmethod
    def repeated(values: Array, times: int) -> Array:
        return values.repeat_interleave(times)

    @staticmethod
    def nonzero(mask: Array) -> Array:
        return mask.nonzero().reshape(-1)

    def from_host(self, array: np.ndarray, like: Array) -> Array:
        there = self._torch.from_numpy(array).to(like.device)
        return there.to(like.dtype) if there.is_floating_point() else there

    @staticmethod
    def turned(values: Array, _: Array | None = None) -> Array:
        return values.reshape(-1, values.shape[-1]).T.contiguous()

    def times(self, like: Array, start: int, stop: int) -> Array:
        return self._torch.arange(start, stop, device=like.device)

    @staticmethod
    def bits(mask: Array) -> Array:
        return mask.byte()

    @staticmethod
    def to_host(array: Array) -> Array:
        return array.cpu().numpy()

    def _table(self, numbers: tuple[float, ...], device: str) -> Array:
        kind = self._torch.float64 if isinstance(numbers[0], float) else self._torch.long
        return self._torch.tensor(numbers, dtype=kind, device=device)

    @staticmethod
    def taken(table: Array, which: Array) -> Array:
        return table[which.long().clamp(max=len(table) - 1)]

    @staticmethod
    def device(array: Array) -> str:
        return str(array.device)

    def _is(self, value: object) -> bool:
        return isinstance(value, self._torch.Tensor)


Arrays = Numpy | Torch


def arrays_of(values: Array) -> Arrays:
    """The operations for an array. TypeError for what is neither numpy's nor torch's."""
    if isinstance(values, np.ndarray):
        return _numpy()
    if type(values).__module__.split(".")[0] == "torch":
        return _torch()
    raise TypeError(f"a batch is a numpy array or a torch tensor, not {type(values).__name__}")


def in_main_memory(values: Array) -> bool:
    """A torch tensor that numpy can look at in place."""
    return isinstance(arrays_of(values), Torch) and values.device.type == "cpu"


def as_tensor(array: Array) -> Array:
    """A numpy array as torch sees it, in place."""
    return sys.modules["torch"].from_numpy(array)


@functools.cache
def _numpy() -> Numpy:
    return Numpy()


@functools.cache
def _torch() -> Torch:
    return Torch()
