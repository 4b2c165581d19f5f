"""Plays on the lanes of a pool: who is on which lane, and whose turn it is.

A play is one job (a group, a batch of an evaluation) on one lane, from beginning to end. It sees
nothing of what else is played, so its result does not depend on the number of lanes or workers.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from tgrpo.rollouts.lockstep import Clock, Lane, OnSteps
from tgrpo.rollouts.workers import Loss, Pool

R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")


class Play(Protocol[R_co]):
    """What decides on the moves of a lane."""

    def move(self, lane: Lane, pool: Pool, clock: Clock) -> R_co | None:
        """Called while `lane` is quiet: begin or step episodes, or give the result at the end.

        Noise and states belong to the play: after a loss it begins anew, and ends bitwise alike.
        """
        ...


class Stage(Generic[R]):
    """The lanes of a pool, each of `size` slots, and the plays on them.

    Raises ValueError where not even one lane fits the pool.
    """

    def __init__(self, pool: Pool, size: int, *, clock: Clock, on_steps: OnSteps):
        if pool.slots < size:
            raise ValueError(f"a lane of {size} slots does not fit a pool of {pool.slots}")
        self.size = size
        self.losses = 0  # workers, until now
        self._pool, self._clock, self._on_steps = pool, clock, on_steps
        self._lanes = [
            Lane(number, range(number * size, (number + 1) * size))
            for number in range(pool.slots // size)
        ]
        self._plays: dict[int, Play[R]] = {}  # by the number of their lane

    @property
    def busy(self) -> bool:
        return bool(self._plays)

    @property
    def full(self) -> bool:
        return len(self._plays) == len(self._lanes)

    def begin(self, play: Play[R]) -> None:
        """Give `play` a free lane."""
        lane = next(lane for lane in self._lanes if lane.tag not in self._plays)
        lane.clear()
        self._plays[lane.tag] = play

    def turn(self) -> list[tuple[Play[R], R]]:
        """Let all that can move do so; where none has ended, wait for the workers.

        Returns the plays that have ended, with their results. Raises WorkerError.
        """
        ended = [
            (self._plays.pop(lane.tag), result)
            for lane in self._lanes
            if lane.tag in self._plays
            and lane.quiet
            and (result := self._plays[lane.tag].move(lane, self._pool, self._clock)) is not None
        ]
        if self._plays and not ended:
            self._listen()
        return ended

    def _listen(self) -> None:
        start = time.perf_counter()
        answers = self._pool.wait()
        self._clock.add("wait", time.perf_counter() - start)
        # All of them before anyone moves: a lane must not step what it has not heard is lost.
        for answer in answers:
            if isinstance(answer, Loss):
                self.losses += 1
                for lane in self._lanes:
                    lane.lose(answer)
            else:
                self._clock.add_workers(answer.seconds)
                self._on_steps(self._lanes[answer.tag].absorb(answer))


def play_all(stage: Stage[R], plays: Sequence[Play[R]]) -> list[R]:
    """Play all of `plays`, as many at a time as there are lanes; results in their order."""
    waiting, results = deque(plays), dict[Play[R], R]()
    while waiting or stage.busy:
        while waiting and not stage.full:
            stage.begin(waiting.popleft())
        results.update(stage.turn())
    return [results[play] for play in plays]
