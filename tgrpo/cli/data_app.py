"""`tgrpo demonstrate`, `tasks`, `states` and `catalogue`: their arguments.

Commands import what they need when they run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tgrpo.cli.arguments import SplitOption, Suite, Tasks, Workers
from tgrpo.cli.mistakes import WRONG_USAGE, expect_folder, fail, reporting


def demonstrate(
    suite: Suite = None,
    task: Tasks = None,
    count: Annotated[int, typer.Option(help="Demonstrations per task.", min=1)] = 10,
    split: SplitOption = "train",
    noise: Annotated[
        float,
        typer.Option(help="Disturb the executed translation: deviation, in actions.", min=0.0),
    ] = 0.0,
    seed: Annotated[
        int, typer.Option(help="Of the disturbance; begins with state number SEED * COUNT.", min=0)
    ] = 0,
    image_size: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="Record images of this width and height too: agentview, and the hand's camera.",
            min=16,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder; files are <suite>/<task>_demo.hdf5 below it.")
    ] = Path("demonstrations"),
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    workers: Workers = None,
) -> None:
    """Write demonstrations of the scripted controller, in LIBERO's own HDF5 layout.

    The controller acts through the seven action values alone and plans from the task's goal; it
    never reads a program. Prints how many of the states it tried it solved.

    Examples:

      tgrpo demonstrate --suite libero_object --count 50

      tgrpo demonstrate --task libero_object/pick_up_the_milk_and_place_it_in_the_basket --out demos

      tgrpo demonstrate --suite libero_goal --count 20 --image-size 128
    """
    with reporting():
        from tgrpo.capacity import cores
        from tgrpo.cli.data_commands import run_demonstrate

        run_demonstrate(
            suite,
            tuple(task or ()),
            split=split,
            count=count,
            noise=noise,
            seed=seed,
            image_size=image_size,
            out=out,
            force=force,
            workers=workers or cores(),
        )


def tasks(suite: Suite = None) -> None:
    """List LIBERO's suites and tasks with their instructions.

    Example: tgrpo tasks --suite libero_object
    """
    with reporting():
        from tgrpo.cli.data_commands import list_tasks

        list_tasks(suite)


def states(
    suite: Suite = None,
    task: Tasks = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to. [the cache, where runs look]")
    ] = None,
) -> None:
    """Generate the initial states of tasks: training, validation and test.

    Runs generate what is missing by themselves; this does it beforehand, about a minute per task.

    Example: tgrpo states --suite libero_goal
    """
    with reporting():
        from tgrpo.cli.data_commands import generate_state_files

        generate_state_files(suite, tuple(task or ()), out)


def catalogue(
    out: Annotated[Path, typer.Option(help="Folder to write <suite>.json to.")],
    suite: Suite = None,
    bddl: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="These .bddl files, or folders of them, instead."),
    ] = None,
) -> None:
    """Generate the catalogue of scenes that the reward language reads, from LIBERO's classes.

    With --bddl, that of your own tasks: `--scenes` and $REWARDLANG_SCENES make the
    folder known, and with it the categories of objects in them.

    Example: tgrpo catalogue --out my_scenes --bddl my_suite/
    """
    with reporting():
        expect_folder("--out", out)
        if bddl and suite:
            fail("--suite is LIBERO's; with --bddl the files say what is made", WRONG_USAGE)
        if bddl:
            from tgrpo.scenes.own_scenes import write_own_scenes

            for path in write_own_scenes(out, bddl, report=typer.echo):
                typer.echo(f"wrote {path}")
            return
        from tgrpo.scenes.catalogue import write_catalogue

        write_catalogue(out, (suite,) if suite else None, report=typer.echo)
