"""What a rank computes of a minibatch, and the gradient of all ranks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from tgrpo.training.ranks import Ranks


def share(rows: Tensor, ranks: Ranks) -> tuple[Tensor, Tensor]:
    """This rank's part of `rows` (B,), B > 0, and 1.0 for each of it that counts; ⌈B / size⌉ each.

    It is as long on every rank, because with sharded weights no rank can pass forward alone: where
    no row is left the first of all stands in, and counts 0.
    """
    length = -(-len(rows) // ranks.size)
    own = rows[ranks.rank :: ranks.size]
    counts = (torch.arange(length, device=rows.device) < len(own)).float()
    return torch.cat([own, rows[:1].expand(length - len(own))]), counts


def pieces(rows: Tensor, size: int | None, ranks: Ranks) -> Iterator[tuple[Tensor, Tensor]]:
    """The same `share`, at most `size` rows of it at a time; nothing where there are no rows."""
    if not len(rows):
        return
    own, counts = share(rows, ranks)
    at_a_time = size or len(own)
    yield from zip(torch.split(own, at_a_time), torch.split(counts, at_a_time), strict=True)


def sum_gradients(parameters: Iterable[nn.Parameter], ranks: Ranks) -> None:
    """Let every rank have the sum of all ranks' gradients."""
    for item in parameters:
        if item.grad is not None:
            ranks.sum(item.grad)
