"""Mutants -> how many of them our own checks find, statically and on recorded episodes.

Found statically: `rewardlang check` says something of the mutant that it does not say of the
program. Found dynamically: a check of the audit fails that does not fail for the program.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rewardlang import ir
from rewardlang.api import Analysis
from rewardlang.auditing.mutations import Mutant
from rewardlang.auditing.results import Result, Verdict

Auditor = Callable[[ir.Program], Sequence[Result]]
"""Judges a program on episodes that were recorded before."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One mutant. static: codes of diagnostics. dynamic: names of checks; None: it has errors."""

    mutant: Mutant
    static: tuple[str, ...]
    dynamic: tuple[str, ...] | None

    @property
    def survives(self) -> bool:
        return not self.static and not self.dynamic


@dataclass(frozen=True, slots=True)
class OperatorScore:
    """How many mutants of one operator were found."""

    operator: str
    mutants: int
    static: int
    dynamic: int
    either: int


def judge_mutants(
    program: Analysis, mutants: Sequence[Mutant], results: Sequence[Result], audit: Auditor
) -> tuple[Judged, ...]:
    """`results` are the audit of the program itself."""
    said = _said(program)
    failed = _failed(results)
    return tuple(_judge(mutant, said, failed, audit) for mutant in mutants)


def _judge(
    mutant: Mutant, said: Counter[tuple[str, str]], failed: frozenset[str], audit: Auditor
) -> Judged:
    new = _said(mutant.analysis) - said
    static = tuple(dict.fromkeys(code for code, _ in new))
    if mutant.analysis.program is None:
        return Judged(mutant, static, None)
    dynamic = _failed(audit(mutant.analysis.program)) - failed
    return Judged(mutant, static, tuple(sorted(dynamic)))


def _said(analysis: Analysis) -> Counter[tuple[str, str]]:
    return Counter((found.code, found.message) for found in analysis.diagnostics)


def _failed(results: Sequence[Result]) -> frozenset[str]:
    return frozenset(result.name for result in results if result.verdict is Verdict.FAILED)


def by_operator(judged: Sequence[Judged]) -> list[OperatorScore]:
    """One row per operator that made mutants, in the order in which they stand."""
    operators = dict.fromkeys(item.mutant.operator for item in judged)
    return [
        score(name, [item for item in judged if item.mutant.operator == name]) for name in operators
    ]


def score(name: str, judged: Sequence[Judged]) -> OperatorScore:
    """The row of these mutants together."""
    return OperatorScore(
        operator=name,
        mutants=len(judged),
        static=sum(bool(item.static) for item in judged),
        dynamic=sum(bool(item.dynamic) for item in judged),
        either=sum(not item.survives for item in judged),
    )
