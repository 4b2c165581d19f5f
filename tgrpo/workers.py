"""A pool of processes that simulate. Each hosts some slots, built once and used for every episode.

Commands go over pipes and come back as one `Report` per worker and command. A worker that raises
sends its traceback home together with the task, state and seed it was at; one that dies is named
with its exit code. Whatever happens, `Pool.close` (or the `with` block) leaves no process behind.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import NoReturn, Self

import numpy as np

from tgrpo.episodes import Assignment, Moment, Slot, StepperName
from tgrpo.trajectory import TaskContext

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_PATIENCE = 5.0  # seconds a worker has to leave after it was asked to


class WorkerError(RuntimeError):
    """A worker raised or died. The text names worker, task, state and seed."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the slots of one worker saw in one command; row i of every array is `slots[i]`.

    `unstable`: physics diverged, the episode is over and the other entries of that row mean
    nothing. `context` comes with the answer to an assignment alone. `seconds` are the worker's,
    by phase.
    """

    tag: int
    context: TaskContext | None
    slots: tuple[int, ...]
    robot: np.ndarray  # (n, 9) float32
    objects: np.ndarray  # (n, K, 7) float32
    reward: np.ndarray  # (n,) float64
    phi: np.ndarray  # (n,) float64
    success: np.ndarray  # (n,) bool, as the program says
    native_success: np.ndarray  # (n,) bool, as LIBERO says
    unstable: np.ndarray  # (n,) bool
    stages: tuple[tuple[str, ...], ...]
    terms: tuple[Mapping[str, float], ...]  # named parts of the reward, as `Scores.terms`
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Assign:
    tag: int
    assignments: Mapping[int, Assignment]


@dataclass(frozen=True, slots=True)
class _Step:
    tag: int
    slots: tuple[int, ...]
    actions: np.ndarray  # (n, 7)


@dataclass(frozen=True, slots=True)
class _Failure:
    text: str


class Pool:
    """`slots` simulators spread over `workers` processes: slot s lives in worker s mod workers.

    `assign` and `step` send and return at once, with the number of reports to expect; `wait`
    blocks for the next ones. The caller chooses `tag`; all slots of one command have one task.
    """

    def __init__(self, workers: int, slots: int, *, stepper: StepperName = "fast"):
        if workers < 1 or slots < 1:
            raise ValueError(f"a pool needs a worker and a slot, got {workers} and {slots}")
        self.slots = slots
        self._workers: list[_Worker] = []
        try:
            with single_threaded():
                for number in range(min(workers, slots)):
                    self._workers.append(_Worker(number, stepper))
        except BaseException:
            self.close()
            raise

    @property
    def workers(self) -> int:
        return len(self._workers)

    def assign(self, tag: int, assignments: Mapping[int, Assignment]) -> int:
        """Begin an episode in each of the given slots."""
        parts = self._by_worker(tuple(assignments))
        for worker, slots in parts.items():
            chosen = {slot: assignments[slot] for slot in slots}
            worker.doing.update((slot, str(item)) for slot, item in chosen.items())
            self._send(worker, _Assign(tag, chosen))
        return len(parts)

    def step(self, tag: int, slots: Sequence[int], actions: np.ndarray) -> int:
        """One control step of each of the given slots with `actions` (n, 7)."""
        row = {slot: index for index, slot in enumerate(slots)}
        parts = self._by_worker(slots)
        for worker, own in parts.items():
            self._send(worker, _Step(tag, own, actions[[row[slot] for slot in own]]))
        return len(parts)

    def wait(self) -> list[Report]:
        """The next reports, at least one. Raises WorkerError; the pool is closed then."""
        by_connection = {worker.connection: worker for worker in self._workers}
        ready = wait(list(by_connection))
        return [self._receive(by_connection[item]) for item in ready]  # type: ignore[index]

    def close(self) -> None:
        """End every worker. Safe to call twice."""
        for worker in self._workers:
            worker.ask_to_leave()
        for worker in self._workers:
            worker.end()
        self._workers = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _by_worker(self, slots: Sequence[int]) -> dict[_Worker, tuple[int, ...]]:
        parts: dict[_Worker, list[int]] = {}
        for slot in slots:
            parts.setdefault(self._workers[slot % len(self._workers)], []).append(slot)
        return {worker: tuple(own) for worker, own in parts.items()}

    def _send(self, worker: _Worker, command: _Assign | _Step) -> None:
        try:
            worker.connection.send(command)
        except (BrokenPipeError, ConnectionResetError):
            while True:  # what it said before its end is still in the pipe
                self._receive(worker)

    def _receive(self, worker: _Worker) -> Report:
        try:
            said: Report | _Failure = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            self._fail(worker.obituary())
        if isinstance(said, _Failure):
            self._fail(f"worker {worker.number} failed at {said.text}")
        return said

    def _fail(self, message: str) -> NoReturn:
        self.close()
        raise WorkerError(message)


class _Worker:
    """The parent's end of one process. `doing`: slot -> the episode it runs, for messages."""

    def __init__(self, number: int, stepper: StepperName):
        context = multiprocessing.get_context("spawn")
        self.number = number
        self.doing: dict[int, str] = {}
        self.connection, theirs = context.Pipe()
        self.process = context.Process(
            target=_serve, args=(theirs, stepper), name=f"tgrpo-worker-{number}", daemon=True
        )
        self.process.start()
        theirs.close()  # so that the end of the process is an end of file here

    def obituary(self) -> str:
        """Of a process that closed its pipe: how it ended and what it was running."""
        self.process.join(_PATIENCE)
        episodes = "; ".join(f"slot {slot}: {text}" for slot, text in sorted(self.doing.items()))
        end = _exit_text(self.process.exitcode)
        return f"worker {self.number} died ({end}) while it ran {episodes or 'nothing'}"

    def ask_to_leave(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.close()

    def end(self) -> None:
        self.process.join(_PATIENCE)
        for stop in (self.process.terminate, self.process.kill):
            if self.process.is_alive():
                stop()
                self.process.join(_PATIENCE)
        self.process.close()


@contextlib.contextmanager
def single_threaded() -> Iterator[None]:
    """Children started inside use one thread each: there is a process per core already."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _exit_text(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


# What runs in a worker process. An end of file on the pipe, also that of a dead parent, ends it.


def _serve(connection: Connection, stepper: StepperName) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    slots: dict[int, Slot] = {}
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            command: _Assign | _Step = connection.recv()
            connection.send(_answer(command, slots, stepper))


def _answer(
    command: _Assign | _Step, slots: dict[int, Slot], stepper: StepperName
) -> Report | _Failure:
    moments: dict[int, Moment] = {}
    context: TaskContext | None = None
    at = "receiving a command"
    try:
        match command:
            case _Assign(tag, assignments):
                for number, assignment in assignments.items():
                    at = str(assignment)
                    moments[number] = slots.setdefault(number, Slot(stepper)).begin(assignment)
                    context = slots[number].context
            case _Step(tag, numbers, actions):
                for number, action in zip(numbers, actions, strict=True):
                    at = str(slots[number].assignment)
                    moments[number] = slots[number].step(action)
        return _report(tag, context, moments)
    except Exception:  # the process boundary: everything is reported home
        return _Failure(f"{at}\n{traceback.format_exc()}")


def _report(tag: int, context: TaskContext | None, moments: Mapping[int, Moment]) -> Report:
    rows = tuple(moments.values())
    scores = [row.scores for row in rows]
    return Report(
        tag=tag,
        context=context,
        slots=tuple(moments),
        robot=np.stack([row.observation.robot for row in rows]),
        objects=np.stack([row.observation.objects for row in rows]),
        reward=np.array([score.reward for score in scores], dtype=np.float64),
        phi=np.array([score.phi for score in scores], dtype=np.float64),
        success=np.array([score.success for score in scores], dtype=bool),
        native_success=np.array([score.native_success for score in scores], dtype=bool),
        unstable=np.array([row.unstable for row in rows], dtype=bool),
        stages=tuple(score.stages for score in scores),
        terms=tuple(score.terms for score in scores),
        seconds={
            "physics": sum(row.physics_seconds for row in rows),
            "reward": sum(row.reward_seconds for row in rows),
        },
    )
