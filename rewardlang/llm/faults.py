"""What can go wrong at an endpoint -> what to tell the user; which of it passes by waiting."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from socket import gaierror
from urllib.parse import urlsplit

import openai

from rewardlang.checking.names import nearest
from rewardlang.llm.providers import is_openai
from rewardlang.llm.settings import OPENAI_URL, Settings
from rewardlang.llm.streams import (
    LongStreamError,
    NoStreamError,
    SlowStreamError,
    StreamCutError,
    StreamFailedError,
)

LONGEST_WAIT = 60.0  # s, that an endpoint may ask for; a longer one is an error

_MOST_SHOWN = 300  # characters of an endpoint's own message
_SHORTEST_SECRET = 6  # shorter ones are stopgaps like `none`, and words of other texts
_HOPELESS = ("insufficient_quota", "billing_hard_limit_reached")  # 429s that no waiting mends
_PASSING = (408, 409, 429)  # and what is wrong with the server, 5xx
_LASTING = (401, 402, 403, 404)
_NOT_IMPLEMENTED = 501
_REFUSALS = (400, 422, _NOT_IMPLEMENTED)  # HTTP's words for "I do not understand this request"


class UnsupportedFormError(RuntimeError):
    """The endpoint cannot, or does not, hold its answer to the form asked for."""


def is_passing(error: BaseException) -> bool:
    """Whether asking the same again may help. A timeout is none: it would take as long again."""
    if status := _status(error):
        if _is_hopeless(error) or asked_wait(error) > LONGEST_WAIT:
            return False
        return status in _PASSING or (status >= 500 and status != _NOT_IMPLEMENTED)
    return isinstance(error, (openai.APIConnectionError, StreamCutError)) and not _is_slow(error)


def is_nobody_there(error: BaseException) -> bool:
    """Whether the host is unknown or refuses the connection, which seldom changes in a minute."""
    return any(isinstance(cause, (gaierror, ConnectionRefusedError)) for cause in _causes(error))


def is_lasting(error: BaseException) -> bool:
    """Whether the next question would fare no better."""
    if status := _status(error):
        return status in _LASTING or _is_hopeless(error) or asked_wait(error) > LONGEST_WAIT
    return not isinstance(error, StreamCutError) and not _is_slow(error)


def is_refusal(error: BaseException) -> bool:
    """Whether the endpoint understands the request but for something in it."""
    return _status(error) in _REFUSALS


def asked_wait(error: BaseException) -> float:
    """Seconds that the endpoint asks to wait, by `Retry-After`; 0 where it does not."""
    if not isinstance(error, openai.APIStatusError):
        return 0.0
    asked = error.response.headers.get("retry-after", "")
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def explained(error: Exception, settings: Settings, model: str, offered: Sequence[str]) -> str:
    """The error as the user is told of it, without any secret."""
    at = settings.address
    said = _said(error, settings)
    so_it_says = f": {said}" if said else ""
    match error:
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            given = "the key it was given" if settings.api_key else "a request without a key"
            return (
                f"{at} refuses {given}{so_it_says}; set REWARDLANG_API_KEY, or OPENAI_API_KEY for "
                "OpenAI's own endpoint"
            )
        case openai.NotFoundError():
            return _not_found(at, model, offered, so_it_says)
        case openai.RateLimitError() if _is_hopeless(error):
            return f"{at} answers no more on this account{so_it_says}"
        case openai.RateLimitError():
            return f"{at} allows no more requests now{_asks(error)}{so_it_says}"
        case openai.APIStatusError():
            return f"{at} answers with HTTP {error.status_code}{_asks(error)}{so_it_says}"
        case StreamFailedError():
            return f"{at} failed while answering{so_it_says}"
        case StreamCutError():
            return f"{at}: the connection broke in the middle of the answer{so_it_says}"
        case _ if _is_slow(error):
            return (
                f"{at} gave no whole answer in {settings.timeout:g} s; --timeout SECONDS waits "
                "longer"
            )
        case openai.APIConnectionError():
            return f"{at} cannot be reached{so_it_says}{_who_is_not_there(error, at)}"
        case LongStreamError():
            return f"{at} sends more than any answer of an OpenAI-compatible API takes"
        case _:
            return (
                f"{at} sends what is no answer of an OpenAI-compatible API{so_it_says}"
                f"; {_look_at_the_address(at)}"
            )


def keyless(settings: Settings) -> str:
    """What to say before OpenAI is asked without a key, which it never answers; "" elsewhere."""
    if settings.api_key or settings.login or not is_openai(settings.base_url):
        return ""
    own = settings.base_url == OPENAI_URL
    variable = "OPENAI_API_KEY" if own else "REWARDLANG_API_KEY"
    return f"{variable} is not set, and {settings.address} answers nobody without a key"


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, should somebody have repeated them."""
    for secret in sorted(secrets, key=len, reverse=True):  # one may be part of another
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "[key]")
    return text


