"""What a row of the vocabulary is: parameters with kinds and units, and what it means.

Thresholds are in SI: metres, radians, fractions in [0, 1].
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rewardlang.datatypes import Dimension, Kind, format_number, kind_phrase


@dataclass(frozen=True)
class Thing:
    """A parameter that takes a name of one of the `kinds`; with a mouth, where `mouth` asks."""

    name: str
    kinds: Kind
    mouth: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def explained(self) -> str:
        return f"{self.name}: {kind_phrase(self.kinds, 'or')}{' with a mouth' * self.mouth}"


@dataclass(frozen=True)
class Amount:
    """A parameter that takes a quantity; optional where it has a `default` (SI).

    `low` and `high` (SI) bound what makes sense; outside of them is a warning.
    """

    name: str
    dimension: Dimension
    low: float
    high: float
    default: float | None = None

    def __str__(self) -> str:
        if self.default is None:
            return self.name
        return f"[{self.name} = {amount_text(self.default, self.dimension)}]"

    @property
    def explained(self) -> str:
        return f"{self.name}: {self.dimension.phrase}"


@dataclass(frozen=True)
class Measured:
    """A parameter that takes a measure, `openness(drawer)`."""

    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def explained(self) -> str:
        return f"{self.name}: a measure"


@dataclass(frozen=True)
class Threshold:
    """A parameter that takes a quantity of the measure's dimension."""

    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def explained(self) -> str:
        return f"{self.name}: a quantity of the measure's unit"


Parameter = Thing | Amount | Measured | Threshold


@dataclass(frozen=True)
class _Row:
    name: str
    parameters: tuple[Parameter, ...]

    @property
    def signature(self) -> str:
        """`near(first, second[, within = 3 cm])`."""
        text = ", ".join(str(parameter) for parameter in self.parameters)
        return f"{self.name}({text.replace(', [', '[, ')})"

    @property
    def explained(self) -> str:
        """The parameters in words."""
        return "; ".join(parameter.explained for parameter in self.parameters)

    @property
    def at_least(self) -> int:
        """How many arguments must be given."""
        return sum(not (isinstance(p, Amount) and p.default is not None) for p in self.parameters)


@dataclass(frozen=True)
class Predicate(_Row):
    """True or false at each step.

    truth: when it is true. degree: what its value in [0, 1] follows while it is false, "" for
    none. goal: LIBERO's name for it where it is one of LIBERO's own. also: words that people
    use for it, for suggestions.
    """

    truth: str
    doc: str
    degree: str = ""
    goal: str = ""
    also: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        return self.truth


@dataclass(frozen=True)
class Measure(_Row):
    """A number at each step, for `progress`, `at_least` and `at_most`."""

    dimension: Dimension
    doc: str
    low: float = 0.0
    high: float = math.inf
    also: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        return self.doc


@dataclass(frozen=True)
class Macro(_Row):
    """`source` is the node that `use` stands for; the parameters' names are its free names."""

    source: str
    doc: str
    also: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        return self.doc


def amount_text(value: float, dimension: Dimension) -> str:
    """A quantity in SI as one would write it: `3 cm`, `60 deg`, `10 %`."""
    match dimension:
        case Dimension.LENGTH:
            unit, factor = ("cm", 100.0) if value >= 0.01 or value == 0 else ("mm", 1000.0)
        case Dimension.ANGLE:
            unit, factor = "deg", 180 / math.pi
        case Dimension.FRACTION:
            unit, factor = "%", 100.0
    return f"{format_number(round(value * factor, 4))} {unit}"
