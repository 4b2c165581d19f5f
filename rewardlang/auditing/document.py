"""An audit as plain data, for JSON, and where in the program's text its results point."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rewardlang import ir
from rewardlang.auditing.audit import Audit
from rewardlang.auditing.mutation_score import Judged, by_operator, score
from rewardlang.auditing.results import Result, Verdict
from rewardlang.source import Span


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a program and the line (1-based) on which it begins."""

    path: str
    line: int


def places(program: ir.Program, result: Result) -> tuple[Place, ...]:
    """Where the parts stand that a result is about."""
    spans: dict[str, Span] = {f"penalty.{item.name}": item.span for item in program.penalties}
    spans |= {node.path: node.span for node in ir.walk(program.root)}
    return tuple(
        Place(path, program.source.line_column(spans[path].start)[0]) for path in result.paths
    )


def document(audit: Audit, *, strict: bool) -> dict[str, Any]:
    """Everything that is known of a program's audit."""
    data: dict[str, Any] = {
        "program": audit.program.source.name,
        "scene": audit.program.scene,
        "passed": audit.passes(strict=strict),
        "counts": {str(verdict): len(audit.of(verdict)) for verdict in Verdict},
        "episodes": {
            "initial states": audit.starts,
            "demonstrations": audit.demonstrations,
            "exploits": audit.exploits,
        },
        "unplayed": dict(audit.unplayed),
        "checks": [_result(audit.program, result) for result in audit.results],
    }
    if audit.mutants is not None:
        data["mutation"] = _mutation(audit.mutants)
    return data


def _result(program: ir.Program, result: Result) -> dict[str, Any]:
    bound = result.bound
    return {
        "check": result.check,
        "subject": result.subject,
        "verdict": str(result.verdict),
        "number": result.number,
        "bound": None if bound is None else {"sign": bound.sign, "limit": bound.limit},
        "seen": result.seen,
        "advice": result.advice,
        "places": [asdict(place) for place in places(program, result)],
    }


def _mutation(judged: tuple[Judged, ...]) -> dict[str, Any]:
    return {
        "total": asdict(score("all", judged)),
        "operators": [asdict(row) for row in by_operator(judged)],
        "mutants": [
            {
                "operator": item.mutant.operator,
                "fault": item.mutant.fault,
                "static": list(item.static),
                "dynamic": None if item.dynamic is None else list(item.dynamic),
            }
            for item in judged
        ],
    }
