"""A program on many states at once: numpy or torch arrays in, arrays of the same kind out.

    Evaluator.batched(scene, max_steps=...)     BatchedRewardFn
    .score(values)                              BatchedSteps    of recorded episodes, (N, T)
    .reset(values), then (values, memory)       BatchedSteps    of N environments, once per step

The values are what `Snapshot.values` holds, as `Evaluator.requirements(scene)` orders it. All
arithmetic is done in the precision of the input, on its device; nothing is differentiated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np

from rewardlang import ir
from rewardlang.codegen.layout import PHI, STEPS, SUCCEEDED, Cell, Layout
from rewardlang.runtime import array_degrees, array_geometry
from rewardlang.runtime.arrays import (
    Array,
    Arrays,
    Numpy,
    arrays_of,
    as_tensor,
    in_main_memory,
)
from rewardlang.runtime.lanes import Rows, Slots, namespace

TOGETHER = 2048  # lanes of numpy arrays at a time: their temporaries stay in the processor's cache

Functions = dict[str, Callable[..., Any]]


@dataclass(frozen=True)
class BatchedMemory:
    """What has been, in N episodes: `Memory`'s slots as rows of an array, (slots, N)."""

    slots: Array

    @property
    def steps(self) -> Array:
        """(N,) control steps since reset."""
        return self.slots[STEPS]

    @property
    def phi(self) -> Array:
        """(N,) Φ in [0, 1] after the last step, or at reset."""
        return self.slots[PHI]


@dataclass(frozen=True)
class BatchedSteps:
    """What control steps are worth: `RewardStep`'s fields as arrays, (N,) of one step of N
    episodes or (N, T) of whole episodes. In padding nothing is paid and no stage is worked on;
    `phi` and `success` stay as they were.

    reward          what `shaping` pays for the step
    phi             the program's value, at most 0.99 before success
    success         the program's success condition has held, now or before
    native_success  LIBERO's own goal holds now
    active          (…, S): the stages being worked on after the step, in the order of `stages`
    stages          paths of the program's S stages
    """

    reward: Array
    phi: Array
    success: Array
    native_success: Array
    active: Array
    stages: tuple[str, ...]


