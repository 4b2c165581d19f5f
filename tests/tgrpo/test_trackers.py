"""`--log`: metrics sent on, and what is said where that cannot be."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tgrpo.cli.app import app
from tgrpo.metrics import MetricsWriter
from tgrpo.trackers import Tracker, TrackerMissingError, expect_trackers

MISSING = [name for name in ("wandb", "trackio") if importlib.util.find_spec(name) is None]


def test_what_is_missing_is_named_with_the_command_that_installs_it() -> None:
    expect_trackers(())
    with pytest.raises(TrackerMissingError) as caught:
        expect_trackers(["no_such_tracker", "json", "nor_this"])
    assert str(caught.value) == (
        "--log no_such_tracker --log nor_this: not installed; pip install no_such_tracker nor_this"
    )


@pytest.mark.skipif("trackio" not in MISSING, reason="trackio is installed")
def test_a_run_is_not_begun_without_the_tracker_it_asks_for(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    command = ["train", "--rewards", "tasks", "--run-dir", str(runs), "--log", "trackio"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert "--log trackio: not installed; pip install trackio" in done.stderr
    assert not runs.exists()


def test_a_tracker_that_does_not_exist_is_wrong_usage() -> None:
    done = CliRunner().invoke(app, ["train", "--rewards", "tasks", "--log", "tensorboard"])
    assert done.exit_code == 2
    assert "must be 'wandb' or 'trackio', got 'tensorboard'" in done.stderr


@pytest.mark.skipif("wandb" in MISSING, reason="Weights & Biases is not installed")
def test_weights_and_biases_gets_what_is_new_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    with MetricsWriter(tmp_path) as metrics:
        metrics.write("train", 1, {"rollout/success": 0.25})
    with MetricsWriter(tmp_path, keep=1, trackers=[Tracker("wandb", "a-run", {"seed": 3})]) as more:
        more.write("train", 2, {"rollout/success": 0.5, "loss/kl": float("nan")})
    [record] = tmp_path.glob("wandb/offline-run-*/*.wandb")
    deadline = time.monotonic() + 20  # its own process writes the file
    while b"train/rollout/success" not in (written := record.read_bytes()):
        assert time.monotonic() < deadline, written
        time.sleep(0.1)
    assert b"train/step" in written
    assert b"0.5" in written
    assert b"0.25" not in written
    assert b"loss/kl" not in written
