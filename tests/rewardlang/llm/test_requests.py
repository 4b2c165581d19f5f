"""The very bodies that reach each kind of endpoint, and what happens where they are not taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from rewardlang.llm.client import Client
from rewardlang.llm.model import EndpointError, Finish, Message, Method, Question
from tests.rewardlang.llm.misbehaving import (
    KEY,
    MODEL,
    Action,
    chat_chunk,
    error,
    events,
    misbehaving,
    offering,
    response_saying,
    saying,
)

PROGRAM = "rewardlang 1\nseq {}\n"
SCHEMA = {"type": "object", "properties": {"stages": {"type": "integer"}}}
MESSAGES = (Message("system", "you write"), Message("user", "write"))
SAID = [{"role": "system", "content": "you write"}, {"role": "user", "content": "write"}]
NO_THINKING = {"chat_template_kwargs": {"enable_thinking": False}}

Connect = Callable[..., Client]


class Form:
    """A form that one document satisfies."""

    lark = 'start: "rewardlang 1"'
    gbnf = 'root ::= "rewardlang 1"'
    schema = SCHEMA

    def program(self, document: Any) -> str | None:
        return PROGRAM if document == {"stages": 1} else None


QUESTION = Question(MESSAGES, max_tokens=77, constraint=Form(), sample=3)
DOCUMENT = json.dumps({"stages": 1})

CHAT = {
    "model": MODEL,
    "messages": SAID,
    "stream": True,
    "stream_options": {"include_usage": True},
}
SERVED = {**CHAT, "max_tokens": 77, "seed": 3}
JSON_SCHEMA = {"name": "reward_program", "schema": SCHEMA, "strict": True}
CHAT_SCHEMA = {"response_format": {"type": "json_schema", "json_schema": JSON_SCHEMA}}
ABOUT = {
    "name": "write_program",
    "description": "Takes the whole reward program, which is all that you answer.",
}
TOOL_FORM = {"type": "grammar", "syntax": "lark", "definition": Form.lark}
RESPONSES = {
    "model": MODEL,
    "input": SAID,
    "max_output_tokens": 77,
    "store": False,
    "stream": True,
}
CUSTOM = {
    **ABOUT,
    "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": Form.lark}},
}

BODIES: dict[tuple[str, Method], dict[str, Any]] = {
    ("openai", Method.GRAMMAR): {
        **RESPONSES,
        "tools": [{"type": "custom", **ABOUT, "format": TOOL_FORM}],
        "tool_choice": {"type": "custom", "name": "write_program"},
        "parallel_tool_calls": False,
    },
    ("openai", Method.JSON_SCHEMA): {
        **RESPONSES,
        "text": {"format": {"type": "json_schema", **JSON_SCHEMA}},
    },
    ("openai", Method.NONE): RESPONSES,
    ("openai-chat", Method.GRAMMAR): {
        **CHAT,
        "max_completion_tokens": 77,
        "tools": [{"type": "custom", "custom": CUSTOM}],
        "tool_choice": {"type": "custom", "custom": {"name": "write_program"}},
        "parallel_tool_calls": False,
    },
    ("openai-chat", Method.JSON_SCHEMA): {**CHAT, "max_completion_tokens": 77, **CHAT_SCHEMA},
    ("openai-chat", Method.NONE): {**CHAT, "max_completion_tokens": 77},
    ("vllm", Method.GRAMMAR): {
        **SERVED,
        "structured_outputs": {"grammar": Form.gbnf},
        **NO_THINKING,
    },
    ("llama.cpp", Method.GRAMMAR): {**SERVED, "grammar": Form.gbnf, **NO_THINKING},
    ("sglang", Method.GRAMMAR): {**SERVED, "ebnf": Form.gbnf, **NO_THINKING},
    **{
        (name, Method.JSON_SCHEMA): {**SERVED, **CHAT_SCHEMA, **NO_THINKING}
        for name in ("vllm", "llama.cpp", "sglang")
    },
    ("other", Method.JSON_SCHEMA): {**SERVED, **CHAT_SCHEMA},
    **{(name, Method.NONE): SERVED for name in ("vllm", "llama.cpp", "sglang", "other")},
}


def answer_in(provider: str, method: Method) -> Action:
    """A good answer as this provider sends it."""
    text = DOCUMENT if method is Method.JSON_SCHEMA else PROGRAM
    if provider == "openai":
        return response_saying(text, tool=method is Method.GRAMMAR)
    if provider == "openai-chat" and method is Method.GRAMMAR:
        custom = {"name": "write_program", "input": text[:5]}
        call = {"index": 0, "id": "c", "type": "custom", "custom": custom}
        more = {"index": 0, "custom": {"input": text[5:]}}
        return events(
            chat_chunk(tool_calls=[call]),
            chat_chunk(tool_calls=[more]),
            chat_chunk(finish="tool_calls"),
        )
    return saying(text, size=5)


@pytest.mark.parametrize(("provider", "method"), BODIES, ids="-".join)
def test_what_each_provider_is_sent(provider: str, method: Method, client_of: Connect) -> None:
    with misbehaving(answer_in(provider, method)) as script:
        client = client_of(script, provider=provider, constrain=str(method))
        answer = client.answer(QUESTION)
    assert (answer.text, answer.finish, answer.method) == (PROGRAM, Finish.WHOLE, method)
    assert script.asked == [BODIES[provider, method]]
    end = "responses" if provider == "openai" else "chat/completions"
    assert script.paths == ["/v1/models", f"/v1/{end}"]
    assert script.headers[-1]["authorization"] == f"Bearer {KEY}"


def test_a_plan_is_asked_for_as_plain_text_and_temperature_goes_along(client_of: Connect) -> None:
    plain = Question(MESSAGES, max_tokens=77, sample=3)
    with misbehaving(saying("a plan"), models=offering(MODEL, owner="llamacpp")) as script:
        assert client_of(script, temperature=0.5).answer(plain).text == "a plan"
        assert script.asked == [{**SERVED, "temperature": 0.5}]
    with misbehaving(response_saying("a plan")) as script:
        client = client_of(script, temperature=0, provider="openai")
        assert client.answer(plain).text == "a plan"
        assert script.asked == [{**RESPONSES, "temperature": 0}]


@pytest.mark.parametrize(
    ("owner", "field"),
    [("llamacpp", "grammar"), ("vllm", "structured_outputs"), ("sglang", "ebnf")],
)
def test_who_serves_is_told_by_the_owner_of_a_model(
    owner: str, field: str, client_of: Connect
) -> None:
    with misbehaving(saying(PROGRAM), models=offering(MODEL, owner=owner)) as script:
        assert client_of(script).answer(QUESTION).method is Method.GRAMMAR
        assert field in script.asked[0]


def test_an_unknown_owner_is_asked_by_schema(client_of: Connect) -> None:
    with misbehaving(saying(DOCUMENT)) as script:
        answer = client_of(script).answer(QUESTION)
    assert (answer.text, answer.method) == (PROGRAM, Method.JSON_SCHEMA)
    assert script.asked == [{**SERVED, **CHAT_SCHEMA}]


# --- falling back -----------------------------------------------------------------------------

PROSE = saying("Sure! I would begin with reaching.")
LLAMA = offering(MODEL, owner="llamacpp")


@pytest.mark.parametrize("status", [400, 422, 501])
def test_forms_that_are_refused_are_dropped_visibly_and_once(
    status: int, client_of: Connect, notices: list[str]
) -> None:
    refused = error(status, "unknown field")
    with misbehaving(refused, refused, saying(PROGRAM), models=LLAMA) as script:
        client = client_of(script)
        first, second = client.answer(QUESTION), client.answer(QUESTION)
    assert (first.text, first.method, second.method) == (PROGRAM, Method.NONE, Method.NONE)
    asked = ["grammar" if "grammar" in a else "schema" if "response_format" in a else ""
             for a in script.asked]  # fmt: skip
    assert asked == ["grammar", "schema", "", ""]
    said = f"{script.base_url} answers with HTTP {status}: unknown field"
    assert notices == [
        f"the endpoint does not support --constrain grammar: {said}",
        f"the endpoint does not support --constrain json-schema: {said}",
    ]


def test_a_form_refused_in_the_stream_is_dropped_too(
    client_of: Connect, notices: list[str]
) -> None:
    refused = events({"error": {"message": "no such grammar", "code": 400}})
    with misbehaving(refused, saying(DOCUMENT), models=LLAMA) as script:
        assert client_of(script).answer(QUESTION).method is Method.JSON_SCHEMA
    assert len(notices) == 1
    assert "failed while answering: no such grammar" in notices[0]


def test_forms_that_are_ignored_are_dropped_and_their_cost_counted(
    client_of: Connect, notices: list[str]
) -> None:
    with misbehaving(PROSE, PROSE, saying(PROGRAM), models=LLAMA) as script:
        answer = client_of(script).answer(QUESTION)
        assert (answer.text, answer.method) == (PROGRAM, Method.NONE)
        assert len(script.asked) == 3
    assert answer.usage.prompt_tokens == 300
    assert answer.usage.answer_tokens == 30
    assert notices == [
        f"the endpoint does not support --constrain {method}: it does not keep to it"
        for method in ("grammar", "json-schema")
    ]


@pytest.mark.parametrize("wrong", ["{}", "[" * 100_000, '{"stages": 2}', "null", '"text"'])
def test_documents_that_are_no_program_are_an_ignored_schema(
    wrong: str, client_of: Connect
) -> None:
    with misbehaving(saying(wrong), saying(PROGRAM)) as script:
        answer = client_of(script).answer(QUESTION)
    assert (answer.text, answer.method) == (PROGRAM, Method.NONE)
    assert len(script.asked) == 2


def test_an_answer_cut_off_says_nothing_of_the_form(client_of: Connect, notices: list[str]) -> None:
    cut = saying('{"sta', "length")
    with misbehaving(cut) as script:
        answer = client_of(script).answer(QUESTION)
        assert (answer.finish, answer.method) == (Finish.CUT, Method.JSON_SCHEMA)
        assert len(script.asked) == 1
    assert notices == []


def test_a_question_that_no_form_mends_leaves_the_forms_as_they_were(
    client_of: Connect, notices: list[str]
) -> None:
    too_long = error(400, "the prompt is too long")
    actions = (too_long, too_long, too_long, saying(PROGRAM))
    with misbehaving(*actions, models=LLAMA) as script:
        client = client_of(script)
        with pytest.raises(EndpointError, match="HTTP 400: the prompt is too long") as caught:
            client.answer(QUESTION)
        assert client.answer(QUESTION).method is Method.GRAMMAR
    assert not caught.value.lasting
    assert notices == []


def test_a_form_asked_for_by_name_is_not_replaced(client_of: Connect, notices: list[str]) -> None:
    with misbehaving(error(400, "unknown field"), models=LLAMA) as script:
        with pytest.raises(EndpointError) as caught:
            client_of(script, constrain="grammar").answer(QUESTION)
        assert len(script.asked) == 1
    assert str(caught.value) == (
        f"--constrain grammar: {script.base_url} answers with HTTP 400: unknown field; "
        "--constrain auto takes what the endpoint supports"
    )
    assert notices == []
    with misbehaving(PROSE, models=LLAMA) as script:
        with pytest.raises(EndpointError, match="json-schema: it does not keep to it; --constrain"):
            client_of(script, constrain="json-schema").answer(QUESTION)
        assert len(script.asked) == 1


def test_a_grammar_for_an_unknown_server_is_a_mistake_that_is_said(client_of: Connect) -> None:
    with misbehaving(saying(PROGRAM)) as script:
        with pytest.raises(EndpointError, match="for a grammar is not known; --provider says"):
            client_of(script, constrain="grammar").answer(QUESTION)
        assert script.asked == []


def test_what_is_openais_alone_goes_nowhere_else(
    client_of: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "of-openai-alone")
    with misbehaving(saying("fine")) as script:
        client_of(script, api_key=None).answer(Question(MESSAGES, 9))
    assert "of-openai-alone" not in str(script.headers)
