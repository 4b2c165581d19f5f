"""What is told before a run loads anything heavy."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tgrpo.capacity import (
    control_groups,
    core_quota,
    free_memory,
    usable_cores,
)
from tgrpo.cli.preflight import sizes, ungenerated
from tgrpo.config import TrainConfig
from tgrpo.doctor.sizes import GIB
from tgrpo.layers import ConfigError, Layer, resolve
from tgrpo.tasks import find_task

TASKS = Path(__file__).parents[2] / "tasks"
MILK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
GOAL = "libero_goal/put_the_bowl_on_the_plate"
HEAVY = ("torch", "mujoco", "robosuite", "numba")


def train(*arguments: str | Path, **environment: str) -> tuple[int, str, float]:
    """Exit code, what was said, and seconds of CPU time of a process that trains."""
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "tgrpo", "train", *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    after = os.times()
    used = after.children_user + after.children_system
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}
    assert not loaded & set(HEAVY)
    said = "\n".join(line for line in done.stderr.splitlines() if "import time:" not in line)
    return done.returncode, said, used - before.children_user - before.children_system


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--suite", "libero_objct"), "unknown suite libero_objct; did you mean libero_object"),
        (("--task", "pick_up_the_mlik"), "no program for a task of any suite with this name"),
        (("--rewards", "nowhere"), "--rewards nowhere: no such file or folder"),
    ],
)
def test_a_wrong_choice_is_told_before_anything_heavy_loads(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    start = time.monotonic()
    code, said, seconds = train("--rewards", TASKS, "--run-dir", tmp_path / "runs", *arguments)
    assert code in (1, 2)
    assert message in said
    assert "Traceback" not in said
    assert seconds < 5, f"{seconds:.1f} s of CPU, {time.monotonic() - start:.1f} s"
    assert not (tmp_path / "runs").exists()


def test_a_wrong_bound_of_the_cache_is_told_before_anything_heavy_loads(tmp_path: Path) -> None:
    arguments = ("--rewards", TASKS, "--task", MILK, "--run-dir", tmp_path / "runs")
    code, said, _ = train(*arguments, TGRPO_CACHE_GB="plenty")
    assert code == 2
    assert said.startswith("error: TGRPO_CACHE_GB=plenty: a number of gigabytes above 0 is asked")
    assert not (tmp_path / "runs").exists()


def test_a_broken_program_is_told_before_anything_heavy_loads(tmp_path: Path) -> None:
    program = tmp_path / "milk.rl"
    text = (TASKS / f"{MILK}.rl").read_text("utf-8")
    program.write_text(text.replace("milk_1", "milc_1"), "utf-8")
    code, said, seconds = train("--rewards", program, "--run-dir", tmp_path / "runs")
    assert code == 1
    assert "error[unknown-object]" in said
    assert seconds < 5


def test_what_the_doctor_finds_is_told_with_its_commands(tmp_path: Path) -> None:
    code, said, _ = train(
        *("--rewards", TASKS, "--task", MILK, "--run-dir", tmp_path / "runs"),
        MUJOCO_GL="elg",
        LIBERO_CONFIG_PATH=str(stale(tmp_path)),
    )
    assert code == 1
    assert said.splitlines() == [
        "error: this cannot run here:",
        f"libero's configuration: {tmp_path}/stale/config.yaml names what is not there: "
        "/gone/assets; unset LIBERO_CONFIG_PATH",
        "rendering variables: MUJOCO_GL=elg: MuJoCo knows egl, osmesa, glfw, and cannot be "
        "imported; export MUJOCO_GL=egl",
        "More: tgrpo doctor",
    ]
    assert not (tmp_path / "runs").exists()


def stale(folder: Path) -> Path:
    """A folder with a configuration of LIBERO that leads nowhere."""
    file = folder / "stale" / "config.yaml"
    file.parent.mkdir()
    file.write_text("assets: /gone/assets\n")
    return file.parent


# ---------------------------------------------------------------- sizes


def config(**values: object) -> TrainConfig:
    named = {name.replace("__", "."): value for name, value in values.items()}
    return resolve([Layer("test", named)])


FITTING = {
    "iterations": 20,
    "workers": 4,
    "rollout__group_size": 8,
    "rollout__groups_per_iteration": 4,
    "rollout__groups_in_flight": 2,
    "evaluation__batch_size": 8,
}


@pytest.mark.parametrize(
    ("changes", "tasks", "told"),
    [
        ({}, 10, []),
        ({"workers": 16}, 10, []),
        ({"iterations": 0}, 130, []),
        (
            {},
            130,
            [
                "20 iterations of 4 groups are 80 groups for 130 tasks: 50 are never trained; "
                "--iterations 33 reaches all"
            ],
        ),
        (
            {"rollout__groups_in_flight": 6},
            10,
            [
                "rollout.groups_in_flight is 6, more than rollout.groups_per_iteration, 4: some "
                "simulators never start; --groups-per-iteration 6 uses them"
            ],
        ),
        (
            {"workers": 20},
            10,
            [
                "20 workers for 16 simulators: 4 have nothing to do; "
                "--set rollout.groups_in_flight=3 gives them some"
            ],
        ),
        (
            {"workers": 5},
            10,
            [
                "16 simulators do not divide among 5 workers: the others wait for those that have "
                "4; --workers 4 divides them"
            ],
        ),
    ],
)
def test_sizes_that_do_not_fit_each_other(
    changes: dict[str, object], tasks: int, told: list[str]
) -> None:
    assert list(sizes(config(**{**FITTING, **changes}), tasks)) == told


def test_heads_that_do_not_divide_the_width_are_a_mistake_of_the_configuration() -> None:
    with pytest.raises(ConfigError) as caught:
        config(policy__heads=5)
    assert str(caught.value) == (
        "test: policy.heads: policy.heads must divide policy.width, 128, got 5"
    )
    assert config(policy__heads=8).policy.heads == 8


def test_initial_states_that_are_generated_first_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TGRPO_CACHE", str(tmp_path))
    milk, goal = find_task(MILK), find_task(GOAL)
    assert list(ungenerated([milk])) == []
    assert list(ungenerated([milk, goal])) == [
        f"the initial states of {GOAL} are generated first, about a minute each; "
        f"tgrpo states --task {GOAL} does it beforehand"
    ]


# ---------------------------------------------------------------- containers


def written(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_a_limit_of_an_outer_control_group_holds(tmp_path: Path) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text("0::/pod/container\n")
    written(tmp_path / "fs" / "pod", cpu__max="150000 100000\n")
    written(tmp_path / "fs" / "pod" / "container", cpu__max="max 100000\n")
    groups = control_groups(membership, tmp_path / "fs")
    assert core_quota(groups) == 1.5
    assert usable_cores(64, core_quota(groups)) == 2


def test_the_first_version_of_control_groups(tmp_path: Path) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text("4:memory:/\n1:cpu,cpuacct:/docker/1\n")
    cpu = tmp_path / "fs" / "cpu,cpuacct"
    written(cpu / "docker" / "1", cpu__cfs_quota_us="400000", cpu__cfs_period_us="100000")
    written(
        tmp_path / "fs" / "memory",
        memory__limit_in_bytes=str(4 * GIB),
        memory__usage_in_bytes=str(3 * GIB),
        memory__stat=f"cache 5\ninactive_file {GIB // 2}\n",
    )
    memory = tmp_path / "meminfo"
    memory.write_text(f"MemTotal: 1 kB\nMemAvailable: {8 * GIB // 1024} kB\n")
    groups = control_groups(membership, tmp_path / "fs")
    assert core_quota(groups) == 4
    assert free_memory(groups, memory) == GIB + GIB // 2


def test_without_limits(tmp_path: Path) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text("1:cpu:/\n0::/\n")
    written(tmp_path / "fs" / "cpu", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    groups = control_groups(membership, tmp_path / "fs")
    assert core_quota(groups) is None
    assert usable_cores(3, None) == 3
    assert usable_cores(3, 0.5) == 1
    assert free_memory((), tmp_path / "none") is None
    assert control_groups(tmp_path / "none") == ()
