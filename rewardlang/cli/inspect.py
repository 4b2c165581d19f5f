"""`rewardlang expand`, `diff`, `vocabulary` and `scene`: what they print, and their exit codes."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, assert_never

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rewardlang import ir
from rewardlang.api import Analysis, analyze
from rewardlang.cli.change_tables import print_changes
from rewardlang.cli.console import (
    OneProgram,
    fail,
    found_scene,
    print_diagnostics,
    tell_hidden,
)
from rewardlang.diagnostics import one_of
from rewardlang.files import STDIN, Problem, read_program
from rewardlang.inspecting import reference, scene_card
from rewardlang.inspecting.differences import Change, differences
from rewardlang.inspecting.expansion import expand as expanded
from rewardlang.source import Source
from rewardlang.syntax.formatter import format_program

SceneId = Annotated[
    str, typer.Argument(metavar="SCENE", help="SUITE/TASK or a .bddl file, as in a `scene` line.")
]


class PageFormat(StrEnum):
    """What `vocabulary` and `scene` print."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    PROMPT = "prompt"


AsPage = Annotated[
    PageFormat, typer.Option("--format", help="`prompt` is a short form for language models.")
]


def expand(path: OneProgram) -> None:
    """Print a program with its macros written out.

    Each `use` becomes the stages it stands for; comments are kept, and the meaning stays the same.

    \b
    Example:
      rewardlang expand tasks/my_suite/my_task.rl
    """
    analysis, problems = _analyzed(path)
    if analysis is None or analysis.tree is None or analysis.program is None:
        print_diagnostics(problems, err=True)
        raise typer.Exit(1)
    text = format_program(expanded(analysis.tree))
    again = analyze(text, name=f"{analysis.source.name}, expanded")
    if not again.ok:  # too deep or too long, written out
        print_diagnostics([(again.source, found) for found in again.diagnostics], err=True)
        raise typer.Exit(1)
    typer.echo(text, nl=False)


def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="A program; - is standard input.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The program to compare with it.")],
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what changed in meaning from one program to another.

    Layout, comments, names, and macros written out are no difference; stages, their order and
    shares, conditions, thresholds, success, shaping and penalties are. Exits with 0 where both
    mean the same, with 1 where they differ, and with 2 where one of them has errors or the command
    was used wrongly.

    \b
    Example:
      rewardlang diff tasks/my_suite/my_task.rl my_tasks/my_suite/my_task.rl
    """
    if before == after == STDIN:
        raise typer.BadParameter("only one of the two programs can be standard input")
    old, new = _both(before, after)
    changes = differences(old, new)
    if json_:
        typer.echo(json.dumps(_as_json(old, new, changes), indent=2))
    else:
        print_changes(changes)
    raise typer.Exit(1 if changes else 0)


def vocabulary(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A predicate, measure or macro.")
    ] = None,
    form: AsPage = PageFormat.TEXT,
) -> None:
    """List the predicates, measures and macros, or show one of them in full.

    \b
    Examples:
      rewardlang vocabulary
      rewardlang vocabulary grasped
      rewardlang vocabulary --format markdown > vocabulary.md
    """
    try:
        listed = (reference.entry(name),) if name else reference.entries()
    except reference.UnknownEntryError as error:
        near = f"did you mean {one_of(f'`{item}`' for item in error.near)}?" if error.near else ""
        fail(f"there is nothing called `{name}`; {near or '`rewardlang vocabulary` lists it all'}")
    match form:
        case PageFormat.TEXT:
            _print_entry(listed[0]) if name else _print_entries(listed)
        case PageFormat.MARKDOWN:
            typer.echo(reference.markdown(listed), nl=False)
        case PageFormat.PROMPT:
            typer.echo(reference.prompt(listed), nl=False)
        case PageFormat.JSON:
            data = [item.as_json() for item in listed]
            typer.echo(json.dumps(data[0] if name else data, indent=2))
        case _:
            assert_never(form)


def scene(scene_id: SceneId, form: AsPage = PageFormat.TEXT) -> None:
    """Show what a scene holds: goal, objects, fixtures, regions, and what is true at reset.

    Of a file that is no scene, it shows everything that is wrong with it.

    \b
    Examples:
      rewardlang scene libero_object/pick_up_the_milk_and_place_it_in_the_basket
      rewardlang scene my_tasks/put_the_milk_on_the_plate.bddl
    """
    found = found_scene(scene_id)
    card = scene_card.card(found)
    match form:
        case PageFormat.TEXT:
            typer.echo(scene_card.text(card), nl=False)
        case PageFormat.MARKDOWN:
            typer.echo(scene_card.markdown(card), nl=False)
        case PageFormat.PROMPT:
            typer.echo(scene_card.prompt(card), nl=False)
        case PageFormat.JSON:
            typer.echo(json.dumps(card.as_json(), indent=2))
        case _:
            assert_never(form)
    tell_hidden(found.id)


def _analyzed(path: Path) -> tuple[Analysis | None, list[Problem]]:
    """What is known of a file's program, and what is wrong with it."""
    source = read_program(path)
    if not isinstance(source, Source):
        return None, [source]
    analysis = analyze(source.text, name=source.name)
    return analysis, [(source, found) for found in analysis.diagnostics]


def _both(before: Path, after: Path) -> tuple[ir.Program, ir.Program]:
    """Both programs; prints the errors of both, and exits with 2, where there are any."""
    (old, old_problems), (new, new_problems) = _analyzed(before), _analyzed(after)
    if old and old.program and new and new.program:
        return old.program, new.program
    problems = [*old_problems, *new_problems]
    print_diagnostics([(s, found) for s, found in problems if found.is_error], err=True)
    raise typer.Exit(2)


def _as_json(old: ir.Program, new: ir.Program, changes: tuple[Change, ...]) -> dict[str, Any]:
    return {
        "before": old.source.name,
        "after": new.source.name,
        "equal": not changes,
        "changes": [change.as_json() for change in changes],
    }


def _print_entries(listed: tuple[reference.Entry, ...]) -> None:
    console = Console(highlight=False)
    for table in dict.fromkeys(item.table for item in listed):
        grid = Table(box=box.SIMPLE_HEAD, title=f"{table}s", title_justify="left", pad_edge=False)
        grid.add_column("written", overflow="fold")
        grid.add_column("what it says", overflow="fold")
        for item in listed:
            if item.table == table:
                grid.add_row(item.signature, item.meaning)
        console.print(grid)


def _print_entry(item: reference.Entry) -> None:
    console = Console(highlight=False)
    console.print(Text.assemble((item.signature, "bold"), f"  ({item.table})"), soft_wrap=True)
    grid = Table(box=None, show_header=False, pad_edge=False)
    grid.add_column()
    grid.add_column(overflow="fold")
    for label, said in _lines(item):
        grid.add_row(Text(label, "dim"), Text(said))
    console.print(grid)


def _lines(item: reference.Entry) -> list[tuple[str, str]]:
    """Label and text of what is known of an entry."""
    lines = [
        ("true when" if item.table == "predicate" else "is", item.meaning),
        ("note", item.doc),
        ("measured as", item.dimension),
        ("degree", item.degree or ("none" if item.table == "predicate" else "")),
        ("in LIBERO", item.goal),
        *((argument.name, argument.in_words) for argument in item.arguments),
        ("stands for", item.source),
    ]
    return [(label, said) for label, said in lines if said]
