"""Measures and conditions without a program -> Python source that reads them off snapshots.

For measuring what happened in an episode with the very words that a program has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rewardlang import ir
from rewardlang.codegen import atoms
from rewardlang.state import Requirements

Reading = ir.MeasureCall | ir.Atom


@dataclass
class _Memory:
    """Numbered places for what was at reset and one step ago."""

    labels: list[str] = field(default_factory=list)

    def slot(self, label: str) -> int:
        self.labels.append(label)
        return len(self.labels) - 1


def emit_readings(wanted: Sequence[Reading]) -> tuple[str, Requirements]:
    """`reset(v)` and `read(v, m)`, and what a snapshot must hold for them.

    `reset` makes the memory of an episode; `read` gives one float per reading, in order (SI units;
    1.0 where a condition holds, otherwise 0.0), and remembers the step.
    """
    memory = _Memory()
    writer = atoms.Writer(memory)
    values = [_value(writer, reading) for reading in wanted]
    started = (*writer.at_reset.items(), *writer.before.items())
    lines = [
        f"from rewardlang.runtime.geometry import {', '.join(atoms.GEOMETRY)}",
        "def reset(v):",
        f"    m = [None] * {len(memory.labels)}",
        *(f"    m[{slot}] = {expression}" for expression, slot in started),
        "    return m",
        "def read(v, m):",
        f"    values = [{', '.join(values)}]",
        *(f"    m[{slot}] = {expression}" for expression, slot in writer.before.items()),
        "    return values",
    ]
    return "\n".join(lines) + "\n", writer.facts.requirements


def _value(writer: atoms.Writer, reading: Reading) -> str:
    if isinstance(reading, ir.MeasureCall):
        return f"float({writer.measure(reading)})"
    return f"float(bool({writer.condition(reading)}))"
