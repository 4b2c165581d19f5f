"""What a check found, and the worst of several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How bad it is, in rising order."""

    OK = "ok"
    WARNING = "warning"  # a run works, and something of it is slow, missing or not comparable
    PROBLEM = "problem"  # a run fails


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `fix` is the one command that mends it; "" where there is none."""

    check: str
    status: Status
    seen: str
    fix: str = ""


def ok(check: str, seen: str) -> Finding:
    return Finding(check, Status.OK, seen)


def warning(check: str, seen: str, fix: str = "") -> Finding:
    return Finding(check, Status.WARNING, seen, fix)


def problem(check: str, seen: str, fix: str = "") -> Finding:
    return Finding(check, Status.PROBLEM, seen, fix)


def late(check: str, seen: str) -> Finding:
    """Of what took too long: files that are read for the first time, or a machine that is busy."""
    return warning(check, f"{seen}; slow disks and busy machines need a second try", "tgrpo doctor")


def worst(findings: Iterable[Finding]) -> Status:
    """The worst status among them; OK where there are none."""
    order = list(Status)
    return max((item.status for item in findings), key=order.index, default=Status.OK)
