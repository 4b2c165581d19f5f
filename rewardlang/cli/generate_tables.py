"""What programs cost, and how it went with those of a suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rewardlang.generation.choosing import Choice
from rewardlang.generation.drafting import Attempt
from rewardlang.generation.making import MakeError, Program
from rewardlang.llm.model import NOTHING, Usage, total

_OF_A_MODEL = ("answers", "warnings", "tokens", "seconds")
_STYLES = {"failed": "red", "kept": "dim"}


@dataclass(frozen=True)
class Row:
    """How it went for one task.

    answers  programs that a model wrote, wrong ones included
    note     why it went so; "" where the outcome says it
    text     the program under its path, where it is printed and not written
    """

    task: str
    outcome: str
    answers: int = 0
    warnings: int = 0
    usage: Usage = NOTHING
    note: str = ""
    text: str = ""


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
    choice = choice_of(error)
    if choice is None:
        return Row(task, "failed", note=str(error))
    note = f"{error}{_first_error(choice.attempt)}"
    return Row(task, "failed", choice.answers, usage=choice.usage, note=note)


def choice_of(error: Exception) -> Choice | None:
    """The best that a model wrote before the error; None where it did not come so far."""
    return error.choice if isinstance(error, MakeError) else None


def cost(choice: Choice) -> str:
    """`2 answers, 3 512 + 840 tokens, 12.3 s`."""
    answers = f"{choice.answers} answer{'' if choice.answers == 1 else 's'}"
    kept = sum(attempt.answer.cached for draft in choice.drafts for attempt in draft.attempts)
    from_cache = f" ({kept} from the cache)" if kept else ""
    return f"{answers}{from_cache}, {_spent(choice.usage)}"


def print_rows(rows: Sequence[Row], *, err: bool = False) -> None:
    """The table, and what all of it cost; the columns of a model only where one was asked."""
    asked = any(row.answers for row in rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("task", overflow="fold")
    table.add_column("")
    for heading in _OF_A_MODEL if asked else ():
        table.add_column(heading, justify="right")
    for row in rows:
        outcome = Text(row.outcome.rstrip(":"), _STYLES.get(row.outcome, "green"))
        table.add_row(Text(row.task), outcome, *(_figures(row) if row.answers else ()))
    console = Console(highlight=False, stderr=err)
    console.print(table)
    _print_notes(rows, console)
    if any(row.answers and row.outcome == "failed" for row in rows):
        console.print("--transcript FILE records every answer, wrong ones too")
    failed = sum(row.outcome == "failed" for row in rows)
    made = sum(row.outcome not in _STYLES for row in rows)
    console.print(f"{made} made, {len(rows) - made - failed} kept, {failed} failed")
    if asked:
        console.print(_spent(total([row.usage for row in rows])))


def _figures(row: Row) -> tuple[str, ...]:
    """Under the headings of `_OF_A_MODEL`."""
    tokens = row.usage.prompt_tokens + row.usage.answer_tokens
    return (str(row.answers), str(row.warnings), str(tokens), f"{row.usage.seconds:.1f}")


def _first_error(attempt: Attempt) -> str:
    """`; line 7: unknown-name: there is no ...`; "" for what is no program at all."""
    if not attempt.errors:
        return ""
    found = attempt.errors[0]
    where = f"line {found.line}: " if found.line else ""
    return f"; {where}{found.code}: {found.message}"


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
