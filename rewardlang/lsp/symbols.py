"""The outline of a program: its objects, stages and groups, as they stand in each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from rewardlang.datatypes import format_number
from rewardlang.lsp.document import Document
from rewardlang.source import Span
from rewardlang.syntax import nodes
from rewardlang.syntax.formatter import format_call
from rewardlang.syntax.parser import parse


@dataclass(frozen=True, slots=True)
class Symbol:
    """A line of the outline. `word`: the keyword it starts with; `name_span` lies in `span`."""

    name: str
    word: str
    span: Span
    name_span: Span
    detail: str = ""
    children: tuple[Symbol, ...] = ()


def symbols(document: Document) -> tuple[Symbol, ...]:
    """The outline, of a text with mistakes as far as it could be read."""
    tree = parse(document.source).tree
    if tree is None:
        return ()
    objects = [_object(item) for item in tree.objects if not item.alias.is_hole]
    penalties = [_penalty(item) for item in tree.penalties if not item.name.is_hole]
    return (*objects, _node(tree.root), *penalties)


def _object(item: nodes.Object) -> Symbol:
    return Symbol(item.alias.text, "object", item.span, item.alias.span, item.target.text)


def _penalty(item: nodes.Penalty) -> Symbol:
    return Symbol(item.name.text, "penalty", item.span, item.name.span)


def _node(node: nodes.Node) -> Symbol:
    word = node.mode if isinstance(node, nodes.Group) else type(node).__name__.lower()
    name, name_span = _name(node, word)
    detail = f"weight {format_number(node.weight.value)}" if node.weight else ""
    children = tuple(_node(c) for c in node.children) if isinstance(node, nodes.Group) else ()
    whole = Span(min(node.span.start, name_span.start), max(node.span.end, name_span.end))
    return Symbol(name, word, whole, name_span, detail, children)


def _name(node: nodes.Node, word: str) -> tuple[str, Span]:
    """What to show for a node, and where that stands."""
    start = Span(node.span.start, min(node.span.end, node.span.start + len(word)))
    if node.name and not node.name.is_hole:
        return node.name.text, node.name.span
    match node:
        case nodes.Use():
            call = nodes.Call(node.macro, node.args)
            return format_call(call) if node.macro.text else word, start
        case nodes.Group() | nodes.Stage() | nodes.Keep():
            return word, start
        case _:
            assert_never(node)
