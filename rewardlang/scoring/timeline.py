"""Which stages an episode worked on, and when: stretches of time, and a color for each stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

# Okabe and Ito's colors, which people who cannot tell red from green can tell apart.
_COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a800", "#7f7f7f")


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of steps with the same work. Step t lasts from t - 1 to t: `start` to `stop`."""

    stages: tuple[str, ...]  # none: all is done
    start: int
    stop: int


def bands(working: Sequence[tuple[str, ...]]) -> tuple[Band, ...]:
    """The stretches of an episode, in order, without a gap."""
    found: list[Band] = []
    for stages, steps in groupby(working):
        start = found[-1].stop if found else 0
        found.append(Band(stages, start, start + sum(1 for _ in steps)))
    return tuple(found)


def colors(stages: Sequence[str]) -> Mapping[str, str]:
    """Stage -> `#rrggbb`; from the ninth stage on they come again."""
    return {path: _COLORS[number % len(_COLORS)] for number, path in enumerate(stages)}
