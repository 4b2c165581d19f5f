"""Checkpoints: exact round trips, clear refusals, nothing unpickled, nothing half-written."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tgrpo import checkpoint as checkpoint_module
from tgrpo.checkpoint import Checkpoint, CheckpointError, read_checkpoint, write_checkpoint
from tgrpo.policies import load_policy, make_policy, save_policy
from tgrpo.policies.tiny import TinyPolicy

SMALL = {"width": 16, "layers": 1, "heads": 2, "head_width": 16, "word_width": 8}


@pytest.fixture
def policy() -> TinyPolicy:
    return make_policy("tiny", seed=5, architecture=SMALL)


def test_a_policy_comes_back_bit_by_bit(policy: TinyPolicy, tmp_path: Path) -> None:
    path = save_policy(
        tmp_path / "new" / "last.safetensors",
        policy,
        optimizer={"updates": torch.tensor(3), "x/exp_avg": torch.ones(2)},
        extra={"iteration": 3, "rng": np.random.default_rng(0).bit_generator.state},
    )
    loaded, checkpoint = load_policy(path, kind="tiny")
    assert loaded.config == policy.config
    for name, tensor in policy.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name
    assert checkpoint.extra["iteration"] == 3
    assert int(checkpoint.namespace("optimizer")["updates"]) == 3
    rng = np.random.default_rng(1)
    rng.bit_generator.state = checkpoint.extra["rng"]
    assert rng.random() == np.random.default_rng(0).random()
    assert [item.name for item in path.parent.iterdir()] == ["last.safetensors"]


def test_a_failed_write_leaves_the_old_file_and_no_other(
    policy: TinyPolicy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_policy(tmp_path / "last.safetensors", policy)
    before = path.read_bytes()

    def fail(_tensors: object, name: Path, _metadata: object) -> None:
        Path(name).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(checkpoint_module, "save_file", fail)
    with pytest.raises(OSError, match="disk full"):
        save_policy(path, policy)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["last.safetensors"]


def test_another_policy_is_refused(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "a.safetensors", Checkpoint("octo", {}, {}, {}))
    with pytest.raises(CheckpointError, match="policy: found 'octo', expected 'tiny'"):
        load_policy(path, kind="tiny")
    with pytest.raises(CheckpointError, match="found 'octo', expected one of tiny"):
        load_policy(path)


def test_other_files_are_refused_with_what_they_are(tmp_path: Path) -> None:
    missing = tmp_path / "missing.safetensors"
    with pytest.raises(CheckpointError, match="no such file; expected a checkpoint"):
        read_checkpoint(missing)
    text = tmp_path / "text.safetensors"
    text.write_text("not a checkpoint")
    with pytest.raises(CheckpointError, match="expected a checkpoint in safetensors format"):
        read_checkpoint(text)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"x": torch.zeros(1)}, foreign)
    with pytest.raises(CheckpointError, match="format: found none, expected 'tgrpo-checkpoint'"):
        read_checkpoint(foreign)
    newer = tmp_path / "newer.safetensors"
    save_file({"x": torch.zeros(1)}, newer, {"format": "tgrpo-checkpoint", "version": "99"})
    with pytest.raises(CheckpointError, match="format version: found '99', expected '1'"):
        read_checkpoint(newer)


class Explosive:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (os.environ["TGRPO_TEST_TRAP"],)


def test_a_pickle_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = tmp_path / "ran"
    monkeypatch.setenv("TGRPO_TEST_TRAP", str(trap))
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Explosive()))
    with pytest.raises(CheckpointError, match="found something else"):
        load_policy(path)
    assert not trap.exists()


def test_damaged_metadata_is_named(tmp_path: Path) -> None:
    path = tmp_path / "damaged.safetensors"
    header = {"format": "tgrpo-checkpoint", "version": "1", "kind": "tiny", "extra": "[]"}
    save_file({"x": torch.zeros(1)}, path, {**header, "architecture": "{"})
    with pytest.raises(CheckpointError, match="metadata 'architecture' is missing or damaged"):
        read_checkpoint(path)
    save_file({"x": torch.zeros(1)}, path, {**header, "architecture": "{}"})
    with pytest.raises(CheckpointError, match="metadata 'extra': found list, expected a table"):
        read_checkpoint(path)


def test_tensors_that_do_not_fit_are_listed(policy: TinyPolicy, tmp_path: Path) -> None:
    tensors = {f"policy/{name}": tensor for name, tensor in policy.state_dict().items()}
    del tensors["policy/trunk.norm.bias"]
    tensors["policy/trunk.norm.weight"] = torch.zeros(3)
    tensors["policy/extra"] = torch.zeros(1)
    path = write_checkpoint(
        tmp_path / "a.safetensors", Checkpoint("tiny", policy.architecture(), tensors, {})
    )
    with pytest.raises(CheckpointError) as error:
        load_policy(path)
    message = str(error.value)
    assert "trunk.norm.bias is missing" in message
    assert "extra is not part of this policy" in message
    assert "trunk.norm.weight has shape (3,), expected (16,)" in message


def test_an_unknown_architecture_field_is_named(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "a.safetensors", Checkpoint("tiny", {"depth": 3}, {}, {}))
    with pytest.raises(CheckpointError, match=r"architecture does not fit.*depth"):
        load_policy(path)


def test_unknown_kinds_list_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown policy 'huge'; known: tiny"):
        make_policy("huge")


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.999])
def test_a_truncated_file_is_damaged(policy: TinyPolicy, tmp_path: Path, part: float) -> None:
    path = save_policy(tmp_path / "a.safetensors", policy)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(CheckpointError, match=r"a\.safetensors: expected a checkpoint"):
        load_policy(path)


def test_a_changed_bit_is_damage(policy: TinyPolicy, tmp_path: Path) -> None:
    path = save_policy(tmp_path / "a.safetensors", policy)
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a\.safetensors: damaged: its tensors are not"):
        load_policy(path)