class BatchedRewardFn:
    """A program on arrays of snapshots; what it says of each state is what the evaluator says.

    `source` is generated Python over lanes, `width` the floats of a snapshot.
    """

    def __init__(
        self, program: ir.Program, source: str, width: int, max_steps: int, bonus: float
    ) -> None:
        self.program = program
        self.stages = tuple(stage.path for stage in ir.stages(program))
        self.source = source
        self.width = width
        self.max_steps = max_steps
        self.bonus = bonus
        self._root = Layout(program).root
        self._functions: dict[str, Functions] = {}  # by name of the arrays they run on

    def reset(self, values: Array) -> BatchedMemory:
        """The memories at the start of N episodes, after settling; `values` is (N, width)."""
        self._check(values, 2)
        if in_main_memory(values):
            return _of_torch(self.reset(_of_numpy(values)))
        arrays = arrays_of(values)
        with np.errstate(all="ignore"):
            return BatchedMemory(self._on(arrays)["reset"](Rows(values, arrays)).table)

    def __call__(
        self, values: Array, memory: BatchedMemory, running: Array | None = None
    ) -> tuple[BatchedSteps, BatchedMemory]:
        """The control step that led to `values` (N, width), and the memories for the next one.

        Episodes that are not `running` (N, bool; default: all) are left as they are.
        """
        self._check(values, 2)
        if in_main_memory(values):
            before = BatchedMemory(_of_numpy(memory.slots))
            step, after = self(_of_numpy(values), before, _of_numpy(running))
            return _of_torch(step), _of_torch(after)
        arrays = arrays_of(values)
        m = Slots(arrays.copied(memory.slots), arrays)
        rows = _Rows(arrays, values, 1, len(self.stages))
        with np.errstate(all="ignore"):
            v = Rows(values, arrays)
            self._step(v, m, v.everybody if running is None else running, rows, 0)
        steps = rows.steps(self.stages)
        return _mapped(steps, lambda array: array[:, 0]), BatchedMemory(m.table)

    def score(self, values: Array, lengths: Array | None = None) -> BatchedSteps:
        """N episodes of at most T steps; `values` is (N, T + 1, width), first after settling.

        `lengths` (N,) are the steps that each episode has; what comes after them is padding.
        """
        self._check(values, 3)
        if in_main_memory(values):
            return _of_torch(self.score(_of_numpy(values), _of_numpy(lengths)))
        arrays = arrays_of(values)
        rows = _Rows(arrays, values, values.shape[1] - 1, len(self.stages))
        together = TOGETHER if isinstance(arrays, Numpy) else max(1, len(values))
        with np.errstate(all="ignore"):
            for start in range(0, len(values), together):
                some = slice(start, start + together)
                self._score(values[some], None if lengths is None else lengths[some], rows.of(some))
        return rows.steps(self.stages)

    def _score(self, values: Array, lengths: Array | None, rows: _Rows) -> None:
        arrays = arrays_of(values)
        first = Rows(values[:, 0], arrays)
        m = self._on(arrays)["reset"](first)
        for t in range(values.shape[1] - 1):
            v = Rows(values[:, t + 1], arrays, first.table)
            self._step(v, m, v.everybody if lengths is None else lengths > t, rows, t)

    def _step(self, v: Rows, m: Slots, on: Array, rows: _Rows, t: int) -> None:
        """One control step: changes `m`, and writes what it is worth into row `t`."""
        arrays, functions = v.arrays, self._on(v.arrays)
        native = functions["native"](v, m)
        if arrays.some(on):
            reward, _, _ = functions["step"](v, m, native, self.max_steps, self.bonus, on)
            rows.reward[t] = arrays.where(on, reward, 0.0)
        rows.phi[t] = m[PHI]
        rows.success[t] = m[SUCCEEDED] != 0.0
        rows.native_success[t] = on & native
        self._mark(self._root, m, on & (m[SUCCEEDED] == 0.0), rows.active[t])

    def _mark(self, cell: Cell, m: Slots, on: Array, active: Array) -> None:
        """Marks the stages at or below `cell` that are being worked on, in `active` (S, N)."""
        here = on & (m[cell.slots["done"]] == 0.0)
        if isinstance(cell.node, ir.Stage):
            active[self.stages.index(cell.node.path)] = here
        for index, child in enumerate(cell.children):
            chosen = here & (m[cell.slots["pointer"]] == index) if cell.mode == "seq" else here
            self._mark(child, m, chosen, active)

    def _on(self, arrays: Arrays) -> Functions:
        """The program's functions on these arrays."""
        if arrays.name not in self._functions:
            names = vars(array_geometry) | vars(array_degrees) | namespace(arrays)
            exec(compile(self.source, f"<lanes of {self.program.source.name}>", "exec"), names)
            self._functions[arrays.name] = names
        return self._functions[arrays.name]

    def _check(self, values: Array, axes: int) -> None:
        arrays_of(values)
        shape = tuple(values.shape)
        empty = 0 in shape[:1] if axes == 2 else 0 in shape[1:2]
        if len(shape) != axes or shape[-1] != self.width or empty:
            wanted = f"(N, {self.width})" if axes == 2 else f"(N, T + 1, {self.width})"
            raise ValueError(f"the values of N snapshots are {wanted} here, not {shape}")


class _Rows:
    """The answers while they are written: time first, lanes last, one row per step and stage."""

    def __init__(self, arrays: Arrays, like: Array, length: int, stages: int) -> None:
        shape = (length, like.shape[0])
        self.reward = arrays.full(like, shape, 0.0)
        self.phi = arrays.full(like, shape, 0.0)
        self.success = arrays.full(like, shape, False)
        self.native_success = arrays.full(like, shape, False)
        self.active = arrays.full(like, (length, stages, like.shape[0]), False)

    def of(self, lanes: slice) -> _Rows:
        """Some of the lanes, in place."""
        part = _Rows.__new__(_Rows)
        part.__dict__ = {name: array[..., lanes] for name, array in vars(self).items()}
        return part

    def steps(self, stages: tuple[str, ...]) -> BatchedSteps:
        """(N, T) arrays."""
        turned = {name: array.swapaxes(0, -1) for name, array in vars(self).items()}
        turned["active"] = turned["active"].swapaxes(1, 2)
        return BatchedSteps(**turned, stages=stages)


Answer = TypeVar("Answer", BatchedSteps, BatchedMemory)


def _mapped(answer: Answer, change: Callable[[Array], Array]) -> Answer:
    """The same with every array changed."""
    values = ((field.name, getattr(answer, field.name)) for field in fields(answer))
    return type(answer)(
        **{name: value if name == "stages" else change(value) for name, value in values}
    )


def _of_torch(answer: Answer) -> Answer:
    return _mapped(answer, as_tensor)


def _of_numpy(values: Array | None) -> Array | None:
    """A tensor in main memory as numpy sees it: small operations take it a third of the time."""
    return None if values is None else values.detach().numpy()
