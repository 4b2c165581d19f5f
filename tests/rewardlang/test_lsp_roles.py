"""What a word is, told from the words around it, against what the parser makes of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rewardlang.lsp.coloring import colored
from rewardlang.lsp.document import Document
from rewardlang.lsp.roles import Role
from rewardlang.source import Source, Span
from rewardlang.syntax import nodes
from rewardlang.syntax.parser import MAX_CHARACTERS, parse
from tests.rewardlang.shipped import EXAMPLES, SHIPPED, name

Told = Iterator[tuple[Span, Role]]


def of_program(tree: nodes.Program) -> Told:
    for item in tree.objects:
        yield item.alias.span, Role.ALIAS
        yield item.target.span, Role.TARGET
    yield from of_node(tree.root)
    if tree.success.expr:
        yield from of_expr(tree.success.expr)
    for penalty in tree.penalties:
        yield penalty.name.span, Role.LABEL
        yield from of_expr(penalty.expr)


def of_node(node: nodes.Node) -> Told:
    if node.name:
        yield node.name.span, Role.LABEL
    if not isinstance(node, nodes.Keep) and node.while_:
        yield from of_expr(node.while_.expr)
    match node:
        case nodes.Stage():
            yield from of_expr(node.until.expr)
            if node.progress:
                yield node.progress.measure.name.span, Role.MEASURE
                yield from of_arguments(node.progress.measure.args)
        case nodes.Group():
            for child in node.children:
                yield from of_node(child)
        case nodes.Use():
            yield node.macro.span, Role.MACRO
            yield from of_arguments(node.args)
        case nodes.Keep():
            yield from of_expr(node.expr)


def of_expr(expr: nodes.Expr) -> Told:
    match expr:
        case nodes.Call():
            yield expr.name.span, Role.PREDICATE
            yield from of_arguments(expr.args)
        case nodes.Not():
            yield from of_expr(expr.operand)
        case nodes.And() | nodes.Or():
            for operand in expr.operands:
                yield from of_expr(operand)


def of_arguments(args: tuple[nodes.Arg, ...]) -> Told:
    for arg in args:
        if isinstance(arg, nodes.Call):
            yield arg.name.span, Role.ARGUMENT
            yield from of_arguments(arg.args)
        elif isinstance(arg, nodes.Name):
            yield arg.span, Role.ARGUMENT


CONSTRUCTS = Path(__file__).parents[2] / "editors" / "vscode" / "test" / "constructs.rl"


@pytest.mark.parametrize("path", [*SHIPPED, *EXAMPLES, CONSTRUCTS], ids=name)
def test_roles_are_those_of_the_syntax_tree(path: Path) -> None:
    source = Source(path.read_text("utf-8"))
    tree = parse(source).tree
    assert tree is not None
    told = {token.span: where.role for token, where in Document(source).names}
    assert told == dict(of_program(tree))


@pytest.mark.parametrize("piece", ["a, ", "near(", "handle(", "(", "not ", "progress a from "])
def test_garbage_takes_linear_time(piece: str) -> None:
    """Quadratic time would be minutes here."""
    text = "rewardlang 1 stage a { until near(" + piece * ((MAX_CHARACTERS - 100) // len(piece))
    start = time.process_time()
    document = Document(Source(text))
    assert sum(1 for _ in colored(document)) >= 1
    document.things("a")
    assert time.process_time() - start < 15
