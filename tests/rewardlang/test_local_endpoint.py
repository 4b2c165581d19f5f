"""The tests' own endpoint: it answers as OpenAI's protocol says, and holds itself to a grammar."""

from __future__ import annotations

import openai
import pytest

from tests.rewardlang.local_endpoint import LocalEndpoint

YES_OR_NO = 'root ::= "yes" | "no"\n'


@pytest.fixture(scope="module")
def client(local_endpoint: LocalEndpoint) -> openai.OpenAI:
    return openai.OpenAI(base_url=local_endpoint.base_url, api_key="none", max_retries=0)


def test_it_lists_its_model(client: openai.OpenAI, local_endpoint: LocalEndpoint) -> None:
    assert [model.id for model in client.models.list()] == [local_endpoint.model]


def test_it_answers_within_a_grammar(client: openai.OpenAI, local_endpoint: LocalEndpoint) -> None:
    answer = client.chat.completions.create(
        model=local_endpoint.model,
        messages=[{"role": "user", "content": "Is a mug a drawer?"}],
        max_tokens=8,
        temperature=0,
        extra_body={"grammar": YES_OR_NO},
    )
    assert answer.choices[0].message.content in {"yes", "no"}
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens >= 1
