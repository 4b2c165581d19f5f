"""`rewardlang generate`: the command's arguments, what it prints, and its exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rewardlang.planning.generate import Generated, GenerateError, Written
from rewardlang.planning.generate import generate as generate_program

_NO_ENDPOINT = (
    "No language model endpoint is configured: the planner writes the program from LIBERO's goal."
)

_WHAT = {
    Written.NEW: "wrote",
    Written.REPLACED: "replaced",
    Written.UNCHANGED: "already there, identical:",
}


def generate(
    instruction: Annotated[str, typer.Argument(help="What the robot is told, in quotes.")],
    offline: Annotated[
        bool, typer.Option("--offline", help="Plan from LIBERO's goal; use no language model.")
    ] = False,
    scene: Annotated[
        str | None,
        typer.Option(metavar="SUITE/TASK", help="Pick one of several tasks that fit."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The program goes to DIR/<suite>/<task>.rl.")
    ] = Path("tasks"),
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing file, edits included.")
    ] = False,
) -> None:
    """Write the reward program of a LIBERO task, found by its instruction.

    The instruction is looked up exactly, then by similarity. An existing file is never
    overwritten unasked.

    \b
    Examples:
      rewardlang generate "pick up the milk and place it in the basket"
      rewardlang generate "put the black bowl on the plate" \\
        --scene libero_90/KITCHEN_SCENE1_put_the_black_bowl_on_the_plate
    """
    if not offline:
        typer.echo(_NO_ENDPOINT)
    try:
        done = generate_program(instruction, out=out, scene_id=scene, force=force)
    except GenerateError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(_report(done))


def _report(done: Generated) -> str:
    lines = [f"{_WHAT[done.written]} {done.path}"]
    if done.similarity < 1:
        lines.insert(
            0,
            f"nearest task (similarity {done.similarity:.2f}): {done.scene.instruction}",
        )
    lines += [
        "Next:",
        f"  edit it       {done.path}",
        f"  check it      rewardlang check {done.path}",
        f"  what it pays  rewardlang explain {done.path}",
        f"  train on it   tgrpo train --rewards {done.path.parent.parent} --task {done.scene.id}",
    ]
    return "\n".join(lines)
