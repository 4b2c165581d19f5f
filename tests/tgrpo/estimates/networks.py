"""Small networks of OpenVLA's classes, with LoRA, in the precision that a test asks for."""

from __future__ import annotations

import warnings
from dataclasses import replace

import torch
from peft import LoraConfig, inject_adapter_in_model

from tgrpo.estimates.memory import Precision
from tgrpo.openvla_shapes import PUBLISHED, Shapes, TowerShape
from tgrpo.policies.openvla.network import OpenVLANetwork

RANK = 4
DTYPES: dict[Precision, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}
SMALL = Shapes(
    dino=TowerShape(width=32, depth=3, heads=4, mlp_width=128),
    siglip=TowerShape(width=48, depth=4, heads=4, mlp_width=112),
    language=replace(
        PUBLISHED.language,
        width=64,
        depth=5,
        heads=4,
        key_value_heads=4,
        mlp_width=176,
    ),
)


def with_lora(network: OpenVLANetwork, rank: int = RANK) -> OpenVLANetwork:
    """With LoRA in float32 on every linear layer but the output embedding; the base is frozen."""
    network.requires_grad_(False)
    config = LoraConfig(r=rank, target_modules="all-linear", exclude_modules=["lm_head"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of meta tensors
        inject_adapter_in_model(config, network)
    for name, parameter in network.named_parameters():
        if "lora_" in name:
            parameter.requires_grad_(True)
            parameter.data = parameter.data.float()
    return network


def small(precision: Precision, shapes: Shapes = SMALL) -> OpenVLANetwork:
    return with_lora(OpenVLANetwork(shapes).to(DTYPES[precision]))
