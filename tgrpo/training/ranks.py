"""Several processes that learn as one. Nothing here imports torch.

Every rank holds the same policy, the same groups and the same shuffles. It computes the gradient of
its share of a minibatch; summed over the ranks that is the gradient of one process, and all take
the same step. What differs from one process is the order of a sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


class Ranks(Protocol):
    """A process among `size` of a run. All call the same methods in the same order.

    Each method raises RankLostError where another process is gone.
    """

    @property
    def rank(self) -> int:
        """0 is the one that owns the run's folder and collects."""
        ...

    @property
    def size(self) -> int: ...

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all ranks of tensors of one shape, in place."""
        ...

    def gather(self, value: T) -> list[T]:
        """Every rank's value, in order."""
        ...

    def first(self, value: T | None = None) -> T:
        """Rank 0's value."""
        ...


class RankLostError(RuntimeError):
    """Another process of the run has ended, and said itself why."""


class Alone:
    """See `Ranks`: a run in one process."""

    rank, size = 0, 1

    def sum(self, tensor: Tensor) -> Tensor:
        return tensor

    def gather(self, value: T) -> list[T]:
        return [value]

    def first(self, value: T | None = None) -> T:
        assert value is not None, "there is nobody else to have one"
        return value


ALONE: Ranks = Alone()
