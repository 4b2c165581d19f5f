"""Against the original implementation's outputs on the tiny checkpoint, in float32."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tgrpo import actions
from tgrpo.policies.openvla.decoding import (
    Prefix,
    action_logits,
    last_hidden,
    prefix,
    sample,
    vocabulary_ids,
)
from tgrpo.policies.openvla.prompt import aligned

SHOWN = 4  # positions whose logits are kept
FROM = 31700  # first id of the vocabulary that is kept


@pytest.fixture
def before(network, golden, pixels) -> Prefix:
    with torch.no_grad():
        return prefix(network, pixels, aligned(golden["input_ids"].tolist()))


def whole_vocabulary(network, before: Prefix) -> torch.Tensor:
    """Logits of every position over all tokens, which the package itself never needs."""
    with torch.no_grad():
        return network.language_model(
            inputs_embeds=before.embeddings,
            attention_mask=before.mask.long(),
            position_ids=before.positions,
        ).logits


def test_vision_features_and_projections(network, golden, pixels):
    with torch.no_grad():
        features, patches = network.vision_features(pixels), network.patches(pixels)
    np.testing.assert_allclose(features[:, ::16], golden["vision_features"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(patches[:, ::16], golden["projected"], rtol=0, atol=1e-5)


def test_logits(network, golden, before):
    logits = whole_vocabulary(network, before)
    assert logits.shape == tuple(golden["logits_shape"])
    tail = logits[:, -SHOWN:, FROM:]
    np.testing.assert_allclose(tail, golden["logits_tail"], rtol=0, atol=1e-4)


def test_prompt_of_the_golden_instruction(published, golden):
    assert published.tokenizer.ids("Pick up the Milk") == tuple(golden["input_ids"][0])


def test_greedy_tokens_and_action(network, golden, published, before):
    tokens, _ = sample(network, before, temperature=0.0)
    np.testing.assert_array_equal(vocabulary_ids(tokens), golden["generated"][:, -7:])
    normalised = actions.decode(tokens.numpy())
    action = published.statistics["libero_object"].unnormalise(normalised)[0]
    np.testing.assert_allclose(action, golden["action"], rtol=0, atol=1e-6)


def test_greedy_tokens_without_the_cache(network, golden, before):
    chosen = torch.zeros((1, 7), dtype=torch.int64)
    for dimension in range(7):
        with torch.no_grad():
            logits = action_logits(network, before, chosen)
        chosen[:, dimension] = logits[:, dimension].argmax(-1)
    np.testing.assert_array_equal(vocabulary_ids(chosen), golden["generated"][:, -7:])


def test_log_probs_over_the_whole_vocabulary(network, golden, pixels):
    """The original's definition; ours renormalises over the action tokens."""
    generated = torch.from_numpy(golden["generated"])
    with torch.no_grad():
        whole = prefix(network, pixels, aligned(generated[:, :-1].tolist()))
    log_probs = whole_vocabulary(network, whole)[:, -7:].log_softmax(-1)
    chosen = log_probs.gather(-1, generated[:, -7:, None])[..., 0]
    np.testing.assert_allclose(chosen, golden["token_logprobs"], rtol=0, atol=1e-4)


def test_our_logits_are_the_original_ones_of_the_action_tokens(network, golden, before):
    """Bins ascend, token ids descend; the logits before the first token are in the golden file."""
    with torch.no_grad():
        logits = action_logits(network, before, torch.zeros((1, 1), dtype=torch.int64))
    expected = golden["logits_tail"][:, -1:, 31744 - FROM : 32000 - FROM][..., ::-1]
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-4)


def test_hidden_state_is_the_one_that_the_first_token_is_read_from(network, before):
    hidden = last_hidden(network, before)
    logits = network.language_model.lm_head(hidden)
    torch.testing.assert_close(logits, whole_vocabulary(network, before)[:, -1])
