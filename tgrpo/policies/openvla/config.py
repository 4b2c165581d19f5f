"""config.json of a published checkpoint: what of it describes the network.

What the file does not say had defaults in transformers 4.40.1, by which the checkpoints were
written; they are given here, so that a later version's defaults cannot change the network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tgrpo.openvla_shapes import PUBLISHED, LanguageShape

FILE = "config.json"
_TOWERS = ("vit_large_patch14_reg4_dinov2.lvd142m", "vit_so400m_patch14_siglip_224")
_LANGUAGE = PUBLISHED.language


class TextConfig(BaseModel):
    """The Llama."""

    model_config = ConfigDict(frozen=True)

    model_type: Literal["llama"]
    vocab_size: int = Field(default=_LANGUAGE.vocabulary, ge=32000)
    hidden_size: int = Field(default=_LANGUAGE.width, gt=0)
    intermediate_size: int = Field(default=_LANGUAGE.mlp_width, gt=0)
    num_hidden_layers: int = Field(default=_LANGUAGE.depth, gt=0)
    num_attention_heads: int = Field(default=_LANGUAGE.heads, gt=0)
    num_key_value_heads: int | None = Field(default=None, gt=0)
    max_position_embeddings: int = Field(default=_LANGUAGE.positions, gt=0)
    rms_norm_eps: float = Field(default=_LANGUAGE.norm_eps, gt=0)
    rope_theta: float = Field(default=_LANGUAGE.rope_theta, gt=0)
    rope_scaling: None = None
    hidden_act: Literal["silu"] = "silu"
    attention_bias: Literal[False] = False

    def shape(self) -> LanguageShape:
        return LanguageShape(
            width=self.hidden_size,
            depth=self.num_hidden_layers,
            heads=self.num_attention_heads,
            key_value_heads=self.num_key_value_heads or self.num_attention_heads,
            mlp_width=self.intermediate_size,
            vocabulary=self.vocab_size,
            positions=self.max_position_embeddings,
            norm_eps=self.rms_norm_eps,
            rope_theta=self.rope_theta,
        )


class PublishedConfig(BaseModel):
    """The whole file. Another network than OpenVLA's does not validate."""

    model_config = ConfigDict(frozen=True)

    model_type: Literal["openvla"]
    arch_specifier: Literal["no-align+fused-gelu-mlp"]
    use_fused_vision_backbone: Literal[True]
    timm_model_ids: tuple[Literal[_TOWERS[0]], Literal[_TOWERS[1]]]  # type: ignore[valid-type]  # read by pydantic
    image_sizes: tuple[Literal[224], Literal[224]]
    n_action_bins: Literal[256] = 256
    text_config: TextConfig
    norm_stats: dict[str, Any] | None = None
    # Of both towers. Not in published files, whose towers are known; a smaller network needs it.
    vision_attention_heads: tuple[int, int] | None = None


def read_config(folder: Path) -> tuple[PublishedConfig | None, list[str]]:
    """The configuration of the checkpoint in `folder`, and what is wrong with it."""
    path = folder / FILE
    if not path.is_file():
        return None, [f"no {FILE}"]
    try:
        return PublishedConfig.model_validate_json(path.read_bytes()), []
    except ValidationError as invalid:
        return None, [_problem(error) for error in invalid.errors()]


def _problem(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "the file"
    found = "" if error["type"] == "missing" else f", found {error['input']!r:.60}"
    return f"{FILE}: {where}: {error['msg']}{found}"
