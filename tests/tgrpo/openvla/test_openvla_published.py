"""Loading: one file or shards, every tensor in its place, and all mistakes in one message."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.tgrpo.openvla.tiny_checkpoint import (
    WEIGHTS,
    edit_json,
    edit_weights,
    make_shards,
    make_tokenizer,
)
from tgrpo.checkpoint import CheckpointError
from tgrpo.openvla_shapes import PUBLISHED
from tgrpo.policies.openvla.loading import load_network
from tgrpo.policies.openvla.names import is_unused, merge, places, split
from tgrpo.policies.openvla.network import OpenVLANetwork
from tgrpo.policies.openvla.published import Published, open_published

CPU = torch.device("cpu")


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(checkpoint, tmp_path / "checkpoint")


def mistake(folder: Path) -> str:
    with pytest.raises(CheckpointError) as error:
        open_published(folder)
    return str(error.value)


def same(one: OpenVLANetwork, other: OpenVLANetwork) -> bool:
    theirs = dict(other.named_parameters())
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.named_parameters())


def test_every_tensor_is_the_files(network, published, checkpoint):
    file = load_file(checkpoint / WEIGHTS)
    for name, place in places(published.shapes).items():
        ours = [network.get_parameter(part) for part in place.ours]
        assert torch.equal(merge(place.form, ours), file[name].float()), name


def test_every_parameter_is_filled_once(network, published):
    filled = [name for place in places(published.shapes).values() for name in place.ours]
    assert sorted(filled) == sorted(name for name, _ in network.named_parameters())


def test_names_are_known_of_every_published_tensor(checkpoint, published):
    file = load_file(checkpoint / WEIGHTS)
    unused = {name for name in file if is_unused(name, published.shapes)}
    assert set(file) - unused == set(places(published.shapes))
    assert {name.split(".")[2] for name in unused} == {"norm", "blocks", "attn_pool"}


def test_the_published_network_has_its_size():
    """openvla-7b has 7 541 237 184 parameters; here without those that features do not need."""
    network = OpenVLANetwork.without_weights(PUBLISHED)
    unused = 12_598_272 + 15_239_504 + 15_238_352 + 4_352  # last blocks, attn_pool, norms
    class_position = 1024  # zeros that the checkpoint does not have
    count = sum(tensor.numel() for tensor in network.parameters())
    assert count == 7_541_237_184 - unused + class_position
    filled = {name for place in places(PUBLISHED).values() for name in place.ours}
    assert filled == {name for name, _ in network.named_parameters()}


def test_forms_are_undone_to_the_bit(checkpoint, published):
    file = load_file(checkpoint / WEIGHTS)
    for name, place in places(published.shapes).items():
        assert torch.equal(merge(place.form, split(place.form, file[name])), file[name]), name


def test_shards_are_the_same_as_one_file(folder, network):
    make_shards(folder, 3)
    again = load_network(open_published(folder), device=CPU, dtype=torch.float32)
    assert same(again, network)


def test_nothing_is_held_twice(network):
    """Query, key and value are copies of their third, not views of the whole."""
    for name, tensor in network.named_parameters():
        assert tensor.untyped_storage().nbytes() == tensor.nbytes, name
        assert not tensor.requires_grad


def test_loading_draws_no_random_number(published):
    state = torch.get_rng_state()
    first = load_network(published, device=CPU, dtype=torch.float32)
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(buffer.is_meta for buffer in first.buffers())


def test_bfloat16(published, pixels):
    network = load_network(published, device=CPU, dtype=torch.bfloat16)
    assert {tensor.dtype for tensor in network.parameters()} == {torch.bfloat16}
    with torch.no_grad():
        assert network.patches(pixels).dtype == torch.bfloat16


def test_no_folder(tmp_path):
    assert mistake(tmp_path / "none").endswith("no such folder; expected a checkpoint of OpenVLA")


def test_an_empty_folder(tmp_path):
    assert mistake(tmp_path).splitlines()[1:] == [
        "  - no config.json",
        "  - no weights: neither model.safetensors nor model.safetensors.index.json is there",
        "  - no tokenizer.json; it is one of the published files",
    ]


def test_another_architecture(folder):
    edit_json(folder / "config.json", lambda table: table.update(model_type="llava"))
    assert "config.json: model_type: Input should be 'openvla', found 'llava'" in mistake(folder)


def test_another_vision_tower(folder):
    towers = ["vit_base_patch16_224", "vit_so400m_patch14_siglip_224"]
    edit_json(folder / "config.json", lambda table: table.update(timm_model_ids=towers))
    assert "found 'vit_base_patch16_224'" in mistake(folder)


def test_heads_of_a_network_that_is_not_the_published_one(folder):
    edit_json(folder / "config.json", lambda table: table.pop("vision_attention_heads"))
    told = mistake(folder)
    assert "vision_backbone.featurizer.* is 64 wide, the published one 1024" in told
    assert "`vision_attention_heads` must say how many heads each of the two towers has" in told


def test_tensors_that_do_not_fit_are_all_named(folder):
    def spoil(tensors):
        del tensors["projector.fc2.bias"]
        del tensors["language_model.lm_head.weight"]
        tensors["projector.fc4.bias"] = torch.zeros(3)
        tensors["projector.fc1.bias"] = torch.zeros(511)

    edit_weights(folder, spoil)
    edit_json(folder / "config.json", lambda table: table.pop("norm_stats"))
    make_tokenizer(**{"▁robot": 77}).save(str(folder / "tokenizer.json"))
    told = mistake(folder)
    assert "2 tensors are missing: " in told
    assert "projector.fc2.bias" in told
    assert "language_model.lm_head.weight" in told
    assert "1 tensor is unexpected: projector.fc4.bias" in told
    assert "1 tensor is of another shape: projector.fc1.bias (511,), expected (512,)" in told
    assert "no action statistics" in told
    assert "a prompt opens with" in told


def test_a_truncated_shard(folder):
    path = make_shards(folder, 2)[1]
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes()[: whole // 2])
    told = f"{path.name}: truncated: {whole // 2} of {whole} bytes are there; download it again"
    assert told in mistake(folder)


def test_a_missing_shard_and_a_pointer(folder):
    first, second = make_shards(folder, 2)
    first.unlink()
    second.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    told = mistake(folder)
    assert f"{first.name}: missing; download it again" in told
    assert f"{second.name}: a pointer of Git LFS, not the weights; run `git lfs pull`" in told


def test_an_index_that_points_elsewhere(folder):
    make_shards(folder, 2)
    index = folder / f"{WEIGHTS}.index.json"
    edit_json(index, lambda table: table["weight_map"].update(a="../../other.safetensors"))
    assert "'../../other.safetensors' is not a file of this folder" in mistake(folder)
    index.write_text("[]")
    assert f"{index.name}: not an index of shards" in mistake(folder)


def test_a_tensor_in_two_shards(folder):
    first, second = make_shards(folder, 2)
    shutil.copyfile(first, second)
    assert f" is in {first.name} and in {second.name}" in mistake(folder)


def test_what_is_no_safetensors_file(folder):
    (folder / WEIGHTS).write_bytes(b"PK" * 100)
    assert f"{WEIGHTS}: not a safetensors file" in mistake(folder)


def test_headers_alone_are_read(published):
    assert isinstance(published, Published)
    assert sum(len(shard.shapes) for shard in published.shards) == 156
