"""The syntax tree: what a program says, word for word, before anything is known of its scene.

Two trees are equal when they print the same: spans do not count, comments do. Where the parser
recovered from a mistake, the missing name is a hole (`Name.is_hole`), of which nothing more is
said.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rewardlang.source import Span

NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Trivia:
    """Comments (from `#` to the end of the line) around a line or block.

    leading: on lines of their own before it; "" stands for one empty line.
    head: behind the opening brace. dangling: on lines of their own before the closing brace.
    trailing: behind it, on its last line.
    """

    leading: tuple[str, ...] = ()
    head: str = ""
    dangling: tuple[str, ...] = ()
    trailing: str = ""


NO_TRIVIA = Trivia()


@dataclass(frozen=True, slots=True)
class Name:
    text: str
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def is_hole(self) -> bool:
        return not self.text


@dataclass(frozen=True, slots=True)
class Number:
    value: float
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class String:
    """`value` is the text between the quotes."""

    value: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Quantity:
    value: float
    unit: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A predicate, or as an argument a measure or `handle(…)`."""

    name: Name
    args: tuple[Arg, ...] = ()
    span: Span = field(default=NOWHERE, compare=False)


Arg = Quantity | Name | Call


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expr
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """Two operands or more, none of them an `And`."""

    operands: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """Two operands or more, none of them an `Or`."""

    operands: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False)


Expr = Call | Not | And | Or


@dataclass(frozen=True, slots=True)
class Until:
    expr: Expr
    dwell: Number | None = None
    span: Span = field(default=NOWHERE, compare=False)
    trivia: Trivia = NO_TRIVIA


@dataclass(frozen=True, slots=True)
class Progress:
    """`progress MEASURE from START to END`; None stands for `reset`."""

    measure: Call
    start: Quantity | None
    end: Quantity | None
    span: Span = field(default=NOWHERE, compare=False)
    trivia: Trivia = NO_TRIVIA


@dataclass(frozen=True, slots=True)
class While:
    """A clause of a stage; in the head of a group it has no comments of its own."""

    expr: Expr
    span: Span = field(default=NOWHERE, compare=False)
    trivia: Trivia = NO_TRIVIA


Clause = Until | Progress | While


@dataclass(frozen=True, slots=True)
class Stage:
    name: Name
    until: Until
    weight: Number | None = None
    mode: str = ""  # "latch", "live", or "" where nothing is said
    progress: Progress | None = None
    while_: While | None = None
    span: Span = field(default=NOWHERE, compare=False)
    trivia: Trivia = NO_TRIVIA

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """The lines between the braces, in order."""
        return tuple(
            clause for clause in (self.until, self.progress, self.while_) if clause is not None
        )


@dataclass(frozen=True, slots=True)
class Group:
    """`seq`, `all` or `any` (`mode`)."""

    mode: str
    children: tuple[Node, ...]
    name: Name | None = None
    weight: Number | None = None
    while_: While | None = None
    span: Span = field(default=NOWHERE, compare=False)
    trivia: Trivia = NO_TRIVIA


@dataclass(frozen=True, slots=True)
class Use:
    """`use MACRO(ARGS) as NAME`."""

    macro: Name
    args: tuple[Arg, ...]
    name: Name | None = None
    weight: Number | None = None
    while_: While | None = None
    span: Span = field(default=NOWHERE, compare=False)
    trivia: Trivia = NO_TRIVIA


@dataclass(frozen=True, slots=True)
class Keep:
    name: Name
    expr: Expr
    weight: Number | None = None
    span: Span = field(default=NOWHERE, compare=False)
    trivia: Trivia = NO_TRIVIA


Node = Stage | Group | Use | Keep


@dataclass(frozen=True, slots=True)
class Version:
    number: Number
    span: Span = field(default=NOWHERE, compare=False)
    trivia: Trivia = NO_TRIVIA


@dataclass(frozen=True, slots=True)
class Task:
    """The instruction."""

    text: String
    span: Span = field(default=NOWHERE, compare=False)
    trivia: Trivia = NO_TRIVIA


@dataclass(frozen=True, slots=True)
class SceneName:
    """`suite/task`."""

    text: String
    span: Span = field(default=NOWHERE, compare=False)
    trivia: Trivia = NO_TRIVIA


@dataclass(frozen=True, slots=True)
class Object:
    """`object ALIAS = TARGET`."""

    alias: Name
    target: Name
    span: Span = field(default=NOWHERE, compare=False)
    trivia: Trivia = NO_TRIVIA


@dataclass(frozen=True, slots=True)
class Success:
    """`success bddl` where `expr` is None, otherwise `success when EXPR for DWELL steps`.

    is_hole: nobody wrote `bddl`; what success is could not be read.
    """

    expr: Expr | None = None
    dwell: Number | None = None
    is_hole: bool = False
    span: Span = field(default=NOWHERE, compare=False)
    trivia: Trivia = NO_TRIVIA


@dataclass(frozen=True, slots=True)
class Shaping:
    mode: str
    gamma: Number | None = None
    span: Span = field(default=NOWHERE, compare=False)
    trivia: Trivia = NO_TRIVIA


@dataclass(frozen=True, slots=True)
class Penalty:
    name: Name
    cost: Number
    expr: Expr
    span: Span = field(default=NOWHERE, compare=False)
    trivia: Trivia = NO_TRIVIA


@dataclass(frozen=True, slots=True)
class Program:
    """A file. `comments` stand behind everything else."""

    version: Version
    task: Task
    scene: SceneName
    objects: tuple[Object, ...]
    root: Node
    success: Success
    shaping: Shaping | None = None
    penalties: tuple[Penalty, ...] = ()
    comments: tuple[str, ...] = ()
    span: Span = field(default=NOWHERE, compare=False)
