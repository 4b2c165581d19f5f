"""Several processes learn as one: shares, the same update, and what is said when one is lost."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.tgrpo import learning_ranks
from tests.tgrpo.killed_runs import begin, resume, tgrpo, the_run
from tests.tgrpo.test_algorithms import ALGORITHMS
from tgrpo.training.ranks import ALONE
from tgrpo.training.run_folder import RunFolder
from tgrpo.training.shares import pieces, share

# Each asks the network in its own way.
ON_OPENVLA = ("openvla-tgrpo", "openvla-dpo", "openvla-ppo", "openvla-oft")
NOTHING_BUT_ROUNDING = 1e-9  # of Adam's second moment, as a root: its steps are of full length


@dataclass(frozen=True)
class Rank:
    """One of several, for what needs no other."""

    rank: int
    size: int


def torchrun(*arguments: str, processes: int = 2) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = [*launcher, "--nproc-per-node", str(processes), "-m", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)


@pytest.mark.parametrize("size", [1, 2, 3, 8])
@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_every_row_counts_on_exactly_one_rank(size: int, count: int) -> None:
    rows = torch.arange(count) + 100
    shares = [share(rows, Rank(rank, size)) for rank in range(size)]
    assert {len(own) for own, _ in shares} == {math.ceil(count / size)}
    counted = torch.cat([own[counts == 1.0] for own, counts in shares])
    assert sorted(counted.tolist()) == rows.tolist()
    assert all(bool(torch.isin(own, rows).all()) for own, _ in shares)


def test_alone_every_row_is_ones_own_and_in_place() -> None:
    rows = torch.tensor([4, 2, 9])
    own, counts = share(rows, ALONE)
    assert own.tolist() == [4, 2, 9]
    assert counts.tolist() == [1.0, 1.0, 1.0]


def test_all_ranks_have_as_many_pieces() -> None:
    rows = torch.arange(9)
    numbers = [[len(own) for own, _ in pieces(rows, 2, Rank(rank, 4))] for rank in range(4)]
    assert numbers == [[2, 1]] * 4
    assert list(pieces(rows[:0], 2, ALONE)) == []


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return learned(tmp_path_factory.mktemp("toys"), ALGORITHMS)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_two_processes_make_the_update_of_one(toys: Path, name: str) -> None:
    assert_the_same(toys / "one" / name, toys / "two" / name)


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return learned(tmp_path_factory.mktemp("golden"), ON_OPENVLA)


@pytest.mark.full
@pytest.mark.parametrize("name", ON_OPENVLA)
def test_two_processes_train_openvla_as_one_with_half_of_its_blocks_each(
    golden: Path, name: str
) -> None:
    assert_the_same(golden / "one" / name, golden / "two" / name)
    (whole,) = set(json.loads((golden / "one" / name / "held.json").read_text()))
    held = json.loads((golden / "two" / name / "held.json").read_text())
    assert held[0] == whole  # it acts before it learns
    assert 0.5 * whole <= min(held) < 0.65 * whole  # the block that is computed is whole


def test_a_follower_that_cannot_go_on_ends_the_run_with_its_reason_first(tmp_path: Path) -> None:
    done = torchrun("tests.tgrpo.learning_ranks", str(tmp_path), "no-checkpoint")
    assert done.returncode != 0
    ours = [line for line in done.stderr.splitlines() if line.startswith(("error", "(process"))]
    missing = tmp_path / "no-checkpoint" / "checkpoints" / "sft.safetensors"
    assert ours[0] == f"error: {missing}: no such file; expected a checkpoint (*.safetensors)"
    assert ours[1] == "(process 1 of 2, counted from 0)"
    assert [line[:51] for line in ours[2:]] in (
        [],  # torchrun was quicker
        ["error: another process of this run has ended, and s"],
    )


def test_a_mistake_of_the_user_is_told_once() -> None:
    done = torchrun("tgrpo", "train", "--resume", "no-such-run")
    assert done.returncode != 0
    assert done.stderr.count("error: ") == 1
    assert "error: --resume no-such-run: no such folder" in done.stderr
    assert "rank0" not in done.stderr


def test_other_commands_are_one_process() -> None:
    done = torchrun("tgrpo", "tasks")
    assert "error: torchrun is for tgrpo train" in done.stderr
    assert done.stdout == ""


@pytest.mark.sim
@pytest.mark.full
def test_a_run_of_two_processes_is_that_of_one_and_can_be_resumed_by_two(tmp_path: Path) -> None:
    done = tgrpo(begin(tmp_path / "one"))
    assert done.returncode == 0, done.stderr
    one = the_run(tmp_path / "one")
    done = torchrun("tgrpo", *begin(tmp_path / "two", "--set", "iterations=1"))
    assert done.returncode == 0, done.stderr
    two = the_run(tmp_path / "two")
    done = torchrun("tgrpo", *resume(two, "--iterations", "2"))
    assert done.returncode == 0, done.stderr
    assert "going on after iteration 1" in done.stdout
    assert_the_same_parameters(one, two)
    results, others = (json.loads((run / "results.json").read_text()) for run in (one, two))
    for name, candidate in results["candidates"].items():
        assert others["candidates"][name]["iteration"] == candidate["iteration"]
        assert others["candidates"][name]["mean_success"] == candidate["mean_success"]


def learned(folder: Path, names: tuple[str, ...]) -> Path:
    """What one process and two come to, in `one/NAME` and `two/NAME`."""
    for name in names:
        learning_ranks.train(RunFolder(folder / "one" / name), name)
    done = torchrun("tests.tgrpo.learning_ranks", str(folder / "two"), *names)
    assert done.returncode == 0, done.stderr
    return folder


def assert_the_same(one: Path, two: Path) -> None:
    """Equal loss, gradient and parameters, after an update and after another of a resumed run."""
    metrics, others = (json.loads((path / "metrics.json").read_text()) for path in (one, two))
    for ours, theirs in zip(metrics, others, strict=True):
        assert ours["update/steps"] >= 1.0
        # The share of margins above 0 is noise before the first step, where all are 0.
        same = [key for key in ours if key != "preference/accuracy"]
        assert {key: theirs[key] for key in same} == pytest.approx(
            {key: ours[key] for key in same}, rel=1e-3, abs=1e-5
        )
    assert_the_same_parameters(one, two)


def assert_the_same_parameters(one: Path, two: Path) -> None:
    """After two iterations, to a twentieth and less of how far they have moved."""
    before = load_file(one / "checkpoints" / "sft.safetensors")
    mine, yours = (
        load_file(run / "checkpoints" / "iteration-00002.safetensors") for run in (one, two)
    )
    assert mine.keys() == yours.keys()
    moved = 0.0
    for name in (name for name in mine if name.startswith("policy/")):
        # A bias of attention's keys changes no output: Adam follows the rounding of its gradient.
        real = _moment(mine, name).sqrt() > NOTHING_BUT_ROUNDING
        assert torch.allclose(mine[name][real], yours[name][real], rtol=0, atol=1e-5), name
        moved = max(moved, float((mine[name] - before[name]).abs().max()))
    assert moved > 2e-4


def _moment(tensors: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    """Adam's second one of a parameter; that of PPO's policy has a name of its own."""
    places = (name.replace("policy/", "optimizer/", 1), f"optimizer/{name}")
    return next(
        tensors[f"{place}/exp_avg_sq"] for place in places if f"{place}/exp_avg_sq" in tensors
    )
