"""`--demos`: what is wanted, with what was measured on recorded episodes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.status import Status

from rewardlang.prompting.messages import Wanted
from rewardlang.simulator import OtherSceneError, Simulator, SimulatorError, find

if TYPE_CHECKING:
    from rewardlang.generation.poses import KeyPoses


def nonsense(demos: Sequence[Path], *, asks: bool, several: bool) -> str:
    """What contradicts the rest of the command line; "" for nothing.

    asks: a model is asked, or its prompt shown. several: tasks.
    """
    if demos and not asks:
        return "--demos is for the prompt of a language model, and --offline asks none"
    file = next((path for path in demos if path.is_file()), None)
    if several and file:
        return f"{file} is a file: for many tasks --demos is a folder, where each finds its own"
    return ""


def unread(demos: Sequence[Path]) -> tuple[Path, ...]:
    """What the planner reads of them: nothing, which is said."""
    if demos:
        typer.echo(
            "--demos is not read: the planner takes no thresholds from demonstrations.", err=True
        )
    return ()


def with_poses(wanted: Wanted, demos: Sequence[Path]) -> Wanted:
    """The task with the key poses of its episodes. Raises SimulatorError."""
    if not demos:
        return wanted
    with _measuring():
        poses = _measured(find(), wanted, demos)
    _tell(wanted, poses)
    return replace(wanted, poses=poses.text)


def all_with_poses(tasks: Sequence[Wanted], demos: Sequence[Path]) -> tuple[Wanted, ...]:
    """Each task with the key poses of its own episodes; one that has none goes without.

    Raises SimulatorError with everything that is wrong, or where no task has any.
    """
    if not demos:
        return tuple(tasks)
    with _measuring():
        found = _measured_each(find(), tasks, demos)
    if not any(found.values()):
        listed = ", ".join(map(str, demos))
        raise SimulatorError(f"{listed}: there are no episodes of any of the {len(tasks)} tasks")
    for wanted, poses in found.items():
        _tell(wanted, poses)
    return tuple(
        replace(wanted, poses=poses.text if poses else "") for wanted, poses in found.items()
    )


def _measured_each(
    simulator: Simulator, tasks: Sequence[Wanted], demos: Sequence[Path]
) -> dict[Wanted, KeyPoses | None]:
    """None: there are no episodes of the task. Raises SimulatorError."""
    found: dict[Wanted, KeyPoses | None] = {}
    problems: dict[str, None] = {}  # a broken file is a problem of every task, told once
    for wanted in tasks:
        try:
            found[wanted] = _measured(simulator, wanted, demos)
        except OtherSceneError:
            found[wanted] = None
        except SimulatorError as error:
            problems |= dict.fromkeys(str(error).splitlines())
    if problems:
        raise SimulatorError("\n".join(problems))
    return found


def _measured(simulator: Simulator, wanted: Wanted, demos: Sequence[Path]) -> KeyPoses:
    from rewardlang.generation.poses import measured

    return measured(simulator, wanted.scene, demos)


def _tell(wanted: Wanted, poses: KeyPoses | None) -> None:
    told = poses.told if poses else "no episodes"
    typer.echo(f"key poses of {wanted.scene.task}: {told}", err=True)


def _measuring() -> Status:
    return Console(stderr=True).status("measuring key poses ...")
