"""Python of one state -> the same Python over the lanes of arrays: one state per lane.

Control is a finite automaton and stays as it is (`control`); what is turned here are conditions
and values, which need no order of time: a batch works them out for all control steps at once.
The functions that the text uses are `runtime.lanes`', `array_degrees`' and `array_geometry`'s.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from rewardlang import ir
from rewardlang.codegen.control import Part, control_of, is_condition
from rewardlang.codegen.layout import PHI, SUCCEEDED, Layout
from rewardlang.codegen.turning import Expressions, turned, turned_condition

_CONTROL = ("judge_", "enter_", "back_", "nothing", "active", "terms", "reset", "step")
_TABLES = ("PASSED_", "SHARE_", "VALUE_", "NOWHERE")


@dataclass(frozen=True)
class LaneCode:
    """A program for batches.

    control     Python of one state: the functions of `parts`
    same        condition -> the first one that says the same
    values      Python over lanes: conditions, `worth(v, m, horizon, bonus, on)`, and what slots
                hold from reset on (AT_RESET) or from the step before (BEFORE), by slot
    slots       of a memory
    starts      slots of quantities at a stage's first entry
    worths      slots of a node's value, which it keeps while its `while` is violated
    """

    control: str
    parts: tuple[Part, ...]
    same: dict[str, str]
    values: str
    slots: int
    starts: tuple[int, ...]
    worths: tuple[int, ...]


def emit_lanes(program: ir.Program, text: str) -> LaneCode:
    """`text` is what `emit` writes of the program, with a `native`."""
    control = control_of(program, text)
    module = ast.parse(text)
    functions = [
        node
        for node in module.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith(_CONTROL)
    ]
    conditions = [node for node in functions if is_condition(node.name)]
    others = [node for node in functions if not is_condition(node.name)]
    stateful = {node.name for node in others}
    (reset,) = (n for n in module.body if isinstance(n, ast.FunctionDef) and n.name == "reset")
    (step,) = (n for n in module.body if isinstance(n, ast.FunctionDef) and n.name == "step")
    empty = _empty(reset)
    written = [
        *map(turned_condition, conditions),
        *(turned(node, stateful) for node in [*others, _worth(control.worth)]),
        "\n".join(_tables(module)),
        _remembered(reset, step),
    ]
    return LaneCode(
        control=control.text,
        parts=control.parts,
        same=_same(conditions),
        values="\n\n\n".join(written) + "\n",
        slots=len(empty),
        starts=tuple(slot for slot, value in enumerate(empty) if value is None),
        worths=tuple(
            cell.slots["value"] for cell in Layout(program).root.below() if "value" in cell.slots
        ),
    )


def _tables(module: ast.Module) -> Iterator[str]:
    for node in module.body:
        if isinstance(node, ast.Assign) and ast.unparse(node).startswith(_TABLES):
            yield ast.unparse(node)


def _same(conditions: list[ast.FunctionDef]) -> dict[str, str]:
    first: dict[str, str] = {}
    return {
        node.name: first.setdefault(ast.unparse(node.body[0]), node.name) for node in conditions
    }


def _empty(reset: ast.FunctionDef) -> list[float | None]:
    """The memory that `reset` starts with."""
    for node in ast.walk(reset):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            numbers: list[float | None] = ast.literal_eval(node.value)
            return numbers
    raise AssertionError(ast.unparse(reset))


def _remembered(reset: ast.FunctionDef, step: ast.FunctionDef) -> str:
    """Tables of what slots hold since reset, and of what they hold since the step before."""
    at_reset, now = dict(_taken(reset)), dict(_taken(step))
    write = Expressions(set())
    lines = []
    for name, slots in (("AT_RESET", at_reset.keys() - now.keys()), ("BEFORE", now.keys())):
        lines += [f"{name} = {{"]
        lines += [
            f"    {slot}: lambda v, m: {write.value(at_reset[slot])}," for slot in sorted(slots)
        ]
        lines += ["}"]
    return "\n".join(lines)


def _taken(function: ast.FunctionDef) -> Iterator[tuple[int, ast.expr]]:
    """What of snapshots a function notes down as it is, by slot."""
    for statement in function.body:
        match statement:
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=int(slot)))]):
                if slot > SUCCEEDED and slot != PHI and not _asks(statement.value):
                    yield slot, statement.value


def _asks(node: ast.expr) -> bool:
    return any(is_condition(n.id) for n in ast.walk(node) if isinstance(n, ast.Name))


def _worth(statements: tuple[ast.stmt, ...]) -> ast.FunctionDef:
    """What `step` says once everything has been judged, as a function of its own."""
    (function,) = ast.parse("def worth(v, m, horizon, bonus): pass").body
    assert isinstance(function, ast.FunctionDef)
    function.body = [_Afterwards().visit(statement) for statement in statements]
    return function


class _Afterwards(ast.NodeTransformer):
    """In `step` names and slots change as it goes; seen afterwards, each has its own expression."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id == "succeeded" and isinstance(node.ctx, ast.Load):
            return ast.parse(f"m[{SUCCEEDED}]", mode="eval").body
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        text = "m.before(phi)" if ast.unparse(node) == f"m[{PHI}]" else ast.unparse(node)
        return ast.parse(text, mode="eval").body
