"""Syntax tree -> the same program without `use`: each macro replaced by the nodes it stands for.

Law: the expanded program checks to the same IR as the original, spans aside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from rewardlang.checking.checker import macro_body, sibling_names
from rewardlang.checking.library import MACROS
from rewardlang.syntax import nodes

Things = Mapping[str, nodes.Arg]
"""What names stand for: a macro's parameters and its arguments, or aliases and their targets."""


def expand(tree: nodes.Program) -> nodes.Program:
    """The program with every macro written out, comments kept. The program has no errors."""
    return replace(tree, root=_expanded(tree.root, tree.root.name))


def without_aliases(tree: nodes.Program) -> nodes.Program:
    """The program with the scene's own names in place of aliases, and without `object` lines."""
    things = {item.alias.text: item.target for item in tree.objects}
    success = tree.success
    if success.expr is not None:
        success = replace(success, expr=_in_expr(success.expr, things))
    penalties = tuple(replace(p, expr=_in_expr(p.expr, things)) for p in tree.penalties)
    root = _in_node(tree.root, things)
    return replace(tree, objects=(), root=root, success=success, penalties=penalties)


def _expanded(node: nodes.Node, name: nodes.Name | None) -> nodes.Node:
    match node:
        case nodes.Use():
            return _written_out(node, name)
        case nodes.Group():
            return replace(node, children=_children(node))
        case nodes.Stage() | nodes.Keep():
            return node
        case _:
            assert_never(node)


def _children(group: nodes.Group) -> tuple[nodes.Node, ...]:
    """The children, expanded. A macro keeps the name that it goes by among its siblings."""
    named = zip(group.children, sibling_names(group.children), strict=True)
    return tuple(_expanded(child, nodes.Name(name)) for child, name in named)


def _written_out(use: nodes.Use, name: nodes.Name | None) -> nodes.Group:
    """What `use` stands for, under `name`. A comment behind it goes to the head of the block."""
    macro = MACROS[use.macro.text]
    given = {p.name: arg for p, arg in zip(macro.parameters, use.args, strict=True)}
    children = _children(macro_body(macro.source))
    return replace(
        macro_body(macro.source),
        children=tuple(_in_node(child, given) for child in children),
        name=name,
        weight=use.weight,
        while_=use.while_,
        trivia=replace(use.trivia, head=use.trivia.trailing, trailing=""),
    )


def _in_node(node: nodes.Node, things: Things) -> nodes.Node:
    """`node` with other things in the place of names."""
    match node:
        case nodes.Stage():
            return _in_stage(node, things)
        case nodes.Group():
            children = tuple(_in_node(child, things) for child in node.children)
            return replace(node, children=children, while_=_in_while(node.while_, things))
        case nodes.Use():
            args = tuple(_in_arg(arg, things) for arg in node.args)
            return replace(node, args=args, while_=_in_while(node.while_, things))
        case nodes.Keep():
            return replace(node, expr=_in_expr(node.expr, things))
        case _:
            assert_never(node)


def _in_stage(stage: nodes.Stage, things: Things) -> nodes.Stage:
    progress = stage.progress
    return replace(
        stage,
        until=replace(stage.until, expr=_in_expr(stage.until.expr, things)),
        progress=progress and replace(progress, measure=_in_call(progress.measure, things)),
        while_=_in_while(stage.while_, things),
    )


def _in_while(clause: nodes.While | None, things: Things) -> nodes.While | None:
    return clause and replace(clause, expr=_in_expr(clause.expr, things))


def _in_expr(expr: nodes.Expr, things: Things) -> nodes.Expr:
    match expr:
        case nodes.Call():
            return _in_call(expr, things)
        case nodes.Not():
            return replace(expr, operand=_in_expr(expr.operand, things))
        case nodes.And() | nodes.Or():
            return replace(expr, operands=tuple(_in_expr(o, things) for o in expr.operands))
        case _:
            assert_never(expr)


def _in_call(call: nodes.Call, things: Things) -> nodes.Call:
    return replace(call, args=tuple(_in_arg(arg, things) for arg in call.args))


def _in_arg(arg: nodes.Arg, things: Things) -> nodes.Arg:
    match arg:
        case nodes.Name():
            return things.get(arg.text, arg)
        case nodes.Call():
            return _in_call(arg, things)
        case nodes.Quantity():
            return arg
        case _:
            assert_never(arg)
