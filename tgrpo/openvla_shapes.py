"""The sizes of an OpenVLA network: those of the published 7B, and of smaller ones for tests."""

from __future__ import annotations

from dataclasses import dataclass

IMAGE_SIZE = 224  # pixels, both towers
PATCH_SIZE = 14
NUM_PATCHES = (IMAGE_SIZE // PATCH_SIZE) ** 2  # 256
NUM_REGISTERS = 4  # DINOv2's
VISION_CHANNELS = 6  # three for each tower


@dataclass(frozen=True, slots=True)
class TowerShape:
    """A vision transformer. `depth` counts the blocks of the checkpoint; the last is not used."""

    width: int
    depth: int
    heads: int
    mlp_width: int


@dataclass(frozen=True, slots=True)
class LanguageShape:
    """A Llama."""

    width: int
    depth: int
    heads: int
    key_value_heads: int
    mlp_width: int
    vocabulary: int
    positions: int  # longest sequence
    norm_eps: float
    rope_theta: float


@dataclass(frozen=True, slots=True)
class Shapes:
    dino: TowerShape
    siglip: TowerShape
    language: LanguageShape


PUBLISHED = Shapes(  # openvla/openvla-7b and everything fine-tuned from it
    dino=TowerShape(width=1024, depth=24, heads=16, mlp_width=4096),
    siglip=TowerShape(width=1152, depth=27, heads=16, mlp_width=4304),
    language=LanguageShape(
        width=4096,
        depth=32,
        heads=32,
        key_value_heads=32,
        mlp_width=11008,
        vocabulary=32064,
        positions=2048,
        norm_eps=1e-6,
        rope_theta=10000.0,
    ),
)
PUBLISHED_IDS = (
    "openvla/openvla-7b",
    *(
        f"openvla/openvla-7b-finetuned-libero-{name}"
        for name in ("spatial", "object", "goal", "10")
    ),
)
