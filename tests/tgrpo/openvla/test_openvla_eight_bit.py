"""Frozen weights in eight bits: how near they are, what they take, and that learning goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tgrpo.checkpoint import CheckpointError
from tgrpo.config import OpenVLAConfig
from tgrpo.estimates.memory import restored_bytes, weight_bytes
from tgrpo.policies.observations import Observations
from tgrpo.policies.openvla.backbone import backbone_of
from tgrpo.policies.openvla.eight_bit import EightBitLinear, quantised
from tgrpo.policies.openvla.policy import OpenVLAPolicy
from tgrpo.policies.openvla.published import Published, open_published
from tgrpo.policies.soundness import expect_sound
from tgrpo.tasks import Task
from tgrpo.trajectory import TaskContext

CONTEXT = TaskContext("libero_object", "milk", "pick up the milk", (), ())
TASK = Task("libero_object", "milk", "pick up the milk", Path("milk.bddl"), 280)


def in_precision(checkpoint: Path, precision: str, seed: int = 1) -> OpenVLAPolicy:
    values = {"checkpoint": str(checkpoint), "lora_rank": 4, "precision": precision}
    return OpenVLAPolicy(OpenVLAConfig.model_validate(values), seed=seed)


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_a_weight_is_off_by_at_most_half_a_step_of_its_row(seed: int, size: float) -> None:
    weight = size * torch.randn(5, 7, generator=torch.Generator().manual_seed(seed))
    weight[2] = 0.0
    whole, scale = quantised(weight)
    assert whole.abs().amax(dim=1).tolist() == [127, 127, 0, 127, 127]
    error = (whole.float() * scale[:, None] - weight).abs()
    assert (error <= 0.5001 * scale[:, None]).all()


@pytest.mark.parametrize("bias", [True, False])
def test_output_and_gradient_are_those_of_the_restored_weights(bias: bool) -> None:
    linear = nn.Linear(6, 4, bias=bias)
    layer = EightBitLinear.like(linear)
    layer.bias = linear.bias
    inputs = torch.randn(3, 2, 6, requires_grad=True)
    out = layer(inputs)
    expected = nn.functional.linear(inputs, layer.restored(), linear.bias)
    torch.testing.assert_close(out, expected)
    coefficients = torch.randn_like(out)
    (found,) = torch.autograd.grad((coefficients * out).sum(), inputs)
    (wanted,) = torch.autograd.grad((coefficients * expected).sum(), inputs)
    torch.testing.assert_close(found, wanted)
    assert not layer.weight.requires_grad


def test_a_checkpoint_takes_what_is_estimated(checkpoint: Path, published: Published) -> None:
    network = backbone_of(in_precision(checkpoint, "int8").config).network
    held = sum(item.nbytes for name, item in network.named_parameters() if "lora_" not in name)
    assert held + restored_bytes(published.shapes) == weight_bytes(published.shapes, "int8")
    kinds = {
        type(module.base_layer) for module in network.modules() if hasattr(module, "base_layer")
    }
    assert kinds == {EightBitLinear}


def test_it_is_sound_and_says_nearly_what_it_says_in_float32(checkpoint: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
    zeros = np.zeros((2, 9), np.float32), np.zeros((2, 0, 7), np.float32)
    seen = Observations.of(*zeros, {"agentview": frames})
    tokens = torch.arange(14).view(2, 7)
    logits = {}
    for precision in ("float32", "bfloat16", "int8"):
        policy = in_precision(checkpoint, precision)
        expect_sound(policy, [TASK])
        with torch.no_grad():
            logits[precision] = policy.action_logits(CONTEXT, seen, tokens)
    spread = logits["float32"].std()
    coarse = (logits["int8"] - logits["float32"]).std() / spread
    half = (logits["bfloat16"] - logits["float32"]).std() / spread
    assert half < coarse < 0.1


def test_the_adapter_learns_and_what_is_exported_is_near_the_file(
    checkpoint: Path, tmp_path: Path
) -> None:
    policy = in_precision(checkpoint, "int8")
    network = backbone_of(policy.config).network
    before = {
        name: item.clone() for name, item in network.named_parameters() if item.dtype == torch.int8
    }
    frames = np.zeros((1, 256, 256, 3), np.uint8)
    zeros = np.zeros((1, 9), np.float32), np.zeros((1, 0, 7), np.float32)
    seen = Observations.of(*zeros, {"agentview": frames})
    tokens = torch.zeros(1, 7, dtype=torch.int64)
    policy.log_probs(CONTEXT, seen, tokens, temperature=1.0).sum().backward()
    learning = [item.grad for name, item in policy.named_parameters() if ".lora_B." in name]
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in learning)
    for name, item in before.items():
        assert torch.equal(network.get_parameter(name), item)
    exported = open_published(policy.save_merged(tmp_path / "merged"))
    original = open_published(checkpoint)
    ours, theirs = (dict(item.shards[0].tensors()) for item in (exported, original))
    name = "language_model.model.layers.0.mlp.up_proj.weight"
    # Half a step, and what the file's half precision loses in bfloat16.
    step = theirs[name].float().abs().amax(dim=1, keepdim=True) / 127
    assert ((ours[name].float() - theirs[name].float()).abs() <= 0.8 * step).all()


def test_a_weight_that_is_not_the_files_is_found(checkpoint: Path) -> None:
    policy = in_precision(checkpoint, "int8")
    layer = backbone_of(policy.config).network.projector.fc2.base_layer
    layer.weight.data[0, 0] += 1
    with pytest.raises(CheckpointError, match=r"projector\.fc2\.weight is not what the network"):
        policy.check_weights()
    layer.weight.data[0, 0] -= 1
    policy.check_weights()
