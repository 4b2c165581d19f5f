"""What programs cost, and how it went with those of a suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rewardlang.generation.choosing import Choice
from rewardlang.generation.making import MakeError, Program
from rewardlang.llm.model import NOTHING, Usage, total

_STYLES = {"failed": "red", "kept": "dim"}


@dataclass(frozen=True)
class Row:
    """How it went for one task. answers: programs that a model wrote, wrong ones included."""

    task: str
    outcome: str
    answers: int = 0
    warnings: int = 0
    usage: Usage = NOTHING
    note: str = ""


def row_of(program: Program, outcome: str) -> Row:
    """How a program was made."""
    choice = program.choice
    return Row(
        program.wanted.scene.task,
        outcome,
        choice.answers if choice else 0,
        len(program.analysis.diagnostics),
        choice.usage if choice else NOTHING,
    )


def failed_row(task: str, error: Exception) -> Row:
    """How a program was not made, and what that cost all the same."""
    choice = error.choice if isinstance(error, MakeError) else None
    answers, usage = (choice.answers, choice.usage) if choice else (0, NOTHING)
    return Row(task, "failed", answers, usage=usage, note=str(error))


def cost(choice: Choice) -> str:
    """`2 answers, 3 512 + 840 tokens, 12.3 s`."""
    answers = f"{choice.answers} answer{'' if choice.answers == 1 else 's'}"
    kept = sum(attempt.answer.cached for draft in choice.drafts for attempt in draft.attempts)
    from_cache = f" ({kept} from the cache)" if kept else ""
    return f"{answers}{from_cache}, {_spent(choice.usage)}"


def print_rows(rows: Sequence[Row]) -> None:
    """The table, and what all of it cost."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("task", overflow="fold")
    for heading in ("", "answers", "warnings", "tokens", "seconds"):
        table.add_column(heading, justify="left" if not heading else "right")
    for row in rows:
        tokens = row.usage.prompt_tokens + row.usage.answer_tokens
        table.add_row(
            Text(row.task),
            Text(row.outcome.rstrip(":"), _STYLES.get(row.outcome, "green")),
            *((str(row.answers), str(row.warnings)) if row.answers else ("", "")),
            *((f"{tokens}", f"{row.usage.seconds:.1f}") if row.answers else ("", "")),
        )
    console = Console(highlight=False)
    console.print(table)
    _print_notes(rows, console)
    failed = sum(row.outcome == "failed" for row in rows)
    made = sum(row.outcome not in _STYLES for row in rows)
    console.print(f"{made} made, {len(rows) - made - failed} kept, {failed} failed")
    if any(row.answers for row in rows):
        console.print(_spent(total([row.usage for row in rows])))


def _print_notes(rows: Sequence[Row], console: Console) -> None:
    """Each note once, with the tasks that share it."""
    sharing: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.note:
            sharing.setdefault((row.note, row.outcome), []).append(row.task)
    for (note, outcome), tasks in sharing.items():
        who = tasks[0] if len(tasks) == 1 else f"{len(tasks)} tasks"
        console.print(Text(f"{who}: {note}", _STYLES.get(outcome, "")), soft_wrap=True)


def _spent(usage: Usage) -> str:
    return (
        f"{usage.prompt_tokens} tokens of prompts and {usage.answer_tokens} of answers, "
        f"{usage.seconds:.1f} s"
    )
