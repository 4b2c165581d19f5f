"""Seven action tokens from images and prompts: sampled one by one, or scored all at once.

Both read the same 256 rows of the output layer at the same positions, so that a token's log-prob
means the same in a rollout and in learning: log-softmax over the action tokens alone, token
31999 - k being bin k. `tgrpo.policies.base` has the definition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional
from transformers import Cache, DynamicCache

from tgrpo.actions import NUM_BINS, OPENVLA_VOCABULARY
from tgrpo.openvla_shapes import VISION_CHANNELS
from tgrpo.policies.base import bin_log_probs
from tgrpo.policies.openvla.network import OpenVLANetwork
from tgrpo.policies.openvla.prompt import PromptBatch
from tgrpo.trajectory import ACTION_DIM


@dataclass(frozen=True, slots=True)
class Prefix:
    """What comes before the action: BOS, 256 patches, padding, the rest of the prompt.

    `mask` is False at padding; `positions` count what is not padding, so that a shorter prompt in a
    batch is where it would be alone.
    """

    embeddings: Tensor  # (B, C, width)
    mask: Tensor  # (B, C) bool
    positions: Tensor  # (B, C) int64


class TokenDecoding(Protocol):
    """How the tokens of `chunk` actions come of what is before them."""

    @property
    def chunk(self) -> int: ...

    def hidden(self, network: OpenVLANetwork, before: Prefix) -> Tensor:
        """What the network makes of image and prompt, (B, width)."""
        ...

    def action_logits(self, network: OpenVLANetwork, before: Prefix, tokens: Tensor) -> Tensor:
        """Logits (B, 7 K, 256) of every bin, given the bins `tokens` (B, 7 K)."""
        ...

    def sample(
        self,
        network: OpenVLANetwork,
        before: Prefix,
        *,
        temperature: float,
        uniforms: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Bins (B, 7 K) and their log-probs (B, 7 K).

        Drawn by inverse CDF from `uniforms` (B, 7 K) in [0, 1); without them the most likely bins,
        with log-probs at temperature 1.
        """
        ...


