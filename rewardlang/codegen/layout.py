"""The layout of a program's memory: which slot of the list holds what.

A program's nodes are numbered parents first, and a node's slots are followed by those of
everything below it, so that "clear this and all that comes later" is one slice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rewardlang import ir

STEPS, SUCCEEDED, PHI, SUCCESS_HELD = range(4)  # the first slots of every memory
HEADER = ("control steps since reset", "succeeded", "phi", "steps that success has held")


@dataclass(eq=False, repr=False)
class Cell:
    """A node of the program with its number, its place among its siblings and its slots."""

    node: ir.Node
    number: int
    parent: Cell | None
    start: int  # first slot of the node
    end: int = 0  # one past the last slot of everything below it
    slots: dict[str, int] = field(default_factory=dict)  # what -> slot
    children: list[Cell] = field(default_factory=list)  # without `keep`s
    keeps: list[Cell] = field(default_factory=list)

    @property
    def index(self) -> int:
        """Place among the siblings, `keep`s not counted."""
        assert self.parent is not None
        return self.parent.children.index(self)

    @property
    def while_(self) -> ir.Expr | None:
        return None if isinstance(self.node, ir.Keep) else self.node.while_

    @property
    def mode(self) -> str:
        """`seq`, `all`, `any`; empty for what is no group."""
        return self.node.mode if isinstance(self.node, ir.Group) else ""

    def below(self) -> Iterator[Cell]:
        """The cell and everything below it, parents first."""
        yield self
        for child in (*self.children, *self.keeps):
            yield from child.below()

    @property
    def before(self) -> Cell | None:
        """The sibling that comes just before this one in a `seq`."""
        if self.parent is None or self.parent.mode != "seq" or self.index == 0:
            return None
        return self.parent.children[self.index - 1]

    @property
    def first(self) -> list[Cell]:
        """The children that are entered together with this."""
        return self.children[:1] if self.mode == "seq" else self.children

    @property
    def waits(self) -> bool:
        """Something has to be asked when this is entered: its `while`, or one further down."""
        return self.while_ is not None or any(child.waits for child in self.first)

    def cleared(self, start: int | None = None) -> str:
        """Python that clears all slots from `start` (default: the first) to the end of this."""
        start = self.start if start is None else start
        return f"m[{start}:{self.end}] = [0] * {self.end - start}"


class Layout:
    """Hands out the slots of the memory in order, each with what it holds."""

    def __init__(self, program: ir.Program) -> None:
        self.labels = list(HEADER)
        self.penalties = [
            (self.slot(f"penalty {p.name}: steps violated"), self.slot(f"penalty {p.name}: fired"))
            for p in program.penalties
        ]
        self._count = 0
        self.root = self._cell(program.root, None)

    def slot(self, label: str) -> int:
        """A new slot."""
        self.labels.append(label)
        return len(self.labels) - 1

    @property
    def nodes(self) -> int:
        """Number of nodes; as the answer of a judge: nothing went back."""
        return self._count

    def _cell(self, node: ir.Node, parent: Cell | None) -> Cell:
        cell = Cell(node, self._count, parent, start=len(self.labels))
        self._count += 1
        for what in _slots_of(node):
            cell.slots[what] = self.slot(f"{node.path or 'the whole program'}: {what}")
        if isinstance(node, ir.Group):
            for child in node.children:
                below = self._cell(child, cell)
                (cell.keeps if isinstance(child, ir.Keep) else cell.children).append(below)
        cell.end = len(self.labels)
        return cell


def _slots_of(node: ir.Node) -> Iterator[str]:
    if isinstance(node, ir.Keep):
        yield "value"
        return
    yield "done"
    if isinstance(node, ir.Stage) or node.while_ is not None:
        yield "value"
    if node.while_ is not None:
        yield from ("entered", "violated")
    if isinstance(node, ir.Stage):
        if node.dwell > 1:
            yield "held"
        if node.live:
            yield "missed"
    elif node.mode == "seq":
        yield "pointer"
