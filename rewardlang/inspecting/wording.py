"""Checked conditions as a program would write them, with names that two programs agree on."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from rewardlang import ir
from rewardlang.checking.library import MEASURES
from rewardlang.checking.signatures import amount_text
from rewardlang.datatypes import Kind
from rewardlang.explaining.words import dimension_of
from rewardlang.syntax import nodes
from rewardlang.syntax.formatter import format_call, format_expr

Called = Callable[[str], str]
"""Scene name -> what it is called."""


def shared_names(before: ir.Program, after: ir.Program) -> Called:
    """The newer program's alias, else the older one's; none that means two different things."""
    old, new = dict(before.aliases), dict(after.aliases)
    torn = {alias for alias in old.keys() & new.keys() if old[alias] != new[alias]}
    aliases = {
        target: alias
        for program in (old, new)
        for alias, target in program.items()
        if alias not in torn
    }
    return lambda name: aliases.get(name, name)


def written(expr: ir.Expr, called: Called) -> str:
    """A condition in the language, optional arguments included."""
    return format_expr(_expr(expr, called))


def written_progress(progress: ir.Progress, called: Called) -> str:
    """`height(milk) from reset to 16 cm`."""
    dimension = MEASURES[progress.measure.measure].dimension
    start, end = (
        "reset" if bound is None else amount_text(bound, dimension)
        for bound in (progress.start, progress.end)
    )
    return f"{format_call(_measure(progress.measure, called))} from {start} to {end}"


def _expr(expr: ir.Expr, called: Called) -> nodes.Expr:
    match expr:
        case ir.Atom():
            args = tuple(_argument(expr, index, called) for index in range(len(expr.args)))
            return nodes.Call(nodes.Name(expr.predicate), args)
        case ir.Not():
            return nodes.Not(_expr(expr.operand, called))
        case ir.And():
            return nodes.And(tuple(_expr(operand, called) for operand in expr.operands))
        case ir.Or():
            return nodes.Or(tuple(_expr(operand, called) for operand in expr.operands))
        case _:
            assert_never(expr)


def _argument(atom: ir.Atom, index: int, called: Called) -> nodes.Arg:
    argument = atom.args[index]
    match argument:
        case ir.Ref():
            return _thing(argument, called)
        case ir.MeasureCall():
            return _measure(argument, called)
        case _:
            value, unit = amount_text(float(argument), dimension_of(atom, index)).split()
            return nodes.Quantity(float(value), unit)


def _measure(call: ir.MeasureCall, called: Called) -> nodes.Call:
    return nodes.Call(nodes.Name(call.measure), tuple(_thing(ref, called) for ref in call.args))


def _thing(ref: ir.Ref, called: Called) -> nodes.Arg:
    name = nodes.Name(called(ref.name))
    return nodes.Call(nodes.Name("handle"), (name,)) if ref.kind is Kind.HANDLE else name