@dataclass(frozen=True, slots=True)
class SequentialDecoding:
    """OpenVLA's own: one action, each token given those before it."""

    chunk: int = 1

    def hidden(self, network: OpenVLANetwork, before: Prefix) -> Tensor:
        return last_hidden(network, before)

    def action_logits(self, network: OpenVLANetwork, before: Prefix, tokens: Tensor) -> Tensor:
        return action_logits(network, before, tokens)

    def sample(
        self,
        network: OpenVLANetwork,
        before: Prefix,
        *,
        temperature: float,
        uniforms: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        return sample(network, before, temperature=temperature, uniforms=uniforms)


ONE_BY_ONE = SequentialDecoding()


def prefix(
    network: OpenVLANetwork, pixels: Tensor, prompts: PromptBatch, state: Tensor | None = None
) -> Prefix:
    """`pixels` (B, 6 V, 224, 224) of V images inserted behind the BOS of B prompts.

    `state` (B, 1, width) is what the network is told of the robot; it follows the patches.
    """
    count = pixels.shape[1] // VISION_CHANNELS
    views = [network.patches(view) for view in pixels.chunk(count, dim=1)]
    patches = torch.cat([*views, *([] if state is None else [state])], dim=1)
    text = network.embed(prompts.ids)
    seen = prompts.mask.new_ones(patches.shape[:2])
    mask = torch.cat([prompts.mask[:, :1], seen, prompts.mask[:, 1:]], dim=1)
    return Prefix(
        embeddings=torch.cat([text[:, :1], patches, text[:, 1:]], dim=1),
        mask=mask,
        positions=mask.cumsum(dim=1) - 1,
    )


def last_hidden(network: OpenVLANetwork, before: Prefix) -> Tensor:
    """What the network makes of image and prompt before the first token, (B, width)."""
    return _run(network, before, cache=None)[:, -1]


def action_logits(network: OpenVLANetwork, before: Prefix, tokens: Tensor) -> Tensor:
    """Logits (B, D, 256) of every bin, each dimension given the bins `tokens` (B, D) before it.

    Hidden states are projected at the D positions and to the 256 action tokens only.
    """
    dimensions = tokens.shape[1]
    chosen = network.embed(vocabulary_ids(tokens[:, :-1]))
    whole = Prefix(
        embeddings=torch.cat([before.embeddings, chosen], dim=1),
        mask=_longer(before.mask, dimensions - 1),
        positions=torch.cat([before.positions, _next_positions(before, dimensions - 1)], dim=1),
    )
    return bin_logits(network, _run(network, whole, cache=None)[:, -dimensions:])


@torch.no_grad()
def sample(
    network: OpenVLANetwork,
    before: Prefix,
    *,
    temperature: float,
    uniforms: Tensor | None = None,
    dimensions: int = ACTION_DIM,
) -> tuple[Tensor, Tensor]:
    """Bins (B, D) and their log-probs (B, D), one dimension after the other with a cache.

    Drawn by inverse CDF from `uniforms` (B, D) in [0, 1); without them the most likely bins, with
    log-probs at temperature 1.
    """
    cache = DynamicCache(config=network.language_model.config)
    following = _next_positions(before, dimensions)
    hidden = _run(network, before, cache)[:, -1]
    tokens, log_probs = [], []
    for dimension in range(dimensions):
        every = bin_log_probs(bin_logits(network, hidden), temperature=temperature or 1.0)
        token = every.argmax(-1) if uniforms is None else draw(every, uniforms[:, dimension])
        tokens.append(token)
        log_probs.append(every.gather(-1, token[:, None])[:, 0])
        if dimension + 1 < dimensions:
            step = Prefix(
                embeddings=network.embed(vocabulary_ids(token[:, None])),
                mask=_longer(before.mask, dimension + 1),
                positions=following[:, dimension : dimension + 1],
            )
            hidden = _run(network, step, cache)[:, -1]
    return torch.stack(tokens, dim=1), torch.stack(log_probs, dim=1)


def bin_logits(network: OpenVLANetwork, hidden: Tensor) -> Tensor:
    """Hidden states (…, width) to logits (…, 256) of the bins, ascending, in float32."""
    head = network.language_model.lm_head.weight[OPENVLA_VOCABULARY - NUM_BINS : OPENVLA_VOCABULARY]
    return functional.linear(hidden.float(), head.flip(0).float())


def draw(log_probs: Tensor, uniforms: Tensor) -> Tensor:
    """The first bin (B,) at which the CDF of `log_probs` (B, 256) exceeds `uniforms` (B,)."""
    cdf = log_probs.double().exp().cumsum(dim=-1)
    # The sum may end a rounding error below 1, and below the number drawn.
    return (cdf <= uniforms.double()[:, None]).sum(dim=-1).clamp(max=NUM_BINS - 1)


def vocabulary_ids(tokens: Tensor) -> Tensor:
    """Bins in [0, 256) to ids of the vocabulary, 31999 … 31744."""
    return OPENVLA_VOCABULARY - 1 - tokens


def _run(network: OpenVLANetwork, inputs: Prefix, cache: Cache | None) -> Tensor:
    """Hidden states (B, C, width) of the columns of `inputs`; `mask` covers the cache's too."""
    output = network.language_model.model(
        inputs_embeds=inputs.embeddings,
        attention_mask=inputs.mask.long(),
        position_ids=inputs.positions,
        past_key_values=cache,
        use_cache=cache is not None,
    )
    hidden: Tensor = output.last_hidden_state
    return hidden


def _longer(mask: Tensor, columns: int) -> Tensor:
    return functional.pad(mask, (0, columns), value=True)


def _next_positions(before: Prefix, count: int) -> Tensor:
    """Positions (B, count) behind the prompt."""
    return before.positions[:, -1:] + 1 + torch.arange(count, device=before.positions.device)
