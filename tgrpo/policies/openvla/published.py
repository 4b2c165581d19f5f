"""A checkpoint in the published layout: all of its files read but the weights, which are checked
by their headers.

Nothing is loaded before everything fits: each mistake that can be known is in one error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tgrpo.checkpoint import CheckpointError
from tgrpo.openvla_shapes import PUBLISHED, Shapes, TowerShape
from tgrpo.policies.openvla import names
from tgrpo.policies.openvla.components import read_components
from tgrpo.policies.openvla.config import PublishedConfig, read_config
from tgrpo.policies.openvla.network import OpenVLANetwork
from tgrpo.policies.openvla.prompt import PromptTokenizer, read_tokenizer
from tgrpo.policies.openvla.shards import Shard, read_shards
from tgrpo.policies.openvla.statistics import Statistics, read_statistics

_TensorShapes = Mapping[str, tuple[int, ...]]
_SHOWN = 8  # names of one kind of mistake


@dataclass(frozen=True, slots=True)
class Published:
    """What `open_published` found in a folder."""

    folder: Path
    shapes: Shapes
    shards: tuple[Shard, ...]
    statistics: Statistics
    tokenizer: PromptTokenizer
    state_projector: Path | None = None  # OpenVLA-OFT's, for what it is told of the robot


def open_published(folder: Path) -> Published:
    """The checkpoint in `folder`. Raises CheckpointError with every mistake found in it."""
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: no such folder; expected a checkpoint of OpenVLA")
    config, problems = read_config(folder)
    shards = read_shards(folder)
    problems += shards.problems
    statistics, wrong = read_statistics(folder, config.norm_stats if config else None)
    problems += wrong if config else []
    vocabulary = (config.text_config.vocab_size) if config else PUBLISHED.language.vocabulary
    tokenizer, wrong = read_tokenizer(folder, vocabulary)
    problems += wrong
    state_projector, wrong = read_components(folder)
    problems += wrong
    shapes: Shapes | None = None
    if config is not None and not shards.problems:
        shapes, wrong = _shapes(config, shards.shapes)
        problems += wrong
    if problems or shapes is None or tokenizer is None:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        raise CheckpointError(f"{folder}: not a checkpoint of OpenVLA that can be loaded:{listed}")
    return Published(folder, shapes, shards.files, statistics, tokenizer, state_projector)


def _shapes(config: PublishedConfig, found: _TensorShapes) -> tuple[Shapes | None, list[str]]:
    """The network's shapes, of configuration and tensors, and which tensors do not fit them."""
    heads = config.vision_attention_heads or (None, None)
    dino, problems = _tower(names.DINO, PUBLISHED.dino, heads[0], found)
    siglip, wrong = _tower(names.SIGLIP, PUBLISHED.siglip, heads[1], found)
    problems += wrong
    if dino is None or siglip is None:
        return None, problems
    shapes = Shapes(dino, siglip, config.text_config.shape())
    return shapes, problems + _mismatches(shapes, found)


def _tower(
    prefix: str, published: TowerShape, heads: int | None, found: _TensorShapes
) -> tuple[TowerShape | None, list[str]]:
    """Width and depth are not in config.json: timm's names stand for them. Tensors show them."""
    position, up = found.get(f"{prefix}pos_embed"), found.get(f"{prefix}blocks.0.mlp.fc1.weight")
    if position is None or up is None:
        return None, [f"no vision tower {prefix}*: another architecture?"]
    width = position[-1]
    if heads is None and width != published.width:
        return None, [
            f"config.json: {prefix}* is {width} wide, the published one {published.width}: "
            "`vision_attention_heads` must say how many heads each of the two towers has"
        ]
    heads = heads or published.heads
    if width % heads:
        return None, [f"config.json: {prefix}* is {width} wide, no multiple of {heads} heads"]
    blocks = {
        name.removeprefix(f"{prefix}blocks.").split(".")[0]
        for name in found
        if name.startswith(f"{prefix}blocks.")
    }
    return TowerShape(width, len(blocks), heads, mlp_width=up[0]), []


def _mismatches(shapes: Shapes, found: _TensorShapes) -> list[str]:
    """Tensors that are missing, unexpected or of another shape."""
    expected = _expected(shapes)
    missing = [name for name in expected if name not in found]
    unexpected = [
        name for name in found if name not in expected and not names.is_unused(name, shapes)
    ]
    misshapen = [
        f"{name} {found[name]}, expected {shape}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    return [
        *_listed("missing", missing),
        *_listed("unexpected", unexpected),
        *_listed("of another shape", misshapen),
    ]


def _expected(shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor of the checkpoint: the network's own, put together again."""
    network = OpenVLANetwork.without_weights(shapes)
    return {
        name: tuple(names.merge(place.form, [network.get_parameter(n) for n in place.ours]).shape)
        for name, place in names.places(shapes).items()
    }


def _listed(kind: str, tensors: Sequence[str]) -> list[str]:
    if not tensors:
        return []
    more = f", and {len(tensors) - _SHOWN} more" if len(tensors) > _SHOWN else ""
    noun = "tensor is" if len(tensors) == 1 else "tensors are"
    return [f"{len(tensors)} {noun} {kind}: {'; '.join(tensors[:_SHOWN])}{more}"]
