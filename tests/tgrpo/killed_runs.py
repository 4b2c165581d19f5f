"""Runs of the real command that are killed, and what must be the same of two runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from tgrpo.checkpoint import read_checkpoint

ROOT = Path(__file__).parents[2]
MILK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
SETTINGS = (
    "iterations=2",
    "sft.steps=20",
    "sft.batch_size=32",
    "rollout.group_size=2",
    "rollout.groups_per_iteration=2",
    "rollout.max_steps=25",
    "evaluation.validate_every=1",
    "evaluation.validation_episodes=1",
    "evaluation.test_episodes=1",
    "evaluation.batch_size=2",
)
# Each durable write calls fsync for the file, before it gets its name, and then for the folder.
KILLED = """
import os, signal, sys
left, sync = int(sys.argv.pop(1)), os.fsync
def fsync(handle):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(handle)
os.fsync = fsync
from tgrpo.cli import main
main()
"""


def begin(runs: Path, *extra: str) -> list[str]:
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    task = ["--rewards", str(ROOT / "tasks"), "--task", MILK, "--demos", "1", "--workers", "2"]
    return ["train", *task, *settings, "--run-dir", str(runs), *extra]


def resume(run: Path, *extra: str) -> list[str]:
    return ["train", "--resume", str(run), *extra]


def tgrpo(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    command = [sys.executable, "-m", "tgrpo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)


def killed_while_writing(arguments: list[str], number: int) -> subprocess.CompletedProcess[str]:
    """The command, killed by SIGKILL in its `number`-th fsync."""
    command = [sys.executable, "-c", KILLED, str(number), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)


def the_run(runs: Path) -> Path:
    (folder,) = runs.iterdir()
    return folder


def contents(run: Path) -> dict[str, Any]:
    """Everything that a run left, apart from times."""
    return {
        "metrics": [
            _timeless(json.loads(line)) for line in (run / "metrics.jsonl").read_text().splitlines()
        ],
        "events": events(run),
        "results": _timeless(json.loads((run / "results.json").read_text())),
        "evaluations": {
            path.name: _timeless(json.loads(path.read_text()))
            for path in (run / "evaluations").iterdir()
        },
        "config": (run / "config.toml").read_text().replace(str(run.parent), "RUNS"),
        "files": sorted(
            str(path.relative_to(run)) for path in run.rglob("*") if "tfevents" not in path.name
        ),
        "extra": {
            path.name: _timeless(read_checkpoint(path).extra)
            for path in (run / "checkpoints").iterdir()
        },
    }


def events(run: Path) -> dict[str, list[tuple[int, float]]]:
    """TensorBoard's points by name, (step, value), without those that are times."""
    read = EventAccumulator(str(run / "events"))
    read.Reload()
    names = [name for name in read.Tags()["tensors"] if "seconds/" not in name]
    return {
        name: [
            (point.step, float(make_ndarray(point.tensor_proto))) for point in read.Tensors(name)
        ]
        for name in names
        if "steps_per_second" not in name
    }


def tensors(run: Path) -> dict[str, torch.Tensor]:
    """Policy and optimiser of every checkpoint, by file and name."""
    return {
        f"{path.name}/{name}": tensor
        for path in (run / "checkpoints").iterdir()
        for name, tensor in read_checkpoint(path).tensors.items()
    }


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _timeless(item) for name, item in value.items() if "seconds" not in str(name)
        } | {name: None for name in value if "steps_per_second" in str(name)}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def assert_the_same(run: Path, other: Path) -> None:
    """Bitwise in every parameter and optimiser state, equal in all but times elsewhere."""
    ours, theirs = contents(run), contents(other)
    for name in ours:
        assert ours[name] == theirs[name], name
    mine, yours = tensors(run), tensors(other)
    assert mine.keys() == yours.keys()
    assert [name for name in mine if not torch.equal(mine[name], yours[name])] == []
