"""Tensor names of published checkpoints (timm's towers) to ours (transformers'), and back.

A `Place` says where one tensor of the checkpoint goes, and how: as it is, cut into query, key and
value, or with a row for the class token, which has no position of its own. Saving undoes the cut,
to the bit. Names that no place has and `is_unused` knows belong to parts the features do not pass
through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

import torch
from torch import Tensor

from tgrpo.openvla_shapes import Shapes

DINO = "vision_backbone.featurizer."
SIGLIP = "vision_backbone.fused_featurizer."
OUTPUT_LAYER = "language_model.lm_head"


class Form(Enum):
    """How the tensor of a checkpoint becomes ours."""

    SAME = auto()
    QUERY_KEY_VALUE = auto()  # (3 w, …) is cut into three (w, …)
    PATCH_POSITIONS = auto()  # (1, 256, w) gets a row of zeros in front: (1, 257, w)
    FIRST = auto()  # (1, 256, w) loses its first dimension


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tensor of the checkpoint goes: one name of ours, or those of query, key, value."""

    published: str
    ours: tuple[str, ...]
    form: Form = Form.SAME


def split(form: Form, tensor: Tensor) -> tuple[Tensor, ...]:
    """The checkpoint's tensor as ours, one for each name of the `Place`. Views, where possible."""
    match form:
        case Form.SAME:
            return (tensor,)
        case Form.QUERY_KEY_VALUE:
            return tensor.chunk(3)
        case Form.PATCH_POSITIONS:
            return (torch.cat([torch.zeros_like(tensor[:, :1]), tensor], dim=1),)
        case Form.FIRST:
            return (tensor[0],)
        case _:
            assert_never(form)


def merge(form: Form, tensors: Sequence[Tensor]) -> Tensor:
    """Ours as the checkpoint's: what `split` is undone by."""
    match form:
        case Form.SAME:
            return tensors[0]
        case Form.QUERY_KEY_VALUE:
            return torch.cat(list(tensors))
        case Form.PATCH_POSITIONS:
            return tensors[0][:, 1:]
        case Form.FIRST:
            return tensors[0][None]
        case _:
            assert_never(form)


def places(shapes: Shapes) -> dict[str, Place]:
    """Every tensor that a checkpoint of these shapes must have, by its published name."""
    every = (
        *_dino(shapes.dino.depth - 1),
        *_siglip(shapes.siglip.depth - 1),
        *_projector(),
        *_language(shapes.language.depth),
    )
    return {place.published: place for place in every}


def is_unused(published: str, shapes: Shapes) -> bool:
    """A tensor that published checkpoints have and features never pass through."""
    return published.startswith(
        (
            f"{DINO}norm.",
            f"{DINO}blocks.{shapes.dino.depth - 1}.",
            f"{SIGLIP}norm.",
            f"{SIGLIP}blocks.{shapes.siglip.depth - 1}.",
            f"{SIGLIP}attn_pool.",
        )
    )


def _dino(blocks: int) -> Iterator[Place]:
    yield Place(f"{DINO}cls_token", ("dino.embeddings.cls_token",))
    yield Place(f"{DINO}reg_token", ("dino.embeddings.register_tokens",))
    yield Place(f"{DINO}pos_embed", ("dino.embeddings.position_embeddings",), Form.PATCH_POSITIONS)
    yield from _layer(f"{DINO}patch_embed.proj", "dino.embeddings.patch_embeddings.projection")
    for block in range(blocks):
        theirs, ours = f"{DINO}blocks.{block}", f"dino.encoder.layer.{block}"
        yield from _block(theirs, ours, norm="norm", attention="attention", out="o_proj")
        for scale in (1, 2):
            yield Place(f"{theirs}.ls{scale}.scale_factor", (f"{ours}.layer_scale{scale}.lambda1",))


def _siglip(blocks: int) -> Iterator[Place]:
    yield Place(f"{SIGLIP}pos_embed", ("siglip.embeddings.position_embedding.weight",), Form.FIRST)
    yield from _layer(f"{SIGLIP}patch_embed.proj", "siglip.embeddings.patch_embedding")
    for block in range(blocks):
        theirs, ours = f"{SIGLIP}blocks.{block}", f"siglip.encoder.layers.{block}"
        yield from _block(theirs, ours, norm="layer_norm", attention="self_attn", out="out_proj")


def _block(theirs: str, ours: str, *, norm: str, attention: str, out: str) -> Iterator[Place]:
    for index in (1, 2):
        yield from _layer(f"{theirs}.norm{index}", f"{ours}.{norm}{index}")
        yield from _layer(f"{theirs}.mlp.fc{index}", f"{ours}.mlp.fc{index}")
    yield from _layer(f"{theirs}.attn.proj", f"{ours}.{attention}.{out}")
    for part in ("weight", "bias"):
        cut = tuple(f"{ours}.{attention}.{letter}_proj.{part}" for letter in "qkv")
        yield Place(f"{theirs}.attn.qkv.{part}", cut, Form.QUERY_KEY_VALUE)


def _projector() -> Iterator[Place]:
    for index in (1, 2, 3):
        yield from _layer(f"projector.fc{index}", f"projector.fc{index}")


def _language(layers: int) -> Iterator[Place]:
    """Both sides call it the same."""
    names = ["lm_head", "model.embed_tokens", "model.norm"]
    for layer in range(layers):
        inside = f"model.layers.{layer}"
        names += [f"{inside}.self_attn.{letter}_proj" for letter in "qkvo"]
        names += [f"{inside}.mlp.{part}_proj" for part in ("gate", "up", "down")]
        names += [f"{inside}.input_layernorm", f"{inside}.post_attention_layernorm"]
    for name in names:
        same = f"language_model.{name}.weight"
        yield Place(same, (same,))


def _layer(theirs: str, ours: str) -> Iterator[Place]:
    for part in ("weight", "bias"):
        yield Place(f"{theirs}.{part}", (f"{ours}.{part}",))
