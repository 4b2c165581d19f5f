"""`tgrpo plan`, as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.tgrpo.openvla.tiny_checkpoint import make_checkpoint
from tgrpo.cli.app import app
from tgrpo.estimates.cards import CARDS, GB
from tgrpo.estimates.memory import Setting, memory_of
from tgrpo.openvla_shapes import PUBLISHED, PUBLISHED_IDS
from tgrpo.policies import make_policy


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["plan", *map(str, arguments)])
    return result.exit_code, result.output


def data(*arguments: str | Path) -> dict:
    return json.loads(run(*arguments, "--json")[1])


def test_the_published_network_is_planned_without_torch() -> None:
    code = (
        "import sys; from tgrpo.cli.app import app; "
        "app(['plan', '--workers', '16'], standalone_mode=False); "
        "print(sorted({'torch', 'transformers', 'mujoco'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "7.5 billion weights in bfloat16, 1 × h100" in done.stdout
    assert "fits: 27.9 GiB of 74.5 GiB" in done.stdout


def test_numbers_are_those_of_the_formulas() -> None:
    sizes = ("--group-size", 8, "--micro-batch", 2, "--lora-rank", 16, "--workers", 3)
    found = data(*sizes, "--no-checkpointing")
    asked = Setting(arms=8, evaluation=16, micro_batch=2, rank=16, renderers=3)
    memory = memory_of(PUBLISHED, replace(asked, checkpointing=False))
    assert found["memory"]["peak"] == memory.peak
    assert found["memory"]["cache"] == memory.cache
    assert found["fits"]
    assert found["what_fits"] == []
    seconds = found["seconds"]
    assert seconds["iteration"] == seconds["collecting"] + seconds["updating"]


@pytest.mark.parametrize("name", PUBLISHED_IDS)
def test_every_published_id_is_known(name: str) -> None:
    assert data("--policy", f"openvla:{name}")["parameters"] == 7_498_157_728


def test_a_configuration_decides_the_size_of_an_iteration() -> None:
    asked = ("--suite", "libero_10", "--groups-per-iteration", 3, "--workers", 6)
    found = data(*asked, "--set", "rollout.groups_in_flight=1", "--set", "learner.kl_weight=0")
    work = found["workload"]
    assert (work["decisions"], work["lanes"], work["workers"]) == (3 * 4 * 520, 1, 6)
    assert not work["reference"]
    assert found["host_memory"]["images"] == 2 * 3 * 4 * 520 * 256 * 256 * 3


def test_what_does_not_fit_is_said_with_what_would() -> None:
    code, text = run("--card", "rtx-4090", "--dtype", "float32", "--workers", 2)
    assert code == 1
    assert "does not fit: 37.8 GiB of 22.4 GiB" in text
    assert "  bfloat16: 21.4 GiB  (--set openvla.precision=bfloat16)\n" in text
    code, text = run("--memory", 2)
    assert code == 1
    assert "nothing that can be set here would fit" in text


def test_measured_numbers_replace_published_ones() -> None:
    found = data("--card", "h200", "--bandwidth", 4000, "--flops", 700, "--memory", 100)
    assert found["card"] == {
        "name": "h200 with the numbers given",
        "memory": 100 * GB,
        "bandwidth": 4000 * GB,
        "bfloat16": 7e14,
        "float32": CARDS["h200"].float32,
    }


def test_a_folder_is_planned_from_its_headers(tmp_path: Path) -> None:
    found = data("--policy", f"openvla:{make_checkpoint(tmp_path / 'tiny')}")
    assert 3_000_000 < found["parameters"] < 4_000_000
    chunked = run("--policy", f"openvla-oft:{tmp_path / 'tiny'}")[1]
    assert chunked.startswith("openvla-oft:")
    assert "8 actions each, in one pass" in chunked
    (tmp_path / "tiny" / "model.safetensors").unlink()
    code, text = run("--policy", f"openvla:{tmp_path / 'tiny'}")
    assert code == 1
    assert "no weights: neither model.safetensors nor model.safetensors.index.json" in text


def test_a_tiny_policy_that_sees_is_counted_with_its_images_and_chunks() -> None:
    asked = ("--policy", "tiny-vision", "--set", "rollout.max_steps=100", "--workers", 2)
    whole = data(*asked)
    work, memory = whole["workload"], whole["memory"]
    assert memory["images"] == 2 * work["decisions"] * 2 * 96 * 96 * 3
    assert memory["renderers"] > 0
    chunked = data(*asked, "--set", "policy.chunk=8", "--set", "learner.micro_batch=4")
    assert chunked["workload"]["decisions"] == work["decisions"] / 100 * 13
    assert chunked["workload"]["step"] > 6 * work["step"]
    assert chunked["memory"]["activations"] < memory["activations"] / 50
    assert min(chunked["seconds"].values()) > 0


def test_the_tiny_policy_is_counted() -> None:
    found = data("--policy", "tiny", "--set", "rollout.max_steps=100", "--workers", 2)
    parameters = sum(item.numel() for item in make_policy().parameters())
    assert found["parameters"] == parameters
    assert found["memory"]["weights"] == 5 * 4 * parameters
    half = data("--policy", "tiny", "--set", "rollout.max_steps=50", "--workers", 2)
    assert found["memory"]["activations"] > 1.9 * half["memory"]["activations"]
    assert "1046594 weights" in run("--policy", "tiny")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--policy", "openvla:me/mine"), 1, "neither a folder nor one of the published openvla/"),
        (
            ("--policy", "openvla-oft:me/mine"),
            1,
            "--policy openvla-oft:me/mine: neither a folder nor",
        ),
        (("--policy", "octo"), 2, "--policy octo: no such policy; there are tiny, tiny-vision, "),
        (("--card", "h1000"), 2, "--card h1000: not known; known are rtx-3090, "),
        (("--memory", "0", "--flops", "-1"), 2, "--memory 0: must be greater than 0\n--flops -1"),
        (("--dtype", "fp4"), 2, "'fp4' is not one of"),
        (("--micro-batch", "0"), 2, "Invalid value for '--micro-batch'"),
        (("--set", "rollout.grup_size=3"), 2, "did you mean rollout.group_size"),
        (("--suite", "libero_objec"), 2, "unknown suite 'libero_objec'; did you mean"),
    ],
)
def test_mistakes_are_named(arguments: tuple[str, ...], code: int, said: str) -> None:
    found, text = run(*arguments)
    assert found == code
    assert said in text


def test_a_configuration_says_what_a_command_does_not(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    sections = {
        "sft": "steps = 0",
        "policy": 'kind = "openvla"',
        "openvla": 'checkpoint = "openvla/openvla-7b"\nlora_rank = 8\nprecision = "float32"',
        "learner": "micro_batch = 3",
    }
    file.write_text("".join(f"[{name}]\n{text}\n" for name, text in sections.items()))
    found = data("--config", file)["setting"]
    assert (found["rank"], found["precision"], found["micro_batch"]) == (8, "float32", 3)
    found = data("--config", file, "--dtype", "bfloat16", "--lora-rank", 16, "--micro-batch", 1)
    setting = found["setting"]
    assert (setting["rank"], setting["precision"], setting["micro_batch"]) == (16, "bfloat16", 1)


def test_without_micro_batches_all_of_a_minibatch_is_learned_from_at_once() -> None:
    asked = ("--set", "learner.micro_batch=none", "--set", "rollout.max_steps=100")
    assert data(*asked, "--set", "learner.minibatches=3")["setting"]["micro_batch"] == 1067
    cloning = ("--set", "sft.steps=10", "--set", "sft.micro_batch=20")
    assert data(*cloning)["setting"]["micro_batch"] == 20
