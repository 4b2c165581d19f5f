"""The network: two vision towers, a projector and a Llama, as `torch` modules of transformers.

The towers give the features of their second-to-last block, without the final norm; so the last
block, the norm and SigLIP's pooling head are neither built nor computed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from accelerate import init_empty_weights
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    LlamaConfig,
    LlamaForCausalLM,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from tgrpo.openvla_shapes import (
    IMAGE_SIZE,
    NUM_REGISTERS,
    PATCH_SIZE,
    LanguageShape,
    Shapes,
    TowerShape,
)

_ATTENTION = "sdpa"  # said, because what transformers chooses by itself depends on its version


class Projector(nn.Module):
    """Patches of the towers (…, vision width) to the language model's width: d → 4d → llm → llm."""

    def __init__(self, vision_width: int, language_width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(vision_width, 4 * vision_width)
        self.fc2 = nn.Linear(4 * vision_width, language_width)
        self.fc3 = nn.Linear(language_width, language_width)

    def forward(self, patches: Tensor) -> Tensor:
        inner: Tensor = self.fc2(functional.gelu(self.fc1(patches)))
        projected: Tensor = self.fc3(functional.gelu(inner))
        return projected


class OpenVLANetwork(nn.Module):
    """Images and embedded text in, hidden states out. Randomly initialised until loaded."""

    def __init__(self, shapes: Shapes) -> None:
        super().__init__()
        self.shapes = shapes
        self.dino = _dino(shapes.dino)
        self.siglip = _siglip(shapes.siglip)
        self.projector = Projector(shapes.dino.width + shapes.siglip.width, shapes.language.width)
        self.language_model = _llama(shapes.language)
        for part in (self.dino, self.siglip, self.language_model):
            part.set_attn_implementation(_ATTENTION)
        self.eval()

    @classmethod
    def without_weights(cls, shapes: Shapes) -> OpenVLANetwork:
        """All parameters on the meta device, whatever is computed from the shapes on the CPU."""
        with torch.random.fork_rng(devices=[]), init_empty_weights(include_buffers=False):
            return cls(shapes)  # which draws numbers of torch's generator before they are dropped

    @property
    def device(self) -> torch.device:
        return self.projector.fc1.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.projector.fc1.bias.dtype  # weights may be held in fewer bits

    def chains(self) -> list[tuple[nn.Module, Sequence[nn.Module]]]:
        """Where nearly all parameters are: each stack of blocks, and the blocks in it."""
        language = self.language_model.model
        towers = [self.dino.encoder, self.siglip.encoder]
        return [
            (towers[0], towers[0].layer),
            (towers[1], towers[1].layers),
            (language, language.layers),
        ]

    def vision_features(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 6, 224, 224), DINOv2's three channels first, to (B, 256, both widths)."""
        pixels = pixels.to(self.dtype)
        dino = self.dino(pixel_values=pixels[:, :3]).last_hidden_state
        siglip = self.siglip(pixel_values=pixels[:, 3:]).last_hidden_state
        return torch.cat([dino[:, 1 + NUM_REGISTERS :], siglip], dim=2)

    def patches(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 6, 224, 224) to what the language model sees of them, (B, 256, width)."""
        projected: Tensor = self.projector(self.vision_features(pixels))
        return projected

    def embed(self, ids: Tensor) -> Tensor:
        """Token ids (…) to (…, width)."""
        embedded: Tensor = self.language_model.model.embed_tokens(ids)
        return embedded


def _dino(shape: TowerShape) -> Dinov2WithRegistersModel:
    tower = Dinov2WithRegistersModel(
        Dinov2WithRegistersConfig(
            hidden_size=shape.width,
            num_hidden_layers=shape.depth - 1,
            num_attention_heads=shape.heads,
            mlp_ratio=shape.mlp_width // shape.width,
            hidden_act="gelu",
            layer_norm_eps=1e-6,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            drop_path_rate=0.0,
            qkv_bias=True,
            image_size=IMAGE_SIZE,
            patch_size=PATCH_SIZE,
            num_register_tokens=NUM_REGISTERS,
        )
    )
    # Of pre-training; no checkpoint of OpenVLA's has it.
    tower.embeddings.register_parameter("mask_token", None)
    tower.register_module("layernorm", nn.Identity())
    return tower


def _siglip(shape: TowerShape) -> SiglipVisionModel:
    tower = SiglipVisionModel(
        SiglipVisionConfig(
            hidden_size=shape.width,
            num_hidden_layers=shape.depth - 1,
            num_attention_heads=shape.heads,
            intermediate_size=shape.mlp_width,
            hidden_act="gelu",  # timm's; transformers' own SigLIP has the approximation by tanh
            layer_norm_eps=1e-6,
            attention_dropout=0.0,
            image_size=IMAGE_SIZE,
            patch_size=PATCH_SIZE,
            vision_use_head=False,
        )
    )
    tower.register_module("post_layernorm", nn.Identity())
    return tower


def _llama(shape: LanguageShape) -> LlamaForCausalLM:
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=shape.vocabulary,
            hidden_size=shape.width,
            intermediate_size=shape.mlp_width,
            num_hidden_layers=shape.depth,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.key_value_heads,
            max_position_embeddings=shape.positions,
            rms_norm_eps=shape.norm_eps,
            rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
            hidden_act="silu",
            attention_dropout=0.0,
            tie_word_embeddings=False,
            pad_token_id=None,  # a number would freeze that row of the embedding at zero
        )
    )
