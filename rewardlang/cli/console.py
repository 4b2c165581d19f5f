"""What the commands share: arguments that are programs, and how mistakes are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from rewardlang import ir
from rewardlang.api import Analysis, analyze
from rewardlang.diagnostics import one_of, render_one
from rewardlang.files import (
    STDIN,
    Problem,
    is_same_file,
    read_program,
    read_programs,
    why_not_writable,
    write_whole,
)
from rewardlang.inspecting.scene_card import find_scene
from rewardlang.scene import (
    Scene,
    SceneFileError,
    UnknownSceneError,
    suites,
    task_names,
)
from rewardlang.scene.catalogue import hidden_tasks
from rewardlang.source import Source

Programs = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILES", help="Programs, or folders to search for *.rl; - is standard input."
    ),
]
OneProgram = Annotated[Path, typer.Argument(metavar="FILE", help="A program; - is standard input.")]


def checked(path: Path) -> tuple[ir.Program, Scene]:
    """The checked program in a file; prints what is wrong and exits where it has errors."""
    source = read_program(path)
    if not isinstance(source, Source):
        print_diagnostics([source], err=True)
        raise typer.Exit(1)
    analysis = analyze(source.text, name=source.name)
    if analysis.program is None or analysis.scene is None:
        print_diagnostics([(source, found) for found in analysis.diagnostics], err=True)
        raise typer.Exit(1)
    return analysis.program, analysis.scene


def all_checked(paths: list[Path]) -> list[Analysis]:
    """The programs in files and folders; prints what is wrong and exits where any has errors."""
    read, problems = read_programs(paths)
    analyses = [analyze(source.text, name=source.name) for _, source in read]
    problems += [
        (item.source, found) for item in analyses for found in item.diagnostics if found.is_error
    ]
    if problems:
        print_diagnostics(problems, err=True)
        raise typer.Exit(1)
    return analyses


def found_scene(scene_id: str) -> Scene:
    """The scene `suite/task` or of a `.bddl` file; prints what is wrong and exits otherwise."""
    try:
        if (suite := scene_id.rstrip("/")) in suites():
            listed = "\n".join(f"  {suite}/{task}" for task in task_names(suite))
            fail(f"`{suite}` is a suite; its scenes are\n{listed}")
        return find_scene(scene_id)
    except UnknownSceneError as error:
        suite = scene_id.partition("/")[0]
        listed = f"`rewardlang scenes{f' {suite}' if suite in suites() else ''}` lists them"
        near = f"did you mean {one_of(f'`{name}`' for name in error.known)}?" if error.known else ""
        fail(f"there is no scene `{scene_id}`; {near or listed}")
    except SceneFileError as error:
        print_diagnostics(error.problems, err=True)
        raise typer.Exit(1) from error


def tell_hidden(start: str) -> None:
    """Say which names with this start a folder has too, and which of the two counts."""
    for folder, names in hidden_tasks().items():
        told = [name for name in names if name.startswith(start)]
        if told:
            more = f" and {len(told) - 1} more" if len(told) > 1 else ""
            typer.echo(
                f"note: {folder} holds {told[0]}{more} too, passed over: names that ship keep "
                'their meaning; `scene "PATH.bddl"` names the file itself',
                err=True,
            )


def replace(path: Path, content: str | bytes) -> None:
    if path == STDIN:
        typer.echo(content, nl=False)
        return
    try:
        write_whole(path, content)
    except OSError as error:
        fail(f"cannot write {path}: {(error.strerror or str(error)).lower()}")


def must_be_writable(paths: Iterable[Path]) -> None:
    """Exits, naming all that cannot be written, before anybody waits for what is to go there."""
    told = {path: why_not_writable(path) for path in paths if path != STDIN}
    found = [f"cannot write {path}: {why}" for path, why in told.items() if why]
    if found:
        fail("\nerror: ".join(found))


def must_spare(read: Sequence[Path], written: Sequence[Path]) -> None:
    """Exits where a file that is read would be replaced, or two contents go to one file."""
    for number, path in enumerate(written):
        if any(is_same_file(path, other) for other in read):
            fail(f"{path} is read, and would be replaced: write to another file")
        if any(is_same_file(path, other) for other in written[:number]):
            fail(f"{path} is to hold two things: write them to different files")


def print_diagnostics(found: Sequence[Problem], err: bool = False) -> None:
    console = Console(stderr=err, soft_wrap=True, highlight=False)
    for source, diagnostic in found:
        text = Text(render_one(diagnostic, source))
        text.highlight_regex(r"\Aerror\[[^\]]*\]", "bold red")
        text.highlight_regex(r"\Awarning\[[^\]]*\]", "bold yellow")
        text.highlight_regex(r"(?m)^ *(-->|:::|[0-9]* \|)", "blue")
        text.highlight_regex(r"(?m)^ +\| [ \t]*\^+.*$", "red" if diagnostic.is_error else "yellow")
        console.print(text, end="\n\n")


def fail(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)
