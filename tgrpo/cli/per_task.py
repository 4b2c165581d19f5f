"""`tgrpo train --per-task`: a run for each task, one after the other, and a table of them all."""

from __future__ import annotations

from dataclasses import replace

from tgrpo.cli.commands import check_inputs, print_warnings
from tgrpo.cli.console import make_console
from tgrpo.cli.options import Resolved
from tgrpo.cli.preflight import Readiness
from tgrpo.cli.report import others_text, print_runs
from tgrpo.cli.training import run_training
from tgrpo.config import TasksConfig
from tgrpo.programs import TaskProgram
from tgrpo.training.ranks import Ranks


def run_per_task(resolved: Resolved, readiness: Readiness, ranks: Ranks) -> None:
    """Train a policy for each of the tasks. What is wrong with any of them is told first."""
    console, used = make_console(), readiness.selection.used
    others = (others_text(readiness.selection),) if readiness.selection.dropped else ()
    print_warnings(console, (*readiness.warnings, *others))
    check_inputs(resolved.config, [item.task for item in used])
    results = []
    for number, item in enumerate(used, start=1):
        console.print(f"\ntask {number} of {len(used)}", style="bold")
        results.append(run_training(*_of_task(resolved, readiness, item), ranks))
    print_runs(console, results, resolved.config.algorithm)


def _of_task(
    resolved: Resolved, readiness: Readiness, item: TaskProgram
) -> tuple[Resolved, Readiness]:
    """The same run with one task."""
    tasks = TasksConfig(names=(item.task.id,))
    config = resolved.config.model_copy(update={"tasks": tasks})
    selection = replace(readiness.selection, used=(item,), dropped=0, warnings=())
    return replace(resolved, config=config), Readiness(selection, warnings=())
