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


class Numpy:
    """The operations on numpy arrays."""

    name = "numpy"
    where: Operation = staticmethod(np.where)
    sqrt: Operation = staticmethod(np.sqrt)
    arccos: Operation = staticmethod(np.arccos)
    larger: Operation = staticmethod(np.fmax)  # of NaN and a number the number, as `max(0.0, x)`
    smaller: Operation = staticmethod(np.fmin)

    @staticmethod
    def some(mask: Array) -> bool:
        return bool(np.count_nonzero(mask))

    @staticmethod
    def put(row: Array, mask: Array, value: Array | float) -> None:
        """Writes `value` into the lanes of the mask, in place."""
        if row.ndim == 2:  # several rows at once: few lanes of many slots
            row[:, np.flatnonzero(mask)] = value
        elif row.dtype == np.float64:
            np.putmask(row, mask, value)  # half the time of the other, but of one type only
        else:
            np.copyto(row, value, where=mask)

    @staticmethod
    def full(like: Array, shape: tuple[int, ...], value: float | bool) -> Array:
        kind = bool if isinstance(value, bool) else like.dtype
        return np.full(shape, value, dtype=kind)

    @staticmethod
    def copied(array: Array) -> Array:
        return array.copy()

    @staticmethod
    def indices(lanes: Array) -> Array:
        return lanes.astype(np.intp)

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
        self.copied = lambda array: array.clone()
        self.indices = lambda lanes: lanes.long()
        self.table = functools.lru_cache(maxsize=256)(self._table)

    def where(self, mask: Array, yes: Array | float, no: Array | float) -> Array:
        if not self._is(yes) and not self._is(no):  # two numbers would become float32
            yes = self._torch.full_like(mask, yes, dtype=self._torch.float64)
        return self._torch.where(mask, yes, no)

    def larger(self, a: Array | float, b: Array | float) -> Array:
        if self._is(a) and self._is(b):
            return self._torch.fmax(a, b)
        a, b = (a, b) if self._is(a) else (b, a)
        return self._torch.where(a > b, a, b) if self._is(a) else max(a, b)

    def smaller(self, a: Array | float, b: Array | float) -> Array:
        if self._is(a) and self._is(b):
            return self._torch.fmin(a, b)
        a, b = (a, b) if self._is(a) else (b, a)
        return self._torch.where(a < b, a, b) if self._is(a) else min(a, b)

    def some(self, mask: Array) -> bool:
        return bool(mask.any())

    def put(self, row: Array, mask: Array, value: Array | float) -> None:
        if self._is(value):
            row.copy_(self._torch.where(mask, value, row))
        else:
            row.masked_fill_(mask, value)

    def full(self, like: Array, shape: tuple[int, ...], value: float | bool) -> Array:
        kind = self._torch.bool if isinstance(value, bool) else like.dtype
        return self._torch.full(shape, value, dtype=kind, device=like.device)

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
