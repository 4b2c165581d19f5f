"""Findings as a table, as lines, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tgrpo.doctor.findings import Finding, Status, worst

_STYLES = {Status.OK: "green", Status.WARNING: "yellow", Status.PROBLEM: "bold red"}
_NOUNS = {Status.PROBLEM: "problem", Status.WARNING: "warning"}


def print_findings(console: Console, findings: Sequence[Finding], seconds: float) -> None:
    """The table, then each command on a line of its own, to be copied."""
    table = Table("", "check", "what was seen", box=None, pad_edge=False, header_style="dim")
    for item in findings:
        style = _STYLES[item.status]
        table.add_row(Text(item.status.value, style), Text(item.check), Text(item.seen))
    console.print(table)
    for fix, checks in fixes(findings).items():
        console.print(f"\n{', '.join(checks)}:\n  {fix}", markup=False, soft_wrap=True)
    console.print(f"\n{verdict(findings)} ({seconds:.1f} s)", markup=False)


def fixes(findings: Sequence[Finding]) -> dict[str, list[str]]:
    """Command -> the checks whose finding it mends."""
    found: dict[str, list[str]] = {}
    for item in findings:
        if item.status is not Status.OK and item.fix:
            found.setdefault(item.fix, []).append(item.check)
    return found


def verdict(findings: Sequence[Finding]) -> str:
    """One line: how many problems and warnings there are."""
    counts = Counter(item.status for item in findings)
    if worst(findings) is Status.OK:
        return f"{len(findings)} checks, all is well"
    told = [
        f"{counts[kind]} {noun}{'s' * (counts[kind] > 1)}"
        for kind, noun in _NOUNS.items()
        if counts[kind]
    ]
    return f"{len(findings)} checks: {' and '.join(told)}"


def line(finding: Finding) -> str:
    """A finding where there is no table."""
    mend = f"; {finding.fix}" if finding.fix else ""
    return f"{finding.check}: {finding.seen}{mend}"


def as_json(findings: Sequence[Finding], seconds: float) -> dict[str, Any]:
    return {
        "status": worst(findings).value,
        "seconds": round(seconds, 2),
        "findings": [asdict(item) for item in findings],
    }
