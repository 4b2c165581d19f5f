"""Siblings with different names: the one rule of names that no context-free grammar can hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from rewardlang.syntax import nodes

_Named = TypeVar("_Named", nodes.Node, nodes.Penalty)


def numbered(tree: nodes.Program) -> nodes.Program:
    """The program with a number behind names that a sibling before has: `reach`, `reach_2`.

    A name only tells siblings apart, so the program means the same.
    """
    return replace(tree, root=_in_node(tree.root), penalties=tuple(_with_own_names(tree.penalties)))


def _in_node(node: nodes.Node) -> nodes.Node:
    if not isinstance(node, nodes.Group):
        return node
    return replace(node, children=tuple(map(_in_node, _with_own_names(node.children))))


def _with_own_names(siblings: Sequence[_Named]) -> list[_Named]:
    taken = {sibling.name.text for sibling in siblings if sibling.name}
    seen: set[str] = set()
    renamed: list[_Named] = []
    for sibling in siblings:
        if sibling.name and sibling.name.text in seen:
            name = nodes.Name(_free(sibling.name.text, taken), sibling.name.span)
            taken.add(name.text)
            renamed.append(replace(sibling, name=name))
        else:
            renamed.append(sibling)
            seen |= {sibling.name.text} if sibling.name else set()
    return renamed


def _free(base: str, taken: set[str]) -> str:
    count = 2
    while f"{base}_{count}" in taken:
        count += 1
    return f"{base}_{count}"
