"""What a check says: a verdict with its number, the bound it is held against, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_MEASURED = "not measured"  # no trajectory covers it: neither good nor bad


@dataclass(frozen=True, slots=True)
class Bound:
    """What a number is held against."""

    sign: Literal["≥", "≤", ">", "<"]
    limit: float

    def holds(self, number: float) -> bool:
        match self.sign:
            case "≥":
                return number >= self.limit
            case "≤":
                return number <= self.limit
            case ">":
                return number > self.limit
            case "<":
                return number < self.limit

    def __str__(self) -> str:
        return f"{self.sign} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Result:
    """One check of one program.

    subject   what of the program or of the suite of exploits it is about; "" for all of it
    seen      what was seen, in words
    advice    what to change where it failed, or how to have it measured; "" where it passed
    paths     the stages, keeps and penalties that it is about
    """

    check: str
    verdict: Verdict
    seen: str
    number: float | None = None
    bound: Bound | None = None
    advice: str = ""
    paths: tuple[str, ...] = ()
    subject: str = ""

    @property
    def name(self) -> str:
        """`exploit: idle`; unique in an audit."""
        return f"{self.check}: {self.subject}" if self.subject else self.check


def judged(
    check: str,
    number: float,
    bound: Bound,
    *,
    seen: str,
    advice: str,
    paths: tuple[str, ...] = (),
    subject: str = "",
) -> Result:
    """Passed or failed; advice and places are for failures."""
    if bound.holds(number):
        return Result(check, Verdict.PASSED, seen, number, bound, subject=subject)
    return Result(check, Verdict.FAILED, seen, number, bound, advice, paths, subject)


def not_measured(
    check: str, seen: str, advice: str, *, paths: tuple[str, ...] = (), subject: str = ""
) -> Result:
    return Result(check, Verdict.NOT_MEASURED, seen, advice=advice, paths=paths, subject=subject)
