"""What conditions imply: which atoms must hold, which cannot hold together, which are the same."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rewardlang import ir
from rewardlang.checking.library import GOAL_PREDICATES
from rewardlang.datatypes import Kind

_OPPOSITES = frozenset(
    {
        frozenset({"grasped", "released"}),
        frozenset({"open", "closed"}),
        frozenset({"open", "shut"}),
        frozenset({"turned_on", "turned_off"}),
        frozenset({"turned_on", "off"}),
        frozenset({"gripper_open", "gripper_closed"}),
        frozenset({"left_of", "right_of"}),
        frozenset({"in_front_of", "behind"}),
        frozenset({"at_mouth", "in"}),
    }
)


def conjuncts(expr: ir.Expr) -> tuple[ir.Atom, ...]:
    """The atoms that must all hold for `expr` to hold."""
    match expr:
        case ir.Atom():
            return (expr,)
        case ir.And():
            return tuple(atom for operand in expr.operands for atom in conjuncts(operand))
        case ir.Not() | ir.Or():
            return ()
        case _:
            assert_never(expr)


def asserted(expr: ir.Expr) -> tuple[ir.Atom, ...]:
    """The atoms that help `expr` to hold by holding: those under no `not`."""
    match expr:
        case ir.Atom():
            return (expr,)
        case ir.And() | ir.Or():
            return tuple(atom for operand in expr.operands for atom in asserted(operand))
        case ir.Not():
            return ()
        case _:
            assert_never(expr)


def atom_key(atom: ir.Atom) -> tuple[str, ...]:
    """Equal for atoms that say the same, wherever they stand."""
    return (atom.predicate, *(_argument_key(arg) for arg in atom.args))


def goal_key(atom: ir.GoalAtom) -> tuple[str, ...]:
    """The `atom_key` of what says the same as LIBERO's `atom`."""
    return (GOAL_PREDICATES.get(atom.predicate, atom.predicate), *atom.args)


def _argument_key(arg: ir.Ref | float | ir.MeasureCall) -> str:
    if isinstance(arg, ir.MeasureCall):
        return f"{arg.measure}({', '.join(str(ref) for ref in arg.args)})"
    return str(arg)


def exclude(first: ir.Atom, second: ir.Atom) -> bool:
    """Whether two atoms cannot both hold."""
    predicates = {first.predicate, second.predicate}
    if predicates == {"at_least", "at_most"}:
        least, most = (first, second) if first.predicate == "at_least" else (second, first)
        same = atom_key(first)[1] == atom_key(second)[1]
        return same and float(atom_key(least)[2]) > float(atom_key(most)[2])
    return frozenset(predicates) in _OPPOSITES and things(first) == things(second)


def says(expr: ir.Expr, predicate: str, *about: str) -> bool:
    """Whether `expr` asks for the predicate, of these things first."""
    return any(
        atom.predicate == predicate and things(atom)[: len(about)] == about
        for atom in asserted(expr)
    )


def things(atom: ir.Atom) -> tuple[str, ...]:
    """The names that an atom is about, without `gripper`."""
    return tuple(
        arg.name for arg in atom.args if isinstance(arg, ir.Ref) and arg.kind is not Kind.GRIPPER
    )


def said(program: ir.Program, atom: ir.Atom) -> str:
    """The atom as the program would write it, without gripper and quantities."""
    named = [arg for arg in atom.args if isinstance(arg, ir.Ref) and arg.kind is not Kind.GRIPPER]
    shown = (str(replace(ref, name=program.called(ref.name))) for ref in named)
    return f"{atom.predicate}({', '.join(shown)})"


def said_key(program: ir.Program, key: tuple[str, ...]) -> str:
    """The same for a predicate and the things it is about."""
    return f"{key[0]}({', '.join(program.called(name) for name in key[1:])})"


def goal_keys(program: ir.Program) -> list[tuple[str, ...]]:
    """What success asks for, as keys of atoms."""
    if program.success.expr is None:
        return [goal_key(atom) for atom in program.goal]
    return [atom_key(atom) for atom in asserted(program.success.expr)]
