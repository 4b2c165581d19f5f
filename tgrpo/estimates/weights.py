"""How many weights an OpenVLA network has: transformers' modules as `tgrpo.policies.openvla` builds
them, without each tower's last block and final norm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tgrpo.openvla_shapes import (
    NUM_PATCHES,
    NUM_REGISTERS,
    PATCH_SIZE,
    LanguageShape,
    Shapes,
    TowerShape,
)

PREFIX = 1 + NUM_REGISTERS  # tokens of DINOv2 that are no patch
PROJECTOR_EXPANSION = 4  # of the features, in the projector's first layer


@dataclass(frozen=True, slots=True)
class Linear:
    """`count` linear layers of one size."""

    inputs: int
    outputs: int
    count: int = 1
    bias: bool = True

    @property
    def weights(self) -> int:
        return self.count * self.inputs * self.outputs

    @property
    def biases(self) -> int:
        return self.count * self.outputs if self.bias else 0


def adapted(shapes: Shapes) -> Iterator[Linear]:
    """The linear layers that LoRA is on: all but the output embedding."""
    yield from tower_linears(shapes.dino)
    yield from tower_linears(shapes.siglip)
    yield from projector_linears(shapes)
    yield from language_linears(shapes.language)


def tower_linears(tower: TowerShape) -> Iterator[Linear]:
    layers = used_layers(tower)
    yield Linear(tower.width, tower.width, 4 * layers)  # query, key, value, output
    yield Linear(tower.width, tower.mlp_width, layers)
    yield Linear(tower.mlp_width, tower.width, layers)


def projector_linears(shapes: Shapes) -> Iterator[Linear]:
    features, width = shapes.dino.width + shapes.siglip.width, shapes.language.width
    wide = PROJECTOR_EXPANSION * features
    yield Linear(features, wide)
    yield Linear(wide, width)
    yield Linear(width, width)


def language_linears(language: LanguageShape) -> Iterator[Linear]:
    width, layers = language.width, language.depth
    yield Linear(width, width, 2 * layers, bias=False)  # query, output
    yield Linear(width, key_width(language), 2 * layers, bias=False)  # key, value
    yield Linear(width, language.mlp_width, 2 * layers, bias=False)  # gate, up
    yield Linear(language.mlp_width, width, layers, bias=False)  # down


def used_layers(tower: TowerShape) -> int:
    return tower.depth - 1


def key_width(language: LanguageShape) -> int:
    """Of the keys, and of the values, of one token in one layer."""
    return language.width // language.heads * language.key_value_heads


def linear_weights(shapes: Shapes) -> int:
    return sum(item.weights for item in adapted(shapes))


def other_weights(shapes: Shapes) -> int:
    """Biases, embeddings, norms, layer scales: what stays as it is when linears are quantised."""
    language = shapes.language
    biases = sum(item.biases for item in adapted(shapes))
    embeddings = 2 * language.vocabulary * language.width  # input and output, apart
    norms = language.width * (2 * language.depth + 1)
    class_and_registers = 1 + 1 + NUM_REGISTERS  # the class token has a position
    dino = shapes.dino.width * (class_and_registers + 2 * used_layers(shapes.dino))  # layer scales
    towers = sum(_patches_and_norms(tower) for tower in (shapes.dino, shapes.siglip))
    return biases + embeddings + norms + dino + towers


def _patches_and_norms(tower: TowerShape) -> int:
    patch = 3 * PATCH_SIZE**2 + 1  # a convolution with bias
    return tower.width * (patch + NUM_PATCHES + 4 * used_layers(tower))


def parameters(shapes: Shapes) -> int:
    return linear_weights(shapes) + other_weights(shapes)


def adapter_parameters(shapes: Shapes, rank: int) -> int:
    """LoRA's A (rank, inputs) and B (outputs, rank) (arXiv 2106.09685, section 4.1)."""
    return rank * sum(item.count * (item.inputs + item.outputs) for item in adapted(shapes))
