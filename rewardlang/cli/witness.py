"""`rewardlang witness`: its arguments, what it prints, and its exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from rewardlang.api import Analysis
from rewardlang.cli.console import Programs, all_checked, fail
from rewardlang.cli.witness_tables import print_witness
from rewardlang.simulator import Simulator, SimulatorError, find
from rewardlang.state import BindError

if TYPE_CHECKING:
    from rewardlang.witnessing.witness import Witness


def witness(
    programs: Programs,
    states: Annotated[int, typer.Option(min=1, help="Initial states, from the first on.")] = 3,
    split: Annotated[str, typer.Option(help="Of which kind: train, validation, test.")] = (
        "validation"
    ),
    require: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Share of the states that must be satisfied. [one state]",
            show_default=False,
        ),
    ] = None,
    max_steps: Annotated[
        int | None,
        typer.Option(min=1, help="Control steps of an episode. [the suite's]", show_default=False),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON alone.")] = False,
) -> None:
    """Show that programs can be satisfied: follow their stages in a simulator.

    A scripted hand does what each stage asks for, until the program itself says that the stage is
    finished. It knows nothing of the task but the program. Where it gets stuck, shows in which
    stage, which conditions stayed false and by how much. Exits with 1 where a program was satisfied
    from no state, which is no proof that it cannot be.

    \b
    Examples:
      rewardlang witness tasks/libero_object/pick_up_the_milk_and_place_it_in_the_basket.rl
      rewardlang witness --states 10 --require 0.9 my_task.rl
      rewardlang witness --json tasks/libero_goal | jq '.[] | [.program, .satisfied]'
    """
    analyses = all_checked(programs)
    try:
        simulator = find()
    except SimulatorError as error:
        fail(str(error))
    done, failures = _witnesses(simulator, analyses, split, states, max_steps)
    if json_:
        _print_json(done, require)
    else:
        for item in done:
            print_witness(item, require)
    for message in failures:
        typer.echo(f"error: {message}", err=True)
    if failures or not all(item.proves(require) for item in done):
        raise typer.Exit(1)


def _witnesses(
    simulator: Simulator,
    analyses: list[Analysis],
    split: str,
    states: int,
    max_steps: int | None,
) -> tuple[list[Witness], list[str]]:
    """One program's trouble with the simulator does not keep the others from being followed."""
    from rewardlang.witnessing.witness import witness as follow

    done: list[Witness] = []
    failures: list[str] = []
    with Console(stderr=True).status("") as status:
        for analysis in analyses:
            try:
                done.append(
                    follow(
                        simulator,
                        analysis,
                        split=split,
                        states=states,
                        max_steps=max_steps,
                        tell=status.update,
                    )
                )
            except (SimulatorError, BindError) as error:
                failures.append(f"{analysis.source.name}: {error}")
    return done, failures


def _print_json(witnesses: list[Witness], require: float | None) -> None:
    from rewardlang.witnessing.document import document

    typer.echo(json.dumps([document(item, require) for item in witnesses], indent=2))
