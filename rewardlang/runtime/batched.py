"""A program on many states at once: numpy or torch arrays in, arrays of the same kind out.

    Evaluator.batched(scene, max_steps=...)     BatchedRewardFn
    .score(values)                              BatchedSteps    of recorded episodes, (N, T)
    .reset(values), then (values, memory)       BatchedSteps    of N environments, once per step

The values are what `Snapshot.values` holds, as `Evaluator.requirements(scene)` orders it. All
arithmetic is done in the precision of the input, on its device; nothing is differentiated.

Three hops, each for a block of episodes and all of its control steps:

    snapshots -> conditions             arrays (N, T), whatever has been
    conditions -> control               an automaton's nodes, one look-up per step and part
    snapshots, control -> values        arrays (N, T) again
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rewardlang import ir
from rewardlang.codegen.lanes import LaneCode
from rewardlang.codegen.layout import SUCCEEDED
from rewardlang.runtime import array_degrees, array_geometry
from rewardlang.runtime.arrays import (
    Array,
    Arrays,
    Numpy,
    arrays_of,
    in_main_memory,
)
from rewardlang.runtime.automaton import Automaton
from rewardlang.runtime.batch_checks import (
    check_lengths,
    check_memory,
    check_running,
    check_values,
)
from rewardlang.runtime.batch_results import (
    BatchedMemory,
    BatchedSteps,
    empty_steps,
    mapped,
    of_torch,
    write_block,
)
from rewardlang.runtime.lanes import Rows, namespace
from rewardlang.runtime.trace import Control, Noted, Trace

BLOCK = 15_000  # numpy's states at a time: calls cost little, and rows stay in the cache
DEVICE_BLOCK = 1 << 20  # states at a time on a device, whose memory they have to fit into
FORGETTING = 1 << 14  # nodes of an automaton (2 KB each), beyond which a block starts a new one

Functions = dict[str, Any]


class BatchedRewardFn:
    """A program on arrays of snapshots; what it says of each state is what the evaluator says.

    `width` are the floats of a snapshot. They are finite: what is said of a state with NaN in it,
    or later in its episode, may differ from the evaluator's. Not to be called by two threads at
    once: an instance keeps room to work in.
    """

    def __init__(
        self, program: ir.Program, code: LaneCode, width: int, max_steps: int, bonus: float
    ) -> None:
        self.program = program
        self.stages = tuple(stage.path for stage in ir.stages(program))
        self.code = code
        self.width = width
        self.max_steps = max_steps
        self.bonus = bonus
        self._automaton = Automaton(code, self.stages)
        self._rooms: dict[str, Array] = {}  # by kind of number
        self._functions: dict[str, Functions] = {}  # by name of the arrays they run on

    @np.errstate(all="ignore")
    def reset(self, values: Array) -> BatchedMemory:
        """The memories at the start of N episodes, after settling; `values` is (N, width)."""
        check_values(values, self.width, episodes=False)
        if in_main_memory(values):
            return of_torch(self.reset(_of_numpy(values)))
        _, trace = self._block(values[:, None], None, None)
        return BatchedMemory(trace.memory())

    @np.errstate(all="ignore")
    def __call__(
        self, values: Array, memory: BatchedMemory, running: Array | None = None
    ) -> tuple[BatchedSteps, BatchedMemory]:
        """The control step that led to `values` (N, width), and the memories for the next one.

        Episodes that are not `running` (N, bool; default: all) are left as they are.
        """
        check_values(values, self.width, episodes=False)
        check_memory(memory.slots, values, self.code.slots)
        check_running(running, values)
        if in_main_memory(values):
            before = BatchedMemory(_of_numpy(memory.slots))
            step, after = self(_of_numpy(values), before, _of_numpy(running))
            return of_torch(step), of_torch(after)
        on = None if running is None else running[:, None]
        steps, trace = self._block(values[:, None], memory.slots, on)
        after = trace.memory()
        return mapped(steps, lambda array: array[:, 0]), BatchedMemory(after)

    @np.errstate(all="ignore")
    def score(self, values: Array, lengths: Array | None = None) -> BatchedSteps:
        """N episodes of at most T steps; `values` is (N, T + 1, width), first after settling.

        `lengths` (N,) are the steps that each episode has; what comes after them is padding.
        Raises ValueError for another shape or kind of number, here and in the other methods.
        """
        check_values(values, self.width, episodes=True)
        check_lengths(lengths, values)
        if in_main_memory(values):
            return of_torch(self.score(_of_numpy(values), _of_numpy(lengths)))
        count, length = values.shape[:2]
        block = BLOCK if isinstance(arrays_of(values), Numpy) else DEVICE_BLOCK
        steps = empty_steps(values, count, length - 1, self.stages)
        room = self._rows_of(values, min(block, count * length))
        for lanes in _slices(count, max(1, block // length)):
            memory = None
            for times in _slices(length, block):
                on = None if lengths is None else _goes_on(values, lengths[lanes], times)
                worked, trace = self._block(values[lanes, times], memory, on, room)
                write_block(steps, worked, lanes, times)
                memory = trace.memory() if times.stop < length else None
        return steps

    def _block(
        self, values: Array, memory: Array | None, on: Array | None, room: Array | None = None
    ) -> tuple[BatchedSteps, Trace]:
        """Steps (N, T) to `values` (N, T, width), of lanes that are `on` (N, T; None: all).

        `memory` is what there was before (slots, N); None: the first snapshot is the one at reset,
        whose step pays nothing that counts.
        """
        arrays = arrays_of(values)
        functions = self._on(arrays)
        v = Rows(values, arrays, room)
        noted = Noted(v, memory, functions["AT_RESET"], functions["BEFORE"])
        running = v.full(True) if on is None else on.reshape(-1)
        m = Trace(noted, self.code, self._control(noted, functions, on), running)
        reward, live = v.full(0.0), arrays.nonzero(m.live)
        if len(live):
            reward[live], _, _ = functions["worth"](
                v.at(live), m.at(live), self.max_steps, self.bonus, m.live[live]
            )
        steps = BatchedSteps(
            reward=v.by_time(reward),
            phi=v.by_time(m.phi()),
            success=v.by_time(m[SUCCEEDED] != 0.0),
            native_success=v.by_time(running & functions["native"](v, noted)),
            active=m.active().reshape(v.episodes, v.times, -1),
            stages=self.stages,
        )
        return steps, m

    def _control(self, noted: Noted, functions: Functions, on: Array | None) -> Control:
        """Where control stands after each step."""
        if len(self._automaton) > FORGETTING:
            self._automaton = Automaton(self.code, self.stages)
        v, arrays, automaton = noted.v, noted.v.arrays, self._automaton
        words = []
        for conditions in automaton.words:
            holds = [arrays.bits(functions[name](v, noted)) for name in conditions]
            words.append(arrays.to_host(sum(bits << at for at, bits in enumerate(holds))))
        if noted.memory is None:
            first = np.repeat(automaton.first[:, None], v.episodes, axis=1)
        else:
            first = automaton.nodes_of(arrays.to_host(noted.memory))
        nodes = automaton.run(
            np.array([v.by_time(word).T for word in words]).swapaxes(0, 1),
            None if on is None else arrays.to_host(on).T,
            first,
        )
        found = len(automaton)
        return Control(
            held=arrays.from_host(automaton.held[:, :found], v[0]),
            active=arrays.from_host(automaton.active[:found], v[0]),
            nodes=arrays.from_host(nodes.transpose(1, 2, 0).reshape(len(first), -1), v[0]),
        )

    def _on(self, arrays: Arrays) -> Functions:
        """The program's functions on these arrays."""
        if arrays.name not in self._functions:
            names = vars(array_geometry) | vars(array_degrees) | namespace(arrays)
            file = f"<lanes of {self.program.source.name}>"
            exec(compile(self.code.values, file, "exec"), names)
            self._functions[arrays.name] = names
        return self._functions[arrays.name]

    def _rows_of(self, values: Array, lanes: int) -> Array | None:
        """A place for the rows of so many snapshots, of numpy's: used again and again."""
        size, kind = lanes * self.width, str(values.dtype)
        if not isinstance(values, np.ndarray):
            return None
        if kind not in self._rooms or self._rooms[kind].size < size:
            self._rooms[kind] = np.empty(size, values.dtype)
        return self._rooms[kind]


def _slices(total: int, size: int) -> list[slice]:
    return [slice(at, min(at + size, total)) for at in range(0, total, size)]


def _goes_on(values: Array, lengths: Array, times: slice) -> Array:
    """(N, T): the episode has this step, and at time 0 it has been reset."""
    arrays = arrays_of(values)
    return lengths[:, None] >= arrays.times(values, times.start, times.stop)


def _of_numpy(values: Array | None) -> Array | None:
    """A tensor in main memory as numpy sees it: small operations take it a third of the time."""
    return None if values is None else values.detach().numpy()
