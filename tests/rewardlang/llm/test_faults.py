"""Each fault of an endpoint: one clear message, few attempts, no key anywhere."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from rewardlang.llm.model import EndpointError
from rewardlang.llm.settings import OPENAI_URL
from tests.rewardlang.llm.misbehaving import (
    KEY,
    MODEL,
    Action,
    Connection,
    answering,
    chat_chunk,
    error,
    events,
    misbehaving,
    offering,
)
from tests.rewardlang.llm.refusal import GOOD, QUESTION, Connect, refused

# --- time -------------------------------------------------------------------------------------


def silent(to: Connection) -> None:
    to.wait(20)


def silent_in_the_middle(to: Connection) -> None:
    to.head()
    to.event(chat_chunk("half an "))
    to.wait(20)


def dripping(what: Callable[[Connection], None]) -> Action:
    def action(to: Connection) -> None:
        to.head()
        while not to.over:
            what(to)
            to.wait(0.03)

    return action


SLOW = {
    "before the answer": silent,
    "in the middle": silent_in_the_middle,
    "piece by piece": dripping(lambda to: to.event(chat_chunk("."))),
    "pings alone": dripping(lambda to: to.send(": ping\n\n")),
    "one line without end": dripping(lambda to: to.send("x")),
}


@pytest.mark.parametrize("action", SLOW.values(), ids=SLOW)
def test_an_answer_has_to_be_whole_in_time(action: Action, client_of: Connect) -> None:
    with misbehaving(action) as script:
        client = client_of(script, timeout=0.3)
        started = time.monotonic()
        with refused("gave no whole answer in 0.3 s; --timeout", lasting=False):
            client.answer(QUESTION)
        assert time.monotonic() - started < 2
        assert len(script.asked) == 1, "as long again would be no better"


def test_a_list_of_models_has_to_come_in_time(client_of: Connect) -> None:
    def models(to: Connection) -> None:
        to.head(headers={"Content-Type": "application/json"})
        while not to.over:
            to.send(" ")
            to.wait(0.03)

    with (
        misbehaving(GOOD, models=models) as script,
        refused("gave no whole answer in 0.3 s", lasting=False),
    ):
        client_of(script, timeout=0.3).answer(QUESTION)


# --- HTTP's own words -------------------------------------------------------------------------


def test_a_busy_endpoint_is_asked_again_after_the_time_it_names(
    client_of: Connect, waits: list[float], notices: list[str]
) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=41), usegmt=True)
    busy = error(429, "slow down", "rate_limit_exceeded", Retry_After="17")
    until = error(503, "overloaded", Retry_After=later)
    with misbehaving(busy, until, error(429, "slow down"), GOOD) as script:
        assert client_of(script).answer(QUESTION).text == "a good answer"
        assert len(script.asked) == 4
    seconds, until_date, growing = waits
    assert 17 <= seconds < 18
    assert 38 < until_date <= 41
    assert 0 < growing < 10
    first, second, third = notices
    assert "allows no more requests now and asks to wait 17 s: slow down" in first
    assert "trying again in 17.0 s (1 of 4)" in first
    assert "answers with HTTP 503 and asks to wait 4" in second
    assert "trying again" in third


@pytest.mark.parametrize("asked", ["3600", "inf", "Wed, 01 Jan 2200 00:00:00 GMT"])
def test_a_wait_that_is_too_long_is_an_error_that_says_so(asked: str, client_of: Connect) -> None:
    with misbehaving(error(429, "come back later", Retry_After=asked)) as script:
        with refused("asks to wait", "longer than is waited for", "later", lasting=True):
            client_of(script).answer(QUESTION)
        assert len(script.asked) == 1


@pytest.mark.parametrize("asked", ["soon", "nan", "-5", "Wed, 01 Jan 2020 00:00:00 GMT"])
def test_a_wait_that_cannot_be_understood_is_our_own(
    asked: str, client_of: Connect, waits: list[float]
) -> None:
    with misbehaving(error(429, "slow down", Retry_After=asked), GOOD) as script:
        assert client_of(script).answer(QUESTION).text == "a good answer"
    assert len(waits) == 1
    assert 0 < waits[0] < 10


def test_a_quota_that_is_used_up_is_not_asked_again(client_of: Connect) -> None:
    with misbehaving(error(429, "You exceeded your quota.", "insufficient_quota")) as script:
        with refused("answers no more on this account: You exceeded your quota.", lasting=True):
            client_of(script).answer(QUESTION)
        assert len(script.asked) == 1


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504, 529])
def test_a_fault_of_the_server_passes(status: int, client_of: Connect, waits: list[float]) -> None:
    with misbehaving(error(status, "hiccup"), error(status, "hiccup"), GOOD) as script:
        assert client_of(script).answer(QUESTION).text == "a good answer"
        assert len(script.asked) == 3
    assert len(waits) == 2


def test_attempts_are_bounded_and_waits_grow(client_of: Connect, waits: list[float]) -> None:
    with misbehaving(error(500, "broken")) as script:
        with refused("answers with HTTP 500: broken", lasting=False):
            client_of(script, retries=3).answer(QUESTION)
        assert len(script.asked) == 4
    assert len(waits) == 3
    assert waits[0] < 2 < waits[2] < 30


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_said_without_the_key(status: int, client_of: Connect) -> None:
    padded = f"{'x' * 290} {KEY}"  # so that shortening would cut it in two
    for message in (f"Incorrect API key provided: {KEY}.", padded):
        with misbehaving(error(status, message), models=offering(MODEL)) as script:
            with refused("refuses the key it was given", "REWARDLANG_API_KEY", lasting=True):
                client_of(script).answer(QUESTION)
            assert len(script.asked) == 1


def test_a_missing_key_is_said(client_of: Connect) -> None:
    denied = error(401, "no key")
    with (
        misbehaving(GOOD, models=denied) as script,
        refused("refuses a request without a key: no key; set REWARDLANG_API_KEY", lasting=True),
    ):
        client_of(script, api_key=None).answer(QUESTION)


def test_a_model_that_does_not_exist_is_told_with_the_nearest(client_of: Connect) -> None:
    missing = error(404, "The model does not exist", "model_not_found")
    with misbehaving(missing, models=offering("gpt-large", "scripted-11", "whisper")) as script:
        with refused(f"has no model `{MODEL}`; it offers `scripted-11`", lasting=True):
            client_of(script).answer(QUESTION)
        assert len(script.asked) == 1


def test_a_model_that_is_not_listed_is_told_once_and_asked_all_the_same(
    client_of: Connect, notices: list[str]
) -> None:
    with misbehaving(GOOD, models=offering("gemma3-270m")) as script:
        client = client_of(script)
        assert client.answer(QUESTION).text == "a good answer"
        assert client.answer(QUESTION).text == "a good answer"
        assert [body["model"] for body in script.asked] == [MODEL, MODEL]
        assert notices == [
            f"`{MODEL}` is not among the models that {script.base_url} lists: `gemma3-270m`"
        ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "boom"}, "answers with HTTP 500: boom"),
        ({"error": {"message": "boom"}}, "answers with HTTP 500: boom"),
        ({"detail": "boom"}, "answers with HTTP 500: boom"),
        ({"error": f"boom {KEY}"}, "answers with HTTP 500: boom [key]"),
        ("boom", "answers with HTTP 500: boom"),
        ("<html>a page</html>", "answers with HTTP 500"),
        ({"error": None}, "answers with HTTP 500"),
    ],
)
def test_a_servers_own_words_are_shown_in_whatever_form_they_come(
    body: Any, said: str, client_of: Connect
) -> None:
    with misbehaving(answering(500, body)) as script:
        with pytest.raises(EndpointError) as caught:
            client_of(script, retries=0).answer(QUESTION)
        assert str(caught.value) == f"{script.base_url} {said}"


def test_a_wrong_path_is_told_with_how_paths_end(client_of: Connect) -> None:
    with (
        misbehaving(error(404, "nothing here"), models=answering(404, "<h1>no</h1>")) as script,
        refused("knows no such request", "nothing here", "usually ends in /v1", lasting=True),
    ):
        client_of(script.base_url.removesuffix("/v1")).answer(QUESTION)


# --- models -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 404, 405, 501])
def test_an_endpoint_without_a_list_of_models_is_asked_all_the_same(
    status: int, client_of: Connect
) -> None:
    with misbehaving(GOOD, models=answering(status, "<h1>no</h1>")) as script:
        assert client_of(script).answer(QUESTION).text == "a good answer"


def test_without_a_list_the_model_has_to_be_named(client_of: Connect) -> None:
    with misbehaving(GOOD, models=answering(404, {"detail": "Not Found"})) as script:
        with refused(
            f"{script.base_url} lists no models: Not Found; it is probably no OpenAI-compatible "
            "API, or its path is another: see the address. Where it is right, --model NAME",
            lasting=True,
        ):
            client_of(script, model=None).answer(QUESTION)
        assert script.asked == []


def test_the_only_model_needs_no_name_and_several_do(client_of: Connect) -> None:
    with misbehaving(GOOD) as script:
        client = client_of(script, model=None)
        assert client.answer(QUESTION).text == "a good answer"
        assert client.answer(QUESTION).text == "a good answer"
        assert client.name == f"{MODEL} at {script.base_url}"
        assert [body["model"] for body in script.asked] == [MODEL, MODEL]
        assert script.lists == 1
    with (
        misbehaving(GOOD, models=offering("b", "a")) as script,
        refused("--model NAME says it; it offers `a`, `b`", lasting=True),
    ):
        client_of(script, model=None).answer(QUESTION)
    with (
        misbehaving(GOOD, models=offering()) as script,
        refused("--model NAME says it; it names none", lasting=True),
    ):
        client_of(script, model=None).answer(QUESTION)


# --- the connection ---------------------------------------------------------------------------


def test_nobody_there(client_of: Connect, waits: list[float], notices: list[str]) -> None:
    with socket.socket() as taken:  # bound, and not listening
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with refused(
            f"{url} cannot be reached: ", "refused", "no server listens there", lasting=True
        ):
            client_of(url, retries=4).answer(QUESTION)
    assert len(waits) == 1
    assert "(1 of 1)" in notices[0]


def test_a_host_that_nobody_knows(
    client_of: Connect, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)  # some networks answer for every name
    with refused("no host `nobody.invalid` is known", lasting=True):
        client_of("http://nobody.invalid/v1", retries=4).answer(QUESTION)
    assert len(waits) == 1


def test_openai_is_not_asked_without_a_key(
    client_of: Connect, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unasked(*_: object, **__: object) -> None:
        pytest.fail("a request was made")

    monkeypatch.setattr("socket.getaddrinfo", unasked)
    with refused("OPENAI_API_KEY is not set, and https://api.openai.com/v1 answers", lasting=True):
        client_of(OPENAI_URL, api_key=None).answer(QUESTION)
    elsewhere = "https://api.openai.com/v2"  # where OPENAI_API_KEY does not go
    with refused(f"REWARDLANG_API_KEY is not set, and {elsewhere} answers", lasting=True):
        client_of(elsewhere, api_key=None).answer(QUESTION)
    assert waits == []


def cut_before_the_headers(to: Connection) -> None:
    to.cut()


def cut_in_the_middle(chunked: bool, finish: str | None = None) -> Action:
    def action(to: Connection) -> None:
        to.head(chunked=chunked)
        to.event(chat_chunk("half an ", finish))
        to.cut()

    return action


CUTS = {
    "headers": (cut_before_the_headers, "cannot be reached: "),
    "chunked": (cut_in_the_middle(True), "the connection broke in the middle of the answer: "),
    "to the end": (cut_in_the_middle(False), "the connection broke in the middle of the answer"),
    "at once": (events(), "the connection broke in the middle of the answer"),
}


@pytest.mark.parametrize(("action", "said"), CUTS.values(), ids=CUTS)
def test_a_connection_that_breaks_is_tried_again(
    action: Action, said: str, client_of: Connect
) -> None:
    with misbehaving(action, action, GOOD) as script:
        assert client_of(script).answer(QUESTION).text == "a good answer"
        assert len(script.asked) == 3
    with misbehaving(action) as script:
        with pytest.raises(EndpointError) as caught:
            client_of(script, retries=2).answer(QUESTION)
        assert said in str(caught.value)
        assert len(script.asked) == 3


def test_a_redirect_elsewhere_does_not_carry_the_key(client_of: Connect) -> None:
    with misbehaving(GOOD) as elsewhere:
        to = f"{elsewhere.base_url}/chat/completions"  # another port: another server
        with misbehaving(answering(307, "", Location=to)) as here:
            assert client_of(here).answer(QUESTION).text == "a good answer"
        assert here.headers[-1]["authorization"] == f"Bearer {KEY}"
        assert KEY not in str(elsewhere.headers)


# --- what is no API ---------------------------------------------------------------------------

STRANGE = {
    "web page": answering(200, "<html>welcome</html>"),
    "document": answering(200, {"choices": [{"message": {"content": "hello"}}]}),
    "no JSON": events("this is no JSON"),
    "other JSON": events({"answer": 42}),
    "a number": events(42),
    "a list": events([1, 2]),
    "no delta": events({"choices": [{"index": 0}]}),
    "choices of text": events({"choices": "abc"}),
}


@pytest.mark.parametrize("action", STRANGE.values(), ids=STRANGE)
def test_what_is_no_such_api_is_said_at_once(action: Action, client_of: Connect) -> None:
    with misbehaving(action) as script:
        with refused(
            "sends what is no answer of an OpenAI-compatible API",
            "its path is another: see the address",
            lasting=True,
        ):
            client_of(script).answer(QUESTION)
        assert len(script.asked) == 1


@pytest.mark.parametrize(
    "models", [answering(200, "<html>"), answering(200, {"data": "abc"}), answering(200, [1])]
)
def test_a_list_that_is_none_is_said(models: Action, client_of: Connect) -> None:
    with (
        misbehaving(GOOD, models=models) as script,
        refused("sends what is no answer of an OpenAI-compatible API", lasting=True),
    ):
        client_of(script).answer(QUESTION)
