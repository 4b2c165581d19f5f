"""Seconds at best: each pass over the weights takes at least the time to read them once, and at
least that of its multiplications (the roofline: doi 10.1145/1498765.1498785).

A multiplication with a weight is two FLOPs. Launches, normalisations, sampling and what cards
send each other are not counted: a measured time is longer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tgrpo.actions import NUM_BINS
from tgrpo.estimates.cards import Card
from tgrpo.estimates.memory import WIDTHS, Precision, Setting, token_bytes
from tgrpo.estimates.weights import (
    PREFIX,
    Linear,
    language_linears,
    linear_weights,
    other_weights,
    projector_linears,
    tower_linears,
    used_layers,
)
from tgrpo.openvla_shapes import NUM_PATCHES, PATCH_SIZE, Shapes
from tgrpo.trajectory import ACTION_DIM

# Passes over the network that the update of one decision takes: forward, and backward to what LoRA
# adapts, through frozen weights, so half of a backward pass with their gradients; forward once more
# with checkpointing, and forward for the reference.
_LEARNING_PASSES, _CHECKPOINTING_PASSES, _REFERENCE_PASSES = 2, 1, 1


@dataclass(frozen=True, slots=True)
class Workload:
    """What an iteration is: `decisions` are those of all arms of all its groups.

    `epochs` of the update; `reference`: whether its KL term asks the reference policy.
    """

    decisions: int
    lanes: int  # groups in flight: with two, simulators and policy work at the same time
    workers: int  # simulator processes, a core each
    step: float  # seconds of a decision's control steps and of its images, on one core
    image: float = 0.0  # seconds of a core to make one decision's ready for the network
    epochs: int = 1
    reference: bool = True
    everywhere: bool = False  # episodes are played on all cards; otherwise on the first alone


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds, at best. A `decision` is one of every arm at once."""

    prefill: float
    decode: float  # all of the action's tokens but the first
    policy: float  # all decisions of an iteration, their images included
    simulating: float  # the steps between them
    collecting: float  # both
    updating: float

    @property
    def decision(self) -> float:
        return self.prefill + self.decode

    @property
    def iteration(self) -> float:
        return self.collecting + self.updating


def times_of(shapes: Shapes, setting: Setting, card: Card, workload: Workload) -> Times:
    """Cards divide minibatches, and groups where they are played `everywhere`."""
    prefill, decode = prefill_seconds(shapes, setting, card), decode_seconds(shapes, setting, card)
    policy = workload.decisions / setting.arms * (prefill + decode)
    policy /= setting.cards if workload.everywhere else 1
    policy += workload.decisions * _ready_seconds(workload, setting, setting.arms)
    simulating = workload.decisions * workload.step / workload.workers
    on_cores = simulating + workload.decisions * workload.image / workload.workers
    passes = _LEARNING_PASSES + setting.checkpointing * _CHECKPOINTING_PASSES
    passes += workload.reference * _REFERENCE_PASSES
    one = _pass_seconds(shapes, setting, card) / setting.cards
    ready = _ready_seconds(workload, setting, setting.micro_batch) / setting.cards
    learned = workload.epochs * workload.decisions
    return Times(
        prefill=prefill,
        decode=decode,
        policy=policy,
        simulating=simulating,
        collecting=max(policy, on_cores) if workload.lanes > 1 else policy + simulating,
        updating=learned * (passes * one + ready),
    )


def _ready_seconds(workload: Workload, setting: Setting, at_once: int) -> float:
    """For the images of one of `at_once` decisions, by a process with its share of the cores."""
    cores = max(1, workload.workers // setting.cards)
    return workload.image * math.ceil(at_once / cores) / at_once


def matrix_rate(card: Card, precision: Precision) -> float:
    """FLOP/s; what is held in eight bits is computed with in bfloat16."""
    return card.float32 if precision == "float32" else card.bfloat16


def prefill_seconds(shapes: Shapes, setting: Setting, card: Card) -> float:
    """Images and prompts of all arms, to the first token."""
    tokens = setting.sequence if setting.parallel else setting.prefill
    flops = setting.arms * prefill_flops(shapes, tokens, setting)
    return _roofline(_all_read(shapes, setting), flops, setting, card)


def decode_seconds(shapes: Shapes, setting: Setting, card: Card) -> float:
    """The other tokens, one after the other: weights of the language model and cache, each time.

    None where all are decoded in one pass.
    """
    if setting.parallel:
        return 0.0
    language = shapes.language
    weights = _weights(*language_linears(language))
    read = weights * read_bytes(setting.precision)
    read += setting.arms * setting.sequence * token_bytes(language, setting)
    token = 2 * weights + 2 * language.width * NUM_BINS
    attention = 4 * setting.sequence * language.width * language.depth
    flops = setting.arms * (token + attention)
    return (ACTION_DIM - 1) * _roofline(read, flops, setting, card)


def read_bytes(precision: Precision) -> int:
    """That a weight's use moves; one of eight bits is read, written in bfloat16, and read again."""
    return 1 + 2 * WIDTHS[precision] if precision == "int8" else WIDTHS[precision]


def prefill_flops(shapes: Shapes, tokens: int, setting: Setting) -> int:
    """One decision's: linear layers, and attention's two products with (tokens, tokens) scores.

    Causal scores are counted in full: fused kernels skip at most half of them.
    """
    language = shapes.language
    flops = 2 * tokens * _weights(*language_linears(language))
    flops += 4 * tokens**2 * language.width * language.depth
    flops += setting.views * NUM_PATCHES * 2 * _weights(*projector_linears(shapes))
    for tower, prefix in ((shapes.dino, PREFIX), (shapes.siglip, 0)):
        seen = NUM_PATCHES + prefix
        flops += (
            setting.views * 2 * NUM_PATCHES * 3 * PATCH_SIZE**2 * tower.width
        )  # the convolution in front
        flops += setting.views * 2 * seen * _weights(*tower_linears(tower))
        flops += setting.views * 4 * seen**2 * tower.width * used_layers(tower)
    read = setting.chunk * ACTION_DIM if setting.parallel else 1
    return flops + 2 * read * language.width * NUM_BINS


def _pass_seconds(shapes: Shapes, setting: Setting, card: Card) -> float:
    """One pass, of one decision of a micro-batch."""
    flops = setting.micro_batch * prefill_flops(shapes, setting.sequence, setting)
    return _roofline(_all_read(shapes, setting), flops, setting, card) / setting.micro_batch


def _all_read(shapes: Shapes, setting: Setting) -> int:
    """Bytes of all weights, in one pass."""
    other = other_weights(shapes) * WIDTHS[setting.precision]
    return other + linear_weights(shapes) * read_bytes(setting.precision)


def _roofline(read: float, flops: float, setting: Setting, card: Card) -> float:
    return max(read / card.bandwidth, flops / matrix_rate(card, setting.precision))


def _weights(*linears: Linear) -> int:
    return sum(item.weights for item in linears)
