"""Every command in the README is run here, in the order in which the README gives them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# What makes a training run a matter of seconds; the command itself stays as the README has it.
SMALL = (
    "iterations=1",
    "demonstrations.count=1",
    "sft.steps=2",
    "rollout.groups_per_iteration=1",
    "rollout.max_steps=20",
    "evaluation.validation_episodes=1",
    "evaluation.test_episodes=1",
)


def commands() -> list[str]:
    """The lines of the README's `sh` blocks, comments removed."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        shlex.split(command),
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def test_readme_names_the_two_commands():
    assert "make train" in commands()
    assert "make test" in commands()


def test_make_train_is_what_the_readme_says():
    dry = run("make --dry-run --assume-old=.venv/.installed train", ROOT)
    assert dry.returncode == 0, dry.stderr
    assert "tgrpo train --rewards tasks/ --preset quickstart" in dry.stdout
    assert "`tgrpo train --rewards tasks/ --preset quickstart`" in README


@pytest.mark.sim
def test_every_command_of_the_tour_works(tmp_path):
    shutil.copytree(ROOT / "tasks", tmp_path / "tasks")
    for command in commands():
        if command.startswith(("make ", "git ", "cd ", ". ")):
            continue
        if command.startswith("tgrpo train"):
            command += "".join(f" --set {setting}" for setting in SMALL)
        done = run(command, tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert (tmp_path / "milk_reward.py").is_file()
    assert len(list(tmp_path.glob("runs/*/results.json"))) == 1


def test_the_readme_layout_lists_every_module():
    listed = set(re.findall(r"^([a-z_]+/[a-z0-9_.]+/?) ", README, flags=re.MULTILINE))
    folders = [path for package in ("rewardlang", "tgrpo") for path in (ROOT / package).iterdir()]
    names = {
        f"{path.parent.name}/{path.name}{'/' if path.is_dir() else ''}"
        for path in folders
        if not path.name.startswith(("_", ".", "py.typed"))
    }
    assert names <= listed, f"missing in the README's layout: {sorted(names - listed)}"
