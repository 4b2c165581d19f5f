"""Snapshots of an episode -> measures and conditions of the language, moment by moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rewardlang.codegen.readings import Reading, emit_readings
from rewardlang.state import Snapshot


class Readings:
    """Some measures and conditions, to be read off snapshots that hold `requirements`."""

    def __init__(self, wanted: Sequence[Reading]) -> None:
        self.wanted = tuple(dict.fromkeys(wanted))
        text, self.requirements = emit_readings(self.wanted)
        self._functions = _execute(text)

    def read(self, snapshots: Sequence[Snapshot]) -> dict[Reading, tuple[float, ...]]:
        """Each reading at each moment of an episode, the first of which is after settling.

        (T + 1,) in SI units; a condition is 1.0 where it holds, otherwise 0.0.
        """
        look = self.follow(snapshots[0])
        rows = [look(snapshot) for snapshot in snapshots]
        return {reading: tuple(row[reading] for row in rows) for reading in self.wanted}

    def follow(self, first: Snapshot) -> Callable[[Snapshot], dict[Reading, float]]:
        """The same moment by moment, for an episode that goes on: `first` is after settling.

        What it gives is to be called with each snapshot once, `first` included.
        """
        memory = self._functions["reset"](first.values)

        def look(snapshot: Snapshot) -> dict[Reading, float]:
            values = self._functions["read"](snapshot.values, memory)
            return dict(zip(self.wanted, values, strict=True))

        return look


def _execute(text: str) -> dict[str, Any]:
    functions: dict[str, Any] = {}
    exec(compile(text, "<readings>", "exec", dont_inherit=True), functions)
    return functions
