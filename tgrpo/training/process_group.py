"""The processes that torchrun has started, by torch.distributed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from tgrpo.torchrun import Place
from tgrpo.training.ranks import RankLostError, Ranks

T = TypeVar("T")

# Ranks wait for a collection, which may take hours. That a process has ended is not found by a
# timeout: its connections close, and torchrun ends the others.
_PATIENCE = timedelta(days=30)

# How gloo, and NCCL, say that the other end is gone.
_LOST = re.compile("closed by peer|reset by peer|broken pipe|remote process exit", re.IGNORECASE)


class TooManyRanksError(RuntimeError):
    """More processes on a machine than it has GPUs."""


class ProcessGroup:
    """See `Ranks`. Objects go through the CPU; tensors stay on the device where they are."""

    def __init__(self, place: Place) -> None:
        self.rank, self.size = place.rank, place.size

    def sum(self, tensor: Tensor) -> Tensor:
        with telling_of_losses():
            dist.all_reduce(tensor)
        return tensor

    def gather(self, value: T) -> list[T]:
        values = [value] * self.size
        with telling_of_losses():
            dist.all_gather_object(values, value)
        return values

    def first(self, value: T | None = None) -> T:
        values = [value]
        with telling_of_losses():
            dist.broadcast_object_list(values, src=0, device=torch.device("cpu"))
        (theirs,) = values
        assert theirs is not None
        return theirs


@contextmanager
def process_group(place: Place) -> Iterator[Ranks]:
    """All processes of the run, each on a GPU of its own where there are any.

    Raises TooManyRanksError, RankLostError.
    """
    backend = "gloo"
    if torch.cuda.is_available():
        _take_gpu(place)
        backend = "cpu:gloo,cuda:nccl"
    with telling_of_losses():
        dist.init_process_group(backend, timeout=_PATIENCE)
    yield ProcessGroup(place)
    # Not after an error: it would wait for processes that wait for this one to end.
    dist.destroy_process_group()


def _take_gpu(place: Place) -> None:
    count = torch.cuda.device_count()
    if place.local_size > count:
        raise TooManyRanksError(
            f"torchrun has started {place.local_size} processes on this machine, which has "
            f"{count} GPU{'s' if count > 1 else ''}: --nproc-per-node {count}"
        )
    torch.cuda.set_device(place.local_rank)


@contextmanager
def telling_of_losses() -> Iterator[None]:
    """Raise RankLostError where a message of the block finds nobody at the other end."""
    try:
        yield
    except RuntimeError as error:
        if _LOST.search(str(error)):
            raise RankLostError("another process of this run has ended, and says why") from error
        raise
