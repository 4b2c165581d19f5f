"""`rewardlang repair` and `edit`: a model changes a program, and the user sees how."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.status import Status

from rewardlang.api import Analysis, analyze
from rewardlang.cli.change_tables import print_changes
from rewardlang.cli.console import (
    OneProgram,
    fail,
    found_scene,
    must_be_writable,
    print_diagnostics,
    replace,
)
from rewardlang.cli.endpoint import Asked, Attempts, asks_model, needed_model
from rewardlang.cli.generate_tables import cost
from rewardlang.cli.generating import advised, auditor, say, show_attempt
from rewardlang.files import STDIN, read_program
from rewardlang.generation.choosing import choose
from rewardlang.generation.drafting import Draft, Prove
from rewardlang.generation.making import MakeError, Program, finished
from rewardlang.generation.revising import edited, repaired, wanted_of
from rewardlang.generation.transcript import TranscriptError
from rewardlang.inspecting.differences import differences
from rewardlang.llm.model import EndpointError, LanguageModel
from rewardlang.prompting.messages import Wanted, findings_of
from rewardlang.scene import Scene
from rewardlang.simulator import SimulatorError
from rewardlang.source import Source
from rewardlang.state import BindError

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; write nothing.")]
Out = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write here and leave the program as it is.")
]
InScene = Annotated[
    str | None,
    typer.Option("--scene", metavar="SUITE/TASK", help="Where the program names none that exists."),
]


R = TypeVar("R")


@dataclass(frozen=True)
class Target:
    """The program in a file, and where the new one goes."""

    analysis: Analysis
    wanted: Wanted
    path: Path
    out: Path
    yes: bool
    dry_run: bool


@asks_model(constrained=False)
def repair(
    asked: Asked,
    path: OneProgram,
    audit: Annotated[
        bool | None,
        typer.Option(
            "--audit/--no-audit",
            help="Look for faults in the simulator too.  [default: where checks find nothing]",
            show_default=False,
        ),
    ] = None,
    scene: InScene = None,
    attempts: Attempts = 3,
    yes: Yes = False,
    dry_run: DryRun = False,
    out: Out = None,
) -> None:
    """Send a broken program, or one that fails its audit, back to a language model.

    The model is told every finding and answers with a whole program, which is checked again; you
    see what changes before it is written.

    \b
    Examples:
      rewardlang repair my_task.rl --base-url http://localhost:8000/v1
      rewardlang repair --audit --dry-run my_task.rl
    """
    target = _target(path, scene, out, yes, dry_run)
    prove = _prover(target, wanted=audit is not False)
    findings = findings_of(target.analysis)
    if target.analysis.ok and prove and (audit or not findings):
        with _status("auditing ..."):
            findings += _told(lambda: prove(target.analysis.source.text))
    if not findings:
        typer.echo(f"{path}: nothing to repair")
        return
    text = target.analysis.source.text
    _revise(
        target,
        asked,
        lambda speaker: repaired(
            speaker,
            target.wanted,
            text,
            findings,
            attempts=attempts,
            prove=prove if audit or target.analysis.ok else None,
        ),
    )


@asks_model(constrained=False)
def edit(
    asked: Asked,
    path: OneProgram,
    request: Annotated[str, typer.Argument(help="What to change, in quotes.")],
    scene: InScene = None,
    attempts: Attempts = 3,
    yes: Yes = False,
    dry_run: DryRun = False,
    out: Out = None,
) -> None:
    """Let a language model change a program as you say.

    What changes in meaning is shown before anything is written.

    \b
    Example:
      rewardlang edit my_task.rl "make grasping count twice as much"
    """
    if not request.strip():
        raise typer.BadParameter("say what to change")
    target = _target(path, scene, out, yes, dry_run)
    text = target.analysis.source.text
    _revise(
        target,
        asked,
        lambda speaker: edited(speaker, target.wanted, text, request, attempts=attempts),
    )


def _target(path: Path, scene_id: str | None, out: Path | None, yes: bool, dry_run: bool) -> Target:
    """The program; exits with what is wrong where it cannot be read or its scene is not known."""
    source = read_program(path)
    if not isinstance(source, Source):
        print_diagnostics([source], err=True)
        raise typer.Exit(1)
    given: Scene | None = found_scene(scene_id) if scene_id else None
    analysis = analyze(source.text, name=source.name, scene=given)
    scene = given or analysis.scene
    if scene is None:
        print_diagnostics([(source, found) for found in analysis.diagnostics], err=True)
        fail("the program's scene is not known; --scene SUITE/TASK says it")
    return Target(analysis, wanted_of(analysis, scene), path, out or path, yes, dry_run)


def _prover(target: Target, *, wanted: bool) -> Prove | None:
    audit = auditor(wanted)
    return (lambda text: audit(text, target.wanted)) if audit else None


def _revise(target: Target, asked: Asked, revise: Callable[[LanguageModel], Draft]) -> None:
    """Ask, show what changes, and write it if the user agrees."""
    speaker = needed_model(asked, say)
    _make_room(target)

    def program() -> Program:
        return finished(target.wanted, choose([revise(speaker)]))

    with _status("asking the model ..."):
        made = _told(program)
    assert made.choice is not None
    say(cost(made.choice))
    if made.text == target.analysis.source.text:
        typer.echo(f"{target.path}: nothing changed")
        return
    _show(target, made)
    if target.dry_run:
        return
    if not _agreed(target):
        fail("nothing is written; --yes writes without asking")
    replace(target.out, made.text)
    if target.out != STDIN:
        typer.echo(f"wrote {target.out}")


def _told(do: Callable[[], R]) -> R:
    """What `do` returns; exits with what the user has to know where it fails."""
    try:
        return do()
    except (MakeError, TranscriptError, EndpointError, SimulatorError, BindError) as error:
        show_attempt(error)
        fail(advised(error, "--attempts asks more often"))


def _make_room(target: Target) -> None:
    """The folder of what is written; exits where it cannot be, before an answer is paid."""
    if target.dry_run or target.out == STDIN:
        return
    folder = target.out.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"cannot make the folder {folder}: {(error.strerror or str(error)).lower()}")
    must_be_writable([target.out])


def _show(target: Target, after: Program) -> None:
    """What changed in meaning; in text, where the old program had no meaning."""
    before, new = target.analysis, after.analysis
    if before.program is not None and new.program is not None:
        print_changes(differences(before.program, new.program))
    else:
        lines = difflib.unified_diff(
            before.source.text.splitlines(),
            new.source.text.splitlines(),
            "before",
            "after",
            n=1,
            lineterm="",
        )
        typer.echo("\n".join(lines))
    name = new.source.name if target.out == STDIN else str(target.out)
    shown = Source(new.source.text, name)
    print_diagnostics([(shown, found) for found in new.diagnostics], err=True)
    assert after.choice is not None
    for finding in after.choice.attempt.findings:
        if finding.line == 0:
            say(f"still failing in the audit: {finding.code}: {finding.message}")


def _agreed(target: Target) -> bool:
    """Whether it may be written; asked only where the content of a file goes."""
    if target.yes or target.out == STDIN or not target.out.is_file():
        return True
    return sys.stdin.isatty() and typer.confirm(f"Write {target.out}?")


def _status(doing: str) -> Status:
    return Console(stderr=True).status(doing)
