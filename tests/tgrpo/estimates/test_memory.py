"""Formulas against what PyTorch allocates for OpenVLA's own classes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

from tests.tgrpo.estimates.live_bytes import LiveBytes
from tests.tgrpo.estimates.networks import RANK, SMALL, small, with_lora
from tgrpo.estimates.measuring import kept_bytes
from tgrpo.estimates.memory import (
    CARD_OVERHEAD,
    FLOAT32,
    RENDERER_ON_CARD,
    Precision,
    Setting,
    activation_bytes,
    cache_bytes,
    language_layer_bytes,
    memory_of,
    prefill_bytes,
    projector_bytes,
    tower_layer_bytes,
    weight_bytes,
)
from tgrpo.estimates.plan import CAMERA
from tgrpo.estimates.weights import adapter_parameters, parameters
from tgrpo.openvla_shapes import PUBLISHED, Shapes
from tgrpo.policies.openvla import images
from tgrpo.policies.openvla.decoding import action_logits, prefix, sample
from tgrpo.policies.openvla.network import OpenVLANetwork
from tgrpo.policies.openvla.parallel import ParallelDecoding
from tgrpo.policies.openvla.prompt import aligned
from tgrpo.trajectory import ACTION_DIM

DECISIONS = 2
GROUPED = replace(SMALL, language=replace(SMALL.language, key_value_heads=2))
PROMPTS = aligned([[1] + [5] * 23] * DECISIONS)


def setting(precision: Precision, *, checkpointing: bool = False) -> Setting:
    return Setting(
        precision=precision,
        rank=RANK,
        arms=DECISIONS,
        evaluation=DECISIONS,
        micro_batch=DECISIONS,
        checkpointing=checkpointing,
        prompt=PROMPTS.ids.shape[1],
    )


def loss(network: OpenVLANetwork, pixels: Tensor) -> Tensor:
    tokens = torch.zeros(DECISIONS, ACTION_DIM, dtype=torch.int64)
    return action_logits(network, prefix(network, pixels, PROMPTS), tokens).logsumexp(-1).sum()


# ---------------------------------------------------------------- weights


@pytest.mark.parametrize("shapes", [SMALL, GROUPED, PUBLISHED], ids=["small", "grouped", "7b"])
def test_weights_and_adapters_are_counted_exactly(shapes: Shapes) -> None:
    network = OpenVLANetwork.without_weights(shapes)
    assert parameters(shapes) == sum(item.numel() for item in network.parameters())
    with_lora(network, rank=32)
    trained = sum(item.numel() for item in network.parameters() if item.requires_grad)
    assert adapter_parameters(shapes, 32) == trained


def test_the_published_network_has_the_published_size() -> None:
    assert weight_bytes(PUBLISHED, "bfloat16") == pytest.approx(15e9, rel=0.01)
    assert adapter_parameters(PUBLISHED, 32) == pytest.approx(110e6, rel=0.02)
    assert weight_bytes(PUBLISHED, "float32") == 2 * weight_bytes(PUBLISHED, "bfloat16")
    assert 0.5 < weight_bytes(PUBLISHED, "int8") / weight_bytes(PUBLISHED, "bfloat16") < 0.53


# ---------------------------------------------------------------- rollouts


def test_the_cache_is_counted_exactly() -> None:
    for shapes in (SMALL, GROUPED):
        model = OpenVLANetwork(shapes).language_model.model
        cache = DynamicCache(config=model.config)
        asked = setting("float32")
        with torch.no_grad():
            model(
                inputs_embeds=torch.zeros(DECISIONS, asked.sequence, shapes.language.width),
                past_key_values=cache,
            )
        held = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
        assert cache_bytes(shapes.language, asked) == held


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_a_decision_needs_is_within_three_percent(precision: Precision) -> None:
    network, pixels = small(precision), torch.zeros(DECISIONS, 6, 224, 224)
    with torch.no_grad(), LiveBytes() as live:
        sample(network, prefix(network, pixels, PROMPTS), temperature=0.0)
    assert memory_of(SMALL, setting(precision)).rollout == pytest.approx(live.peak, rel=0.03)


# ---------------------------------------------------------------- updates


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_layers_keep_is_counted_exactly(precision: Precision) -> None:
    """Two depths of each network: the difference is what one layer keeps."""
    asked = setting(precision)
    dino, siglip, language = SMALL.dino, SMALL.siglip, SMALL.language
    base = kept(SMALL, precision)
    deeper = kept(replace(SMALL, language=replace(language, depth=language.depth + 1)), precision)
    tokens = DECISIONS * asked.sequence
    assert deeper - base == tokens * language_layer_bytes(language, asked)
    deeper = kept(replace(SMALL, dino=replace(dino, depth=dino.depth + 1)), precision)
    assert deeper - base == DECISIONS * 261 * tower_layer_bytes(dino, asked)
    deeper = kept(replace(SMALL, siglip=replace(siglip, depth=siglip.depth + 1)), precision)
    assert deeper - base == DECISIONS * 256 * tower_layer_bytes(siglip, asked)


def kept(shapes: Shapes, precision: Precision) -> int:
    network, pixels = small(precision, shapes), torch.zeros(DECISIONS, 6, 224, 224)
    already = [*network.parameters(), *network.buffers(), pixels]
    return kept_bytes(lambda: loss(network, pixels), already)


def test_what_the_projector_keeps_is_counted_exactly() -> None:
    network = small("bfloat16")
    features = torch.zeros(DECISIONS, 256, 32 + 48, dtype=torch.bfloat16, requires_grad=True)
    already = [features, *network.parameters()]
    held = kept_bytes(lambda: network.projector(features), already)
    assert held == DECISIONS * 256 * projector_bytes(SMALL, setting("bfloat16"))


@pytest.mark.parametrize("checkpointing", [False, True], ids=["kept", "again"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_an_update_needs_at_most_what_is_estimated_and_not_a_tenth_less(
    precision: Precision, checkpointing: bool
) -> None:
    network, pixels = small(precision), torch.zeros(DECISIONS, 6, 224, 224)
    if checkpointing:
        for part in (network.dino, network.siglip, network.language_model):
            part.activation_checkpointing_enable()
        network.train()
    loss(network, pixels).backward()  # gradients are there
    with LiveBytes() as live:
        loss(network, pixels).backward()
    estimate = activation_bytes(SMALL, setting(precision, checkpointing=checkpointing))
    assert live.peak <= estimate <= 1.1 * live.peak


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_chunks_decoded_at_once_from_two_images_are_counted_too(precision: Precision) -> None:
    network, pixels = small(precision), torch.zeros(DECISIONS, 12, 224, 224)
    asked, decoding = replace(setting(precision), chunk=4, views=2), ParallelDecoding(4)
    tokens = torch.zeros(DECISIONS, 4 * ACTION_DIM, dtype=torch.int64)

    def score() -> Tensor:
        seen = prefix(network, pixels, PROMPTS)
        return decoding.action_logits(network, seen, tokens).logsumexp(-1).sum()

    score().backward()
    with LiveBytes() as live:
        score().backward()
    assert live.peak <= activation_bytes(SMALL, asked) <= 1.1 * live.peak
    with torch.no_grad(), LiveBytes() as live:
        decoding.sample(network, prefix(network, pixels, PROMPTS), temperature=0.0)
    memory = memory_of(SMALL, asked)
    assert memory.cache == 0
    assert memory.rollout == pytest.approx(live.peak, rel=0.1)


# ---------------------------------------------------------------- together


def test_the_peak_is_what_is_held_and_the_larger_of_rollout_and_update() -> None:
    memory = memory_of(PUBLISHED, Setting())
    # Of three adapters one learns, with its gradient and two moments.
    optimiser = 6 * FLOAT32 * adapter_parameters(PUBLISHED, 32)
    held = weight_bytes(PUBLISHED, "bfloat16") + optimiser + CARD_OVERHEAD
    assert memory.held == held
    assert memory.peak == held + max(memory.cache + memory.prefill, memory.activations)
    many = memory_of(PUBLISHED, Setting(arms=64))
    assert many.peak - many.held == many.rollout == 16 * memory.rollout


def test_rows_need_proportionally_more_and_shards_hold_a_part() -> None:
    asked = Setting(micro_batch=1)
    assert activation_bytes(PUBLISHED, replace(asked, micro_batch=8)) == 8 * activation_bytes(
        PUBLISHED, asked
    )
    assert prefill_bytes(PUBLISHED, replace(asked, evaluation=8)) == 2 * prefill_bytes(
        PUBLISHED, asked
    )
    whole = memory_of(PUBLISHED, replace(asked, cards=4))
    part = memory_of(PUBLISHED, replace(asked, cards=4, sharded=True))
    assert whole == memory_of(PUBLISHED, asked)
    spread = {"spread": part.spread, "part": part.part}
    assert part == replace(whole, **spread)  # adapter and rollout: as on one card
    assert 0.65 * whole.weights < part.spread < 0.75 * whole.weights
    assert 0.23 * whole.weights < part.part < 0.25 * whole.weights
    eight_bit = memory_of(PUBLISHED, replace(asked, cards=4, sharded=True, precision="int8"))
    assert (eight_bit.spread, eight_bit.part) == (0, 0)


def test_simulators_that_draw_on_the_card_take_room_all_the_time() -> None:
    plain, drawing = memory_of(PUBLISHED, Setting()), memory_of(PUBLISHED, Setting(renderers=16))
    assert drawing.peak - plain.peak == drawing.renderers == 16 * RENDERER_ON_CARD
    assert drawing.rollout == plain.rollout


def test_what_an_update_spreads_is_room_for_its_activations_and_takes_some_of_a_rollout() -> None:
    asked = Setting(micro_batch=64, checkpointing=False)
    whole = memory_of(PUBLISHED, replace(asked, cards=4))
    part = memory_of(PUBLISHED, replace(asked, cards=4, sharded=True))
    assert whole.peak - part.peak == part.spread
    rolling = replace(asked, arms=512, micro_batch=1, cards=4)
    spread = memory_of(PUBLISHED, replace(rolling, sharded=True))
    assert spread.peak - memory_of(PUBLISHED, rolling).peak == spread.part > 0


def test_the_camera_is_the_policys() -> None:
    assert CAMERA == images.CAMERA
