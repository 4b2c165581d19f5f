"""Snapshots of an episode -> measures and conditions of the language, moment by moment."""

from __future__ import annotations

from collections.abc import Sequence
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
        memory = self._functions["reset"](snapshots[0].values)
        rows = [self._functions["read"](snapshot.values, memory) for snapshot in snapshots]
        return dict(zip(self.wanted, zip(*rows, strict=True), strict=True))


def _execute(text: str) -> dict[str, Any]:
    functions: dict[str, Any] = {}
    exec(compile(text, "<readings>", "exec", dont_inherit=True), functions)
    return functions
