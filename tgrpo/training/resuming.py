"""Whether a run can go on, and with what: its own configuration and its own rewards.

A resumed run is the same run: what would change a number of it is refused, or, for an edited reward
program, asked for. Nothing is written here, and neither torch nor MuJoCo is needed.
"""

from __future__ import annotations

import ast
import difflib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rewardlang
from tgrpo.config import FREE_TO_CHANGE, TasksConfig, TrainConfig
from tgrpo.layers import ConfigError, ConfigMistake, Layer, file_layer, flatten, resolve
from tgrpo.programs import ProgramsError, TaskProgram, select
from tgrpo.training.run_folder import RunFolder
from tgrpo.training.run_record import program_hashes, read_record

_MOST_RUNS = 3  # proposed for a folder that is none


class NoRunError(ValueError):
    """A folder in which no run can go on."""


class ChangedRewardsError(ValueError):
    """The programs of a run were edited; says which, and the two ways to go on."""


def open_run(path: Path) -> RunFolder:
    """The run in the folder `path`. Raises NoRunError, naming runs that could be meant."""
    folder = RunFolder(path)
    if not folder.record.is_file():
        what = "no run (it has no run.json)" if path.is_dir() else "no such folder"
        near = nearest_runs(path)
        meant = f"; did you mean {' or '.join(map(str, near))}?" if near else ""
        raise NoRunError(f"--resume {path}: {what}{meant}")
    try:
        record = read_record(folder)
    except ValueError as error:
        raise NoRunError(f"{folder.record}: damaged: {error}") from None
    if not {"resumed", "program_hashes"} <= record.keys():
        raise NoRunError(
            f"--resume {path}: this run was made by a version that kept nothing to go on from; its "
            f"policies can be a start: tgrpo train --from {folder.checkpoint('last')}"
        )
    if not record["program_hashes"]:
        raise NoRunError(f"--resume {path}: a run of tgrpo sft, which is not resumed")
    return folder


def nearest_runs(path: Path) -> list[Path]:
    """Runs in `path`, beside it, or in runs/, the most similar name first."""
    places = dict.fromkeys((path, path.parent, Path("runs")))
    runs = {file.parent for place in places for file in place.glob("*/run.json")}

    def unlike(run: Path) -> tuple[float, str]:
        return -difflib.SequenceMatcher(None, run.name, path.name).ratio(), run.name

    return sorted(runs, key=unlike)[:_MOST_RUNS]


def resumed_config(folder: RunFolder, layers: Sequence[Layer]) -> TrainConfig:
    """The run's configuration under `layers`, which may repeat it and change what is free.

    Raises ConfigError with every value that would make it another run.
    """
    own = file_layer(folder.config)
    config = resolve([own, *layers])
    was, now = (dict(flatten(item.model_dump(mode="json"))) for item in (resolve([own]), config))
    mistakes = [
        _another_run(folder, layer, name, was[name])
        for layer in layers
        for name in layer.values
        if name not in FREE_TO_CHANGE and now[name] != was[name]
    ]
    done = max(folder.iterations(), default=0)
    if config.iterations < done:
        message = f"the run has done {done} iterations already, {config.iterations} are fewer"
        mistakes.append(ConfigMistake("options", "iterations", message))
    if mistakes:
        raise ConfigError(mistakes)
    return config


def _another_run(folder: RunFolder, layer: Layer, name: str, own: Any) -> ConfigMistake:
    free = ", ".join(FREE_TO_CHANGE)
    begin = f"tgrpo train --config {shlex.quote(str(folder.config))}"
    message = (
        f"the run has {own!r}, with {layer.values[name]!r} it would be another run; what may "
        f"change is {free}; {begin} begins another with the same settings"
    )
    return ConfigMistake(layer.origin, name, message)


def resumed_programs(
    folder: RunFolder, rewards: Path | None, *, accept: bool
) -> tuple[tuple[TaskProgram, ...], tuple[str, ...]]:
    """The programs that the run goes on with, and what its user should know.

    They are read from `rewards`, or where the run found them, or, where those are gone, from its
    own copies. One that means the same as before counts as unchanged.

    Raises ProgramsError, ChangedRewardsError unless the changes are to be accepted.
    """
    record = read_record(folder)
    used, edited, notes = [], [], []
    for task, known in record["program_hashes"].items():
        place = rewards or Path(record["programs"][task])
        if not place.exists() and rewards is None:
            notes.append(f"{place} is gone: the run's own copy is used")
            place = folder.program(task)
        found = _program(folder, task, place)
        own = _own_copy(folder, task, known)
        if program_hashes([found])[task] == known:
            used.append(found)
        elif own is not None and meaning(own.program) == meaning(found.program):
            used.append(own)
        else:
            used.append(found)
            edited.append(found)
    if edited and not accept:
        raise ChangedRewardsError(_edited_text(folder, edited))
    notes += [f"from now on rewarded by the edited {item.path}" for item in edited]
    return tuple(used), tuple(notes)


def _program(folder: RunFolder, task: str, place: Path) -> TaskProgram:
    try:
        return select(place, TasksConfig(names=(task,))).used[0]
    except ProgramsError as error:
        error.add_note(f"to go on with the programs as they were: {_with_own_copies(folder)}")
        raise


def _own_copy(folder: RunFolder, task: str, known: str) -> TaskProgram | None:
    """What rewarded the run so far; None where its copy is not that any more."""
    try:
        own = select(folder.program(task), TasksConfig(names=(task,))).used[0]
    except ProgramsError:
        return None
    return own if program_hashes([own])[task] == known else None


def meaning(program: rewardlang.Program) -> str:
    """Equal for programs that reward alike: the generated code without names and lines."""
    return ast.dump(ast.parse(rewardlang.compile(program).source))


def _edited_text(folder: RunFolder, edited: Sequence[TaskProgram]) -> str:
    lines = ["the rewards were edited since this run began:"]
    for item in edited:
        own = shlex.quote(str(folder.program(item.task.id)))
        lines.append(f"  {item.path}")
        lines.append(f"    what changed: rewardlang diff {own} {shlex.quote(str(item.path))}")
    lines += [
        f"to go on with the edited ones: {folder.resume_command} --accept-new-rewards",
        f"to go on with those it began with: {_with_own_copies(folder)}",
    ]
    return "\n".join(lines)


def _with_own_copies(folder: RunFolder) -> str:
    copies = shlex.quote(str(folder.path / "programs"))
    return f"{folder.resume_command} --rewards {copies}"
