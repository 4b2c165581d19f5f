"""Back to the published layout."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.tgrpo.openvla.tiny_checkpoint import WEIGHTS, make_shards
from tgrpo.policies.openvla.loading import load_network
from tgrpo.policies.openvla.names import is_unused
from tgrpo.policies.openvla.published import open_published
from tgrpo.policies.openvla.saving import save_pretrained

CPU = torch.device("cpu")


def test_unchanged_weights_give_the_same_files(network, published, tmp_path):
    folder = save_pretrained(network.get_parameter, published, tmp_path / "saved")
    names = sorted(path.name for path in published.folder.iterdir())
    assert sorted(path.name for path in folder.iterdir()) == names
    for name in names:
        assert filecmp.cmp(published.folder / name, folder / name, shallow=False), name


def test_shards_stay_shards(checkpoint, network, tmp_path):
    source = shutil.copytree(checkpoint, tmp_path / "shards")
    paths = make_shards(source, 3)
    folder = save_pretrained(network.get_parameter, open_published(source), tmp_path / "saved")
    for path in paths:
        assert filecmp.cmp(path, folder / path.name, shallow=False)


def test_changed_weights_are_what_is_loaded_again(published, tmp_path):
    network = load_network(published, device=CPU, dtype=torch.float32)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_((parameter + 0.25).half())
        network.dino.embeddings.position_embeddings[:, 0] = 0.0  # the class token has no position
    folder = save_pretrained(network.get_parameter, published, tmp_path / "saved")
    again = load_network(open_published(folder), device=CPU, dtype=torch.float32)
    theirs = dict(again.named_parameters())
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in network.named_parameters())
    old, new = load_file(published.folder / WEIGHTS), load_file(folder / WEIGHTS)
    for name, tensor in new.items():
        assert tensor.dtype == old[name].dtype
        assert torch.equal(tensor, old[name]) == is_unused(name, published.shapes), name


def test_a_folder_with_something_in_it_is_left_alone(network, published, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="something is there already"):
        save_pretrained(network.get_parameter, published, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_what_fails_leaves_nothing(published, tmp_path: Path):
    def fail(name: str) -> torch.Tensor:
        raise RuntimeError(f"no {name}")

    with pytest.raises(RuntimeError, match="no "):
        save_pretrained(fail, published, tmp_path / "saved")
    assert list(tmp_path.iterdir()) == []
