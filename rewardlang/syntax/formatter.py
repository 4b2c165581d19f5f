"""Syntax tree -> the one canonical layout, comments kept where they stood.

Laws: `parse(format(tree)) == tree`; formatting twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from rewardlang.datatypes import format_number
from rewardlang.syntax import nodes
from rewardlang.syntax.nodes import Trivia

LINE_WIDTH = 90  # a stage on one line up to this length, otherwise one clause per line


def format_program(tree: nodes.Program) -> str:
    """The program's text, ending in a line break."""
    sections = [
        list(_header(tree)),
        list(_objects(tree)),
        list(_node(tree.root, 0)),
        list(_outcome(tree)),
    ]
    lines: list[str] = []
    for section in sections:
        lines += ["", *section] if section and lines else section
    return "\n".join([*lines, *tree.comments]) + "\n"


def format_expr(expr: nodes.Expr) -> str:
    """A condition in canonical form, with no more parentheses than it needs."""
    match expr:
        case nodes.Call():
            return format_call(expr)
        case nodes.Not():
            return f"not {_operand(expr.operand, (nodes.And, nodes.Or))}"
        case nodes.And():
            return " and ".join(_operand(item, (nodes.Or,)) for item in expr.operands)
        case nodes.Or():
            return " or ".join(format_expr(item) for item in expr.operands)
        case _:
            assert_never(expr)


def format_call(call: nodes.Call) -> str:
    return f"{call.name.text}({', '.join(_arg(arg) for arg in call.args)})"


def format_quantity(quantity: nodes.Quantity) -> str:
    return f"{format_number(quantity.value)} {quantity.unit}"


def _header(tree: nodes.Program) -> Iterator[str]:
    number = format_number(tree.version.number.value)
    yield from _line(tree.version.trivia, f"rewardlang {number}")
    yield from _line(tree.task.trivia, f'task "{tree.task.text.value}"')
    yield from _line(tree.scene.trivia, f'scene "{tree.scene.text.value}"')


def _objects(tree: nodes.Program) -> Iterator[str]:
    for item in tree.objects:
        yield from _line(item.trivia, f"object {item.alias.text} = {item.target.text}")


def _outcome(tree: nodes.Program) -> Iterator[str]:
    """`success`, `shaping` and the penalties."""
    success, shaping = tree.success, tree.shaping
    goal = "bddl" if success.expr is None else f"when {_with_dwell(success.expr, success.dwell)}"
    yield from _line(success.trivia, f"success {goal}")
    if shaping:
        gamma = f" gamma {format_number(shaping.gamma.value)}" if shaping.gamma else ""
        yield from _line(shaping.trivia, f"shaping {shaping.mode}{gamma}")
    for item in tree.penalties:
        text = f"penalty {item.name.text} cost {format_number(item.cost.value)}"
        yield from _line(item.trivia, f"{text} when {format_expr(item.expr)}")


def _node(node: nodes.Node, depth: int) -> Iterator[str]:
    match node:
        case nodes.Stage():
            return _stage(node, depth)
        case nodes.Group():
            inner = [line for child in node.children for line in _node(child, depth + 1)]
            return _block(node.trivia, _group_head(node), inner, depth)
        case nodes.Use():
            return _line(node.trivia, _use(node), depth)
        case nodes.Keep():
            return _keep(node, depth)
        case _:
            assert_never(node)


def _stage(stage: nodes.Stage, depth: int) -> Iterator[str]:
    mode = f" {stage.mode}" if stage.mode else ""
    head = f"stage {stage.name.text}{_weight(stage.weight)}{mode}"
    one_line = f"{head} {{ {' '.join(_clause(clause) for clause in stage.clauses)} }}"
    has_comments = any(clause.trivia != nodes.NO_TRIVIA for clause in stage.clauses)
    if has_comments or stage.trivia.head or stage.trivia.dangling or _too_long(one_line, depth):
        clauses = stage.clauses
        inner = [line for c in clauses for line in _line(c.trivia, _clause(c), depth + 1)]
        return _block(stage.trivia, head, inner, depth)
    return _line(stage.trivia, one_line, depth)


def _keep(keep: nodes.Keep, depth: int) -> Iterator[str]:
    head = f"keep {keep.name.text}{_weight(keep.weight)}"
    condition = format_expr(keep.expr)
    one_line = f"{head} {{ {condition} }}"
    if _too_long(one_line, depth):
        return _block(keep.trivia, head, [_indented(condition, depth + 1)], depth)
    return _line(keep.trivia, one_line, depth)


def _clause(clause: nodes.Clause) -> str:
    match clause:
        case nodes.Until():
            return f"until {_with_dwell(clause.expr, clause.dwell)}"
        case nodes.Progress():
            start, end = _bound(clause.start), _bound(clause.end)
            return f"progress {format_call(clause.measure)} from {start} to {end}"
        case nodes.While():
            return f"while {format_expr(clause.expr)}"
        case _:
            assert_never(clause)


def _group_head(group: nodes.Group) -> str:
    name = f" {group.name.text}" if group.name else ""
    return f"{group.mode}{name}{_weight(group.weight)}{_while(group.while_)}"


def _use(use: nodes.Use) -> str:
    args = ", ".join(_arg(arg) for arg in use.args)
    name = f" as {use.name.text}" if use.name else ""
    return f"use {use.macro.text}({args}){name}{_weight(use.weight)}{_while(use.while_)}"


def _weight(weight: nodes.Number | None) -> str:
    return f" weight {format_number(weight.value)}" if weight else ""


def _while(clause: nodes.While | None) -> str:
    return f" {_clause(clause)}" if clause else ""


def _bound(bound: nodes.Quantity | None) -> str:
    return format_quantity(bound) if bound else "reset"


def _with_dwell(expr: nodes.Expr, dwell: nodes.Number | None) -> str:
    """The condition; in parentheses where a dwell follows that belongs to more than one atom."""
    text = format_expr(expr)
    if dwell is None:
        return text
    steps = "step" if dwell.value == 1 else "steps"
    text = f"({text})" if isinstance(expr, nodes.And | nodes.Or) else text
    return f"{text} for {format_number(dwell.value)} {steps}"


def _operand(expr: nodes.Expr, wrapped: tuple[type, ...]) -> str:
    text = format_expr(expr)
    return f"({text})" if isinstance(expr, wrapped) else text


def _arg(arg: nodes.Arg) -> str:
    match arg:
        case nodes.Name():
            return arg.text
        case nodes.Quantity():
            return format_quantity(arg)
        case nodes.Call():
            return format_call(arg)
        case _:
            assert_never(arg)


def _block(trivia: Trivia, head: str, inner: Iterable[str], depth: int) -> Iterator[str]:
    yield from _comments(trivia.leading, depth)
    yield _indented(f"{head} {{{_behind(trivia.head)}", depth)
    yield from inner
    yield from _comments(trivia.dangling, depth + 1)
    yield _indented(f"}}{_behind(trivia.trailing)}", depth)


def _line(trivia: Trivia, text: str, depth: int = 0) -> Iterator[str]:
    yield from _comments(trivia.leading, depth)
    yield _indented(f"{text}{_behind(trivia.trailing)}", depth)


def _comments(comments: Iterable[str], depth: int) -> Iterator[str]:
    return (_indented(comment, depth) for comment in comments)


def _behind(comment: str) -> str:
    return f"  {comment}" if comment else ""


def _indented(text: str, depth: int) -> str:
    return "  " * depth + text if text else ""


def _too_long(text: str, depth: int) -> bool:
    return len(_indented(text, depth)) > LINE_WIDTH
