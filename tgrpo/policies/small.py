"""What the small policies share: a trunk's vector per environment, and the action head after it."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from dataclasses import asdict
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from tgrpo.actions import encode
from tgrpo.policies.base import token_log_probs
from tgrpo.policies.observations import Observations
from tgrpo.policies.tiny_network import ActionHead, TinyConfig
from tgrpo.trajectory import TaskContext


class SmallPolicy(nn.Module, ABC):
    """See `tgrpo.policies.base.Policy`. A subclass has a trunk, and sets `config` and `head`."""

    config: TinyConfig
    head: ActionHead

    @abstractmethod
    def hidden(self, context: TaskContext, seen: Observations) -> Tensor:
        """See `Policy`."""

    @property
    def device(self) -> torch.device:
        return self.head.bin_features.device

    @property
    def chunk(self) -> int:
        return self.config.chunk

    @property
    def hidden_width(self) -> int:
        return self.config.width

    def architecture(self) -> dict[str, Any]:
        return {**asdict(self.config), "words": list(self.config.words)}

    def reference(self) -> Self:
        twin = copy.deepcopy(self)
        return twin.requires_grad_(False).eval()

    def encode(self, context: TaskContext, actions: np.ndarray) -> np.ndarray:  # noqa: ARG002 - alike in all tasks
        return encode(actions)

    def action_logits(self, context: TaskContext, seen: Observations, tokens: Tensor) -> Tensor:
        logits: Tensor = self.head(self.hidden(context, seen), tokens)
        return logits

    def log_probs(
        self, context: TaskContext, seen: Observations, tokens: Tensor, *, temperature: float
    ) -> Tensor:
        logits = self.action_logits(context, seen, tokens)
        return token_log_probs(logits, tokens, temperature=temperature)
