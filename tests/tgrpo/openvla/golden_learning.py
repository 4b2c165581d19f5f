"""The golden OpenVLA with something to learn: an adapter, and groups of made-up episodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.distributed.tensor import DTensor

from tests.tgrpo.openvla.tiny_checkpoint import make_checkpoint
from tgrpo.layers import Layer, resolve
from tgrpo.policies.base import Policy
from tgrpo.policies.openvla.policy import OpenVLAPolicy
from tgrpo.trajectory import Ending, Group, TaskContext, Trajectory

LENGTHS = {  # of each arm, in a group of each task
    TaskContext("libero_object", "milk", "pick up the milk", (), ()): (2, 3),
    TaskContext("libero_object", "bowl", "open the bowl", (), ()): (1, 3),
}


def subject(folder: Path, name: str) -> Any:
    """A policy with an adapter that is worth moving, its configuration, and how it plays. `name` is
    an algorithm, or `oft`: chunks from two cameras.

    Each time the policy acts or learns, `held.json` says how much of the blocks this process has.
    """
    checkpoint = make_checkpoint(folder / "golden", words=["bowl", "open"])
    values = {
        "algorithm": "tgrpo" if name == "oft" else name,
        "policy.kind": "openvla",
        "openvla.checkpoint": str(checkpoint),
        "openvla.chunk": 2 if name == "oft" else 1,
        "openvla.wrist": name == "oft",
        "openvla.lora_rank": 4,
        "openvla.precision": "float32",
        "critic.head_start": 0,
        "learner.learning_rate": 1e-3,
        "learner.micro_batch": 2,
        "learner.minibatches": 2,
    }
    config = resolve([Layer("test", values)])
    policy = OpenVLAPolicy(config.openvla, seed=1)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, tensor in policy.named_parameters():
            if ".lora_B." in name:
                tensor += 0.05 * torch.randn(tensor.shape, generator=generator)
    _watch(policy, folder / "held.json")
    return policy, config, play


def play(policy: Policy) -> list[Group]:
    """Arms of unequal length, with different rewards."""
    return [
        Group(tuple(_arm(policy, context, arm, steps) for arm, steps in enumerate(lengths)))
        for context, lengths in LENGTHS.items()
    ]


def _arm(policy: Policy, context: TaskContext, arm: int, steps: int) -> Trajectory:
    generator = np.random.default_rng((arm, steps))
    images = {
        camera.name: generator.integers(0, 256, (steps, *camera.shape), dtype=np.uint8)
        for camera in policy.cameras
    }
    robot, objects = np.zeros((steps, 9), "f4"), np.zeros((steps, 0, 7), "f4")
    uniforms = generator.random((steps, 7 * policy.chunk))
    tokens, log_probs = policy.sampler().sample(
        context, robot, objects, temperature=1.0, uniforms=uniforms, images=images
    )
    phi = np.linspace(0.0, 0.3 + 0.5 * arm, steps)
    return Trajectory(
        context, "train", 0, arm,
        robot=robot, objects=objects, tokens=tokens, log_probs=log_probs,
        rewards=phi, phi=phi,
        steps=np.full(steps, policy.chunk), stages=np.zeros(steps, int), stage_keys=(("only",),),
        stage_values=(float(phi.max()),),
        ending=Ending.SUCCESS if arm else Ending.TIMEOUT, images=images,
    )  # fmt: skip


def _watch(policy: OpenVLAPolicy, path: Path) -> None:
    blocks = [block for _, blocks in policy.chains() for block in blocks]
    held: list[int] = []

    def note(*_: object) -> None:
        held.append(sum(_held(block) for block in blocks))
        path.write_text(json.dumps(held))

    blocks[0].register_forward_pre_hook(note)


def _held(block: nn.Module) -> int:
    """Bytes of the frozen weights."""
    frozen = [item for name, item in block.named_parameters() if "lora_" not in name]
    parts = [item.to_local() if isinstance(item, DTensor) else item for item in frozen]
    return sum(item.nbytes for item in parts)
