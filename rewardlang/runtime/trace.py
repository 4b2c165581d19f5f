"""What N memories held at each of T control steps, in place of the memory `m` of one state.

    Noted       what conditions ask for: quantities at reset and one step ago
    Trace       control as well, once an automaton has run, and what values were worked out
    Memories    some lanes of a trace: what generated code gets as `m`

Lanes are numbered episode by episode: lane n * T + t is episode n at time t.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rewardlang.codegen.lanes import LaneCode
from rewardlang.codegen.layout import PHI, STEPS, SUCCEEDED
from rewardlang.runtime.arrays import Array
from rewardlang.runtime.automaton import KEPT, UNKNOWN
from rewardlang.runtime.lanes import Rows

UNSET = float("-inf")  # a value at first entry that is not known yet: no quantity is that

Quantities = Mapping[int, Callable[[Rows, "Noted"], Array]]


class Noted:
    """Quantities at reset and one step ago, by slot: (N * T,).

    `memory` (slots, N) are the memories before the first step; None: the first snapshot is the one
    at reset.
    """

    def __init__(
        self, v: Rows, memory: Array | None, at_reset: Quantities, before: Quantities
    ) -> None:
        self.v = v
        self.memory = memory
        self._at_reset = at_reset
        self._before = before
        self._row: dict[int, Array] = {}

    def __getitem__(self, slot: int) -> Array:
        row = self._row.get(slot)
        if row is None:
            row = self._row[slot] = self._work_out(slot)
        return row

    def held(self, slot: int, otherwise: float) -> Array:
        """(N,): what a slot held before the first step; `otherwise` at reset."""
        if self.memory is not None:
            return self.memory[slot]
        return self.v.arrays.full(self.v[0], (self.v.episodes,), otherwise)

    def write(self, memory: Array, on: Array) -> None:
        """Into memories (slots, N) after the last step, for the episodes `on` (N,)."""
        for slot in self._at_reset if self.memory is None else ():
            memory[slot] = self.v.by_time(self[slot])[:, 0]
        for slot, quantity in self._before.items():
            now = self.v.by_time(quantity(self.v, self))[:, -1]
            memory[slot] = (
                now if self.memory is None else self.v.arrays.where(on, now, memory[slot])
            )

    def _work_out(self, slot: int) -> Array:
        v = self.v
        if slot not in self._before:
            first = self.memory[slot] if self.memory is not None else self._first(slot)
            return v.arrays.repeated(first, v.times)
        now = v.by_time(self._before[slot](v, self))
        first = now[:, 0] if self.memory is None else self.memory[slot]
        return v.arrays.later(now, first)

    def _first(self, slot: int) -> Array:
        return self.v.by_time(self._at_reset[slot](self.v, self))[:, 0]


@dataclass(frozen=True)
class Control:
    """Where control stood, as arrays of the kind that values are.

    held     (slots, nodes): what slots hold in the nodes of an automaton
    active   (nodes, stages)
    nodes    (P, N * T): where each part was after each step
    """

    held: Array
    active: Array
    nodes: Array


class Trace:
    """The memories at each step; values are written into it as they are worked out.

    running   (N * T,): the lanes whose episode goes on
    live      (N * T,): those of them that had not succeeded before
    """

    def __init__(self, noted: Noted, code: LaneCode, control: Control, running: Array) -> None:
        self.v = noted.v
        self.arrays = noted.v.arrays
        self.running = running
        self._noted = noted
        self.code = code
        self.control = control
        self.part = {slot: n for n, part in enumerate(code.parts) for slot in part.slots}
        self._row: dict[int, Array] = {}
        self._starts: dict[int, Array] = {}  # (N,) by slot
        self._values: dict[int, tuple[Array, Array]] = {}  # by slot: worked out, and where
        self.live = self._live()

    def __getitem__(self, slot: int) -> Array:
        """(N * T,) by slot."""
        row = self._row.get(slot)
        if row is None:
            row = self._row[slot] = self._work_out(slot)
        return row

    def at(self, lanes: Array) -> Memories:
        return Memories(self, lanes)

    def put(self, slot: int, lanes: Array, value: Array | float) -> None:
        """A value that has been worked out for some lanes."""
        values, there = self.values(slot)
        values[lanes], there[lanes] = value, True

    def values(self, slot: int) -> tuple[Array, Array]:
        """What has been worked out (N * T,), and where."""
        if slot not in self._values:
            self._values[slot] = self.v.full(0.0), self.v.full(False)
        return self._values[slot]

    def latest(self, slot: int, lanes: Array) -> Array:
        """A value as it was last, worked out or set by control, in some lanes."""
        values, there = self.values(slot)
        if slot in self.part:
            control = self[slot]
            values = self.arrays.where(there, values, control)
            there = there | (self.running & (control != KEPT))
        return self._last(self.arrays.nonzero(there), values, lanes, self._noted.held(slot, 0.0))

    def start(self, slot: int, lanes: Array, now: Array) -> Array:
        """A quantity at first entry (N,): that in the first of an episode's lanes."""
        if slot not in self._starts:
            self._starts[slot] = self._noted.held(slot, UNSET) + 0.0
        starts, episodes = self._starts[slot], lanes // self.v.times
        first = self.arrays.changes(episodes)
        episodes, quantity = episodes[first], now[first]
        known = starts[episodes]
        starts[episodes] = self.arrays.where(known == UNSET, quantity, known)
        return starts

    def before(self, slot: int, lanes: Array) -> Array:
        """A value one step earlier, in some lanes; its values are those of all steps."""
        values, _ = self.values(slot)
        first = self._noted.held(slot, 0.0)
        return self.arrays.later(self.v.by_time(values), first)[lanes]

    def phi(self) -> Array:
        """Φ (N * T,), which stays as it was in lanes that are not live."""
        values, _ = self.values(PHI)
        others = self.arrays.nonzero(~self.live)
        if len(others):
            values[others] = self.latest(PHI, others)
        return values

    def active(self) -> Array:
        """(N * T, stages): those being worked on."""
        working = self.running & (self[SUCCEEDED] == 0.0)
        active = None
        for part, nodes in zip(self.code.parts, self.control.nodes, strict=True):
            if part.active:
                here = self.control.active[self.arrays.where(working, nodes, UNKNOWN)]
                active = here if active is None else active | here
        return self.control.active[self.control.nodes[0] * 0] if active is None else active

    def memory(self) -> Array:
        """The memories (slots, N) after the last step."""
        v, noted = self.v, self._noted
        shape = (self.code.slots, v.episodes)
        memory = self.arrays.full(v[0], shape, 0.0) if noted.memory is None else noted.memory + 0.0
        last = self.arrays.nonzero(v.full(True))[v.times - 1 :: v.times]
        for slot in self.part:
            memory[slot] = self[slot][last]
        for slot in (*self.code.worths, PHI):
            memory[slot] = self.latest(slot, last)
        for slot in self.code.starts:
            memory[slot] = self._starts.get(slot, noted.held(slot, UNSET))
        noted.write(memory, self.running[last])
        memory[STEPS] = noted.held(STEPS, -1.0) + v.by_time(self.live).sum(1)
        return memory

    def _work_out(self, slot: int) -> Array:
        v = self.v
        if slot == STEPS:
            before = self.arrays.repeated(self._noted.held(STEPS, -1.0), v.times)
            return before + v.by_time(v.full(1.0)).cumsum(1).reshape(-1)
        if slot in self.part:
            return self.control.held[slot][self.control.nodes[self.part[slot]]]
        return self._noted[slot]

    def _live(self) -> Array:
        succeeded = self.v.by_time(self[SUCCEEDED])
        before = self.arrays.later(succeeded, self._noted.held(SUCCEEDED, 0.0))
        return self.running & (before == 0.0)

    def _last(self, there: Array, values: Array, lanes: Array, otherwise: Array) -> Array:
        """The values where they were last `there` (lanes, in order); `otherwise` (N,)."""
        episodes = lanes // self.v.times
        found = otherwise[episodes]
        if len(there) == 0:
            return found
        at = self.arrays.searched(there, lanes)
        last = there[self.arrays.larger(0, at)]
        same = (at >= 0) & (last // self.v.times == episodes)
        return self.arrays.where(same, values[last], found)


class Memories:
    """Some lanes of a trace, in order."""

    def __init__(self, trace: Trace, lanes: Array) -> None:
        self.whole = trace
        self.lanes = lanes
        self.arrays = trace.arrays
        self._nodes: dict[int, Array] = {}  # by part

    def at(self, some: Array) -> Memories:
        return Memories(self.whole, self.lanes[some])

    def __getitem__(self, slot: int) -> Array:
        whole = self.whole
        part = whole.part.get(slot)
        if slot in whole.code.worths:
            return whole.values(slot)[0][self.lanes]
        if part is None:
            return whole[slot][self.lanes]
        if part not in self._nodes:
            self._nodes[part] = whole.control.nodes[part][self.lanes]
        return whole.control.held[slot][self._nodes[part]]

    def put(self, slot: int, on: Array, value: Array | float) -> None:
        """A node's value, in the lanes of a mask."""
        self.whole.put(slot, self.lanes[on], value if isinstance(value, float) else value[on])

    def thawed(self, slot: int, frozen: Array | None, result: Array) -> Array:
        """`result`, and in frozen lanes a node's value as it was last."""
        if frozen is None:
            return result
        result = result + self.arrays.full(self.whole.v[0], frozen.shape, 0.0)
        result[frozen] = self.whole.latest(slot, self.lanes[frozen])
        return result

    def start(self, slot: int, now: Array, on: Array) -> Array:
        """A quantity at first entry."""
        starts = self.whole.start(slot, self.lanes[on], now[on])
        return starts[self.lanes // self.whole.v.times]

    def before(self, phi: Array) -> Array:
        """Φ one step earlier, where `phi` is what it is now."""
        self.whole.put(PHI, self.lanes, phi)
        return self.whole.before(PHI, self.lanes)
