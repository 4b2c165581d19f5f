"""What PyTorch keeps for a gradient, measured: for small networks, and to hold formulas against."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor


def kept_bytes(run: Callable[[], object], already: Iterable[Tensor]) -> int:
    """Bytes that `run` leaves for its backward pass, beside those of the tensors `already` there.

    Tensors that share memory count once.
    """
    known = {_memory(tensor): tensor for tensor in already}
    kept: dict[int, Tensor] = {}  # holds what it counts: memory that is freed is used again

    def keep(tensor: Tensor) -> Tensor:
        if _memory(tensor) not in known:
            kept.setdefault(_memory(tensor), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = run()
    del result
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
