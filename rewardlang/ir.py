"""The checked program: names resolved, quantities in SI, weights as shares, macros expanded.

`checker.check` builds it, `codegen.emit` reads it. No node of it can be wrong: whatever could be
was reported as a diagnostic before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rewardlang.datatypes import Kind
from rewardlang.source import Source, Span

PHI_CAP = 0.99  # the value of anything that is not done (language.md, "Semantics")
SUCCESS_BONUS = 2.0  # B: any success outranks any failure; not settable in a program
WHILE_PATIENCE = 2  # consecutive violated steps before `while` regresses; contacts flicker
PENALTY_PATIENCE = 2  # consecutive violated steps before a penalty fires
LIVE_PATIENCE = 2  # steps over which a live stage's goal atoms are debounced
MAX_TOTAL_PENALTY = 0.5


@dataclass(frozen=True, slots=True)
class Ref:
    """A resolved argument: a scene name with its kinds, `gripper`, or `handle(name)`.

    `kind` is what the name is used as here; `name` is the scene's name ("gripper" for GRIPPER,
    the owner's name for HANDLE).
    """

    name: str
    kind: Kind

    def __str__(self) -> str:
        return f"handle({self.name})" if self.kind is Kind.HANDLE else self.name


@dataclass(frozen=True, slots=True)
class Atom:
    """A predicate with resolved arguments; optional arguments are filled with their default."""

    predicate: str
    args: tuple[Ref | float | MeasureCall, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class And:
    operands: tuple[Expr, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Or:
    operands: tuple[Expr, ...]
    span: Span


Expr = Atom | Not | And | Or


@dataclass(frozen=True, slots=True)
class MeasureCall:
    measure: str
    args: tuple[Ref, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Progress:
    """`progress MEASURE from A to B`; None stands for `reset` (the value after settling)."""

    measure: MeasureCall
    start: float | None
    end: float | None


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a task. `share` is the weight divided by the siblings' sum, in (0, 1]."""

    name: str
    path: str  # "soup_in.reach": unique in the program, stable, used in logs and metrics
    share: float
    until: Expr
    dwell: int  # >= 1
    while_: Expr | None
    live: bool
    goal_atoms: tuple[Atom, ...]  # what re-judges a live stage; empty where latched
    progress: Progress | None
    span: Span


@dataclass(frozen=True, slots=True)
class Group:
    """`seq`, `all` or `any` (`mode`); shares of the children sum to 1 (for `any`: each is 1).

    A `keep` child of `all`/`seq` subtracts its share while false and is not among the shares.
    """

    mode: str  # "seq" | "all" | "any"
    name: str
    path: str
    share: float
    while_: Expr | None
    children: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Keep:
    name: str
    path: str
    share: float  # what it subtracts while false, relative to the sum of its siblings' weights
    expr: Expr
    span: Span


Node = Stage | Group | Keep


@dataclass(frozen=True, slots=True)
class GoalAtom:
    """An atom of LIBERO's own goal: predicate in LIBERO's lower-case spelling."""

    predicate: str  # "in" "on" "open" "close" "turnon" "turnoff"
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Success:
    """`expr` None: LIBERO's own goal (`success bddl`), the moment it holds."""

    expr: Expr | None
    dwell: int
    span: Span


@dataclass(frozen=True, slots=True)
class Penalty:
    name: str
    cost: float
    expr: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class Program:
    """What `codegen` compiles. `goal` is LIBERO's own, whatever `success` says."""

    task: str
    scene: str  # "suite/task"
    root: Node
    success: Success
    goal: tuple[GoalAtom, ...]
    shaping: str  # "level" | "telescope" | "pbrs" | "sparse"
    gamma: float
    penalties: tuple[Penalty, ...]
    source: Source
    aliases: tuple[tuple[str, str], ...] = ()  # (alias, scene name), for what people read

    def called(self, name: str) -> str:
        """What the program calls the thing that the scene calls `name`."""
        return next((alias for alias, of in self.aliases if of == name), name)


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below it, parents first, in program order."""
    yield node
    if isinstance(node, Group):
        for child in node.children:
            yield from walk(child)


def stages(program: Program) -> tuple[Stage, ...]:
    """The program's stages in program order."""
    return tuple(node for node in walk(program.root) if isinstance(node, Stage))
