"""Answers as they come over the wire: how they end, how long they may be, what they never show."""

from __future__ import annotations

import logging
from base64 import b64encode
from typing import Any

import pytest

from rewardlang.llm.model import EndpointError, Finish, Method
from rewardlang.llm.streams import MOST_CHARACTERS
from tests.rewardlang.llm.misbehaving import (
    KEY,
    MODEL,
    Action,
    Connection,
    Script,
    chat_chunk,
    error,
    events,
    misbehaving,
    response_end,
    response_events,
    saying,
)
from tests.rewardlang.llm.refusal import GOOD, QUESTION, Connect, refused

# --- the answer itself ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "finish", "text"),
    [
        (saying("half a prog", "length"), Finish.CUT, "half a prog"),
        (saying("half a prog", "max_tokens"), Finish.CUT, "half a prog"),
        (saying("", "content_filter"), Finish.REFUSED, ""),
        (saying("I would", "content_filter"), Finish.REFUSED, "I would"),
        (
            events(
                chat_chunk(refusal="I can"), chat_chunk(refusal="not"), chat_chunk(finish="stop")
            ),
            Finish.REFUSED,
            "I cannot",
        ),
        (saying(""), Finish.EMPTY, ""),
        (saying(" \n "), Finish.EMPTY, " \n "),
        (saying("whole", "eos"), Finish.WHOLE, "whole"),
        (saying("a \ud83d\ude00 b", size=3), Finish.WHOLE, "a 😀 b"),
        (saying("a \ud83d b"), Finish.WHOLE, "a \ufffd b"),
        (saying(f"the key is {KEY}!", size=7), Finish.WHOLE, "the key is [key]!"),
    ],
)
def test_how_an_answer_ends(action: Action, finish: Finish, text: str, client_of: Connect) -> None:
    with misbehaving(action) as script:
        answer = client_of(script).answer(QUESTION)
        assert (answer.finish, answer.text, answer.method) == (finish, text, Method.NONE)
        assert len(script.asked) == 1


def test_usage_is_what_the_endpoint_counts(client_of: Connect) -> None:
    with misbehaving(GOOD) as script:
        usage = client_of(script).answer(QUESTION).usage
    assert (usage.prompt_tokens, usage.answer_tokens) == (100, 10)
    assert 0 < usage.seconds < 5
    odd = chat_chunk(finish="stop") | {"usage": {"prompt_tokens": None, "total_tokens": "many"}}
    with misbehaving(events(chat_chunk("fine"), odd)) as script:
        answer = client_of(script).answer(QUESTION)
    assert answer.text == "fine"
    assert (answer.usage.prompt_tokens, answer.usage.answer_tokens) == (0, 0)


def test_thoughts_beside_the_text_are_no_text(client_of: Connect) -> None:
    thought = [{"type": "thinking", "thinking": "hmm"}]
    chunks = (chat_chunk(reasoning_content="hmm"), chat_chunk() | {"choices": []})
    listed = {"choices": [{"index": 0, "delta": {"content": thought}, "finish_reason": None}]}
    with misbehaving(
        events(*chunks, listed, chat_chunk("said"), chat_chunk(finish="stop"))
    ) as script:
        assert client_of(script).answer(QUESTION).text == "said"


def in_small_pieces(to: Connection) -> None:
    to.head()
    for _ in range(10_000):
        to.event(chat_chunk("x" * 1000))


@pytest.mark.parametrize(
    "action",
    [
        in_small_pieces,
        saying("x" * 10_000_000, size=10_000_000),
        events(chat_chunk(refusal="x" * 10_000_000)),
    ],
    ids=["small pieces", "one piece", "a refusal"],
)
def test_ten_megabytes_are_not_read_to_their_end(action: Action, client_of: Connect) -> None:
    with misbehaving(action) as script:
        answer = client_of(script).answer(QUESTION)
    assert answer.finish is Finish.TOO_LONG
    assert len(answer.text) <= MOST_CHARACTERS
    assert set(answer.text) <= {"x"}


# --- faults told in the middle of a stream ----------------------------------------------------


def failing(code: Any) -> Action:
    return events(chat_chunk("half"), {"error": {"message": f"lost it {KEY}", "code": code}})


