"""The page that a program is written on, with the layouts of its memory and its snapshot.

Conditions and degrees of expressions are written here; `emit_stage`, `emit_group` and `emit_while`
write the functions of nodes, and `codegen` says what those are for.
"""

from __future__ import annotations

from typing import assert_never

from rewardlang import ir
from rewardlang.checking.library import PREDICATES
from rewardlang.codegen import atoms
from rewardlang.codegen.layout import Layout
from rewardlang.codegen.page import Page
from rewardlang.codegen.sharing import Scope
from rewardlang.source import Span

HERE = "v, m"  # what every condition, judge and value takes


class Emission:
    """What a program is written with: where things stand in memory and snapshot, and the page."""

    def __init__(self, program: ir.Program, apart: bool = False) -> None:
        self.program = program
        self.apart = apart  # control from values: see `emit`
        self.layout = Layout(program)
        self.writer = atoms.Writer(self.layout)
        self.page = Page(program.source)

    def condition(self, name: str, expr: ir.Expr) -> None:
        """A function that says whether `expr` holds."""
        with self.page.function(f"{name}({HERE})", expr.span):
            self.write("return", conjuncts(expr))

    def write(
        self, head: str, parts: tuple[ir.Expr, ...], scope: Scope | None = None, end: str = ""
    ) -> None:
        """`head`, then whether all `parts` hold; several have lines of their own."""
        page, several = self.page, len(parts) > 1
        texts = [self.operand(part) if several else self.truth(part) for part in parts]
        if scope is not None:
            texts = [scope(text, part.span) for text, part in zip(texts, parts, strict=True)]
        if not several:
            page.add(f"{head} {texts[0]}{end}", parts[0].span, atoms.spell(parts[0]))
            return
        page.add(f"{head} (", parts[0].span)
        for index, (text, part) in enumerate(zip(texts, parts, strict=True)):
            page.add(f"    {'and ' if index else ''}{text}", part.span, atoms.spell(part))
        page.add(f"){end}", parts[0].span)

    def answer(self, value: str, span: Span | None, note: str = "") -> None:
        """The end of a judge where nothing around the node went back."""
        text, note = ("NOWHERE", "") if self.apart else (value, note)
        self.page.add(f"return {text}", span, note)

    def truth(self, expr: ir.Expr) -> str:
        """A Python expression that is true where `expr` holds."""
        match expr:
            case ir.Atom():
                return self.writer.condition(expr)
            case ir.Not():
                return f"not {self.operand(expr.operand)}"
            case ir.And():
                return " and ".join(self.operand(operand) for operand in expr.operands)
            case ir.Or():
                return " or ".join(self.operand(operand) for operand in expr.operands)
            case _:
                assert_never(expr)

    def operand(self, expr: ir.Expr) -> str:
        """`truth`, in parentheses where another word stands next to it."""
        text = self.truth(expr)
        return f"({text})" if " and " in text or " or " in text or "not " in text else text

    def degree(self, expr: ir.Expr) -> str | None:
        """Mean over a conjunction's operands, maximum over a disjunction's, none for `not`."""
        match expr:
            case ir.Atom():
                return self.writer.degree(expr)
            case ir.Not():
                return None
            case ir.And() | ir.Or():
                found = [d for d in map(self.degree, expr.operands) if d is not None]
                if len(found) < 2:
                    return found[0] if found else None
                if isinstance(expr, ir.Or):
                    return f"max({', '.join(found)})"
                return f"({' + '.join(found)}) / {len(found)}"
            case _:
                assert_never(expr)


def conjuncts(expr: ir.Expr) -> tuple[ir.Expr, ...]:
    """What must hold together for the expression to hold."""
    return expr.operands if isinstance(expr, ir.And) else (expr,)


def wants_goal(stage: ir.Stage, program: ir.Program) -> bool:
    """The stage's `until` contains an atom of what success is."""
    return stage.live or any(is_goal(atom, program) for atom in atoms_of(stage.until))


def is_goal(atom: ir.Atom, program: ir.Program) -> bool:
    """The atom is one of those that make up success."""
    if program.success.expr is not None:
        goal = {(a.predicate, a.args) for a in atoms_of(program.success.expr)}
        return (atom.predicate, atom.args) in goal
    names = tuple(arg.name for arg in atom.args if isinstance(arg, ir.Ref))
    return ir.GoalAtom(PREDICATES[atom.predicate].goal, names) in program.goal


def atoms_of(expr: ir.Expr) -> tuple[ir.Atom, ...]:
    """The atoms of an expression, in order."""
    match expr:
        case ir.Atom():
            return (expr,)
        case ir.Not():
            return atoms_of(expr.operand)
        case ir.And() | ir.Or():
            return tuple(atom for operand in expr.operands for atom in atoms_of(operand))
        case _:
            assert_never(expr)
