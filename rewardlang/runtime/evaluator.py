"""Python source -> evaluator -> reward function: the one `exec` of the repository.

    compile(program)                        Evaluator      source and line map; no simulator
    Evaluator.bind(model, scene, ...)       RewardFn       names to ids, missing names in one error
    RewardFn.reset(data)                    Memory         after settling
    RewardFn(data, memory)                  RewardStep, Memory, once per control step

A reward function keeps nothing: what has been stands in `Memory`, which the caller hands back.
"""

from __future__ import annotations

import builtins
import hashlib
import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rewardlang import ir
from rewardlang.codegen.emit import Code, emit
from rewardlang.codegen.goal import emit_goal
from rewardlang.codegen.lanes import emit_lanes
from rewardlang.codegen.layout import PHI, STEPS
from rewardlang.runtime.native import goal_test
from rewardlang.scene import Scene
from rewardlang.source import Span
from rewardlang.state import Collector, Data, Model, Requirements, Snapshot

if TYPE_CHECKING:
    from rewardlang.runtime.batched import BatchedRewardFn

Slots = list[float | None]


@dataclass(frozen=True, slots=True)
class Memory:
    """What has been, in one episode of one program: done bits, pointers, counters, reset values.

    Plain numbers (None: not yet); may be stored, copied and sent to other processes.
    """

    slots: tuple[float | None, ...]

    @property
    def steps(self) -> int:
        """Control steps since reset."""
        return int(self.slots[STEPS] or 0)

    @property
    def phi(self) -> float:
        """Φ in [0, 1] after the last step, or at reset."""
        return float(self.slots[PHI] or 0.0)


@dataclass(frozen=True, slots=True)
class RewardStep:
    """What one control step is worth.

    reward          what `shaping` pays for the step
    phi             the program's value in [0, 1], at most 0.99 before success
    success         the program's success condition has held, now or before
    native_success  LIBERO's own goal holds now; a scene without one has nothing to fail
    stages          paths of the stages being worked on; a key to group states by
    terms           value in [0, 1] of each stage and `keep` by path; what fired penalties cost
    """

    reward: float
    phi: float
    success: bool
    native_success: bool
    stages: tuple[str, ...]
    terms: Mapping[str, float]


class Evaluator:
    """A compiled program. `source` is the Python it became, `line_map` where each line is from."""

    def __init__(self, program: ir.Program, code: Code) -> None:
        self.program = program
        self.source = code.text
        self.line_map: dict[int, Span] = {
            number: span for number, span in enumerate(code.line_map, start=1) if span is not None
        }
        self.filename = _file_name(program, code.text)
        self._requirements = code.requirements
        self._functions = _execute(code.text, self.filename)

    def __reduce__(self) -> tuple[Any, ...]:
        return compile, (self.program,)  # code objects do not travel; programs do

    def requirements(self, scene: Scene) -> Requirements:
        """What one snapshot must hold: the program's facts, then those of the scene's own goal."""
        facts = Collector(self._requirements)
        goal_test(scene, facts)
        return facts.requirements

    def bind(
        self,
        model: Model,
        scene: Scene,
        *,
        max_steps: int,
        horizon_success_bonus: float = ir.SUCCESS_BONUS,
    ) -> RewardFn:
        """The reward function on a simulator model of `scene`, for episodes of `max_steps` steps.

        Raises BindError with every name that the model lacks.
        """
        from rewardlang.runtime.mujoco_state import SnapshotReader

        reader = SnapshotReader(model, scene, self.requirements(scene))
        return self.attach(reader.read, scene, max_steps=max_steps, bonus=horizon_success_bonus)

    def attach(
        self,
        read: Callable[[Any], Snapshot],
        scene: Scene,
        *,
        max_steps: int,
        bonus: float = ir.SUCCESS_BONUS,
    ) -> RewardFn:
        """The reward function on any source of snapshots that meet `requirements(scene)`."""
        if max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, not {max_steps}")
        return RewardFn(self, read, scene, max_steps, bonus)

    def batched(
        self, scene: Scene, *, max_steps: int, bonus: float = ir.SUCCESS_BONUS
    ) -> BatchedRewardFn:
        """The reward function on arrays of snapshots that meet `requirements(scene)`."""
        from rewardlang.runtime.batched import BatchedRewardFn

        if max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, not {max_steps}")
        width = self.requirements(scene).width
        goal, _ = emit_goal(self.program, scene, self._requirements)
        apart = emit(self.program, apart=True).text
        code = emit_lanes(self.program, f"{apart}\n\n{goal}")
        return BatchedRewardFn(self.program, code, width, max_steps, bonus)

    def place(self, line: int) -> str:
        """The program's place of a line of `source`: `file:line:column`, or the file's name."""
        span = self.line_map.get(line)
        if span is None:
            return self.program.source.name
        row, column = self.program.source.line_column(span.start)
        return f"{self.program.source.name}:{row}:{column}"


