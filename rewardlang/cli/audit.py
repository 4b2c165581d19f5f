"""`rewardlang audit`: its arguments, what it prints, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from rewardlang.api import Analysis
from rewardlang.cli.audit_tables import print_audit
from rewardlang.cli.console import Programs, all_checked, fail
from rewardlang.simulator import Simulator, SimulatorError, find
from rewardlang.state import BindError

if TYPE_CHECKING:
    from rewardlang.auditing.audit import Audit
    from rewardlang.auditing.collecting import Amount

Tell = Callable[[str], None]


def audit(
    programs: Programs,
    demos: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH", help="Recorded episodes instead of the simulator's demonstrator."
        ),
    ] = None,
    states: Annotated[
        int, typer.Option(min=1, help="Initial states whose Φ after settling is read.")
    ] = 20,
    plays: Annotated[
        int,
        typer.Option(min=1, help="Of these, how many are demonstrated and exploited."),
    ] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Which initial states.")] = 0,
    mutate: Annotated[
        bool,
        typer.Option("--mutate", help="Also seed faults, and say which of them are found."),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 on what was not measured too.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON alone.")] = False,
) -> None:
    """Find out in a simulator what programs really reward.

    Each program judges a demonstrator and scripted ways to earn without doing the task, on Φ before
    success. What no episode covers is not measured, which is not passed. Exits with 1 where a
    check fails.

    \b
    Examples:
      rewardlang audit tasks/libero_object/pick_up_the_milk_and_place_it_in_the_basket.rl
      rewardlang audit --demos demonstrations/ --strict my_task.rl
      rewardlang audit --mutate --json my_task.rl | jq .[].mutation.total
    """
    from rewardlang.auditing.collecting import Amount

    analyses = all_checked(programs)
    try:
        simulator = find()
    except SimulatorError as error:
        fail(str(error))
    amount = Amount(states, plays, seed)
    done, failures = _audits(simulator, analyses, demos or [], amount, mutate)
    if json_:
        _print_json(done, strict)
    else:
        for item in done:
            print_audit(item)
    for message in failures:
        typer.echo(f"error: {message}", err=True)
    if failures or not all(item.passes(strict=strict) for item in done):
        raise typer.Exit(1)


def _audits(
    simulator: Simulator, analyses: list[Analysis], demos: list[Path], amount: Amount, mutate: bool
) -> tuple[list[Audit], list[str]]:
    """One program's trouble with the simulator does not keep the others from being audited."""
    from rewardlang.auditing.audit import audit as audited
    from rewardlang.scoring.loading import load

    done: list[Audit] = []
    failures: list[str] = []
    with Console(stderr=True).status("") as status:
        for analysis in analyses:
            assert analysis.scene is not None
            try:
                recordings = load(simulator, analysis.scene, demos).episodes if demos else ()
                done.append(
                    audited(
                        simulator, analysis, recordings, amount, mutate=mutate, tell=status.update
                    )
                )
            except (SimulatorError, BindError) as error:
                failures.append(f"{analysis.source.name}: {error}")
    return done, failures


def _print_json(audits: list[Audit], strict: bool) -> None:
    from rewardlang.auditing.document import document

    typer.echo(json.dumps([document(item, strict=strict) for item in audits], indent=2))
