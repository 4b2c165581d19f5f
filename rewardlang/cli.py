"""The `rewardlang` command: arguments in, text and exit code out.

Exit codes: 0 all is well, 1 the input has errors, 2 the command was used wrongly.
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from rewardlang import __version__, ir
from rewardlang.api import analyze
from rewardlang.cli_generate import generate
from rewardlang.diagnostics import render_one
from rewardlang.files import STDIN, Problem, read_program, read_programs, write_whole
from rewardlang.scene import Scene, UnknownSceneError, suite_scenes, suites
from rewardlang.source import Source
from rewardlang.syntax.formatter import format_program
from rewardlang.syntax.parser import parse

app = typer.Typer(
    help="Reward programs for LIBERO tasks: check, format, explain, compile and generate them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich" if sys.stdout.isatty() else None,
)

Programs = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILES", help="Programs, or folders to search for *.rl; - is standard input."
    ),
]
OneProgram = Annotated[Path, typer.Argument(metavar="FILE", help="A program; - is standard input.")]


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # where a terminal cannot show a character, show ?
            stream.reconfigure(errors="replace")
    app(prog_name="rewardlang")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rewardlang {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    del version


@app.command()
def check(
    paths: Programs,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of text.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 on warnings too.")] = False,
) -> None:
    """Find the mistakes in programs.

    All of them are shown at once. Exits with 1 where there are errors.

    \b
    Examples:
      rewardlang check tasks/
      rewardlang check --json tasks/libero_object/
    """
    programs, found = read_programs(paths)
    for _, source in programs:
        diagnostics = analyze(source.text, name=source.name).diagnostics
        found += [(source, diagnostic) for diagnostic in diagnostics]
    errors = sum(diagnostic.is_error for _, diagnostic in found)
    if as_json:
        typer.echo(json.dumps(_as_json(found, len(programs)), indent=2))
    else:
        _print_diagnostics(found)
        typer.echo(_verdict(len(programs), errors, len(found) - errors))
    raise typer.Exit(1 if errors or (strict and found) else 0)


@app.command()
def fmt(
    paths: Programs,
    only_check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 if anything would change.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; print the changes; exit like --check.")
    ] = False,
) -> None:
    """Bring programs into the one canonical layout.

    Comments stay where they stand. A program with syntax errors is left untouched, and its
    errors are printed.

    \b
    Examples:
      rewardlang fmt tasks/
      rewardlang fmt --diff tasks/libero_object/
    """
    programs, found = read_programs(paths)
    changed = 0
    for path, source in programs:
        formatted = _formatted(source, found)
        if formatted is None or (formatted == source.text and path != STDIN):
            continue
        changed += formatted != source.text
        if diff:
            _print_diff(source, formatted)
        elif only_check:
            typer.echo(f"would change {source.name}")
        else:
            _replace(path, formatted)
    _print_diagnostics(found, err=True)
    raise typer.Exit(1 if found or (changed and (diff or only_check)) else 0)


@app.command()
def explain(path: OneProgram) -> None:
    """Say in plain words what a program rewards.

    For each stage: what it waits for, and what it can earn.

    \b
    Example:
      rewardlang explain tasks/libero_object/pick_up_the_milk_and_place_it_in_the_basket.rl
    """
    from rewardlang.explaining.explain import explain as explained

    program, scene = _checked(path)
    typer.echo(explained(program, scene))


@app.command("compile")
def compile_(
    path: OneProgram,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write to this file instead of printing.")
    ] = None,
) -> None:
    """Print the Python that a program becomes.

    Each line names the line of the program that it comes from.

    \b
    Example:
      rewardlang compile --out reward.py tasks/my_suite/my_task.rl
    """
    from rewardlang.runtime.evaluator import compile as compiled

    program, _ = _checked(path)
    text = compiled(program).source
    if out is None:
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        _replace(out, text)
        typer.echo(f"wrote {out}")


@app.command()
def scenes(
    suite: Annotated[
        str | None, typer.Argument(metavar="[SUITE]", help="List this suite's tasks.")
    ] = None,
) -> None:
    """List the suites, or the tasks of one suite.

    `suite/task` is what a program's `scene` line names.

    \b
    Examples:
      rewardlang scenes
      rewardlang scenes libero_object
    """
    if suite is None:
        for name in suites():
            typer.echo(f"{name}  {len(suite_scenes(name))} tasks")
        return
    try:
        tasks = suite_scenes(suite)
    except UnknownSceneError as error:
        _fail(f"there is no suite `{suite}`; there are {', '.join(error.known)}")
    for scene in tasks.values():
        typer.echo(f"{scene.id}\n    {scene.instruction}")


app.command("generate")(generate)


def _checked(path: Path) -> tuple[ir.Program, Scene]:
    """The checked program in a file; prints what is wrong and exits where it has errors."""
    source = read_program(path)
    if not isinstance(source, Source):
        _print_diagnostics([source], err=True)
        raise typer.Exit(1)
    analysis = analyze(source.text, name=source.name)
    if analysis.program is None or analysis.scene is None:
        _print_diagnostics([(source, found) for found in analysis.diagnostics], err=True)
        raise typer.Exit(1)
    return analysis.program, analysis.scene


def _formatted(source: Source, found: list[Problem]) -> str | None:
    """The canonical text; None, and the errors in `found`, where the syntax is wrong."""
    parsed = parse(source)
    if parsed.tree is None or parsed.diagnostics:
        found += [(source, diagnostic) for diagnostic in parsed.diagnostics]
        return None
    return format_program(parsed.tree)


def _replace(path: Path, text: str) -> None:
    if path == STDIN:
        typer.echo(text, nl=False)
        return
    try:
        write_whole(path, text)
    except OSError as error:
        _fail(f"cannot write {path}: {(error.strerror or str(error)).lower()}")


def _print_diff(source: Source, formatted: str) -> None:
    before, after = source.text.splitlines(), formatted.splitlines()
    lines = difflib.unified_diff(before, after, source.name, source.name, lineterm="")
    typer.echo("\n".join(lines) or f"{source.name}: only line breaks change")


def _print_diagnostics(found: Sequence[Problem], err: bool = False) -> None:
    console = Console(stderr=err, soft_wrap=True, highlight=False)
    for source, diagnostic in found:
        text = Text(render_one(diagnostic, source))
        text.highlight_regex(r"\Aerror\[[^\]]*\]", "bold red")
        text.highlight_regex(r"\Awarning\[[^\]]*\]", "bold yellow")
        text.highlight_regex(r"(?m)^ *(-->|:::|[0-9]* \|)", "blue")
        text.highlight_regex(r"(?m)^ +\| [ \t]*\^+.*$", "red" if diagnostic.is_error else "yellow")
        console.print(text, end="\n\n")


def _as_json(found: Iterable[Problem], programs: int) -> dict[str, Any]:
    diagnostics = [diagnostic.as_json(source) for source, diagnostic in found]
    errors = sum(item["severity"] == "error" for item in diagnostics)
    return {
        "programs": programs,
        "errors": errors,
        "warnings": len(diagnostics) - errors,
        "diagnostics": diagnostics,
    }


def _verdict(programs: int, errors: int, warnings: int) -> str:
    return (
        f"{_count(programs, 'program')}: {_count(errors, 'error')}, {_count(warnings, 'warning')}"
    )


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _fail(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)