def _status(error: BaseException) -> int:
    """HTTP's status, or what is like it in a stream that had begun well; 0 for neither."""
    if isinstance(error, openai.APIStatusError):
        return error.status_code
    if isinstance(error, StreamFailedError):
        return error.status
    return 0


def _is_hopeless(error: BaseException) -> bool:
    names = (getattr(error, "code", None), getattr(error, "type", None))
    return any(name in _HOPELESS for name in names)


def _is_slow(error: BaseException) -> bool:
    """Whether the answer did not come in time; a connection that does not come about is not slow.

    What a body's reader raises arrives as the cause of one of `openai`'s errors.
    """
    cause = error.__cause__
    if isinstance(error, SlowStreamError) or isinstance(cause, SlowStreamError):
        return True
    return isinstance(error, openai.APITimeoutError) and "Connect" not in type(cause).__name__


def _asks(error: openai.APIStatusError) -> str:
    wait = asked_wait(error)
    longer = ", longer than is waited for" if wait > LONGEST_WAIT else ""
    return f" and asks to wait {wait:.0f} s{longer}" if wait else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and, one behind the other, what brought it about."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _who_is_not_there(error: BaseException, at: str) -> str:
    causes = list(_causes(error))
    if any(isinstance(cause, gaierror) for cause in causes):
        return f"; no host `{urlsplit(at).hostname}` is known"
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "; no server listens there"
    return ""


def _not_found(at: str, model: str, offered: Sequence[str], so_it_says: str) -> str:
    if offered and model not in offered:
        near = nearest(model, offered) or list(offered[:5])
        return f"{at} has no model `{model}`; it offers {', '.join(f'`{name}`' for name in near)}"
    if not model:
        return (
            f"{at} lists no models{so_it_says}; {_look_at_the_address(at)}. Where it is right, "
            "--model NAME says what to ask for"
        )
    look = "" if offered else f"; {_look_at_the_address(at)}"
    return f"{at} knows no such request for the model `{model}`{so_it_says}{look}"


def _look_at_the_address(at: str) -> str:
    ending = "" if at.endswith("/v1") else ", which usually ends in /v1"
    return (
        f"it is probably no OpenAI-compatible API, or its path is another: see the address{ending}"
    )


def _said_in(body: object) -> object:
    """The server's own words in the body of an error; "" where it is a web page or nothing."""
    if isinstance(body, dict):
        return body.get("message") or body.get("detail") or ""
    return body if isinstance(body, str) and not body.lstrip().startswith("<") else ""


def _said(error: Exception, settings: Settings) -> str:
    """What the endpoint, or the connection to it, says of the error; "" for nothing."""
    match error:
        case openai.APIStatusError():
            said = _said_in(error.body)
        case StreamFailedError() | NoStreamError():
            said = error
        case openai.APIConnectionError() | StreamCutError():
            said = error.__cause__ or ""
        case _:
            said = ""
    text = re.sub(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\uffff]", " ", str(said))
    text = without_secrets(" ".join(text.split()), settings.secrets)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]} …"
