"""Audits as tables for a terminal, and what to do about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rewardlang.auditing.audit import Audit
    from rewardlang.auditing.mutation_score import Judged, OperatorScore
    from rewardlang.auditing.results import Result

_STYLES = {"passed": "green", "failed": "bold red", "not measured": "yellow"}


def print_audit(audit: Audit) -> None:
    """A row per check, what to change below, and the mutation score where there is one."""
    from rewardlang.auditing.results import Verdict

    console = Console(highlight=False)
    console.print(Text(audit.program.source.name, style="bold"), soft_wrap=True)
    console.print(_checks(audit))
    for verdict in (Verdict.FAILED, Verdict.NOT_MEASURED):
        same: dict[str, list[Result]] = {}
        for result in audit.of(verdict):
            same.setdefault(result.advice, []).append(result)
        for results in same.values():
            _print_advice(console, audit, results)
    for script, why in audit.unplayed.items():
        console.print(Text(f"not played: {script}: {why}"), soft_wrap=True)
    counts = ", ".join(f"{len(audit.of(verdict))} {verdict}" for verdict in Verdict)
    console.print(
        f"{counts}; {audit.starts} initial states, {audit.demonstrations} demonstrations, "
        f"{audit.exploits} exploits",
        soft_wrap=True,
    )
    if audit.mutants is not None:
        _print_mutants(console, audit.mutants)


def _checks(audit: Audit) -> Table:
    """What was seen stands below the check's name: no column is left too narrow to be read."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("check", overflow="fold", ratio=1)
    table.add_column("verdict", no_wrap=True)
    table.add_column("number", justify="right", no_wrap=True)
    table.add_column("wanted", no_wrap=True)
    for result in audit.results:
        table.add_row(
            Group(Text(result.name, "bold"), Padding(Text(result.seen, "dim"), (0, 0, 0, 2))),
            Text(result.verdict, style=_STYLES[result.verdict]),
            "" if result.number is None else f"{result.number:.3g}",
            "" if result.bound is None else str(result.bound),
        )
    return table


def _print_advice(console: Console, audit: Audit, results: Sequence[Result]) -> None:
    """Of results with one verdict and one advice, and the places that they are about."""
    from rewardlang.auditing.document import places

    verdict, name = results[0].verdict, audit.program.source.name
    text = Text(f"{verdict}: ", style=_STYLES[verdict])
    text.append(", ".join(result.name for result in results) + "\n", style="bold")
    about = (place for result in results for place in places(audit.program, result))
    for place in dict.fromkeys(about):
        text.append(f"  {name}:{place.line}: {place.path}\n", style="blue")
    text.append(f"  {results[0].advice}\n", style="none")
    console.print(text, soft_wrap=True)


def _print_mutants(console: Console, judged: tuple[Judged, ...]) -> None:
    from rewardlang.auditing.mutation_score import by_operator, score

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("seeded fault")
    for column in ("mutants", "check", "audit", "either"):
        table.add_column(column, justify="right")
    for row in by_operator(judged):
        table.add_row(*_cells(row))
    table.add_section()
    table.add_row(*_cells(score("all", judged)))
    console.print(table)
    for item in judged:
        if item.survives:
            console.print(Text(f"survives: {item.mutant.name}"), soft_wrap=True)


def _cells(row: OperatorScore) -> tuple[str, ...]:
    return (row.operator, *map(str, (row.mutants, row.static, row.dynamic, row.either)))
