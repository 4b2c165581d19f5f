"""`rewardlang check`, `fmt`, `explain` and `compile`: what they print, and their exit codes."""

from __future__ import annotations

import difflib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, assert_never

import typer

from rewardlang.api import analyze
from rewardlang.cli.check_formats import as_github, as_json, as_sarif
from rewardlang.cli.console import (
    OneProgram,
    Programs,
    checked,
    must_spare,
    print_diagnostics,
    replace,
)
from rewardlang.files import STDIN, Problem, read_programs
from rewardlang.source import Source
from rewardlang.syntax.formatter import format_program
from rewardlang.syntax.parser import parse


class CheckFormat(StrEnum):
    """What `check` prints."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


def check(
    paths: Programs,
    form: Annotated[
        CheckFormat,
        typer.Option("--format", help="For people, for tools, or as annotations of a CI."),
    ] = CheckFormat.TEXT,
    json_: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 on warnings too.")] = False,
) -> None:
    """Find the mistakes in programs.

    All of them are shown at once. Exits with 1 where there are errors.

    \b
    Examples:
      rewardlang check tasks/
      rewardlang check --json tasks/libero_object/
      rewardlang check --format sarif tasks/ > rewardlang.sarif
    """
    if json_ and form not in (CheckFormat.TEXT, CheckFormat.JSON):
        raise typer.BadParameter(f"--json and --format {form} exclude each other")
    programs, found = read_programs(paths)
    for _, source in programs:
        diagnostics = analyze(source.text, name=source.name).diagnostics
        found += [(source, diagnostic) for diagnostic in diagnostics]
    _print_found(CheckFormat.JSON if json_ else form, found, len(programs))
    errors = any(diagnostic.is_error for _, diagnostic in found)
    raise typer.Exit(1 if errors or (strict and found) else 0)


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

    Comments stay where they stand, and every line ends with LF, also where it ended with CRLF. A
    program with syntax errors is left untouched, and its errors are printed.

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
            replace(path, formatted)
    print_diagnostics(found, err=True)
    raise typer.Exit(1 if found or (changed and (diff or only_check)) else 0)


def explain(path: OneProgram) -> None:
    """Say in plain words what a program rewards.

    For each stage: what it waits for, and what it can earn.

    \b
    Example:
      rewardlang explain tasks/libero_object/pick_up_the_milk_and_place_it_in_the_basket.rl
    """
    from rewardlang.explaining.explain import explain as explained

    program, scene = checked(path)
    typer.echo(explained(program, scene))


def compile_(
    path: OneProgram,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write to this file instead of printing.")
    ] = None,
    alone: Annotated[
        bool,
        typer.Option("--standalone", help="A module that runs without rewardlang, on numpy alone."),
    ] = False,
) -> None:
    """Print the Python that a program becomes.

    Each line names the line of the program that it comes from.

    \b
    Examples:
      rewardlang compile --out reward.py tasks/my_suite/my_task.rl
      rewardlang compile --standalone --out reward.py tasks/my_suite/my_task.rl
    """
    from rewardlang.codegen.emit import emit
    from rewardlang.codegen.standalone import standalone

    must_spare([path], [out] if out else [])
    program, scene = checked(path)
    text = standalone(program, scene) if alone else emit(program).text
    if out is None:
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        replace(out, text)
        typer.echo(f"wrote {out}")


def _formatted(source: Source, found: list[Problem]) -> str | None:
    """The canonical text; None, and the errors in `found`, where the syntax is wrong."""
    parsed = parse(source)
    if parsed.tree is None or parsed.diagnostics:
        found += [(source, diagnostic) for diagnostic in parsed.diagnostics]
        return None
    return format_program(parsed.tree)


def _print_diff(source: Source, formatted: str) -> None:
    before, after = source.text.splitlines(), formatted.splitlines()
    lines = [*difflib.unified_diff(before, after, source.name, source.name, lineterm="")]
    if "\r" in source.text:
        lines.append(f"{source.name}: lines end with LF instead of CRLF")
    typer.echo("\n".join(lines) or f"{source.name}: only line breaks change")


def _print_found(form: CheckFormat, found: list[Problem], programs: int) -> None:
    match form:
        case CheckFormat.TEXT:
            errors = sum(diagnostic.is_error for _, diagnostic in found)
            print_diagnostics(found)
            typer.echo(_verdict(programs, errors, len(found) - errors))
        case CheckFormat.JSON:
            typer.echo(as_json(found, programs))
        case CheckFormat.SARIF:
            typer.echo(as_sarif(found))
        case CheckFormat.GITHUB:
            typer.echo(as_github(found), nl=bool(found))
        case _:
            assert_never(form)


def _verdict(programs: int, errors: int, warnings: int) -> str:
    return (
        f"{_count(programs, 'program')}: {_count(errors, 'error')}, {_count(warnings, 'warning')}"
    )


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
