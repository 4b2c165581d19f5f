"""`benchmarks/openvla_gpu.py` on a CPU with a small network: that it works, not its figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "openvla_gpu.py"
SMALL = ("--tiny", "--arms", "1", "2", "--micro-batch", "2", "--steps", "2", "--rounds", "1")


def run(*arguments: str) -> tuple[str, dict[str, Any]]:
    """What it prints, and the JSON of its last line."""
    command = [sys.executable, str(SCRIPT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=True)
    return done.stdout, json.loads(done.stdout.splitlines()[-1])


def test_a_small_network_is_measured_on_a_cpu() -> None:
    text, found = run(*SMALL, "--no-loop")
    assert [row["arms"] for row in found["decisions"]] == [1, 2]
    for row in found["decisions"]:
        # What passes through the network alone is a part of what the sampler takes; the bound is
        # of the same run's card, which others may share meanwhile.
        assert row["roofline_seconds"] > 0
        assert row["tokens_per_second"] == pytest.approx(7 * row["arms"] / row["network_seconds"])
        assert row["share_of_roofline"] == row["roofline_seconds"] / row["network_seconds"]
    assert found["generate"]["tokens_per_second"] > 0
    (learned,) = found["update"]
    assert learned["decisions"] == 4 * 2
    assert learned["decisions_per_second"] > 0
    assert "loop" not in found
    assert "generate: seconds " in text


@pytest.mark.sim
@pytest.mark.full
def test_the_whole_loop_is_measured_with_images_and_simulators() -> None:
    _, found = run(*SMALL, "--workers", "2")
    loop = found["loop"]
    assert loop["episodes"] == 2 * 4
    assert loop["steps"] == 2 * loop["episodes"]
    assert loop["collecting"]["rendering"] > 0
    seconds = loop["collecting"]["wall"] + loop["updating_seconds"]
    assert loop["episodes_per_hour"] == pytest.approx(3600 * loop["episodes"] / seconds)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there, and would be measured")
def test_without_a_gpu_it_says_what_it_needs() -> None:
    text, found = run()
    assert found == {"benchmark": "openvla_gpu", "skipped": "no GPU"}
    assert "one NVIDIA card with 40 GB or more" in text
    assert "--tiny tries the script on a CPU" in text
