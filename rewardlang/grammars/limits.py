"""How much a decoded program may say, so that its length has a bound.

A decoder under a grammar stops by itself only where the grammar ends: a small model that repeats
itself fills what it is given. The defaults are what the programs of `tasks/` need and about as
much again, see docs/decisions.md.
"""

from __future__ import annotations

from dataclasses import dataclass

TOKEN_LIMIT = 8192
"""No program of a scene's grammar with the default limits has more characters, hence tokens."""

MOST_PENALTIES = 5  # at a cost of 0.1 at most, they stay within what all may cost together


@dataclass(frozen=True)
class Limits:
    """At most so many of each. Raises ValueError where no program would fit, or none would check.

    stages: in a group. beside: stages before the groups, and behind. operands: of `and` and `or`
    in `until`, `success` and `penalty`; guards: in `while` and `keep`.
    """

    groups: int = 2
    stages: int = 6
    beside: int = 1
    keeps: int = 2
    penalties: int = 2
    operands: int = 2
    guards: int = 1

    def __post_init__(self) -> None:
        if self.groups < 1 or self.stages < 1 or self.operands < 2 or self.guards < 1:
            raise ValueError("a program needs a group, a stage, a guard, two operands for `and`")
        if min(self.beside, self.keeps) < 0 or not 0 <= self.penalties <= MOST_PENALTIES:
            raise ValueError(f"from 0 to {MOST_PENALTIES} penalties, and no negative numbers")


DEFAULT = Limits()
