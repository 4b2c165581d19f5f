"""What can go wrong at an endpoint -> what to tell the user; which of it passes by waiting."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import openai
from pydantic import SecretStr

from rewardlang.checking.names import nearest
from rewardlang.llm.settings import Settings
from rewardlang.llm.streams import SlowStreamError, StreamCutError, StreamFailedError

LONGEST_WAIT = 60.0  # s, that an endpoint may ask for; a longer one is an error

_MOST_SHOWN = 300  # characters of an endpoint's own message
_CUT_STREAM = "the connection broke in the middle of the answer"
_HOPELESS = ("insufficient_quota", "billing_hard_limit_reached")  # 429s that no waiting mends


class UnsupportedFormError(RuntimeError):
    """The endpoint cannot, or does not, hold its answer to the form asked for."""


def is_passing(error: BaseException) -> bool:
    """Whether asking again may help."""
    if isinstance(error, openai.APIStatusError):
        if getattr(error, "code", None) in _HOPELESS or asked_wait(error) > LONGEST_WAIT:
            return False
        return error.status_code in (408, 409, 429) or error.status_code >= 500
    return is_broken_connection(error)


def is_broken_connection(error: BaseException) -> bool:
    """Whether the connection failed, before the answer or in the middle of it.

    In the middle, the HTTP package's own errors come through; `openai` chooses which package.
    """
    if isinstance(error, (openai.APIConnectionError, StreamCutError)):
        return True
    module = type(error).__module__.partition(".")[0]
    return module in ("httpx", "httpx2", "httpcore", "httpcore2")


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
    return without_secret(_explained(error, settings, model, offered), settings.api_key)


def _explained(error: Exception, settings: Settings, model: str, offered: Sequence[str]) -> str:
    at = settings.base_url
    said = _said(error)
    match error:
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            given = "the key it was given" if settings.api_key else "a request without a key"
            return (
                f"{at} refuses {given}{said}; set REWARDLANG_API_KEY, or OPENAI_API_KEY for "
                "OpenAI's own endpoint"
            )
        case openai.NotFoundError():
            return _not_found(at, model, offered, said)
        case openai.RateLimitError():
            wait = asked_wait(error)
            asks = f" and asks to wait {wait:.0f} s" if wait else ""
            return f"{at} allows no more requests now{asks}{said}"
        case openai.APITimeoutError() | SlowStreamError():
            return (
                f"{at} gave no whole answer in {settings.timeout:g} s; --timeout SECONDS waits "
                "longer"
            )
        case StreamFailedError():
            return f"{at} failed while answering: {_shortened(str(error))}"
        case openai.APIStatusError():
            return f"{at} answers with HTTP {error.status_code}{said}"
        case openai.APIConnectionError() if error.__cause__:
            return f"{at} cannot be reached: {_shortened(str(error.__cause__))}"
        case StreamCutError():
            return f"{at}: {_CUT_STREAM}"
        case _ if is_broken_connection(error) and type(error).__name__.endswith("Timeout"):
            return f"{at} fell silent for {settings.timeout:g} s in the middle of its answer"
        case _ if is_broken_connection(error):
            return f"{at}: {_CUT_STREAM}: {_shortened(str(error))}"
        case _:
            shown = _shortened(str(error))
            return f"{at} sends what is no answer of an OpenAI-compatible API: {shown}"


def _not_found(at: str, model: str, offered: Sequence[str], said: str) -> str:
    if offered and model not in offered:
        near = nearest(model, offered) or list(offered[:5])
        return f"{at} has no model `{model}`; it offers {', '.join(f'`{name}`' for name in near)}"
    hint = "" if at.endswith("/v1") else "; the address usually ends in /v1"
    return f"{at} knows no such request for the model `{model}`{said}{hint}"


def _said(error: Exception) -> str:
    if not isinstance(error, openai.APIStatusError):
        return ""
    body = error.body if isinstance(error.body, dict) else {}
    message = body.get("message") or body.get("detail") or ""
    return f": {_shortened(str(message))}" if message else ""


def _shortened(text: str) -> str:
    text = " ".join(re.sub(r"[^\x20-\x7e\xa0-\uffff]", " ", text).split())
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]} …"


def without_secret(text: str, key: SecretStr | None) -> str:
    """The text without the key, should somebody have repeated it."""
    secret = key.get_secret_value() if key else ""
    return text.replace(secret, "[key]") if len(secret) >= 4 else text
