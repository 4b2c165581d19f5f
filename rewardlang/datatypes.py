"""Kinds and units: the type system of the language (docs/reference, "Kinds")."""

from __future__ import annotations

import math
from enum import Enum, Flag, auto


class Kind(Flag):
    """What a name can stand for. One name may be several kinds (a drawer is REGION | OPENABLE)."""

    MOVABLE = auto()  # M: an object with a free joint, `alphabet_soup_1`
    REGION = auto()  # R: a container or surface zone, `basket_1_contain_region`
    OPENABLE = auto()  # A: a drawer, a door, `white_cabinet_1_bottom_region`
    SWITCHABLE = auto()  # W: a fixture with a knob, `flat_stove_1`
    FIXTURE = auto()  # a fixture that is neither of these; nothing can be said of it yet
    GRIPPER = auto()  # the word `gripper`
    HANDLE = auto()  # `handle(A or W)`

    SUPPORT = MOVABLE | REGION  # S: what things stand on
    PLACE = MOVABLE | REGION | GRIPPER | HANDLE  # P: what has a position


class Dimension(Enum):
    LENGTH = "length"  # metres
    ANGLE = "angle"  # radians
    FRACTION = "fraction"  # 1 = 100 %

    @property
    def phrase(self) -> str:
        """`a length (mm, cm, m)`."""
        return f"{_ARTICLES[self]} {self.value} ({', '.join(UNITS_OF[self])})"


UNITS: dict[str, tuple[Dimension, float]] = {
    "mm": (Dimension.LENGTH, 1e-3),
    "cm": (Dimension.LENGTH, 1e-2),
    "m": (Dimension.LENGTH, 1.0),
    "deg": (Dimension.ANGLE, math.pi / 180),
    "rad": (Dimension.ANGLE, 1.0),
    "%": (Dimension.FRACTION, 1e-2),
}
"""Unit word -> (dimension, factor to SI)."""

UNITS_OF: dict[Dimension, tuple[str, ...]] = {
    dimension: tuple(unit for unit, (of, _) in UNITS.items() if of is dimension)
    for dimension in Dimension
}

KIND_WORDS: dict[Kind, str] = {
    Kind.MOVABLE: "movable",
    Kind.REGION: "region",
    Kind.OPENABLE: "openable",
    Kind.SWITCHABLE: "switchable",
    Kind.FIXTURE: "fixture",
    Kind.GRIPPER: "gripper",
    Kind.HANDLE: "handle",
}
"""One word per kind, for lists of names."""

KIND_PHRASES: dict[Kind, str] = {
    Kind.MOVABLE: "a movable object",
    Kind.REGION: "a region",
    Kind.OPENABLE: "an openable part",
    Kind.SWITCHABLE: "a switchable fixture",
    Kind.FIXTURE: "a fixture",
    Kind.GRIPPER: "the gripper",
    Kind.HANDLE: "a handle",
}
"""One phrase per kind, for sentences."""


def kind_words(kind: Kind) -> str:
    """What a name is, in a list: `region, openable`."""
    return ", ".join(KIND_WORDS[flag] for flag in _flags(kind))


def kind_phrase(kind: Kind, joiner: str) -> str:
    """What a name is or should be, in a sentence: `a movable object or a region`."""
    phrases = [KIND_PHRASES[flag] for flag in _flags(kind)]
    if len(phrases) < 2:
        return "".join(phrases)
    return f"{', '.join(phrases[:-1])} {joiner} {phrases[-1]}"


def _flags(kind: Kind) -> list[Kind]:
    """The flags in `kind`; plain FIXTURE is named only where there is nothing better to say."""
    flags = [flag for flag in KIND_WORDS if flag & kind]
    return [flag for flag in flags if flag is not Kind.FIXTURE] or flags


def to_si(value: float, unit: str) -> float:
    """`value` of `unit` in metres, radians, or as a fraction. `7 cm` is 0.07, not 0.070…01."""
    _, factor = UNITS[unit]
    if factor < 1 and unit != "deg":
        return value / round(1 / factor)
    return value * factor


def format_number(value: float) -> str:
    """The shortest decimal that reads back as `value`, without exponent or trailing zeros."""
    return str(int(value)) if value == int(value) else repr(value)


_ARTICLES = {Dimension.LENGTH: "a", Dimension.ANGLE: "an", Dimension.FRACTION: "a"}
