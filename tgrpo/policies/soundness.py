"""What goes wrong in silence with a large network, looked for before anything is learnt from it.

Three tests, a few forward passes: frozen weights are those of their files; two different images
give different log-probs; what is said of a sampled action is said again when it is scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from tgrpo.policies.base import Policy
from tgrpo.policies.observations import Observations
from tgrpo.tasks import Task
from tgrpo.trajectory import ACTION_DIM, OBJECT_DIM, ROBOT_DIM, TaskContext

_SEEN_AT_LEAST = 1e-4  # nats between two images of noise, and several times what rounding does
_AGREEMENT = 1e-3  # nats between sampling and scoring
_ROUNDINGS = 20  # how many times what the batch's size alone changes
_LAYERS = 32  # how many times the relative rounding of one: bfloat16, 0.25 nats; a mistake is nats


class UnsoundPolicyError(RuntimeError):
    """A policy that must not be trained: blind, wrongly loaded, or at odds with itself."""


@runtime_checkable
class FromFiles(Protocol):
    """A policy whose frozen weights were read from files."""

    @property
    def resolution(self) -> float:
        """The relative rounding of the precision that it computes in."""
        ...

    def check_weights(self) -> None:
        """Raise CheckpointError unless they are those of the files."""
        ...


def expect_sound(policy: Policy, tasks: Sequence[Task]) -> None:
    """Raise UnsoundPolicyError, CheckpointError unless `policy` passes all three tests.

    A policy without cameras has none to pass. The instruction is that of the first of `tasks`; of
    all of them it must know which actions its tokens are.
    """
    resolution = torch.finfo(torch.float32).eps
    if isinstance(policy, FromFiles):
        policy.check_weights()
        resolution = policy.resolution
    contexts = [TaskContext(task.suite, task.name, task.instruction, (), ()) for task in tasks]
    if policy.cameras:
        _expect_agreement_and_sight(policy, contexts[0], resolution)
        for context in contexts:
            policy.sampler().decode(context, np.zeros((1, ACTION_DIM), np.int64))


def _expect_agreement_and_sight(policy: Policy, context: TaskContext, resolution: float) -> None:
    generator = np.random.default_rng(0)
    images = {
        camera.name: generator.integers(0, 256, (2, *camera.shape), dtype=np.uint8)
        for camera in policy.cameras
    }
    robot, objects = np.zeros((2, ROBOT_DIM), np.float32), np.zeros((2, 0, OBJECT_DIM), np.float32)
    noise = generator.random((2, ACTION_DIM * policy.chunk))
    chosen, sampled = policy.sampler().sample(
        context, robot, objects, temperature=1.0, uniforms=noise, images=images
    )
    seen = Observations.of(robot, objects, images, device=policy.device)
    tokens = torch.from_numpy(chosen).to(policy.device)
    with torch.no_grad():
        scored = _scored(policy, context, seen, tokens)
        alone = [_scored(policy, context, seen[i : i + 1], tokens[i : i + 1]) for i in (0, 1)]
        same_action = _scored(policy, context, seen, tokens[:1].expand_as(tokens))
    rounding = _largest(scored - torch.cat(alone))
    _expect_sight(_largest(same_action[0] - same_action[1]), rounding)
    # How many rows there are may change nothing, and how many columns, by cache or not, still does.
    rounding = max(rounding, _LAYERS * resolution / _ROUNDINGS)
    _expect_agreement(_largest(scored - torch.from_numpy(sampled)), rounding)


def _scored(policy: Policy, context: TaskContext, seen: Observations, tokens: Tensor) -> Tensor:
    return policy.log_probs(context, seen, tokens, temperature=1.0).float().cpu()


def _largest(difference: Tensor) -> float:
    return float(difference.abs().max())


def _expect_sight(difference: float, rounding: float) -> None:
    if not difference > max(_SEEN_AT_LEAST, 3 * rounding):
        raise UnsoundPolicyError(
            f"the policy is blind: two different images change its log-probs by {difference:.1e}, "
            f"rounding alone by {rounding:.1e}; it is not trained"
        )


def _expect_agreement(difference: float, rounding: float) -> None:
    if not difference <= max(_AGREEMENT, _ROUNDINGS * rounding):
        raise UnsoundPolicyError(
            f"sampled and scored log-probs of the same actions differ by {difference:.1e}, "
            f"rounding alone makes {rounding:.1e}: the ratio would not begin at 1; it is not "
            "trained"
        )
