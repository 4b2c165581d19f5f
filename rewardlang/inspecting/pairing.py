"""Which child of one group is which child of the other, after an edit."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from rewardlang import ir
from rewardlang.checking.reasoning import asserted, things
from rewardlang.inspecting.meaning import node_key, shape_key


@dataclass(frozen=True)
class Pairing:
    """`pairs` in the order of the older group; what has no partner was removed or added."""

    pairs: tuple[tuple[ir.Node, ir.Node], ...]
    removed: tuple[ir.Node, ...]
    added: tuple[ir.Node, ...]


def pair(before: Sequence[ir.Node], after: Sequence[ir.Node]) -> Pairing:
    """Equal in meaning first, then called the same, then about the same things."""
    partner: dict[int, int] = {}
    for likeness in (node_key, _by_name, _by_shape, _by_things):
        _pair_equal(before, after, likeness, partner)
    taken = set(partner.values())
    return Pairing(
        pairs=tuple((before[i], after[j]) for i, j in sorted(partner.items())),
        removed=tuple(node for i, node in enumerate(before) if i not in partner),
        added=tuple(node for j, node in enumerate(after) if j not in taken),
    )


def _pair_equal(
    before: Sequence[ir.Node],
    after: Sequence[ir.Node],
    likeness: Callable[[ir.Node], Hashable],
    partner: dict[int, int],
) -> None:
    """Pair what is still without a partner and alike, first with first."""
    taken = set(partner.values())
    waiting: dict[Hashable, deque[int]] = defaultdict(deque)
    for j, node in enumerate(after):
        if j not in taken:
            waiting[likeness(node)].append(j)
    for i, node in enumerate(before):
        if i not in partner and (found := waiting.get(likeness(node))):
            partner[i] = found.popleft()


def _by_name(node: ir.Node) -> Hashable:
    return (_sort(node), node.name)


def _by_shape(node: ir.Node) -> Hashable:
    match node:
        case ir.Stage():
            return ("stage", shape_key(node.until))
        case ir.Keep():
            return ("keep", shape_key(node.expr))
        case ir.Group():
            return ("group", tuple(_by_shape(child) for child in node.children))


def _by_things(node: ir.Node) -> Hashable:
    """Groups about the same things are one group, edited; stages about the same are many."""
    if not isinstance(node, ir.Group):
        return id(node)
    stages = (below for below in ir.walk(node) if isinstance(below, ir.Stage))
    return frozenset(name for stage in stages for a in asserted(stage.until) for name in things(a))


def _sort(node: ir.Node) -> str:
    return type(node).__name__
