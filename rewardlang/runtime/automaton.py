"""A program's control as a finite automaton, found while it runs.

What has been done and counted changes only by which conditions hold. So the generated Python of one
state is run once for each way through it, asking an oracle instead of a snapshot, and what came of
it is a row of a table; a batch moves by looking things up, whatever the program looks like. Regular
expressions are run like this ("lazy DFA").

A condition is a bit, eight make a word: a node of the automaton looks at one word and moves on by
its 256 values. Where the Python asks for a bit of another word, the node behind looks at that one,
in the same control step.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardlang.codegen.control import Part
from rewardlang.codegen.lanes import LaneCode

WORD = 8
UNKNOWN = 0  # the node behind what has not been looked into yet
KEPT = -1.0  # in place of a node's value: the step has left it as it was

Nodes = NDArray[np.intp]
State = tuple[float | None, ...]
Place = tuple[int, int]  # of a condition: word, bit


@dataclass(frozen=True)
class _Node:
    """A state of one part (None: not begun), and what has been asked since, in this step."""

    part: int
    state: State | None
    known: tuple[tuple[Place, bool], ...] = ()


class Automaton:
    """The control of one program, and all that has been found out about it.

    words    the conditions of each word, at most eight
    first    (P,) each part's node before reset
    held     (slots, nodes): what a part's slots hold in each of its states
    active   (nodes, stages): which stages are being worked on
    """

    def __init__(self, code: LaneCode, stages: tuple[str, ...]) -> None:
        self._code = code
        self._stages = stages
        self._functions = _functions(code)
        self._layouts = _layouts(code)
        self.words = [word for layout in self._layouts for word in layout.words]
        self._number: dict[_Node, int] = {}
        self._nodes: list[_Node | None] = [None]
        self._tables(64)
        self.first = np.array([self._at(_Node(part, None)) for part in range(len(code.parts))])

    def __len__(self) -> int:
        return len(self._nodes)

    def run(self, words: NDArray[np.uint8], on: NDArray[np.bool_] | None, first: Nodes) -> Nodes:
        """The nodes (T, P, N) after each of T steps with `words` (T, W, N), from `first` (P, N).

        Lanes that are not `on` (T, N) stay where they are.
        """
        nodes = np.empty((len(words), *first.shape), np.intp)
        lanes = np.arange(first.shape[1])
        for t, now in enumerate(words):
            after = self._step(first, now.ravel(), lanes)
            first = nodes[t] = after if on is None else np.where(on[t], after, first)
        return nodes

    def nodes_of(self, slots: NDArray[np.floating[Any]]) -> Nodes:
        """The nodes (P, N) of memories whose slots are rows (slots, N)."""
        found = []
        for number, part in enumerate(self._code.parts):
            rows, lanes = np.unique(slots[list(part.slots)], axis=1, return_inverse=True)
            states = [self._plain(part, row) for row in rows.T.tolist()]
            at = np.array([self._at(_Node(number, state)) for state in states], np.intp)
            found.append(at[lanes.ravel()])
        return np.array(found)

    def _plain(self, part: Part, row: list[float]) -> State:
        values = zip(part.slots, row, strict=True)
        return tuple(None if slot in self._code.worths else int(value) for slot, value in values)

    def _step(self, nodes: Nodes, words: NDArray[np.uint8], lanes: Nodes) -> Nodes:
        """Where one control step leads; `words` are (W * N,)."""
        at = self._entry(nodes, words, lanes)
        after: Nodes = self._to.take(at)
        while (pending := self._pending.take(after)).any():
            unknown = after == UNKNOWN
            if unknown.any():
                for entry in np.unique(at[unknown]).tolist():
                    self._explore(*divmod(entry, 1 << WORD))
            else:
                at = np.where(pending, self._entry(after, words, lanes), at)
            after = self._to.take(at)
        return after

    def _entry(self, nodes: Nodes, words: NDArray[np.uint8], lanes: Nodes) -> Nodes:
        """Which entry of the table says where each lane goes."""
        seen = words.take(self._word.take(nodes) * len(lanes) + lanes)
        entry: Nodes = nodes * (1 << WORD) + seen
        return entry

    # --- finding out ------------------------------------------------------------------------------

    def _explore(self, number: int, word: int) -> None:
        """Where a node leads with this word, and with all that differ in bits nobody asked for."""
        entries = self._to[number]
        if entries[word] != UNKNOWN:
            return
        node = self._nodes[number]
        assert node is not None
        oracle = _Oracle(self._layouts[node.part], dict(node.known), int(self._word[number]), word)
        try:
            behind = _Node(node.part, self._move(node, oracle))
        except _AskedError:
            behind = _Node(node.part, node.state, tuple(oracle.known.items()))
        to = self._at(behind)
        self._to[number][_EVERY_WORD & oracle.mask == word & oracle.mask] = to

    def _move(self, node: _Node, oracle: _Oracle) -> State:
        """The state after a step, by the program's own Python."""
        part = self._code.parts[node.part]
        memory = self._memory(node)
        function = part.judge if node.state is not None else part.enter
        if function:
            self._functions[function](oracle, memory)
        return tuple(memory[slot] for slot in part.slots)

    def _memory(self, node: _Node) -> list[float | None]:
        memory: list[float | None] = [0] * self._code.slots
        if node.state is not None:
            for slot, value in zip(self._code.parts[node.part].slots, node.state, strict=True):
                memory[slot] = None if slot in self._code.worths else value
        return memory

    def _at(self, node: _Node) -> int:
        """The node's number; a new one is added to the tables."""
        found = self._number.get(node)
        if found is not None:
            return found
        number = self._number[node] = len(self._nodes)
        self._nodes.append(node)
        if number == len(self._word):
            self._tables(2 * number)
        self._word[number] = self._asks(node)
        self._pending[number] = bool(node.known)
        if node.state is not None and not node.known:
            self._describe(number, node)
        return number

    def _asks(self, node: _Node) -> int:
        """The word that the node looks at: where the first bit stands that it does not know."""
        layout = self._layouts[node.part]
        oracle = _Oracle(layout, dict(node.known))
        try:
            self._move(node, oracle)
        except _AskedError as asked:
            return asked.word
        return 0

    def _describe(self, number: int, node: _Node) -> None:
        part = self._code.parts[node.part]
        assert node.state is not None
        for slot, value in zip(part.slots, node.state, strict=True):
            self.held[slot, number] = KEPT if value is None else value
        if part.active:
            paths = self._functions[part.active](self._memory(node))
            self.active[number] = [stage in paths for stage in self._stages]

    def _tables(self, room: int) -> None:
        """Tables for `room` nodes, with what is in those there are."""
        old = dict(vars(self))
        self._to = np.full((room, 1 << WORD), UNKNOWN, np.intp)
        self._word = np.zeros(room, np.intp)
        self._pending = np.zeros(room, np.bool_)
        self._pending[UNKNOWN] = True
        self.held = np.zeros((self._code.slots, room))
        self.active = np.zeros((room, len(self._stages)), np.bool_)
        if "_to" in old:
            size = len(old["_to"])
            self._to[:size], self._word[:size] = old["_to"], old["_word"]
            self._pending[:size] = old["_pending"]
            self.held[:, :size], self.active[:size] = old["held"], old["active"]


