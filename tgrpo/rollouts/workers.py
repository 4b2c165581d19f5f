"""A pool of processes that simulate. Each hosts some slots, built once and used for every episode.

Commands go over pipes and come back as one `Report` per worker and command; images take the way
through shared memory. A worker that raises,
dies or answers nothing for too long is replaced, and a `Loss` says whose episodes went with it; to
play them again is the caller's. `Pool.close` (or the `with` block) leaves no process behind.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Self

import numpy as np

from tgrpo.rollouts.episodes import Assignment, StepperName
from tgrpo.rollouts.hosting import Assign, Command, Failure, Host, Report, Step
from tgrpo.rollouts.processes import Child, uninterrupted
from tgrpo.rollouts.shared_images import Layout, SharedImages, receive, share
from tgrpo.trajectory import Camera

PATIENCE = 300.0  # seconds; a cold start with a model to compile takes some 20
FAILURES = 3  # of one task that end a run: by then it is not chance
_TICK = 1.0  # seconds between two looks at who is silent


class WorkerError(RuntimeError):
    """A task failed too often. The text names worker, task, state and seed of the last time."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A worker that is gone, and replaced. `slots` were its own: their episodes are lost.

    `unanswered`: tag -> number of reports that will never come.
    """

    slots: tuple[int, ...]
    unanswered: Mapping[int, int]


class Pool:
    """`slots` simulators spread over `workers` processes: slot s lives in worker s mod workers.

    `assign` and `step` send and return at once, with the number of reports to expect; `wait`
    blocks for the next ones. The caller chooses `tag`; all slots of one command have one task.
    `patience`: seconds a worker may owe an answer. `failures` of one task are the end; with 1
    there is never a `Loss`. `on_loss` is told of every worker that is replaced.
    """

    def __init__(
        self,
        workers: int,
        slots: int,
        *,
        stepper: StepperName = "fast",
        patience: float = PATIENCE,
        failures: int = FAILURES,
        on_loss: Callable[[str], None] = lambda _: None,
    ):
        if workers < 1 or slots < 1:
            raise ValueError(f"a pool needs a worker and a slot, got {workers} and {slots}")
        self.slots = slots
        self._stepper: StepperName = stepper
        self._patience = patience
        self._most_failures = failures
        self._on_loss = on_loss
        self._failures: Counter[str] = Counter()  # by task
        self._workers: list[_Worker] = []
        try:
            for number in range(min(workers, slots)):
                with uninterrupted():
                    self._workers.append(_Worker(number, stepper))
        except BaseException:  # Ctrl-C too leaves no process behind
            self.close()
            raise

    @property
    def workers(self) -> int:
        return len(self._workers)

    def assign(self, tag: int, assignments: Mapping[int, Assignment]) -> int:
        """Begin an episode in each of the given slots."""
        parts = self._by_worker(tuple(assignments))
        for worker, slots in parts.items():
            worker.share_images(self._own(worker), assignments[slots[0]].cameras)
            worker.send(Assign(tag, {slot: assignments[slot] for slot in slots}))
        return len(parts)

    def step(self, tag: int, slots: Sequence[int], actions: np.ndarray) -> int:
        """One control step of each of the given slots with `actions` (n, 7)."""
        row = {slot: index for index, slot in enumerate(slots)}
        parts = self._by_worker(slots)
        for worker, own in parts.items():
            worker.send(Step(tag, own, actions[[row[slot] for slot in own]]))
        return len(parts)

    def wait(self) -> list[Report | Loss]:
        """What comes next, at least one. Raises WorkerError; the pool is closed then."""
        answers: list[Report | Loss] = []
        while not answers:
            answers = self._listen()
        return answers

    def close(self) -> None:
        """End every worker. Safe to call twice."""
        for worker in self._workers:
            worker.child.ask_to_leave()
        for worker in self._workers:
            worker.child.end()
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

    def _own(self, worker: _Worker) -> tuple[int, ...]:
        """The slots that live in `worker`."""
        return tuple(range(worker.number, self.slots, len(self._workers)))

    def _by_worker(self, slots: Sequence[int]) -> dict[_Worker, tuple[int, ...]]:
        parts: dict[_Worker, list[int]] = {}
        for slot in slots:
            parts.setdefault(self._workers[slot % len(self._workers)], []).append(slot)
        return {worker: tuple(own) for worker, own in parts.items()}

    def _listen(self) -> list[Report | Loss]:
        """What arrives within a tick, perhaps nothing."""
        by_connection = {worker.child.connection: worker for worker in self._workers}
        start = time.perf_counter()
        ready = wait(list(by_connection), timeout=_TICK)
        # Only what was spent listening counts: a parent that was busy, or stopped, blames nobody.
        listened = min(_TICK, time.perf_counter() - start)
        heard = [by_connection.pop(item) for item in ready]  # type: ignore[call-overload]
        answers = [self._hear(worker) for worker in heard]
        for worker in by_connection.values():
            if worker.is_silent_for(listened) > self._patience:
                what = f"gave no answer for {worker.silence:.0f} s at {worker.episodes()}"
                answers.append(self._replace(worker, what))
        return answers

    def _hear(self, worker: _Worker) -> Report | Loss:
        try:
            said: Report | Failure = worker.child.connection.recv()
        except (EOFError, OSError):  # also in the middle of a message
            ending = worker.child.ending()
            return self._replace(worker, f"died ({ending}) at {worker.episodes()}")
        if isinstance(said, Failure):
            return self._replace(worker, f"failed at {said.text}")
        worker.answered()
        return worker.with_images(said)

    def _replace(self, worker: _Worker, what: str) -> Loss:
        """Put a new process in the place of `worker`, unless its task has failed too often."""
        text = f"worker {worker.number} {what}"
        task = worker.task()
        self._failures[task] += 1
        count = f"failures at {task} so far: {self._failures[task]} of {self._most_failures}"
        if self._failures[task] == self._most_failures:
            self.close()
            raise WorkerError(text if self._most_failures == 1 else f"{text}\n{count}; giving up")
        with uninterrupted():
            worker.child.kill()
            self._workers[worker.number] = _Worker(worker.number, self._stepper)
        self._on_loss(f"{text}\nreplaced; what it played is played again; {count}")
        return Loss(
            slots=self._own(worker),
            unanswered=Counter(command.tag for command in worker.owed),
        )


class _Worker:
    """The parent's end of one process, and what it has been told to do.

    Commands are a few kB and a lane sends one at a time: they fit the pipe of a process that does
    not read, so that sending never blocks.
    """

    def __init__(self, number: int, stepper: StepperName):
        self.number = number
        self.child = Child(f"tgrpo-worker-{number}", _serve, stepper)
        self.owed: deque[Command] = deque()  # not answered yet; it is at the first
        self.silence = 0.0  # seconds waited for in vain since the last answer
        self._running: dict[int, Assignment] = {}  # slot -> its episode
        self._images: SharedImages | None = None

    def send(self, command: Command) -> None:
        if isinstance(command, Assign):
            self._running.update(command.assignments)
        self.owed.append(command)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # `wait` learns its end
            self.child.connection.send(command)

    def share_images(self, slots: tuple[int, ...], cameras: tuple[Camera, ...]) -> None:
        """Give all its slots room for images of `cameras`, unless they have it."""
        layout = Layout(slots, cameras)
        if cameras and (self._images is None or self._images.layout != layout):
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._images = share(self.child.connection, layout)

    def with_images(self, report: Report) -> Report:
        """`report` with the images that it left in shared memory."""
        if not report.in_shared_memory:
            return report
        assert self._images is not None
        return replace(report, images=self._images.read(report.slots))

    def answered(self) -> None:
        self.owed.popleft()
        self.silence = 0.0

    def is_silent_for(self, seconds: float) -> float:
        """Silence so far, with `seconds` more; nobody waits for who owes nothing."""
        self.silence = self.silence + seconds if self.owed else 0.0
        return self.silence

    def task(self) -> str:
        """The task it is at."""
        return next((f"task {item.task.id}" for item in self._current()), "rest")

    def episodes(self) -> str:
        """The episodes of the command it is at."""
        return "; or ".join(dict.fromkeys(map(str, self._current()))) or "rest"

    def _current(self) -> list[Assignment]:
        match self.owed[0] if self.owed else None:
            case Assign(_, assignments):
                return list(assignments.values())
            case Step(_, slots, _):
                return [self._running[slot] for slot in slots]
            case _:
                return []


def _serve(connection: Connection, stepper: StepperName) -> None:
    """The worker process. An end of file on the pipe, also that of a dead parent, ends it."""
    host = Host(stepper)
    shared: SharedImages | None = None
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            message: Command | Layout = connection.recv()
            if isinstance(message, Layout):
                shared = receive(connection, message)
                continue
            answer = host.answer(message)
            if isinstance(answer, Report) and answer.images:
                assert shared is not None
                shared.write(answer.slots, answer.images)
                answer = replace(answer, images={}, in_shared_memory=True)
            connection.send(answer)
