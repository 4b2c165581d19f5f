"""All tokens of a chunk at once, as OpenVLA-OFT decodes them (arXiv 2502.19645, section 4.2).

    BOS, patches, rest of the prompt, a blank for each of the 7 K tokens, end of text

Every column sees every other, also those behind it; a blank is an embedding of zeros, so that its
place is all that tells it from the next. What stands before a blank is where its token is read,
as when one token follows the other. No token knows which others were chosen: given what is seen
they are independent.

Unverified against the original: this follows what is published of it, and no output of the original
was at hand to compare with.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tgrpo.actions import NUM_BINS
from tgrpo.policies.base import bin_log_probs
from tgrpo.policies.openvla.decoding import Prefix, bin_logits, draw
from tgrpo.policies.openvla.network import OpenVLANetwork
from tgrpo.trajectory import ACTION_DIM

_END_OF_TEXT = 2


@dataclass(frozen=True, slots=True)
class ParallelDecoding:
    """See `decoding.TokenDecoding`; `tokens` that were chosen change no logit."""

    chunk: int

    @property
    def count(self) -> int:
        return self.chunk * ACTION_DIM

    def hidden(self, network: OpenVLANetwork, before: Prefix) -> Tensor:
        return self._read(network, before)[:, 0]

    def action_logits(self, network: OpenVLANetwork, before: Prefix, tokens: Tensor) -> Tensor:
        assert tokens.shape[1] == self.count
        return bin_logits(network, self._read(network, before))

    @torch.no_grad()
    def sample(
        self,
        network: OpenVLANetwork,
        before: Prefix,
        *,
        temperature: float,
        uniforms: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        logits = bin_logits(network, self._read(network, before))
        every = bin_log_probs(logits, temperature=temperature or 1.0)
        if uniforms is None:
            tokens = every.argmax(-1)
        else:
            tokens = draw(every.view(-1, NUM_BINS), uniforms.flatten()).view(uniforms.shape)
        return tokens, every.gather(-1, tokens[..., None])[..., 0]

    def _read(self, network: OpenVLANetwork, before: Prefix) -> Tensor:
        """Hidden states (B, 7 K, width) that the tokens are read from."""
        batch, columns, width = before.embeddings.shape
        blanks = before.embeddings.new_zeros(batch, self.count, width)
        end = network.embed(before.positions.new_full((batch, 1), _END_OF_TEXT))
        more = torch.arange(1, self.count + 2, device=before.positions.device)
        seen = torch.cat([before.mask, before.mask.new_ones(batch, self.count + 1)], dim=1)
        output = network.language_model.model(
            inputs_embeds=torch.cat([before.embeddings, blanks, end], dim=1),
            # With a row for every column of its own, the mask is taken as it is: not causal.
            attention_mask=seen[:, None, None, :].expand(-1, -1, seen.shape[1], -1),
            position_ids=torch.cat([before.positions, before.positions[:, -1:] + more], dim=1),
            use_cache=False,
        )
        hidden: Tensor = output.last_hidden_state
        return hidden[:, columns - 1 : columns - 1 + self.count]
