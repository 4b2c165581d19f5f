"""A pool of simulators without simulators: what an episode does is written down beforehand.

Answers come back per worker and, to shake the order in which lanes hear of them, in an order drawn
from `shuffle`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np

from tgrpo import actions
from tgrpo.rollouts.episodes import Assignment, Scores
from tgrpo.rollouts.hosting import Report
from tgrpo.rollouts.workers import Loss
from tgrpo.simulation.initial_states import InitialState
from tgrpo.tasks import Task
from tgrpo.trajectory import Camera, Images, TaskContext

CONTEXT = TaskContext("suite", "task", "do it", ("a_1", "b_1"), ("a", "b"))


def make_task(name: str = "task", max_steps: int = 12) -> Task:
    return Task("suite", name, "do it", Path("nowhere.bddl"), max_steps)


def make_state(index: int, split: str = "train") -> InitialState:
    return InitialState(split, index, np.zeros(2), np.zeros(2), {}, seed=100 + index)


@dataclass
class Script:
    """When an episode succeeds (1-based step; 0: at reset and still in step 1) or diverges.

    None: never.
    """

    success: int | None = None
    unstable: int | None = None


Plan = Callable[[Assignment, int], Script]  # assignment, row in the pool -> what happens


@dataclass
class Running:
    """An episode in a slot: control steps so far, and the scores of the last command."""

    assignment: Assignment
    script: Script
    step: int = 0
    scores: list[Scores] = field(default_factory=list)

    @property
    def success(self) -> bool:
        return self.step == self.script.success or (self.step, self.script.success) == (1, 0)

    @property
    def over(self) -> bool:
        ended = self.success and self.step > 0
        return ended or self.unstable or self.step >= self.assignment.max_steps

    @property
    def unstable(self) -> bool:
        return self.step == self.script.unstable


class ScriptedPool:
    """Follows the interface of `tgrpo.rollouts.workers.Pool`.

    Observations encode (state, slot, step).

    `losses`: number of a `wait` -> the worker that is lost instead of an answer.
    """

    def __init__(
        self,
        workers: int,
        slots: int,
        plan: Plan,
        *,
        shuffle: int = 0,
        stages: bool = True,
        losses: Mapping[int, int] = MappingProxyType({}),
    ):
        self.workers, self.slots = workers, slots
        self._losses, self._waits = losses, 0
        self._stages = (("reach",), ("grasp",)) if stages else ((), ())
        self.assigned: list[tuple[int, int]] = []  # (slot, state), in order
        self.actions: dict[tuple[int, int], list[np.ndarray]] = {}  # (slot, state) -> (7,) each
        self._plan = plan
        self._rng = np.random.default_rng(shuffle)
        self._running: dict[int, Running] = {}
        self._waiting: list[Report] = []

    def assign(self, tag: int, assignments: Mapping[int, Assignment]) -> int:
        for slot, assignment in assignments.items():
            self.assigned.append((slot, assignment.state.index))
            self._running[slot] = Running(assignment, self._plan(assignment, slot))
            self._running[slot].scores = [self._scored(self._running[slot])]
        return self._answer(tag, list(assignments))

    def step(self, tag: int, slots: Sequence[int], actions: np.ndarray) -> int:
        assert actions.shape == (len(slots), actions.shape[1], 7)
        for slot, chunk in zip(slots, actions, strict=True):
            running = self._running[slot]
            assert not running.over, "stepped after its end"
            running.scores = []
            for action in chunk:
                if not running.over:
                    running.step += 1
                    running.scores.append(self._scored(running))
                    state = running.assignment.state.index
                    self.actions.setdefault((slot, state), []).append(action)
        return self._answer(tag, slots)

    def _scored(self, running: Running) -> Scores:
        phi = running.step / 100
        stages = self._stages[running.step >= 3]
        return Scores(phi / 10, phi, running.success, running.success, stages, {})

    def wait(self) -> list[Report | Loss]:
        assert self._waiting, "waits for what nobody sends"
        self._waits += 1
        if self._waits in self._losses:
            loss = self._lose(self._losses[self._waits] % self.workers)
            return [*self._next(), loss]
        return self._next()

    def _next(self) -> list[Report | Loss]:
        """One of the answers on their way, if there is any."""
        if not self._waiting:
            return []
        return [self._waiting.pop(int(self._rng.integers(len(self._waiting))))]

    def _lose(self, worker: int) -> Loss:
        own = tuple(range(worker, self.slots, self.workers))
        gone = [report for report in self._waiting if report.slots[0] in own]
        self._waiting = [report for report in self._waiting if report.slots[0] not in own]
        for slot in own:
            self._running.pop(slot, None)
        return Loss(own, Counter(report.tag for report in gone))

    def _answer(self, tag: int, slots: Sequence[int]) -> int:
        owners = sorted({slot % self.workers for slot in slots})
        for worker in owners:
            own = tuple(slot for slot in slots if slot % self.workers == worker)
            self._waiting.append(self._report(tag, own))
        return len(owners)

    def _report(self, tag: int, slots: tuple[int, ...]) -> Report:
        running = [self._running[slot] for slot in slots]
        return Report(
            tag=tag,
            context=CONTEXT,
            slots=slots,
            robot=np.array(
                [
                    [item.assignment.state.index, slot, item.step, 0, 0, 0, 0, 0, 0]
                    for slot, item in zip(slots, running, strict=True)
                ],
                np.float32,
            ),
            objects=np.zeros((len(slots), 2, 7), np.float32),
            scores=tuple(tuple(item.scores) for item in running),
            unstable=np.array([item.unstable for item in running]),
            seconds={"physics": 0.0, "reward": 0.0},
        )


Shared = tuple[tuple[int, int], ...]  # (state, step) of the rows of an inference


class EchoPolicy:
    """Tokens from noise and observation alone; remembers the batches it saw."""

    cameras: tuple[Camera, ...] = ()

    def __init__(self, chunk: int = 1) -> None:
        self.chunk = chunk
        self.batches: list[int] = []
        self.shared: list[Shared] = []

    def sample(
        self,
        context: TaskContext,
        robot: np.ndarray,
        objects: np.ndarray,
        *,
        temperature: float,
        uniforms: np.ndarray | None = None,
        images: Images | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        assert context == CONTEXT
        assert images is None
        assert len(objects) == len(robot)
        assert (temperature == 0) == (uniforms is None)
        self.batches.append(len(robot))
        self.shared.append(tuple((int(row[0]), int(row[2])) for row in robot))
        noise = np.zeros((len(robot), 7 * self.chunk)) if uniforms is None else uniforms
        assert noise.shape == (len(robot), 7 * self.chunk)
        tokens = (256 * ((noise + 0.37 * robot[:, 2:3]) % 1.0)).astype(np.int64)
        return tokens, -noise.astype(np.float32)

    def decode(self, context: TaskContext, tokens: np.ndarray) -> np.ndarray:
        assert context == CONTEXT
        return actions.decode(tokens)