class RewardFn:
    """A program bound to a simulator: snapshot and memory in, reward and memory out.

    `read` takes the snapshot: one pass over the simulator's data, for all facts at once.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        read: Callable[[Any], Snapshot],
        scene: Scene,
        max_steps: int,
        bonus: float,
    ) -> None:
        functions = evaluator._functions
        self.evaluator = evaluator
        self.max_steps = max_steps
        self.bonus = bonus
        self.read = read
        self._native = goal_test(scene, Collector(evaluator.requirements(scene)))
        self._step: Callable[..., tuple[float, float, bool]] = functions["step"]
        self._reset: Callable[..., Slots] = functions["reset"]
        self._active: Callable[[Slots], tuple[str, ...]] = functions["active"]
        self._terms: Callable[[Slots], dict[str, float]] = functions["terms"]

    def reset(self, data: Data) -> Memory:
        """The memory at the start of an episode. Call it after settling: reset values are taken."""
        values = self.read(data).values
        try:
            return Memory(tuple(self._reset(values)))
        except Exception as error:  # whatever it is, its place in the program is added
            self._explain(error)
            raise

    def stages(self, memory: Memory) -> tuple[str, ...]:
        """Paths of the stages that the next step works on, in program order."""
        return self._active(list(memory.slots))

    def native_success(self, data: Data) -> bool:
        """LIBERO's own goal, now; for the state after settling, which belongs to no step."""
        return self._native(self.read(data).values)

    def __call__(self, data: Data, memory: Memory) -> tuple[RewardStep, Memory]:
        """The reward of the control step that led to `data`, and the memory for the next one."""
        values = self.read(data).values
        slots = list(memory.slots)
        native = self._native(values)
        try:
            reward, phi, success = self._step(values, slots, native, self.max_steps, self.bonus)
        except Exception as error:  # whatever it is, its place in the program is added
            self._explain(error)
            raise
        step = RewardStep(reward, phi, success, native, self._active(slots), self._terms(slots))
        return step, Memory(tuple(slots))

    def _explain(self, error: Exception) -> None:
        """Notes the program's place on an error that came up in generated code."""
        trace, line = error.__traceback__, None
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.evaluator.filename:
                line = trace.tb_lineno
            trace = trace.tb_next
        if line is not None:
            error.add_note(f"while evaluating {self.evaluator.place(line)}")


def compile(program: ir.Program) -> Evaluator:
    """The evaluator of a checked program. Needs no simulator; equal programs, equal `source`."""
    return Evaluator(program, emit(program))


def _file_name(program: ir.Program, text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"<rewardlang {program.source.name} {digest}>"


def _execute(text: str, filename: str) -> dict[str, Any]:
    """The functions of generated code, with its lines known to tracebacks."""
    lines = text.splitlines(keepends=True)
    linecache.cache[filename] = (len(text), None, lines, filename)
    functions: dict[str, Any] = {"__name__": filename}
    exec(builtins.compile(text, filename, "exec", dont_inherit=True), functions)
    return functions