_EVERY_WORD = np.arange(1 << WORD)


@dataclass(frozen=True)
class _Layout:
    """Where the bits of a part's conditions stand: (word, bit) of each, and the part's words."""

    bits: dict[str, Place]
    words: tuple[tuple[str, ...], ...]


def _layouts(code: LaneCode) -> list[_Layout]:
    layouts: list[_Layout] = []
    start = 0
    for part in code.parts:
        asked = list(dict.fromkeys(code.same[name] for name in part.conditions))
        words = tuple(tuple(asked[at : at + WORD]) for at in range(0, len(asked), WORD))
        places = {name: (start + at // WORD, at % WORD) for at, name in enumerate(asked)}
        bits = {name: places[code.same[name]] for name in part.conditions}
        layouts.append(_Layout(bits, words))
        start += len(words)
    return layouts


class _AskedError(Exception):
    """A bit was asked for that stands in another word."""

    def __init__(self, word: int) -> None:
        super().__init__(word)
        self.word = word


class _Oracle:
    """In place of a snapshot: answers from what is known and from one word, and notes the rest."""

    def __init__(self, layout: _Layout, known: dict[Place, bool], at: int = -1, word: int = 0):
        self._layout = layout
        self._at = at
        self._word = word
        self.known = known
        self.mask = 0

    def answer(self, condition: str) -> bool:
        place = at, bit = self._layout.bits[condition]
        if place not in self.known:
            if at != self._at:
                raise _AskedError(at)
            self.mask |= 1 << bit
            self.known[place] = bool(self._word >> bit & 1)
        return self.known[place]


def _functions(code: LaneCode) -> dict[str, Callable[..., Any]]:
    """The functions of control, with conditions that ask an oracle."""
    names: dict[str, Any] = {}
    exec(builtins.compile(code.control, "<control>", "exec", dont_inherit=True), names)
    names.update({condition: _asking(condition) for condition in code.same})
    return names


def _asking(condition: str) -> Callable[[_Oracle, Any], bool]:
    return lambda oracle, _: oracle.answer(condition)
