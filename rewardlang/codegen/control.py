"""A program's control, cut into parts that do not see each other.

What has been done, where the pointers stand, what has been counted: that changes by what holds, and
by nothing else. No float takes part in it, so it is a finite automaton, and the branches of an
`all` at the top, the success test and each penalty are automata of their own. `Part` names the
functions of one, as `emit` writes them, and the conditions that they ask.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from rewardlang import ir
from rewardlang.codegen.layout import SUCCEEDED, Cell, Layout

_CONDITIONS = ("until_", "while_", "goal_", "keep_", "penalty_", "succeeds", "native")


@dataclass(frozen=True)
class Part:
    """Slots that change by themselves, and the functions `(v, m)` that change them.

    enter       at reset; empty: nothing is asked
    judge       at each step
    active      paths of the stages being worked on; empty: it has no stages
    slots       of the memory: nobody else changes them
    conditions  that the functions may ask
    """

    enter: str
    judge: str
    active: str
    slots: tuple[int, ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True)
class Control:
    """`text` is the program's Python with its parts' functions; `worth` what is left of `step`."""

    text: str
    parts: tuple[Part, ...]
    worth: tuple[ast.stmt, ...]


def is_condition(name: str) -> bool:
    """The name of a function that says whether something holds."""
    return name.startswith(_CONDITIONS)


def control_of(program: ir.Program, text: str) -> Control:
    """The parts of a program's control; `text` is what `emit` writes, with a `native`."""
    module = ast.parse(text)
    (step,) = (node for node in module.body if getattr(node, "name", "") == "step")
    assert isinstance(step, ast.FunctionDef)
    deciding = [statement for statement in step.body if _decides(statement)]
    cells = [cell for cell in _independent(Layout(program).root) if not _keeps(cell)]
    heads = list(_heads(_linked(deciding)))
    functions = "\n\n\n".join(ast.unparse(function) for function, _ in heads)
    asked = _Asked(ast.parse(f"{text}\n\n\n{functions}\n"))
    parts = [
        Part("", function.name, "", slots, asked.by(function.name)) for function, slots in heads
    ]
    parts += [_part(cell, asked) for cell in cells]
    rest = tuple(s for s in step.body if s not in deciding and not _is_bookkeeping(s))
    return Control(f"{text}\n\n\n{functions}\n", tuple(parts), rest)


def _part(cell: Cell, asked: _Asked) -> Part:
    enter = f"enter_{cell.number}" if cell.waits else ""
    judge = f"judge_{cell.number}"
    slots = tuple(range(cell.start, cell.end))
    return Part(enter, judge, f"active_{cell.number}", slots, asked.by(enter, judge))


def _keeps(cell: Cell) -> bool:
    return isinstance(cell.node, ir.Keep)


def _independent(cell: Cell) -> Iterator[Cell]:
    """Branches of `all` have nothing to do with each other unless a group goes back as a whole."""
    if cell.mode == "all" and cell.while_ is None:
        for child in cell.children:
            yield from _independent(child)
    else:
        yield cell


# --- `step` ---------------------------------------------------------------------------------------


def _decides(statement: ast.stmt) -> bool:
    """A statement that changes the memory by what holds, the judging of nodes left aside."""
    match statement:
        case ast.If():
            return not _is_bookkeeping(statement)
        case ast.Assign():
            return any(is_condition(name) for name in _names(statement)) or "succeeded" in {
                ast.unparse(target) for target in statement.targets
            }
        case _:
            return False


def _is_bookkeeping(statement: ast.stmt) -> bool:
    """What a batch does by itself: latched success, counted steps, memories, the judging."""
    match statement:
        case ast.If(test=test):
            return ast.unparse(test) == f"m[{SUCCEEDED}]"
        case ast.Assign(targets=[ast.Subscript()]) | ast.AugAssign(target=ast.Subscript()):
            return True
        case ast.Expr():
            return True
        case _:
            return False


def _linked(statements: list[ast.stmt]) -> list[list[ast.stmt]]:
    """Statements that share a slot or a name stand together, in order."""
    groups: list[tuple[set[str], list[ast.stmt]]] = []
    for statement in statements:
        keys, together = _places(statement), [statement]
        for group in [group for group in groups if group[0] & keys]:
            groups.remove(group)
            keys, together = keys | group[0], group[1] + together
        groups.append((keys, together))
    return [together for _, together in groups]


def _heads(groups: list[list[ast.stmt]]) -> Iterator[tuple[ast.FunctionDef, tuple[int, ...]]]:
    """Each group as a function of its own, and the slots that it changes."""
    for number, statements in enumerate(groups):
        body = "\n".join(ast.unparse(_AskingNative().visit(s)) for s in statements)
        indented = body.replace("\n", "\n    ")
        (function,) = ast.parse(f"def head_{number}(v, m):\n    {indented}\n").body
        assert isinstance(function, ast.FunctionDef)
        places = set().union(*map(_places, statements))
        slots = sorted(int(place[2:-1]) for place in places if place.startswith("m["))
        yield function, tuple(slots)


class _AskingNative(ast.NodeTransformer):
    """In `step` LIBERO's own goal is an argument; here it is a condition among the others."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.parse("native(v, m)", mode="eval").body if node.id == "native" else node


def _places(node: ast.AST) -> set[str]:
    """Slots `m[7]` and local names."""
    below = [*ast.walk(node)]
    slots = {ast.unparse(n) for n in below if isinstance(n, ast.Subscript)}
    return slots | {n.id for n in below if isinstance(n, ast.Name) and n.id == "succeeded"}


def _names(node: ast.AST) -> set[str]:
    return {below.id for below in ast.walk(node) if isinstance(below, ast.Name)}


class _Asked:
    """Which conditions a function asks, itself or through what it calls."""

    def __init__(self, module: ast.Module) -> None:
        self._order: list[str] = []
        self._names: dict[str, set[str]] = {}
        for node in module.body:
            if isinstance(node, ast.FunctionDef):
                self._names[node.name] = _names(node)
                self._order.append(node.name)
            elif isinstance(node, ast.Assign):
                self._names[ast.unparse(node.targets[0])] = _names(node.value)

    def by(self, *functions: str) -> tuple[str, ...]:
        """In the order of the text, where a stage's conditions stand side by side."""
        waiting, seen = set(functions), set[str]()
        while waiting:
            name = waiting.pop()
            seen.add(name)
            waiting |= self._names.get(name, set()) & self._names.keys() - seen
        return tuple(name for name in self._order if name in seen and is_condition(name))
