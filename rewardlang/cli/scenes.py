"""`rewardlang scenes`: the catalogue."""

from __future__ import annotations

from typing import Annotated

import typer

from rewardlang.cli.console import fail
from rewardlang.scene import UnknownSceneError, suite_scenes, suites


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
        fail(f"there is no suite `{suite}`; there are {', '.join(error.known)}")
    for scene in tasks.values():
        typer.echo(f"{scene.id}\n    {scene.instruction}")
