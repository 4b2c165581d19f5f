"""The command with a checkpoint of OpenVLA: what is right, and what is said of what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.tgrpo.openvla.tiny_checkpoint import make_checkpoint
from tgrpo.cli.app import app
from tgrpo.cli.options import policy_values, published_policy, resolve_options
from tgrpo.layers import ConfigError
from tgrpo.policies import make_policy, save_policy
from tgrpo.policies.openvla.published import open_published

TASKS = Path(__file__).parents[3] / "tasks"
MILK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
GOAL = "libero_goal/put_the_bowl_on_the_plate"


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(item) for item in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def train(checkpoint: str | Path, folder: Path, *more: str, task: str = MILK) -> tuple[int, str]:
    chosen = ("--rewards", TASKS, "--task", task, "--run-dir", folder / "runs")
    code, text = run("train", "--policy", f"openvla:{checkpoint}", *chosen, *more)
    assert not (folder / "runs").exists()
    return code, text


def test_the_option_names_policy_and_checkpoint() -> None:
    assert policy_values("tiny") == {"policy.kind": "tiny"}
    assert policy_values("openvla:a/b:c") == {
        "policy.kind": "openvla",
        "openvla.checkpoint": "a/b:c",
    }


def test_a_policy_that_was_fine_tuned_before_has_a_preset_of_its_own() -> None:
    resolved = resolve_options({"policy": "openvla:a/b"})
    assert resolved.preset.startswith("openvla (what fits a policy of 7B parameters")
    assert resolved.config.sft.steps == 0
    assert resolved.config.architecture()["checkpoint"] == "a/b"
    assert resolve_options({"policy": "openvla:a/b"}, preset="paper").config.sft.steps == 3000
    assert resolve_options({"policy": "tiny"}).preset.startswith("quickstart ")


def test_what_is_evaluated_is_named_once(tmp_path: Path) -> None:
    message = "either a CHECKPOINT or --policy openvla:PATH is evaluated"
    assert run("eval") == (2, f"error: {message}\n")
    assert run("eval", tmp_path, "--policy", "openvla:a/b") == (2, f"error: {message}\n")
    code, text = run("eval", tmp_path, "--set", "openvla.precision=int8")
    assert (code, "--set is for --policy; a CHECKPOINT has settings of its own" in text) == (
        2,
        True,
    )
    with pytest.raises(ConfigError, match="a tiny policy is evaluated by its checkpoint"):
        published_policy("tiny", ())
    with pytest.raises(ConfigError, match=r"openvla\.checkpoint: which one\? --policy openvla:"):
        published_policy("openvla", ())
    chosen = published_policy("openvla:a/b", ("openvla.unnorm_key=libero_10",))
    assert (chosen.checkpoint, chosen.unnorm_key) == ("a/b", "libero_10")


def test_a_checkpoint_that_is_not_there(tmp_path: Path) -> None:
    code, text = train(tmp_path / "none", tmp_path)
    assert code == 1
    assert f"{tmp_path / 'none'}: no such folder; expected a checkpoint of OpenVLA" in text
    (tmp_path / "empty").mkdir()
    code, text = train(tmp_path / "empty", tmp_path)
    assert (code, "  - no tokenizer.json; it is one of the published files" in text) == (1, True)


def test_a_suite_that_the_checkpoint_does_not_know(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(tmp_path / "tiny")
    code, text = train(checkpoint, tmp_path, task=GOAL)
    assert code == 1
    assert "no action statistics for 'libero_goal'" in text
    assert "it has: libero_object" in text


def test_too_little_memory_is_told_before_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tgrpo.cli.openvla_inputs._available", lambda _: 10**8)
    code, text = train(make_checkpoint(tmp_path / "tiny"), tmp_path)
    assert code == 1
    assert "not enough memory: " in text


def test_an_evaluation_is_checked_before_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = f"openvla:{make_checkpoint(tmp_path / 'tiny')}"
    code, text = run("eval", "--policy", named, "--suite", "libero_goal")
    assert (code, "no action statistics for 'libero_goal'" in text) == (1, True)
    code, text = run("eval", "--policy", named)
    assert (code, "names no task: choose with --suite and --task" in text) == (2, True)
    monkeypatch.setattr("tgrpo.cli.openvla_inputs._available", lambda _: 10**8)
    code, text = run("eval", "--policy", named, "--suite", "libero_object")
    assert (code, "not enough memory: " in text) == (1, True)


def test_a_trained_adapter_is_checked_before_its_checkpoint_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = tmp_path / "policy.safetensors"
    architecture = {"checkpoint": str(make_checkpoint(tmp_path / "tiny")), "lora_rank": 2}
    save_policy(stored, make_policy("openvla", architecture=architecture), extra={"tasks": [MILK]})
    loaded: list[Path] = []
    monkeypatch.setattr("tgrpo.cli.evaluated.policy_in", lambda path, _: loaded.append(path))
    code, text = run("eval", stored, "--suite", "libero_goal")
    assert (code, "no action statistics for 'libero_goal'" in text) == (1, True)
    monkeypatch.setattr("tgrpo.cli.openvla_inputs._available", lambda _: 10**8)
    code, text = run("eval", stored, "--batch-size", "64")
    assert (code, "not enough memory: " in text) == (1, True)
    assert not loaded


def test_sft_without_a_step(tmp_path: Path) -> None:
    code, text = run("sft", "--policy", "openvla:a/b", "--task", MILK, "--run-dir", tmp_path / "x")
    assert code == 2
    assert "sft.steps: no step would be taken; --set sft.steps=N says how many" in text


def test_export_writes_what_others_read(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(tmp_path / "tiny")
    architecture = {"checkpoint": str(checkpoint), "lora_rank": 2}
    stored = tmp_path / "policy.safetensors"
    save_policy(stored, make_policy("openvla", architecture=architecture))
    assert run("export", stored, tmp_path / "whole")[0] == 0
    assert {path.name for path in (tmp_path / "whole").iterdir()} == {
        path.name for path in checkpoint.iterdir()
    }
    assert open_published(tmp_path / "whole").shapes == open_published(checkpoint).shapes
    assert run("export", stored, tmp_path / "adapter", "--adapter")[0] == 0
    settings = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert (settings["r"], settings["base_model_name_or_path"]) == (2, str(checkpoint))
    code, text = run("export", stored, tmp_path / "whole")
    assert (code, "something is there already; a new folder is asked for" in text) == (1, True)


def test_another_policy_has_no_published_layout(tmp_path: Path) -> None:
    stored = save_policy(tmp_path / "policy.safetensors", make_policy("tiny"))
    code, text = run("export", stored, tmp_path / "whole")
    assert (code, "a tiny policy; only OpenVLA's has a layout" in text) == (1, True)


@pytest.mark.sim
@pytest.mark.full
def test_evaluation_of_a_published_checkpoint(tmp_path: Path) -> None:
    words = ["pick", "up", "the", "milk", "and", "place", "it", "in", "the", "basket"]
    checkpoint = make_checkpoint(tmp_path / "tiny", words=words)
    code, text = run(
        *("eval", "--policy", f"openvla:{checkpoint}", "--task", MILK, "--episodes", "1"),
        *("--workers", "1", "--json", tmp_path / "result.json"),
    )
    assert code == 0, text
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["checkpoint"] == str(checkpoint)
