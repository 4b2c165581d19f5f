"""What a stage still lacked: which of its conditions stayed false, and how near they came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rewardlang import ir
from rewardlang.codegen.readings import Reading
from rewardlang.explaining.words import amount_in_words, in_words, measure_in_words
from rewardlang.witnessing.plan import Aim

_MEASURES: Mapping[str, tuple[str, bool]] = {  # predicate -> what it bounds; whether from below
    "near": ("dist", False),
    "lifted": ("height", True),
    "upright": ("tilt", False),
    "open": ("openness", True),
    "closed": ("openness", False),
    "shut": ("openness", False),
    "turned_on": ("knob", True),
    "turned_off": ("knob", False),
    "off": ("knob", False),
    "gripper_open": ("gripper_width", True),
    "gripper_closed": ("gripper_width", False),
}

Rows = Sequence[Mapping[Reading, float]]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A condition that never held while it was worked on, and how near it came, in words."""

    condition: str
    nearest: str  # "" for what has no measure

    def __str__(self) -> str:
        return f"{self.condition}{f' ({self.nearest})' if self.nearest else ''}"


def readings(aims: Sequence[Aim]) -> list[Reading]:
    """What must be read off every state for the conditions of a stage."""
    atoms = [atom for aim in aims if (atom := aim.atom) is not None]
    return [*atoms, *(call for atom in atoms if (call := _bounded(atom)[0]) is not None)]


def holds(aim: Aim, row: Mapping[Reading, float]) -> bool:
    """Whether a condition holds in one state; False for what cannot be told apart."""
    return aim.atom is not None and bool(row[aim.atom]) == aim.wanted


def shortfalls(aims: Sequence[Aim], rows: Rows) -> tuple[Shortfall, ...]:
    """Conditions that held in none of `rows`; where each held, those that are false at the end."""
    never = [aim for aim in aims if not any(holds(aim, row) for row in rows)]
    false = never or [aim for aim in aims if rows and not holds(aim, rows[-1])]
    return tuple(Shortfall(in_words(aim.expr), "; ".join(_nearest(aim, rows))) for aim in false)


def _nearest(aim: Aim, rows: Rows) -> Iterator[str]:
    atom = aim.atom
    call, most = (None, False) if atom is None else _bounded(atom)
    if call is not None and rows:
        values = [row[call] for row in rows]
        best = max(values) if most == aim.wanted else min(values)
        degree = "at most" if most == aim.wanted else "at least"
        yield f"{measure_in_words(call)} was {degree} {amount_in_words(_rounded(best), call)}"


def _bounded(atom: ir.Atom) -> tuple[ir.MeasureCall | None, bool]:
    """The measure that a condition bounds, and whether from below."""
    first = atom.args[0] if atom.args else None
    if isinstance(first, ir.MeasureCall):
        return first, atom.predicate == "at_least"
    if atom.predicate not in _MEASURES:
        return None, False
    measure, below = _MEASURES[atom.predicate]
    things = tuple(arg for arg in atom.args if isinstance(arg, ir.Ref))
    return ir.MeasureCall(measure, things, atom.span), below


def _rounded(value: float) -> float:
    """To a millimetre, a tenth of a percent: more would only be noise."""
    return round(value, 3)
