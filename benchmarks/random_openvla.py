"""OpenVLA without its weights: the product's own classes, randomly initialised, for measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tgrpo.actions import NUM_BINS
from tgrpo.config import OpenVLAConfig
from tgrpo.openvla_shapes import PUBLISHED, Shapes, TowerShape
from tgrpo.policies.openvla.adapter import Slots
from tgrpo.policies.openvla.backbone import Backbone
from tgrpo.policies.openvla.eyes import Eyes
from tgrpo.policies.openvla.images import CAMERA, TOWERS
from tgrpo.policies.openvla.network import OpenVLANetwork
from tgrpo.policies.openvla.policy import OpenVLAPolicy
from tgrpo.policies.openvla.published import Published
from tgrpo.policies.openvla.statistics import ActionStatistics
from tgrpo.trajectory import (
    ACTION_DIM,
    OBJECT_DIM,
    ROBOT_DIM,
    Ending,
    Group,
    TaskContext,
    Trajectory,
)

TINY = Shapes(
    dino=TowerShape(width=64, depth=3, heads=4, mlp_width=256),
    siglip=TowerShape(width=64, depth=3, heads=4, mlp_width=256),
    language=replace(
        PUBLISHED.language, width=64, depth=2, heads=4, key_value_heads=4, mlp_width=176
    ),
)
PROMPT = 24  # tokens
DATA = "random"  # the name of its action statistics
CONFIG = OpenVLAConfig(checkpoint="random", unnorm_key=DATA)
CONTEXT = TaskContext("libero_object", "task", "pick up the milk", (), ())
_DEVIATION, _ADAPTED = 0.02, 1e-4  # of weights, and of the adapter's


class FixedPrompt:
    """In the tokenizer's place: every instruction is as long as an ordinary one."""

    def ids(self, instruction: str) -> Sequence[int]:  # noqa: ARG002 - any prompt will do
        return (1, *range(100, 99 + PROMPT))


def random_backbone(
    shapes: Shapes, *, rank: int, device: torch.device, dtype: torch.dtype, seed: int = 0
) -> Backbone:
    """What is loaded of a checkpoint otherwise; no file is read."""
    network = random_network(shapes, device, dtype, seed)
    slots = Slots(network, rank=rank, alpha=CONFIG.lora_alpha)
    how = {"use_reentrant": False, "context_fn": slots.contexts}
    for part in (network.dino, network.siglip, network.language_model):
        part.activation_checkpointing_enable(how)
    statistics = {DATA: ActionStatistics((-1.0,) * 7, (1.0,) * 7, (True,) * 6 + (False,))}
    published = Published(Path("random"), shapes, (), statistics, FixedPrompt())
    return Backbone(published, network, slots, Eyes(TOWERS, (CAMERA,), crop=True), DATA)


def random_policy(backbone: Backbone) -> OpenVLAPolicy:
    """Its adapter has learnt something: a fresh one is left out when acting, and costs nothing."""
    policy = OpenVLAPolicy(CONFIG, backbone=backbone)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.normal_(0.0, _ADAPTED)
    return policy


def random_network(
    shapes: Shapes, device: torch.device, dtype: torch.dtype, seed: int
) -> OpenVLANetwork:
    """On the card from the beginning: no copy of the weights is made in the machine's memory."""
    network = OpenVLANetwork.without_weights(shapes)
    generator = torch.Generator(device).manual_seed(seed)
    for name, meta in list(network.named_parameters()):
        tensor = torch.empty(meta.shape, device=device, dtype=dtype)
        if meta.dim() == 1:
            tensor.fill_(0.0 if name.endswith("bias") else 1.0)
        else:
            tensor.normal_(0.0, _DEVIATION, generator=generator)
        module, _, parameter = name.rpartition(".")
        setattr(network.get_submodule(module), parameter, nn.Parameter(tensor, requires_grad=False))
    return network.to(device)  # buffers


def random_frames(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, *CAMERA.shape), dtype=np.uint8)


def made_up_group(arms: int, steps: int) -> Group:
    """Arms with noise for images, whose rewards differ."""
    rng, frames = np.random.default_rng(1), random_frames(steps)
    return Group(tuple(_made_up_arm(arm, rng, frames) for arm in range(arms)))


def _made_up_arm(arm: int, rng: np.random.Generator, frames: np.ndarray) -> Trajectory:
    steps = len(frames)
    return Trajectory(
        context=CONTEXT,
        split="train",
        state_index=0,
        arm=arm,
        robot=np.zeros((steps, ROBOT_DIM), np.float32),
        objects=np.zeros((steps, 0, OBJECT_DIM), np.float32),
        tokens=rng.integers(0, NUM_BINS, (steps, ACTION_DIM)),
        log_probs=np.full((steps, ACTION_DIM), -np.log(NUM_BINS), np.float32),
        steps=np.ones(steps, np.int64),
        rewards=rng.random(steps),
        phi=np.zeros(steps),
        stages=np.zeros(steps, np.int64),
        stage_keys=(("only",),),
        ending=Ending.TIMEOUT,
        images={CAMERA.name: frames},
    )
