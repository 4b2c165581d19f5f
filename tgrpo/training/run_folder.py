"""The folder of a run: everything needed to know, later, what was run, and to go on with it.

config.toml          every hyper-parameter, as `--config` reads it
run.json             command, seeds, versions, git state, tasks; each time the run was resumed
programs/            the reward programs used, as they were
demonstrations/      what SFT learned from, where it was generated
metrics.jsonl        one line per iteration and evaluation; the same in events/ for TensorBoard
checkpoints/         sft, last, best (by validation), and iterations to go on from
evaluations/         every episode of each finished evaluation
results.json         the table at the end with every episode
lock                 held by the process that writes here
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shlex
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_NUMBERED = re.compile(r"iteration-(\d{5,})\.safetensors")


class RunInUseError(RuntimeError):
    """Another process writes to this run."""


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

    def state(self, iteration: int) -> Path:
        """The checkpoint to go on from after `iteration`; 0 is the SFT policy's."""
        return self.checkpoint(f"iteration-{iteration:05}" if iteration else "sft")

    def iterations(self) -> list[int]:
        """Those with a checkpoint to go on from, whole or damaged, newest first; 0 is left out."""
        files = self.checkpoint("sft").parent.glob("*.safetensors")
        found = [_NUMBERED.fullmatch(path.name) for path in files]
        return sorted((int(match[1]) for match in found if match), reverse=True)

    def demonstrations(self, task_id: str) -> Path:
        return self.path / "demonstrations" / f"{task_id}.hdf5"

    def program(self, task_id: str) -> Path:
        """The run's own copy of a task's program."""
        return self.path / "programs" / f"{task_id}.rl"

    @property
    def config(self) -> Path:
        return self.path / "config.toml"

    @property
    def record(self) -> Path:
        return self.path / "run.json"

    @property
    def evaluations(self) -> Path:
        return self.path / "evaluations"

    @property
    def results(self) -> Path:
        return self.path / "results.json"

    @property
    def resume_command(self) -> str:
        """What goes on with this run."""
        return f"tgrpo train --resume {shlex.quote(str(self.path))}"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else writes here inside. The lock goes with its process, however that ends.

        Raises RunInUseError.
        """
        with (self.path / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise RunInUseError(
                    f"{self.path}: {file.read().strip() or 'another process'} is writing to this "
                    "run; wait for it or end it"
                ) from None
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            file.flush()
            yield
