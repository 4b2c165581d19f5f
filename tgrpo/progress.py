"""How far a run is and how long it still takes: what the trainer tells, without any printing."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol

Unit = Literal["control steps", "demonstrator steps", "gradient steps"]


@dataclass(frozen=True, slots=True)
class Status:
    """A moment of a run. `done` of `total` in the current phase; `values` are worth showing."""

    phase: str
    done: int
    total: int
    unit: Unit
    rate: float  # units per second in this phase
    seconds_left: float  # of the whole run
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StageShares:
    """How far the arms of one task came in an iteration.

    `shares`: the program's stages in their order and then success, each with the share of arms that
    came to it and no further.
    """

    task: str
    shares: tuple[tuple[str, float], ...]


class Listener(Protocol):
    """What wants to know of a run's progress."""

    def status(self, status: Status) -> None:
        """Called often: show at most some of them."""
        ...

    def stages(self, tasks: Sequence[StageShares]) -> None:
        """Called after each iteration, with the tasks that it had arms of."""
        ...

    def note(self, text: str) -> None:
        """Something worth a line of its own."""
        ...


class Silent:
    """A listener that shows nothing."""

    def status(self, status: Status) -> None:
        pass

    def stages(self, tasks: Sequence[StageShares]) -> None:
        pass

    def note(self, text: str) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Phase:
    """A planned piece of work; `expected` units until one of this `name` has been seen."""

    name: str
    expected: int
    unit: Unit


class Forecast:
    """Planned phases against what was done: progress and the time left.

    A phase is expected to take as long as the last one of its name did; before one has been seen,
    its `expected` units at the rate of all phases with that unit, and at first at `rates` (units
    per second).
    """

    def __init__(self, phases: Sequence[Phase], rates: Mapping[Unit, float]):
        self._phases = list(phases)
        self._rates = dict(rates)
        self._seen: dict[str, tuple[int, float]] = {}  # name -> units and seconds of the last one
        self._sums: dict[Unit, tuple[int, float]] = {}  # unit -> units and seconds of all
        self._done = 0
        self._start = time.perf_counter()

    def begin(self, name: str) -> None:
        """Enter the next phase called `name`; planned phases before it are skipped."""
        while self._phases[0].name != name:
            self._phases.pop(0)
        self._done, self._start = 0, time.perf_counter()

    def add(self, units: int) -> None:
        """Tell of work done in the current phase."""
        self._done += units

    def end(self) -> None:
        """Leave the current phase and learn from it."""
        phase, spent = self._phases.pop(0), time.perf_counter() - self._start
        self._seen[phase.name] = self._done, spent
        units, seconds = self._sums.get(phase.unit, (0, 0.0))
        self._sums[phase.unit] = units + self._done, seconds + spent
        self._done, self._start = 0, time.perf_counter()

    def seconds_left(self) -> float:
        """From now to the end of the last phase."""
        if not self._phases:
            return 0.0
        current = self._phases[0]
        share = min(1.0, self._done / max(1, self._units(current)))
        spent = time.perf_counter() - self._start
        # Early on the plan knows better than the clock, later the other way round.
        planned, measured = self._seconds(current), spent / share if share else 0.0
        now = (1.0 - share) * ((1.0 - share) * planned + share * measured)
        return now + sum(self._seconds(phase) for phase in self._phases[1:])

    def status(self, values: Mapping[str, str] = MappingProxyType({})) -> Status:
        """Of the current phase."""
        phase = self._phases[0]
        seconds = time.perf_counter() - self._start
        return Status(
            phase=phase.name,
            done=self._done,
            total=max(self._done, self._units(phase)),
            unit=phase.unit,
            rate=self._done / seconds if seconds > 0 else 0.0,
            seconds_left=self.seconds_left(),
            values=dict(values),
        )

    def _units(self, phase: Phase) -> int:
        return self._seen[phase.name][0] if phase.name in self._seen else phase.expected

    def _seconds(self, phase: Phase) -> float:
        if phase.name in self._seen:
            return self._seen[phase.name][1]
        units, seconds = self._sums.get(phase.unit, (0, 0.0))
        rate = units / seconds if units and seconds > 0 else self._rates[phase.unit]
        return phase.expected / rate