@pytest.mark.parametrize("code", [None, 500, "server_error", 503])
def test_a_server_that_fails_in_the_middle_is_asked_again(code: Any, client_of: Connect) -> None:
    with misbehaving(failing(code), GOOD) as script:
        assert client_of(script).answer(QUESTION).text == "a good answer"
    with misbehaving(failing(code)) as script:
        with refused("failed while answering: lost it [key]", lasting=False):
            client_of(script, retries=1).answer(QUESTION)
        assert len(script.asked) == 2


@pytest.mark.parametrize("code", [400, "invalid_prompt"])
def test_a_question_refused_in_the_middle_is_not_asked_again(code: Any, client_of: Connect) -> None:
    with misbehaving(failing(code)) as script:
        with refused("failed while answering: lost it [key]", lasting=False):
            client_of(script).answer(QUESTION)
        assert len(script.asked) == 1


TEXT = {"type": "response.output_text.delta", "delta": "half", "sequence_number": 1}
RESPONSES = {
    "cut": ([TEXT, response_end("incomplete", incomplete_details={"reason": "max_output_tokens"})],
            Finish.CUT, "half"),
    "filtered": ([response_end("incomplete", incomplete_details={"reason": "content_filter"})],
                 Finish.REFUSED, ""),
    "refused": ([{"type": "response.refusal.delta", "delta": "no", "sequence_number": 1},
                 response_end("completed")], Finish.REFUSED, "no"),
    "empty": ([response_end("completed")], Finish.EMPTY, ""),
    "whole": ([TEXT, response_end("completed")], Finish.WHOLE, "half"),
}  # fmt: skip


@pytest.mark.parametrize(("said", "finish", "text"), RESPONSES.values(), ids=RESPONSES)
def test_how_an_answer_of_the_responses_api_ends(
    said: list[Any], finish: Finish, text: str, client_of: Connect
) -> None:
    with misbehaving(response_events(*said)) as script:
        answer = client_of(script, provider="openai").answer(QUESTION)
        assert (answer.finish, answer.text) == (finish, text)
        assert answer.usage.prompt_tokens == 100
        assert script.paths[-1] == "/v1/responses"


def test_a_response_that_fails_says_why(client_of: Connect) -> None:
    failed = response_end("failed", error={"code": "server_error", "message": "lost it"})
    told = {"type": "error", "code": "invalid_prompt", "message": "not that", "sequence_number": 1}
    with misbehaving(response_events(TEXT, failed)) as script:
        with refused("failed while answering: lost it", lasting=False):
            client_of(script, provider="openai", retries=1).answer(QUESTION)
        assert len(script.asked) == 2
    with misbehaving(response_events(TEXT, told)) as script:
        with refused("failed while answering: not that", lasting=False):
            client_of(script, provider="openai", retries=1).answer(QUESTION)
        assert len(script.asked) == 1
    with misbehaving(response_events(TEXT)) as script:
        with refused("the connection broke in the middle", lasting=False):
            client_of(script, provider="openai", retries=1).answer(QUESTION)
        assert len(script.asked) == 2


def test_a_password_in_the_address_is_never_said(client_of: Connect) -> None:
    def at(script: Script) -> str:
        return script.base_url.replace("//", "//someone:open-sesame@")

    with misbehaving(error(500, "you are someone:open-sesame, open-sesame")) as script:
        client = client_of(at(script), retries=0)
        assert client.name == f"{MODEL} at {script.base_url}"
        with pytest.raises(EndpointError) as caught:
            client.answer(QUESTION)
    assert "sesame" not in str(caught.value)
    assert f"{script.base_url} answers with HTTP 500: you are [key], [key]" in str(caught.value)


def test_no_log_holds_a_secret(client_of: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with misbehaving(error(500, KEY), GOOD) as script:
        url = script.base_url.replace("//", "//someone:open-sesame@")
        assert client_of(url).answer(QUESTION).text == "a good answer"
        given = b64encode(b"someone:open-sesame").decode()
        assert script.headers[-1]["authorization"] == f"Basic {given}"
    assert len(caplog.records) > 5
    assert KEY not in caplog.text
    assert "sesame" not in caplog.text
