"""The roofline: FLOPs against PyTorch's own count, and what bounds what."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tests.tgrpo.estimates.networks import SMALL
from tgrpo.estimates.cards import CARDS, TERA
from tgrpo.estimates.memory import Setting, weight_bytes
from tgrpo.estimates.time import Workload, prefill_flops, times_of
from tgrpo.openvla_shapes import PUBLISHED
from tgrpo.policies.openvla.decoding import bin_logits, last_hidden, prefix
from tgrpo.policies.openvla.network import OpenVLANetwork
from tgrpo.policies.openvla.parallel import ParallelDecoding
from tgrpo.policies.openvla.prompt import aligned

CARD = CARDS["h100"]
WORK = Workload(decisions=1600, lanes=2, workers=4, step=0.005)


def test_flops_are_those_that_pytorch_counts() -> None:
    network, prompts = OpenVLANetwork(SMALL), aligned([[1] + [5] * 23])
    pixels = torch.zeros(1, 6, 224, 224)
    # The plain kernel: its products are counted, those of fused ones on a CPU are not.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        bin_logits(network, last_hidden(network, prefix(network, pixels, prompts)))
    assert prefill_flops(SMALL, 280, Setting()) == counter.get_total_flops()


def test_flops_of_a_chunk_are_those_that_pytorch_counts() -> None:
    network, prompts = OpenVLANetwork(SMALL), aligned([[1] + [5] * 23])
    pixels = torch.zeros(1, 12, 224, 224)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        ParallelDecoding(4).sample(network, prefix(network, pixels, prompts), temperature=0.0)
    asked = Setting(chunk=4, views=2)
    assert prefill_flops(SMALL, asked.sequence, asked) == counter.get_total_flops()
    times = times_of(SMALL, asked, CARD, WORK)
    assert times.decode == 0
    assert times.prefill > 0


def test_the_published_network_takes_four_teraflop_to_its_first_token() -> None:
    assert prefill_flops(PUBLISHED, 280, Setting()) / TERA == pytest.approx(4, rel=0.05)


def test_one_arm_waits_for_memory_and_many_for_multiplications() -> None:
    wide, fast = replace(CARD, bandwidth=2 * CARD.bandwidth), replace(CARD, bfloat16=2e15)
    one, many = Setting(arms=1), Setting(arms=64)
    alone = times_of(PUBLISHED, one, CARD, WORK)
    assert alone.decode > 6 * 0.85 * weight_bytes(PUBLISHED, "bfloat16") / CARD.bandwidth
    assert times_of(PUBLISHED, one, wide, WORK).decode == pytest.approx(alone.decode / 2)
    assert times_of(PUBLISHED, one, fast, WORK).decode == alone.decode
    together = times_of(PUBLISHED, many, CARD, WORK)
    assert together.prefill == 64 * prefill_flops(PUBLISHED, 280, Setting()) / CARD.bfloat16
    assert times_of(PUBLISHED, many, wide, WORK).prefill == together.prefill
    assert together.decision < 64 * alone.decision / 5


def test_an_update_takes_two_passes_and_one_for_each_of_checkpointing_and_reference() -> None:
    asked = Setting(checkpointing=False)
    plain = times_of(PUBLISHED, asked, CARD, replace(WORK, reference=False)).updating
    for setting, work, passes in (
        (asked, WORK, 3),
        (replace(asked, checkpointing=True), WORK, 4),
        (asked, replace(WORK, reference=False, epochs=3), 6),
        (replace(asked, cards=2), replace(WORK, reference=False), 1),
    ):
        found = times_of(PUBLISHED, setting, CARD, work).updating
        assert found == pytest.approx(passes / 2 * plain)


@pytest.mark.parametrize(
    ("workers", "cards", "acting", "learning"),
    [
        (1, 1, 4, 4),  # four decisions at once, one core
        (3, 1, 2, 2),  # the fourth waits for a core
        (4, 1, 1, 1),
        (64, 1, 1, 1),  # no image is made by two
        (4, 2, 2, 1),  # each process has two cores; they learn from different decisions
    ],
)
def test_images_are_made_ready_by_all_cores_once_for_acting_and_once_for_learning(
    workers: int, cards: int, acting: float, learning: float
) -> None:
    asked, work = Setting(arms=4, micro_batch=4, cards=cards), replace(WORK, workers=workers)
    ready = replace(work, image=0.007)
    plain, seeing = (times_of(PUBLISHED, asked, CARD, item) for item in (work, ready))
    assert seeing.policy - plain.policy == pytest.approx(400 * 0.007 * acting)
    assert seeing.updating - plain.updating == pytest.approx(400 * 0.007 * learning)
    assert seeing.decision == plain.decision


def test_images_and_simulators_share_the_cores() -> None:
    busy = replace(WORK, image=10.0, workers=64)
    found = times_of(PUBLISHED, Setting(arms=128), CARD, busy)
    assert found.collecting >= 1600 * (0.005 + 10.0) / 64


def test_more_gpus_play_only_where_collectors_are_on_them() -> None:
    one, four = Setting(), Setting(cards=4)
    alone = times_of(PUBLISHED, one, CARD, WORK).policy
    assert times_of(PUBLISHED, four, CARD, WORK).policy == alone
    everywhere = replace(WORK, everywhere=True)
    assert times_of(PUBLISHED, four, CARD, everywhere).policy == pytest.approx(alone / 4)


def test_with_two_lanes_simulators_and_policy_work_at_the_same_time() -> None:
    together = times_of(PUBLISHED, Setting(), CARD, WORK)
    in_turn = times_of(PUBLISHED, Setting(), CARD, replace(WORK, lanes=1))
    assert together.simulating == 1600 * 0.005 / 4
    assert together.collecting == max(together.policy, together.simulating)
    assert in_turn.collecting == together.policy + together.simulating
    assert together.policy == pytest.approx(400 * together.decision)
    assert together.iteration == together.collecting + together.updating


def test_float32_does_not_use_tensor_cores_and_8_bit_weights_are_made_whole_first() -> None:
    times = {
        precision: times_of(PUBLISHED, Setting(precision=precision, arms=1), CARD, WORK)
        for precision in ("float32", "bfloat16", "int8")
    }
    flops = prefill_flops(PUBLISHED, 280, Setting())
    assert times["float32"].prefill == max(
        flops / CARD.float32, weight_bytes(PUBLISHED, "float32") / CARD.bandwidth
    )
    assert times["float32"].decode == pytest.approx(2 * times["bfloat16"].decode)
    assert times["int8"].decode == pytest.approx(times["bfloat16"].decode * 5 / 2, rel=0.02)
