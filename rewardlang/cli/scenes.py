"""`rewardlang scenes`: the known scenes."""

from __future__ import annotations

from typing import Annotated

import typer

from rewardlang.cli.console import fail, print_diagnostics, tell_hidden
from rewardlang.scene import SceneFileError, UnknownSceneError, suites, task_names
from rewardlang.scene.catalogue import readable_scenes
from rewardlang.scene.errors import in_brief


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
        tell_hidden(f"{suite}/" if suite else "")
    except UnknownSceneError as error:
        fail(f"there is no suite `{suite}`; there are {', '.join(error.known)}")
    except SceneFileError as error:
        print_diagnostics(error.problems, err=True)
        raise typer.Exit(1) from error


def _list(suite: str | None) -> None:
    if suite is None:
        for name in suites():
            count = len(task_names(name))
            typer.echo(f"{name}  {count} task{'' if count == 1 else 's'}")
        return
    scenes, broken = readable_scenes(suite)
    for scene in scenes.values():
        typer.echo(f"{scene.id}\n    {scene.instruction}")
    if broken:
        fail(f"these files of the suite are no scenes:\n{in_brief(broken)}")
