"""Bytes on a card: what is always held, what a rollout adds, what an update adds.

Counted operation by operation from what PyTorch keeps: transformers' modules, peft's LoRA in
float32 on a frozen base, fused attention (`scaled_dot_product_attention` keeps no scores), prompts
of one length (no mask is kept).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from tgrpo.actions import NUM_BINS
from tgrpo.estimates.weights import (
    PREFIX,
    PROJECTOR_EXPANSION,
    adapted,
    adapter_parameters,
    key_width,
    language_linears,
    linear_weights,
    other_weights,
    parameters,
    projector_linears,
    used_layers,
)
from tgrpo.openvla_shapes import NUM_PATCHES, LanguageShape, Shapes, TowerShape
from tgrpo.trajectory import ACTION_DIM

Precision = Literal["bfloat16", "float32", "int8"]

WIDTHS: dict[Precision, int] = {"bfloat16": 2, "float32": 4, "int8": 2}  # bytes of an activation
FLOAT32 = 4
ADAM_MOMENTS = 2
# One set of weights below all of them.
ADAPTERS = 3  # the policy's, the one it acts with, the reference's
ADAPTERS_OF_AN_EVALUATION = 2  # there is no reference
PROMPT_TOKENS = 24  # "In: What action … to pick up the milk and place it in the basket?\nOut:"
# CUDA's context, cuBLAS's workspaces and what the allocator cannot use. Assumed, not counted.
CARD_OVERHEAD = 1 << 30
# Of a process that draws on the card: a LIBERO task's textures with what is made of them for the
# distance (250 to 350 MB), its shadows and meshes, a context of OpenGL. Assumed, not counted.
RENDERER_ON_CARD = 5 * 10**8


@dataclass(frozen=True, slots=True)
class Setting:
    """What decides how much a network needs."""

    precision: Precision = "bfloat16"
    rank: int = 32  # of LoRA
    arms: int = 4  # of a group: environments that share a forward pass
    evaluation: int = 4  # the same in an evaluation
    micro_batch: int = 4  # decisions whose gradients are computed at once
    checkpointing: bool = True
    cards: int = 1
    sharded: bool = False  # during an update, over the cards (FSDP)
    prompt: int = PROMPT_TOKENS
    views: int = 1  # images of a decision
    chunk: int = 1  # actions of a decision; several are decoded at once (OpenVLA-OFT)
    learning: bool = True  # otherwise there are no updates
    renderers: int = 0  # processes that draw on the same card

    @property
    def width(self) -> int:
        """Bytes of an activation."""
        return WIDTHS[self.precision]

    @property
    def prefill(self) -> int:
        """Tokens before the first of the action."""
        return NUM_PATCHES * self.views + self.prompt

    @property
    def sequence(self) -> int:
        """Tokens that are read: the last of the action is not, or blanks and the text's end."""
        return self.prefill + (self.chunk * ACTION_DIM + 1 if self.parallel else ACTION_DIM - 1)

    @property
    def parallel(self) -> bool:
        """One pass, in which every column sees every other, in place of a token after another."""
        return self.chunk > 1

    @property
    def batch(self) -> int:
        """The largest one that is asked at once."""
        return max(self.arms, self.evaluation)

    @property
    def shards(self) -> int:
        return self.cards if self.sharded else 1


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on each card. A rollout and an update take turns: the larger one counts."""

    weights: int
    adapter: int
    cache: int  # keys and values
    prefill: int
    gradients: int = 0
    moments: int = 0
    activations: int = 0  # of a micro-batch
    spread: int = 0  # of the weights, what an update leaves to the other cards
    part: int = 0  # of the weights, what FSDP2 keeps for the update while a rollout has them whole
    renderers: int = 0
    overhead: int = CARD_OVERHEAD

    @property
    def held(self) -> int:
        learning = self.gradients + self.moments
        return self.weights + self.adapter + learning + self.renderers + self.overhead

    @property
    def rollout(self) -> int:
        return self.cache + self.prefill

    @property
    def peak(self) -> int:
        return self.held + max(self.rollout + self.part, self.activations - self.spread)


def memory_of(shapes: Shapes, setting: Setting) -> Memory:
    """Every card has the adapter and its optimiser, and for a rollout all weights; simulators draw
    on the first.
    """
    adapter = FLOAT32 * adapter_parameters(shapes, setting.rank)
    acting = Memory(
        weights=weight_bytes(shapes, setting.precision),
        adapter=ADAPTERS_OF_AN_EVALUATION * adapter,
        cache=cache_bytes(shapes.language, setting),
        prefill=prefill_bytes(shapes, setting),
        renderers=setting.renderers * RENDERER_ON_CARD,
    )
    if not setting.learning:
        return acting
    return replace(
        acting,
        adapter=ADAPTERS * adapter,
        gradients=adapter,
        moments=ADAM_MOMENTS * adapter,
        activations=activation_bytes(shapes, setting),
        spread=spread_bytes(shapes, setting),
        part=part_bytes(shapes, setting),
    )


def weight_bytes(shapes: Shapes, precision: Precision) -> int:
    """int8: the linear layers that LoRA is on at one byte, a float32 scale for each output, the
    rest in bfloat16, and one matrix that is put together to be computed with.
    """
    if precision != "int8":
        return WIDTHS[precision] * parameters(shapes)
    scales = sum(item.count * item.outputs for item in adapted(shapes))
    whole = linear_weights(shapes) + FLOAT32 * scales + WIDTHS[precision] * other_weights(shapes)
    return whole + restored_bytes(shapes)


def restored_bytes(shapes: Shapes) -> int:
    """Of the largest matrix that is held in eight bits, in bfloat16."""
    return WIDTHS["int8"] * max(item.inputs * item.outputs for item in adapted(shapes))


def spread_bytes(shapes: Shapes, setting: Setting) -> int:
    """Of the blocks of towers and language model, what a card does not hold during an update."""
    if not (part := part_bytes(shapes, setting)):
        return 0
    kept = part + gathered_bytes(shapes.language, setting.precision)
    return max(0, _block_bytes(shapes, setting) - kept)


def part_bytes(shapes: Shapes, setting: Setting) -> int:
    """Of the blocks, what is a card's own: in an update all that it holds of them but the layers in
    use, and beside the whole blocks otherwise.

    Weights of int8 are not spread (`tgrpo.training.sharding`).
    """
    if setting.shards == 1 or setting.precision == "int8":
        return 0
    return _share(_block_bytes(shapes, setting), setting.shards)


def _block_bytes(shapes: Shapes, setting: Setting) -> int:
    projector = sum(item.weights for item in projector_linears(shapes))
    return WIDTHS[setting.precision] * (linear_weights(shapes) - projector)


def gathered_bytes(language: LanguageShape, precision: Precision) -> int:
    """Of layers that FSDP puts together again: the one in use and the one fetched meanwhile."""
    layer = sum(item.weights for item in language_linears(language)) // language.depth
    return 2 * layer * WIDTHS[precision]


def cache_bytes(language: LanguageShape, setting: Setting) -> int:
    """Of every token that is read; none where all are decoded in one pass."""
    if setting.parallel:
        return 0
    return setting.batch * setting.sequence * token_bytes(language, setting)


def token_bytes(language: LanguageShape, setting: Setting) -> int:
    """A key and a value in every layer."""
    return 2 * language.depth * key_width(language) * setting.width


def prefill_bytes(shapes: Shapes, setting: Setting) -> int:
    """The most that lives at once in a forward pass without gradient: in the MLP of a layer.

    The network's input, the residual stream before and after attention, the norm's output and its
    float32 copy for LoRA; one inner activation that is done, another's output of the base, LoRA's
    part of that and the sum, the last two in float32. The towers are through when the language
    model begins.
    """
    width, language = setting.width, shapes.language
    stream, inner = 4 * width + _copy(width), 2 * width + 2 * FLOAT32
    tokens = setting.sequence if setting.parallel else setting.prefill
    of_language = tokens * (language.width * stream + language.mlp_width * inner)
    if setting.parallel:  # what stands before the blanks, once more
        of_language += tokens * language.width * width
    of_towers = (
        _tokens(shapes, tower) * (tower.width * stream + tower.mlp_width * (inner - width))
        for tower in (shapes.dino, shapes.siglip)
    )
    return setting.batch * max(of_language, *of_towers)


def activation_bytes(shapes: Shapes, setting: Setting) -> int:
    """What a micro-batch keeps for its gradient, and the most that the backward pass adds.

    With checkpointing a layer keeps its input alone, and one layer at a time is computed again.
    Logits are those of the action's positions and tokens. The backward pass adds, in the MLP of
    the last layer, the gradients of two inner activations and a float32 one from LoRA.
    """
    language, width = shapes.language, setting.width
    of_layer = setting.sequence * language_layer_bytes(language, setting)
    kept = setting.views * NUM_PATCHES * projector_bytes(shapes, setting)
    kept += setting.sequence * FLOAT32 * (language.width + 1)  # of the last norm
    if setting.checkpointing:
        kept += width * layer_inputs(shapes, setting) + of_layer
    else:
        kept += language.depth * of_layer + setting.views * sum(
            used_layers(tower) * _tokens(shapes, tower) * tower_layer_bytes(tower, setting)
            for tower in (shapes.dino, shapes.siglip)
        )
    backward = setting.sequence * language.mlp_width * (2 * width + FLOAT32)
    logits = (
        3 * FLOAT32 * setting.chunk * ACTION_DIM * NUM_BINS
    )  # themselves, their log-softmax, its gradient
    return setting.micro_batch * (kept + backward + logits)


def layer_inputs(shapes: Shapes, setting: Setting) -> int:
    """Numbers that go into the layers of all three networks, for one decision."""
    language = shapes.language
    return language.depth * setting.sequence * language.width + setting.views * sum(
        used_layers(tower) * _tokens(shapes, tower) * tower.width
        for tower in (shapes.dino, shapes.siglip)
    )


def language_layer_bytes(language: LanguageShape, setting: Setting) -> int:
    """Kept by one layer of a Llama for one token.

    Both norms keep their input in float32 and its inverse deviation; attention keeps queries, keys,
    values, its output and a sum for each head; the MLP keeps `gate`, its SiLU, and `up`; LoRA keeps
    the input of each B, and of each A: a float32 copy of its own, unless float32 is what it is.
    """
    wide, inner, width = language.width, language.mlp_width, setting.width
    norms = 2 * FLOAT32 * (wide + 1)
    attention = width * 2 * (wide + key_width(language)) + FLOAT32 * language.heads
    mask = width * setting.sequence if setting.parallel else 0  # one that is not causal is kept
    mlp = width * 3 * inner
    # In float32 q, k and v share theirs, gate and up too, and attention's output is kept already.
    inputs = FLOAT32 * ((2 if width == FLOAT32 else 6) * wide + inner)
    return norms + attention + mask + mlp + inputs + 7 * FLOAT32 * setting.rank


def tower_layer_bytes(tower: TowerShape, setting: Setting) -> int:
    """The same of a ViT: its norms keep input, mean and inverse deviation, its MLP GELU's input."""
    wide, inner, width = tower.width, tower.mlp_width, setting.width
    norms = 2 * width * (wide + 2)
    attention = width * 4 * wide + FLOAT32 * tower.heads
    mlp = width * inner
    inputs = FLOAT32 * ((2 if width == FLOAT32 else 5) * wide + inner)
    return norms + attention + mlp + inputs + 6 * FLOAT32 * setting.rank


def projector_bytes(shapes: Shapes, setting: Setting) -> int:
    """Kept by the projector for one patch: the inputs of two GELUs and of three linear layers."""
    features = shapes.dino.width + shapes.siglip.width
    wide, out = PROJECTOR_EXPANSION * features, shapes.language.width
    inputs = FLOAT32 * (features + wide + out)
    return setting.width * (wide + out) + inputs + 3 * FLOAT32 * setting.rank


def _tokens(shapes: Shapes, tower: TowerShape) -> int:
    return NUM_PATCHES + (PREFIX if tower is shapes.dino else 0)


def _copy(width: int) -> int:
    """Bytes of a number's float32 copy; none where that is what it is."""
    return 0 if width == FLOAT32 else FLOAT32


def _share(total: int, shards: int) -> int:
    return -(-total // shards)
