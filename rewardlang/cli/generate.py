"""`rewardlang generate`: its arguments, what it prints, and its exit code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from rewardlang.cli.console import fail, print_diagnostics
from rewardlang.cli.endpoint import Asked, Attempts, Constrain, asks_model, language_model
from rewardlang.cli.generating import (
    Work,
    advised,
    auditor,
    generate_one,
    generate_suite,
    say,
    show_attempt,
    tell_planned,
)
from rewardlang.cli.key_poses import all_with_poses, nonsense, unread, with_poses
from rewardlang.cli.prompts import print_all_prompts, print_prompt
from rewardlang.generation.making import MakeError, Manner
from rewardlang.generation.task import (
    TaskError,
    broken_in_suite,
    for_program,
    meant,
    program_path,
    wanted_everywhere,
    wanted_in_suite,
)
from rewardlang.generation.transcript import TranscriptError
from rewardlang.generation.writing import WriteError
from rewardlang.llm.model import EndpointError
from rewardlang.planning.instructions import normalise
from rewardlang.scene import SceneFileError
from rewardlang.scene.errors import in_brief
from rewardlang.simulator import SimulatorError
from rewardlang.state import BindError

_TOLD = (
    TaskError,
    MakeError,
    WriteError,
    TranscriptError,
    EndpointError,
    SimulatorError,
    BindError,
)

_ADVICE = "--attempts and --samples ask more often, --offline plans LIBERO's own goal"


@asks_model()
def generate(
    asked: Asked,
    instruction: Annotated[
        str | None, typer.Argument(help="What the robot is told, in quotes.", show_default=False)
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Plan from LIBERO's goal; use no language model.")
    ] = False,
    scene: Annotated[
        str | None,
        typer.Option(
            metavar="SCENE", help="Which of several tasks, or the scene of a goal of your own."
        ),
    ] = None,
    suite: Annotated[
        str | None, typer.Option(metavar="SUITE", help="Every task of a suite, at once.")
    ] = None,
    demos: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH", help="Recorded episodes; what is measured on them, a model is told."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The program goes to DIR/<suite>/<task>.rl.")
    ] = Path("tasks"),
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing file, edits included.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the program instead of writing it.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan/--no-plan", help="Let the model think in plain text first.")
    ] = True,
    attempts: Attempts = 3,
    samples: Annotated[int, typer.Option(min=1, max=32, help="Programs to choose from.")] = 1,
    audit: Annotated[
        bool,
        typer.Option("--audit/--no-audit", help="Choose among good samples in the simulator."),
    ] = True,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Tasks of a suite at a time.")] = 8,
    show_prompt: Annotated[
        bool, typer.Option("--show-prompt", help="Print what a model would be told, and stop.")
    ] = False,
    all_: Annotated[
        bool, typer.Option("--all", help="With --show-prompt: of every task, a line of JSON each.")
    ] = False,
) -> None:
    """Write the reward program of a task, by a language model or by the planner.

    A model thinks, writes under a grammar where its endpoint can hold it to one, and is told its
    mistakes until there are none. Without an endpoint the planner writes the program from LIBERO's
    goal. An existing file is never overwritten unasked.

    \b
    Examples:
      rewardlang generate "pick up the milk and place it in the basket"
      rewardlang generate --suite libero_goal --base-url http://localhost:8000/v1
      rewardlang generate "leave the milk upright in the basket" --model gpt-5 \\
        --scene libero_object/pick_up_the_milk_and_place_it_in_the_basket
      rewardlang generate --suite libero_goal --demos demonstrations/ --model gpt-5
    """
    given: Sequence[Path] = demos or ()
    problem = _nonsense(instruction, scene, suite, all_, show_prompt)
    if offline and (endpoint := asked.given()):
        for_one = f"{' and '.join(endpoint)} {'is' if len(endpoint) == 1 else 'are'} for one"
        problem = problem or f"--offline asks no language model, {for_one}"
    problem = problem or nonsense(
        given, asks=show_prompt or not offline, several=bool(suite) or all_
    )
    if problem:
        raise typer.BadParameter(problem)
    manner = Manner(plan, attempts, samples, asked.constrain is not Constrain.NONE)
    work = Work(manner, out, force=force, dry_run=dry_run)
    try:
        broken = broken_in_suite(suite) if suite else ()
        if broken:
            say(f"passed over, for these files are no scenes:\n{in_brief(broken)}\n")
        if show_prompt and (all_ or suite):
            tasks = wanted_in_suite(suite) if suite else wanted_everywhere()
            print_all_prompts(all_with_poses(tasks, given))
            raise typer.Exit(1 if broken else 0)
        if show_prompt:
            wanted = meant(instruction or "", scene, by_model=True).wanted
            wanted = for_program(wanted, program_path(out, wanted))
            print_prompt(with_poses(wanted, given), plan=plan)
            return
        if not offline:
            work = work.asking(language_model(asked, say), auditor(audit and samples > 1))
        if work.model is None and not offline:
            tell_planned(os.environ)
            given = unread(given)
        if suite:
            if tasks := wanted_in_suite(suite):
                generate_suite(all_with_poses(tasks, given), work, jobs)
        else:
            task = meant(instruction or "", scene, by_model=work.model is not None)
            generate_one(replace(task, wanted=with_poses(task.wanted, given)), work)
        if broken:
            raise typer.Exit(1)
    except SceneFileError as error:
        print_diagnostics(error.problems, err=True)
        raise typer.Exit(1) from error
    except _TOLD as error:
        show_attempt(error)
        fail(advised(error, _ADVICE))


def _nonsense(
    instruction: str | None, scene: str | None, suite: str | None, all_: bool, show_prompt: bool
) -> str:
    """What in the arguments contradicts itself; "" for nothing."""
    if all_ and not show_prompt:
        return "--all goes with --show-prompt; --suite SUITE generates every task of a suite"
    if instruction is not None and not normalise(instruction):
        return "the instruction is empty: say what the robot is to do"
    several = bool(suite) or all_
    if several and (instruction or scene):
        return "an instruction and --scene are for one task, --suite and --all for many"
    if suite and all_:
        return "--suite and --all exclude each other"
    if not several and instruction is None:
        return "say what the robot is to do: an instruction in quotes, or --suite SUITE"
    return ""
