"""Frozen weights spread over the ranks while they learn, by FSDP2 (torch's `fully_shard`).

In an update a rank holds its part of every block, and the whole of the one that it computes.
Between updates each holds them all, so that rank 0 can act and evaluate while the others wait.
What is trained is small, and stays whole on every rank.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from torch import nn
from torch.distributed.fsdp import FSDPModule, fully_shard

from tgrpo.policies.base import Policy
from tgrpo.training.process_group import telling_of_losses
from tgrpo.training.ranks import Ranks

Chain = tuple[nn.Module, Sequence[nn.Module]]  # a module, and the blocks that it calls in order


@runtime_checkable
class Shardable(Protocol):
    """A policy that is mostly frozen blocks."""

    def chains(self) -> Sequence[Chain]:
        """The blocks whose frozen parameters can be spread; nothing else reads these."""
        ...


class Shards:
    """The frozen blocks of a policy, whole until they are spread."""

    def __init__(self, policy: Policy, ranks: Ranks) -> None:
        self._modules: list[FSDPModule] = []
        if ranks.size > 1 and isinstance(policy, Shardable):
            for chain in policy.chains():
                self._modules += _shard(*chain)
        self._unite()

    @contextmanager
    def spread(self) -> Iterator[None]:
        """Inside, every forward and backward pass is one of all ranks. Raises RankLostError."""
        for module in self._modules:
            module.set_reshard_after_forward(True, recurse=False)
            module.reshard()
        with telling_of_losses():
            yield
            self._unite()

    def _unite(self) -> None:
        for module in self._modules:
            module.set_reshard_after_forward(False, recurse=False)
            module.unshard()


def _shard(whole: nn.Module, blocks: Sequence[nn.Module]) -> Iterator[FSDPModule]:
    if isinstance(whole, FSDPModule):  # already so, for another policy on the same weights
        yield from (item for item in (*blocks, whole) if isinstance(item, FSDPModule))
        return
    for block in blocks:
        yield fully_shard(block, ignored_params=_not_spread(block))
    # The whole has nothing to spread: it lets a block be fetched while another one computes.
    yield fully_shard(whole, ignored_params=set(whole.parameters()))


def _not_spread(block: nn.Module) -> set[nn.Parameter]:
    """What is trained, places of what is not there yet, and integers, which FSDP2 does not take."""
    return {
        item
        for item in block.parameters()
        if item.requires_grad or item.is_meta or not item.is_floating_point()
    }
