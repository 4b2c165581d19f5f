"""What a policy is to the rest of the package, and the one definition of an action's log-probs.

A policy maps (instruction, state of the environments) to a decision: a chunk of K actions, which
are executed one after the other. An action is seven tokens, one of 256 bins each, so a decision is
7 K categorical distributions; whether one is conditioned on the bins chosen before it is the
policy's to say. What a `Sampler` says of its own choice is what
`log_probs` says of it, up to rounding: the ratio of a policy to itself is 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from tgrpo.policies.observations import Observations
from tgrpo.trajectory import ACTION_DIM, Camera, Images, TaskContext


class Sampler(Protocol):
    """The part of a policy that acts."""

    @property
    def cameras(self) -> tuple[Camera, ...]:
        """The policy's."""
        ...

    @property
    def chunk(self) -> int:
        """The policy's."""
        ...

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
        """Choose K actions in each of B environments; no row's answer depends on the others: to
        the bit, or, where a library computes the network, up to rounding.

        `robot` (B, 9), `objects` (B, K, 7); `images` (B, H, W, 3) uint8 of each of `cameras`, None
        where it has none. Temperature 0 is greedy, and `uniforms` is None; otherwise the bins are
        drawn by inverse CDF from `uniforms` (B, 7 K) in [0, 1), so that the noise is keyed by the
        caller and a result does not depend on who computes it.
        Returns tokens (B, 7 K) int64, action after action, and their log-probs (B, 7 K) float32 at
        that temperature (greedy: at temperature 1).
        """
        ...

    def decode(self, context: TaskContext, tokens: np.ndarray) -> np.ndarray:
        """LIBERO's actions (…, 7) of the tokens (…, 7) of each."""
        ...


class Policy(Protocol):
    """One call concerns one task: every row of a batch shares the `TaskContext`."""

    kind: str  # name in checkpoints and on the command line: "tiny"

    @property
    def cameras(self) -> tuple[Camera, ...]:
        """What it sees besides the state; nothing is drawn for a policy that asks for none."""
        ...

    @property
    def chunk(self) -> int:
        """K, actions of a decision."""
        ...

    @property
    def device(self) -> torch.device: ...

    @property
    def hidden_width(self) -> int: ...

    def sampler(self) -> Sampler:
        """What acts with the weights of now. Weights that change later do not reach it."""
        ...

    def hidden(self, context: TaskContext, seen: Observations) -> Tensor:
        """What the policy makes of B environments before it chooses, (B, `hidden_width`)."""
        ...

    def action_logits(self, context: TaskContext, seen: Observations, tokens: Tensor) -> Tensor:
        """Logits (B, 7 K, 256) of every bin, given the `tokens` (B, 7 K) before it."""
        ...

    def log_probs(
        self, context: TaskContext, seen: Observations, tokens: Tensor, *, temperature: float
    ) -> Tensor:
        """Log-probs (B, 7 K) of `tokens` (B, 7 K) at `temperature`, with gradient."""
        ...

    def encode(self, context: TaskContext, actions: np.ndarray) -> np.ndarray:
        """Tokens (T, 7) of each of LIBERO's actions (T, 7), as a demonstration has them."""
        ...

    def architecture(self) -> dict[str, Any]:
        """What is needed to build the same network again, as JSON values."""
        ...

    def reference(self) -> Policy:
        """The policy as it is now, without gradients: later training does not reach it."""
        ...

    def named_parameters(self) -> Iterator[tuple[str, torch.nn.Parameter]]: ...

    def parameters(self) -> Iterator[torch.nn.Parameter]: ...

    def state_dict(self) -> dict[str, Tensor]:
        """What a checkpoint holds besides `architecture`: all that training changes."""
        ...

    def load_state_dict(self, state: Mapping[str, Tensor]) -> object: ...


def token_log_probs(logits: Tensor, tokens: Tensor, *, temperature: float) -> Tensor:
    """Log-probs (...,) of `tokens` (...,) under softmax(logits (..., 256) / temperature).

    The softmax runs over the 256 action bins alone.
    """
    scaled = bin_log_probs(logits, temperature=temperature)
    return scaled.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)


def bin_log_probs(logits: Tensor, *, temperature: float) -> Tensor:
    """Log-probs of all bins under softmax(logits / temperature), over the last dimension."""
    return torch.log_softmax(logits / temperature, dim=-1)


def check_noise(
    temperature: float, uniforms: np.ndarray | None, batch: int, chunk: int = 1
) -> None:
    """Raise ValueError unless temperature and noise fit together (a programmer's mistake)."""
    if temperature < 0:
        raise ValueError(f"temperature must be >= 0, got {temperature}")
    if temperature == 0 and uniforms is not None:
        raise ValueError("temperature 0 is greedy and takes no noise")
    wanted = (batch, ACTION_DIM * chunk)
    if temperature > 0 and (uniforms is None or uniforms.shape != wanted):
        shape = None if uniforms is None else uniforms.shape
        raise ValueError(f"sampling needs uniforms of shape {wanted}, got {shape}")
