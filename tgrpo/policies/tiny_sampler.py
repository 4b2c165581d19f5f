"""Acting with the tiny policy on a CPU: a copy of its weights, laid out for `tiny_kernels`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from tgrpo import actions
from tgrpo.interrupts import deferred
from tgrpo.policies.base import check_noise
from tgrpo.policies.features import state_features
from tgrpo.policies.threads import threads
from tgrpo.policies.tiny_kernels import BlockWeights, HeadWeights, Linear, Norm, Weights, act
from tgrpo.policies.tiny_network import ActionHead, Block, GroundedObjects, Trunk
from tgrpo.trajectory import Camera, Images, TaskContext


class TinySampler:
    """See `tgrpo.policies.base.Sampler`. Can be pickled, and holds nothing of the policy."""

    cameras: tuple[Camera, ...] = ()

    def __init__(
        self,
        weights: Weights,
        heads: int,
        chunk: int,
        ground: Callable[[TaskContext], GroundedObjects],
    ):
        """`ground` is asked once per task."""
        self.chunk = chunk
        self._weights = weights
        self._heads = heads
        self._ground = ground
        self._words: dict[TaskContext, tuple[np.ndarray, np.ndarray]] = {}

    def sample(
        self,
        context: TaskContext,
        robot: np.ndarray,
        objects: np.ndarray,
        *,
        temperature: float,
        uniforms: np.ndarray | None = None,
        images: Images | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        assert images is None, "it asks for no camera"
        check_noise(temperature, uniforms, len(robot), self.chunk)
        tokens: np.ndarray
        log_probs: np.ndarray
        words = self._grounded(context)
        with deferred():
            tokens, log_probs = act(
                self._weights,
                self._heads,
                *words,
                *state_features(robot, objects),
                noise_of(uniforms),
                float(temperature or 1.0),
            )
        return tokens, log_probs

    def decode(self, context: TaskContext, tokens: np.ndarray) -> np.ndarray:  # noqa: ARG002 - alike in all tasks
        return actions.decode(tokens)

    def _grounded(self, context: TaskContext) -> tuple[np.ndarray, np.ndarray]:
        if context not in self._words:
            with torch.no_grad(), threads(1):  # one number of threads, one result
                grounded = self._ground(context)
            self._words[context] = _array(grounded.summary), _array(grounded.objects)
        return self._words[context]


def noise_of(uniforms: np.ndarray | None) -> np.ndarray:
    """As the kernels take it: without rows where the likeliest bins are asked for."""
    return np.empty((0, 0)) if uniforms is None else np.ascontiguousarray(uniforms, np.float64)


def weights_of(trunk: Trunk, head: ActionHead) -> Weights:
    """A copy of what the two say now."""
    return Weights(
        robot=_linear(trunk.robot[0]),
        robot_mlp=_linear(trunk.robot[2]),
        object=_linear(trunk.object),
        object_mlp=_linear(trunk.object_mlp[1]),
        blocks=_blocks([block for block in trunk.blocks if isinstance(block, Block)]),
        norm=_norm(trunk.norm),
        head=head_weights_of(head),
    )


def head_weights_of(head: ActionHead) -> HeadWeights:
    """A copy of what it says now."""
    with torch.no_grad():
        given, previous = (
            [_array(linear(head.bin_features)) for linear in linears]
            for linears in (head.given, head.previous)
        )
    return HeadWeights(
        enter=_linear(head.enter),
        given=np.stack(given),
        previous=np.stack(previous) if previous else np.zeros((0, *given[0].shape), np.float32),
        out=_stack([_linear(linear) for linear in head.out]),
    )


def _blocks(blocks: Sequence[Block]) -> BlockWeights:
    parts = [_query_key_value(block.qkv) for block in blocks]
    return BlockWeights(
        norm1=_stack([_norm(block.norm1) for block in blocks]),
        query=_stack([query for query, _ in parts]),
        key_value=_stack([key_value for _, key_value in parts]),
        merge=_stack([_linear(block.merge) for block in blocks]),
        norm2=_stack([_norm(block.norm2) for block in blocks]),
        up=_stack([_linear(block.mlp[0]) for block in blocks]),
        down=_stack([_linear(block.mlp[2]) for block in blocks]),
    )


def _query_key_value(layer: nn.Linear) -> tuple[Linear, Linear]:
    """The query's part, and that of key and value."""
    weight, bias = _linear(layer)
    width = len(weight)
    return (
        Linear(np.ascontiguousarray(weight[:, :width]), bias[:width]),
        Linear(np.ascontiguousarray(weight[:, width:]), bias[width:]),
    )


_Layer = TypeVar("_Layer", Linear, Norm)


def _stack(layers: Sequence[_Layer]) -> _Layer:
    return type(layers[0])(*(np.stack(arrays) for arrays in zip(*layers, strict=True)))


def _linear(layer: nn.Module) -> Linear:
    return Linear(_array(layer.get_parameter("weight").mT), _array(layer.get_parameter("bias")))


def _norm(layer: nn.LayerNorm) -> Norm:
    return Norm(_array(layer.weight), _array(layer.bias))


def _array(tensor: Tensor) -> np.ndarray:
    """A contiguous float32 copy."""
    return np.array(tensor.detach().cpu().numpy(), dtype=np.float32, order="C")
