"""One program, or those of a suite: made, written, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rewardlang.cli.console import print_diagnostics
from rewardlang.cli.generate_tables import Row, choice_of, cost, failed_row, print_rows, row_of
from rewardlang.cli.scene_folders import scenes_given
from rewardlang.generation.making import Audit, MakeError, Manner, Program, modelled, planned
from rewardlang.generation.suite import in_parallel
from rewardlang.generation.task import Meant, for_program, program_path
from rewardlang.generation.writing import Written, refuse_existing, write
from rewardlang.llm.model import LanguageModel
from rewardlang.prompting.messages import Finding, Wanted
from rewardlang.scene.catalogue import ships
from rewardlang.simulator import SimulatorError, find
from rewardlang.source import Source
from rewardlang.state import BindError

_NO_ENDPOINT = (
    "No language model endpoint is configured: the planner writes the program from LIBERO's goal."
)
_UNUSED_KEY = "OPENAI_API_KEY is set: --model NAME uses it."

_WHAT = {
    Written.NEW: "wrote",
    Written.REPLACED: "replaced",
    Written.UNCHANGED: "already there, identical:",
}


@dataclass(frozen=True)
class Work:
    """How programs are made and where they go. model: None for the planner."""

    manner: Manner
    out: Path
    force: bool = False
    dry_run: bool = False
    model: LanguageModel | None = None
    audit: Audit | None = None

    def asking(self, model: LanguageModel | None, audit: Audit | None) -> Work:
        """The same work by a model."""
        return replace(self, model=model, audit=audit)


def say(line: str) -> None:
    """A line about the endpoint, beside the output."""
    typer.echo(line, err=True)


def tell_planned(environment: Mapping[str, str]) -> None:
    """That the planner writes because nothing names an endpoint, and what comes near to one."""
    typer.echo(_NO_ENDPOINT)
    if environment.get("OPENAI_API_KEY"):
        typer.echo(_UNUSED_KEY)


def auditor(asked: bool) -> Audit | None:
    """What a simulator says of programs; None where nobody asks, or none is installed."""
    if not asked:
        return None
    try:
        simulator = find()
    except SimulatorError as error:
        say(f"the samples are chosen by checks alone: {error}")
        return None

    def audit(text: str, wanted: Wanted) -> tuple[Finding, ...]:
        from rewardlang.generation.proving import audit_findings

        return audit_findings(simulator, text, wanted)

    return audit


def generate_one(meant: Meant, work: Work) -> None:
    """Make, write and tell of one program. Raises MakeError, WriteError, EndpointError."""
    path = program_path(work.out, meant.wanted)
    wanted = for_program(meant.wanted, path)
    if work.model is not None and not (work.force or work.dry_run):
        refuse_existing(path)
    with _asking(work):
        program = _made(wanted, work)
    _tell_nearest(meant)
    done = None if work.dry_run else write(path, program.text, force=work.force)
    source = program.analysis.source
    shown = Source(source.text, str(path)) if done else source
    print_diagnostics([(shown, found) for found in program.analysis.diagnostics], err=True)
    if done:
        typer.echo("\n".join([f"{_WHAT[done]} {path}", *_next(path, wanted)]))
    else:
        typer.echo(program.text, nl=False)
    if program.choice:
        say(cost(program.choice))


def generate_suite(tasks: Sequence[Wanted], work: Work, jobs: int) -> None:
    """Make, write and tell of many programs; exits with 1 where one could not be made."""
    rows: dict[str, Row] = {}
    if work.model is not None:
        say(f"asking {work.model.name}")  # where that cannot be said, no task can be asked for
    with _progress() as progress:
        bar = progress.add_task("programs", total=len(tasks))
        for wanted, end in in_parallel(
            tasks, lambda task: _one_of_many(task, work), jobs if work.model else 1
        ):
            task = wanted.scene.task
            rows[task] = end if isinstance(end, Row) else failed_row(task, end)
            progress.advance(bar)
    told = [rows[wanted.scene.task] for wanted in tasks]
    if work.dry_run:
        typer.echo("\n".join(row.text for row in told if row.text), nl=False)
    print_rows(told, err=work.dry_run)  # standard output is for the programs then
    if any(row.outcome == "failed" for row in rows.values()):
        raise typer.Exit(1)


def show_attempt(error: Exception) -> None:
    """What is wrong with the best that a model wrote, and what it cost."""
    choice = choice_of(error)
    if choice is None:
        return
    if analysis := choice.attempt.analysis:
        print_diagnostics([(analysis.source, found) for found in analysis.diagnostics], err=True)
    say(cost(choice))


def advised(error: Exception, advice: str) -> str:
    """The error's message; with the advice, where a model was asked and wrote no program."""
    return f"{error}; {advice}" if choice_of(error) else str(error)


def _one_of_many(wanted: Wanted, work: Work) -> Row:
    path = program_path(work.out, wanted)
    if path.exists() and not (work.force or work.dry_run):
        return Row(wanted.scene.task, "kept", note="there already; --force replaces what is there")
    try:
        program = _made(wanted, work)
    except (SimulatorError, BindError) as error:
        raise MakeError(f"its audit failed: {error}") from error
    if work.dry_run:
        return replace(row_of(program, "made"), text=f"# {path}\n{program.text}")
    return row_of(program, _WHAT[write(path, program.text, force=work.force)])


def _made(wanted: Wanted, work: Work) -> Program:
    if work.model is None:
        return planned(wanted)
    return modelled(work.model, wanted, work.manner, work.audit)


def _tell_nearest(meant: Meant) -> None:
    if meant.similarity == 1 or meant.wanted.own_goal:
        return
    typer.echo(
        f"nearest task (similarity {meant.similarity:.2f}): {meant.wanted.scene.instruction}"
    )
    for other in meant.runners_up:
        typer.echo(f"  next: {other}")
    if meant.runners_up:  # none where --scene chose the task
        typer.echo("  --scene SUITE/TASK picks another")


def _next(path: Path, wanted: Wanted) -> list[str]:
    lines = [
        "Next:",
        f"  edit it       {path}",
        f"  check it      rewardlang check {path}{scenes_given()}",
        f"  what it pays  rewardlang explain {path}{scenes_given()}",
    ]
    if wanted.own_goal or not ships(wanted.scene):  # only LIBERO's own have initial states
        return lines
    folder = path.parent.parent
    return [*lines, f"  train on it   tgrpo train --rewards {folder} --task {wanted.scene.id}"]


def _asking(work: Work) -> AbstractContextManager[Any]:
    return Console(stderr=True).status("asking the model ...") if work.model else nullcontext()


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
