"""Sampling, scoring, and what silently goes wrong with them elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tgrpo import actions
from tgrpo.policies.base import token_log_probs
from tgrpo.policies.openvla.decoding import (
    Prefix,
    action_logits,
    draw,
    last_hidden,
    prefix,
    sample,
    vocabulary_ids,
)
from tgrpo.policies.openvla.prompt import LAST, PromptBatch, aligned

# Prompts of 19, 17, 23 and 12 tokens, BOS first and 29871 last, as all are.
PROMPTS = [
    [1, *range(500, 500 + length), LAST] for length in (17, 15, 21, 10)
]  # fmt: skip


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn((4, 6, 224, 224), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def together(network, images) -> Prefix:
    with torch.no_grad():
        return prefix(network, images, aligned(PROMPTS))


@pytest.fixture(scope="module")
def alone(network, images) -> list[Prefix]:
    with torch.no_grad():
        return [
            prefix(network, images[row : row + 1], aligned([prompt]))
            for row, prompt in enumerate(PROMPTS)
        ]


@pytest.fixture(scope="module")
def uniforms() -> torch.Tensor:
    return torch.rand((4, 7), generator=torch.Generator().manual_seed(1))


def logits(network, before: Prefix, tokens: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return action_logits(network, before, tokens)


TOKENS = torch.from_numpy(np.random.default_rng(2).integers(0, 256, (4, 7)))


def test_padding_changes_no_logit(network, together, alone):
    batch = logits(network, together, TOKENS)
    for row, single in enumerate(alone):
        one = logits(network, single, TOKENS[row : row + 1])
        torch.testing.assert_close(batch[row : row + 1], one, rtol=0, atol=2e-5)


def test_padding_changes_no_sample(network, together, alone, uniforms):
    tokens, log_probs = sample(network, together, temperature=1.0, uniforms=uniforms)
    for row, single in enumerate(alone):
        one, probs = sample(network, single, temperature=1.0, uniforms=uniforms[row : row + 1])
        assert torch.equal(tokens[row : row + 1], one)
        torch.testing.assert_close(log_probs[row : row + 1], probs, rtol=0, atol=1e-5)


def test_ordinary_left_padding_would_be_wrong(network, images, alone):
    """BOS behind the padding comes after the image: what `aligned` is there to avoid."""
    longest = max(map(len, PROMPTS))
    ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in PROMPTS])
    with torch.no_grad():
        usual = prefix(network, images, PromptBatch(ids, ids != 0))
    shortest = 3
    wrong = logits(network, usual, TOKENS)[shortest]
    assert (wrong - logits(network, alone[shortest], TOKENS[[shortest]])[0]).abs().max() > 0.1


def test_positions_that_count_padding_would_be_wrong(network, together, alone):
    counted = torch.arange(together.mask.shape[1]).expand_as(together.positions)
    wrong = logits(network, replace(together, positions=counted), TOKENS)
    shortest = 3
    right = logits(network, alone[shortest], TOKENS[[shortest]])[0]
    assert (wrong[shortest] - right).abs().max() > 0.1


def test_every_column_of_a_prompt_is_seen(network, images):
    """A mask one short would hide the last token, 29871, or the first of a longer prompt."""
    changed = [1, 499, *PROMPTS[0][2:]]
    prompts = aligned([PROMPTS[0], changed])
    assert prompts.mask.all()
    with torch.no_grad():
        hidden = last_hidden(network, prefix(network, images[[0, 0]], prompts))
    assert (hidden[0] - hidden[1]).abs().max() > 1e-3


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.6])
def test_sampled_log_probs_are_those_of_scoring(network, together, uniforms, temperature):
    tokens, sampled = sample(network, together, temperature=temperature, uniforms=uniforms)
    scored = token_log_probs(logits(network, together, tokens), tokens, temperature=temperature)
    torch.testing.assert_close(sampled, scored, rtol=0, atol=1e-5)
    assert (sampled.sum(-1) - scored.sum(-1)).exp().sub(1).abs().max() < 1e-4


def test_greedy_takes_the_most_likely_bins_with_log_probs_at_temperature_one(network, together):
    tokens, log_probs = sample(network, together, temperature=0.0)
    scored = logits(network, together, tokens)
    assert torch.equal(scored.argmax(-1), tokens)
    torch.testing.assert_close(
        log_probs, token_log_probs(scored, tokens, temperature=1.0), rtol=0, atol=1e-5
    )


def test_only_action_tokens_are_sampled(network, together):
    """Very hot, so that the whole vocabulary's tokens would be drawn far more often than 256."""
    generator = torch.Generator().manual_seed(3)
    for _ in range(5):
        noise = torch.rand((4, 7), generator=generator)
        tokens, log_probs = sample(network, together, temperature=50.0, uniforms=noise)
        assert tokens.min() >= 0
        assert tokens.max() < 256
        torch.testing.assert_close(log_probs.mean().item(), -np.log(256), rtol=0, atol=0.3)


def test_bins_are_the_last_256_of_llamas_tokens():
    bins = torch.arange(256)
    ids = vocabulary_ids(bins)
    assert (ids.min(), ids.max()) == (31744, 31999)
    np.testing.assert_array_equal(ids, actions.to_openvla(bins.numpy()))


def test_the_two_tokens_of_the_highest_bin_keep_their_own_log_probs(network, together):
    """31744 and 31745 decode to the same action; their probabilities are not the same."""
    highest = torch.tensor([254, 255])
    assert vocabulary_ids(highest).tolist() == [31745, 31744]
    decoded = actions.decode(highest[:, None].expand(2, 7).numpy())
    np.testing.assert_array_equal(decoded[0], decoded[1])
    tokens = TOKENS.clone()
    tokens[:, 0] = 254
    same = logits(network, together, tokens)
    one = token_log_probs(same, tokens, temperature=1.0)
    tokens[:, 0] = 255
    other = token_log_probs(same, tokens, temperature=1.0)
    assert (one[:, 0] - other[:, 0]).abs().min() > 1e-4


def test_the_image_is_seen(network, images, together):
    with torch.no_grad():
        black = prefix(network, torch.zeros_like(images), aligned(PROMPTS))
    seen, unseen = (logits(network, before, TOKENS) for before in (together, black))
    assert (seen - unseen).abs().amax(dim=(1, 2)).min() > 1e-2


@settings(max_examples=50, deadline=None)
@given(
    weights=st.lists(st.floats(0, 1), min_size=256, max_size=256).filter(lambda w: sum(w) > 1e-3)
)
def test_drawing_is_by_inverse_cdf(weights):
    """Numbers spread evenly over [0, 1) fall into each bin in proportion to its probability."""
    probabilities = torch.tensor(weights, dtype=torch.float64)
    probabilities /= probabilities.sum()
    count = 4096
    uniforms = (torch.arange(count) + 0.5) / count
    drawn = draw(probabilities.log().expand(count, 256), uniforms)
    assert (drawn.diff() >= 0).all()
    shares = torch.bincount(drawn, minlength=256) / count
    assert (shares - probabilities).abs().max() <= 1.0 / count + 1e-9
    assert (probabilities[drawn] > 0).all()


def test_drawing_survives_a_sum_below_one():
    log_probs = torch.full((1, 256), -np.log(256.0 * 1.0001))
    assert draw(log_probs, torch.tensor([0.99999994])).item() == 255
