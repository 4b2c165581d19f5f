"""Groups of made-up trajectories whose actions were sampled by a small policy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from tgrpo.policies.observations import Observations
from tgrpo.policies.tiny import TinyPolicy
from tgrpo.policies.tiny_network import TinyConfig
from tgrpo.trajectory import Ending, Group, TaskContext, Trajectory

SMALL = TinyConfig(width=32, layers=1, head_width=32, word_width=16)
CONTEXT = TaskContext("toy", "toy", "pick up the milk", ("milk_1", "basket_1"), ("milk", "basket"))


def make_policy(chunk: int = 1) -> TinyPolicy:
    return TinyPolicy(replace(SMALL, chunk=chunk), seed=0)


def trajectory(
    policy: TinyPolicy,
    arm: int,
    rewards: list[float],
    *,
    context: TaskContext = CONTEXT,
    ending: Ending = Ending.TIMEOUT,
    temperature: float = 1.0,
) -> Trajectory:
    steps, objects = len(rewards), len(context.object_names)
    rng = np.random.default_rng((arm, objects))
    robot = rng.normal(0, 0.2, size=(steps, 9)).astype(np.float32)
    poses = rng.normal(0, 0.2, size=(steps, objects, 7)).astype(np.float32)
    width = 7 * policy.chunk
    tokens, log_probs = np.zeros((0, width), np.int64), np.zeros((0, width), np.float32)
    if steps:
        tokens, log_probs = policy.sampler().sample(
            context, robot, poses, temperature=temperature, uniforms=rng.random((steps, width))
        )
    return Trajectory(
        context=context,
        split="train",
        state_index=0,
        arm=arm,
        robot=robot,
        objects=poses,
        tokens=tokens,
        log_probs=log_probs,
        steps=np.full(steps, policy.chunk),
        rewards=np.array(rewards, dtype=np.float64),
        phi=np.array(rewards, dtype=np.float64),
        stages=np.zeros(steps, dtype=np.int64),
        stage_keys=(("only",),),
        ending=ending,
    )


def group(policy: TinyPolicy, *rewards: list[float], **options: object) -> Group:
    return Group(tuple(trajectory(policy, arm, row, **options) for arm, row in enumerate(rewards)))


def log_prob(policy: TinyPolicy, item: Trajectory, temperature: float = 1.0) -> float:
    seen, tokens = Observations.of(item.robot, item.objects), torch.from_numpy(item.tokens)
    with torch.no_grad():
        return float(policy.log_probs(item.context, seen, tokens, temperature=temperature).sum())


def weights_of(policy: TinyPolicy) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in policy.state_dict().items()}


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, two[name]) for name, tensor in one.items())
