"""Instructions as token ids, and batches of prompts."""

from __future__ import annotations

import pickle

import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.tgrpo.openvla.tiny_checkpoint import make_tokenizer
from tgrpo.policies.openvla.prompt import (
    BOS,
    LAST,
    PromptTokenizer,
    aligned,
    prompt_text,
    read_tokenizer,
)

VOCABULARY = 32064

prompts = st.lists(
    st.lists(st.integers(2, 31999), min_size=1, max_size=30).map(lambda ids: [BOS, *ids]),
    min_size=1,
    max_size=6,
)


def test_prompt_text_is_the_one_of_training():
    assert prompt_text("Pick up the Milk") == (
        "In: What action should the robot take to pick up the milk?\nOut:"
    )


@given(prompts)
def test_aligned_prompts_keep_bos_first_and_end_together(batch):
    result = aligned(batch)
    longest = max(map(len, batch))
    assert result.ids.shape == result.mask.shape == (len(batch), longest)
    assert (result.ids[:, 0] == BOS).all()
    assert result.mask[:, [0, -1]].all()
    for row, prompt in enumerate(batch):
        assert result.ids[row][result.mask[row]].tolist() == prompt
        assert not result.mask[row, 1 : longest - len(prompt) + 1].any()


def test_the_last_token_is_added_once():
    tokenizer = PromptTokenizer(make_tokenizer())
    ids = tokenizer.ids("pick up the milk")
    assert ids[0] == BOS
    assert ids[-1] == LAST
    assert ids.count(LAST) == 1
    assert aligned([ids]).mask.all()


def test_a_tokenizer_can_be_pickled(published):
    again = pickle.loads(pickle.dumps(published.tokenizer))
    assert again.ids("open the bowl") == published.tokenizer.ids("open the bowl")


def test_batches_move_together():
    batch = aligned([[BOS, 5, 6], [BOS, 7]]).to(torch.device("meta"))
    assert batch.ids.is_meta
    assert batch.mask.is_meta


def test_another_tokenizer_is_refused_with_every_difference(tmp_path):
    ids = {"<s>": 3, "▁": 4, "▁robot": 77, "Out": 40000}
    make_tokenizer(**ids).save(str(tmp_path / "tokenizer.json"))
    tokenizer, problems = read_tokenizer(tmp_path, VOCABULARY)
    assert tokenizer is None
    told = "\n".join(problems)
    assert "token '<s>' has id 3, not 1" in told
    assert "token '▁' has id 4, not 29871" in told
    assert "its largest id is 40000, the network knows 32064 tokens" in told
    assert "a prompt opens with [1, 512, 29901, 1724, 3158, 881, 278, 77, 2125, 304]" in told
    assert "a prompt closes with [29973, 13, 40000, 29901]" in told
    assert len(problems) == 5


def test_no_tokenizer_and_no_json_are_told_apart(tmp_path):
    assert read_tokenizer(tmp_path, VOCABULARY) == (
        None,
        ["no tokenizer.json; it is one of the published files"],
    )
    (tmp_path / "tokenizer.json").write_text("<html>")
    tokenizer, problems = read_tokenizer(tmp_path, VOCABULARY)
    assert tokenizer is None
    assert problems[0].startswith("tokenizer.json: not a tokenizer: ")
