"""A run that is killed, at whatever moment, goes on and comes to what it would have come to."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tgrpo.killed_runs import (
    assert_the_same,
    begin,
    killed_while_writing,
    resume,
    tgrpo,
    the_run,
)

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nothing interrupted."""
    runs = tmp_path_factory.mktemp("whole")
    done = tgrpo(begin(runs))
    assert done.returncode == 0, done.stderr
    return the_run(runs)


def test_a_run_killed_while_it_writes_comes_to_the_same(whole: Path, tmp_path: Path) -> None:
    # In the checkpoint of iteration 1, which has no name yet; then in that of iteration 2.
    assert killed_while_writing(begin(tmp_path), 19).returncode == -signal.SIGKILL
    run = the_run(tmp_path)
    names = {path.name for path in (run / "checkpoints").iterdir()}
    assert "iteration-00001.safetensors" not in names
    assert len([name for name in names if name.endswith(".part")]) == 1
    assert killed_while_writing(resume(run), 18).returncode == -signal.SIGKILL
    done = tgrpo(resume(run, "--workers", "2"))
    assert done.returncode == 0, done.stderr
    assert "going on after iteration" in done.stdout
    assert_the_same(run, whole)
    assert len(json.loads((run / "run.json").read_text())["resumed"]) == 2


@pytest.mark.full
@pytest.mark.parametrize("seed", range(3))
def test_a_run_killed_again_and_again_comes_to_the_same(
    whole: Path, tmp_path: Path, seed: int
) -> None:
    rng, arguments, kills = random.Random(seed), begin(tmp_path), 0
    while True:
        command = [sys.executable, "-m", "tgrpo", *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdout is not None
        next(line for line in process.stdout if line.startswith("folder "))
        while not (the_run(tmp_path) / "run.json").is_file():  # until then nothing has begun
            time.sleep(0.05)
        # Longer and longer, so that it ends; the first are within demonstrations and SFT.
        time.sleep(rng.uniform(1.0, 10.0 + 10.0 * kills))
        if process.poll() is not None:
            break
        process.kill()
        process.communicate()
        kills += 1
        arguments = resume(the_run(tmp_path))
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert kills > 0
    assert_the_same(the_run(tmp_path), whole)
