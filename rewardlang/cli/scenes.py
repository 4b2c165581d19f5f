"""`rewardlang scenes`: the known scenes."""

from __future__ import annotations

from typing import Annotated

import typer

from rewardlang.cli.console import fail, print_diagnostics
from rewardlang.scene import SceneFileError, UnknownSceneError, suite_scenes, suites, task_names
from rewardlang.scene.catalogue import hidden_tasks


def scenes(
    suite: Annotated[
        str | None, typer.Argument(metavar="[SUITE]", help="List this suite's tasks.")
    ] = None,
) -> None:
    """List the suites, or the tasks of one suite.

    `suite/task` is what a program's `scene` line names. LIBERO's tasks ship; `--scenes` adds those
    of a folder. A name that ships is never another scene: a task of a folder that bears one is
    passed over, which is told here.

    \b
    Examples:
      rewardlang scenes
      rewardlang scenes libero_object
      rewardlang scenes --scenes my_scenes my_suite
    """
    try:
        _list(suite)
        _tell_hidden(suite)
    except UnknownSceneError as error:
        fail(f"there is no suite `{suite}`; there are {', '.join(error.known)}")
    except SceneFileError as error:
        print_diagnostics(error.problems, err=True)
        raise typer.Exit(1) from error


def _list(suite: str | None) -> None:
    if suite is None:
        for name in suites():
            typer.echo(f"{name}  {len(task_names(name))} tasks")
        return
    for scene in suite_scenes(suite).values():
        typer.echo(f"{scene.id}\n    {scene.instruction}")


def _tell_hidden(suite: str | None) -> None:
    """Of the listed tasks, those that a folder has too."""
    for folder, names in hidden_tasks().items():
        told = [name for name in names if suite is None or name.startswith(f"{suite}/")]
        if told:
            more = f" and {len(told) - 1} more" if len(told) > 1 else ""
            typer.echo(
                f"note: {folder} holds {told[0]}{more} too, passed over: names that ship keep "
                'their meaning; `scene "PATH.bddl"` names the file itself',
                err=True,
            )
