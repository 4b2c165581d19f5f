"""The most bytes of tensors that live at once, exactly: what estimates are held against."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):
    """Counts what operations allocate while this is entered; what is there does not count."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._now = 0
        self._own: set[int] = set()
        self._foreign: set[int] = set()

    def __torch_dispatch__(
        self,
        operation: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        for tensor in _tensors((args, kwargs)):
            memory = tensor.untyped_storage()
            if memory._cdata not in self._own | self._foreign:
                self._foreign.add(memory._cdata)
                weakref.finalize(memory, self._foreign.discard, memory._cdata)
        result = operation(*args, **(kwargs or {}))
        for tensor in _tensors(result):
            self._see(tensor.untyped_storage())
        return result

    def _see(self, memory: torch.UntypedStorage) -> None:
        key = memory._cdata
        if key in self._own or key in self._foreign:
            return
        self._own.add(key)
        self._now += memory.nbytes()
        self.peak = max(self.peak, self._now)
        weakref.finalize(memory, self._free, key, memory.nbytes())

    def _free(self, key: int, size: int) -> None:
        self._own.discard(key)
        self._now -= size


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
