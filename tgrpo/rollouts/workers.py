"""A pool of workers that simulate. Each hosts some slots, built once and used for every episode.

A command comes back as one `Report` per worker. A worker that raises, dies or answers nothing for
too long is replaced, and a `Loss` says whose episodes went with it; to play them again is the
caller's. Where workers are, and how they are reached, stands in `tgrpo.rollouts.links`.
`Pool.close` (or the `with` block) leaves none behind.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tgrpo.closing import Closing
from tgrpo.rollouts.episodes import Assignment, StepperName
from tgrpo.rollouts.hosting import Assign, Command, Failure, Report, Step
from tgrpo.rollouts.links import Link, LinkBrokenError, Links, Processes
from tgrpo.rollouts.processes import uninterrupted

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


class Pool(Closing):
    """`slots` simulators spread over `workers` of them: slot s lives in worker s mod workers.

    `assign` and `step` send and return at once, with the number of reports to expect; `wait`
    blocks for the next ones. The caller chooses `tag`; all slots of one command have one task.
    `patience`: seconds a worker may owe an answer. `failures` of one task are the end; with 1
    there is never a `Loss`. `on_loss` is told of every worker that is replaced. Without `links`
    workers are processes of this machine.
    """

    def __init__(
        self,
        workers: int,
        slots: int,
        *,
        stepper: StepperName = "fast",
        links: Links[Any] | None = None,
        patience: float = PATIENCE,
        failures: int = FAILURES,
        on_loss: Callable[[str], None] = lambda _: None,
    ):
        if workers < 1 or slots < 1:
            raise ValueError(f"a pool needs a worker and a slot, got {workers} and {slots}")
        self.slots = slots
        self._links: Links[Any] = links or Processes(stepper, patience)
        self._patience = patience
        self._most_failures = failures
        self._on_loss = on_loss
        self._failures: Counter[str] = Counter()  # by task
        self._workers: list[_Worker] = []
        self._spread = min(workers, slots)
        try:
            for number in range(self._spread):
                with uninterrupted():
                    self._workers.append(self._start(number))
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
            worker.send(Assign(tag, {slot: assignments[slot] for slot in slots}))
        return len(parts)

    def step(self, tag: int, slots: Sequence[int], actions: np.ndarray) -> int:
        """A control step of each of the given slots with each of its `actions` (n, K, 7)."""
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
            worker.link.ask_to_leave()
        for worker in self._workers:
            worker.link.end()
        self._workers = []

    def _start(self, number: int) -> _Worker:
        return _Worker(number, self._links.start(number, self._own(number)))

    def _own(self, number: int) -> tuple[int, ...]:
        """The slots that live in worker `number`."""
        return tuple(range(number, self.slots, self._spread))

    def _by_worker(self, slots: Sequence[int]) -> dict[_Worker, tuple[int, ...]]:
        parts: dict[_Worker, list[int]] = {}
        for slot in slots:
            parts.setdefault(self._workers[slot % self._spread], []).append(slot)
        return {worker: tuple(own) for worker, own in parts.items()}

    def _listen(self) -> list[Report | Loss]:
        """What arrives within a tick, perhaps nothing."""
        by_link = {worker.link: worker for worker in self._workers}
        start = time.perf_counter()
        ready = self._links.wait(list(by_link), _TICK)
        # Only what was spent listening counts: a parent that was busy, or stopped, blames nobody.
        listened = min(_TICK, time.perf_counter() - start)
        heard = [by_link.pop(link) for link in ready]
        answers = [self._hear(worker) for worker in heard]
        for worker in by_link.values():
            if worker.is_silent_for(listened) > self._patience:
                what = f"gave no answer for {worker.silence:.0f} s at {worker.episodes()}"
                answers.append(self._replace(worker, what))
        return answers

    def _hear(self, worker: _Worker) -> Report | Loss:
        try:
            said = worker.link.receive()
        except LinkBrokenError as error:
            return self._replace(worker, f"died ({error}) at {worker.episodes()}")
        if isinstance(said, Failure):
            return self._replace(worker, f"failed at {said.text}")
        worker.answered()
        return said

    def _replace(self, worker: _Worker, what: str) -> Loss:
        """Put a new one in the place of `worker`, unless its task has failed too often."""
        text = f"worker {worker.number} {what}"
        task = worker.task()
        self._failures[task] += 1
        count = f"failures at {task} so far: {self._failures[task]} of {self._most_failures}"
        if self._failures[task] == self._most_failures:
            self.close()
            raise WorkerError(text if self._most_failures == 1 else f"{text}\n{count}; giving up")
        with uninterrupted():
            worker.link.kill()
            self._workers[worker.number] = self._start(worker.number)
        self._on_loss(f"{text}\nreplaced; what it played is played again; {count}")
        return Loss(
            slots=self._own(worker.number),
            unanswered=Counter(command.tag for command in worker.owed),
        )


class _Worker:
    """One worker, and what it has been told to do."""

    def __init__(self, number: int, link: Link):
        self.number = number
        self.link = link
        self.owed: deque[Command] = deque()  # not answered yet; it is at the first
        self.silence = 0.0  # seconds waited for in vain since the last answer
        self._running: dict[int, Assignment] = {}  # slot -> its episode

    def send(self, command: Command) -> None:
        if isinstance(command, Assign):
            self._running.update(command.assignments)
        self.owed.append(command)
        self.link.send(command)

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
