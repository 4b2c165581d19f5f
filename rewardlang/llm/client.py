"""The endpoint itself: questions asked with bounded patience, in the strictest form it supports."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

import openai
import tenacity

from rewardlang.llm.faults import (
    UnsupportedFormError,
    asked_wait,
    explained,
    is_lasting,
    is_nobody_there,
    is_passing,
    is_refusal,
    keyless,
    without_secrets,
)
from rewardlang.llm.model import (
    NOTHING,
    Answer,
    Constraint,
    EndpointError,
    Finish,
    Method,
    Question,
    Usage,
)
from rewardlang.llm.providers import Provider, is_openai, methods, provider_of
from rewardlang.llm.requests import chat_arguments, responses_arguments
from rewardlang.llm.settings import Settings
from rewardlang.llm.streams import (
    Piece,
    Received,
    StreamCutError,
    StreamFailedError,
    bounded,
    chat_pieces,
    received,
    refuse_other_than_events,
    response_pieces,
)

CONNECT_TIMEOUT = 10.0  # s
_MOST_NAMED = 10  # models
_NO_LIST = (403, 404, 405, 501)  # of those that answer questions but list no models

Tell = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """What an endpoint says of itself."""

    model: str
    provider: Provider
    offered: tuple[str, ...]


class Client:
    """A LanguageModel behind an OpenAI-compatible endpoint. May be shared by threads.

    tell: is told, a line each, of waits and of forms that the endpoint does not support.
    """

    def __init__(self, settings: Settings, tell: Tell = lambda _: None):
        self._settings = settings
        self._tell = tell
        self._openai = _opened(settings)
        self._found: Found | None = None
        self._unsupported: set[Method] = set()
        self._lock = Lock()

    @property
    def name(self) -> str:
        """The model and its address. Raises EndpointError where it has to be asked for."""
        return f"{self._settings.model or self.found().model} at {self._settings.address}"

    def found(self) -> Found:
        """The model and who serves it, asked for once. Raises EndpointError."""
        with self._lock:
            if self._found is None:
                self._found = self._find()
            return self._found

    def answer(self, question: Question) -> Answer:
        """One answer, in the strictest form that the endpoint supports. Raises EndpointError."""
        if question.constraint is None:
            return self._answer(question, Method.NONE)
        spent = NOTHING
        unsupported: dict[Method, str] = {}
        for method in self._wanted():
            try:
                answer = self._formed(self._answer(question, method), question.constraint)
            except _IgnoredFormError as ignored:
                spent += ignored.answer.usage
                unsupported[method] = "it does not keep to it"
            except UnsupportedFormError as error:
                unsupported[method] = str(error)
            else:
                self._drop(unsupported)
                return replace(answer, usage=answer.usage + spent)
        why = "; ".join(f"--constrain {method}: {why}" for method, why in unsupported.items())
        raise EndpointError(f"{why}; --constrain auto takes what the endpoint supports")

    def _wanted(self) -> list[Method]:
        possible = methods(self.found().provider)
        asked = self._settings.constrain
        if asked is None:
            return [method for method in possible if method not in self._unsupported]
        if asked not in possible:
            raise EndpointError(
                f"how to ask {self._settings.address} for a {asked} is not known; --provider "
                "says who serves it, --constrain auto takes what it supports"
            )
        return [asked]

    def _drop(self, unsupported: dict[Method, str]) -> None:
        """Ask for these no more, now that a less strict form got through."""
        for method, why in unsupported.items():
            with self._lock:
                known = method in self._unsupported
                self._unsupported.add(method)
            if not known:
                self._tell(f"the endpoint does not support --constrain {method}: {why}")

    def _formed(self, answer: Answer, constraint: Constraint) -> Answer:
        """The answer with the program's text. Raises _IgnoredFormError."""
        if answer.finish is not Finish.WHOLE or answer.method is Method.NONE:
            return answer
        if answer.method is Method.GRAMMAR:
            if answer.text.lstrip().startswith("rewardlang"):
                return answer
            raise _IgnoredFormError(answer)
        try:
            program = constraint.program(json.loads(answer.text))
        except (ValueError, RecursionError):
            program = None
        if program is None:
            raise _IgnoredFormError(answer)
        return replace(answer, text=program)

    def _answer(self, question: Question, method: Method) -> Answer:
        started = monotonic()
        found = self.found()
        try:
            got = self._patiently(lambda: self._ask(question, method, found))
        except Exception as error:  # a stranger's server may break the protocol in any way
            said = explained(error, self._settings, found.model, found.offered)
            if method is not Method.NONE and is_refusal(error):
                raise UnsupportedFormError(said) from error
            raise EndpointError(said, lasting=is_lasting(error)) from error
        text = without_secrets(got.text, self._settings.secrets)
        return Answer(text, got.finish, method, Usage(*got.tokens, monotonic() - started))

    def _ask(self, question: Question, method: Method, found: Found) -> Received:
        sampling: dict[str, Any] = {"stream": True}
        if self._settings.temperature is not None:
            sampling["temperature"] = self._settings.temperature
        if found.provider is Provider.OPENAI:
            arguments = responses_arguments(question, method, found.model)
            return _read(self._openai.responses.create(**arguments, **sampling), response_pieces)
        arguments = chat_arguments(question, method, found.model, found.provider)
        return _read(self._openai.chat.completions.create(**arguments, **sampling), chat_pieces)

    def _patiently(self, ask: Callable[[], T]) -> T:
        """`ask`, again after a wait where waiting may help."""
        growing = tenacity.wait_exponential(multiplier=0.5, max=30.0) + tenacity.wait_random(0, 1)
        asking = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_passing),
            stop=lambda state: state.attempt_number > self._retries(_error(state)),
            wait=lambda state: max(growing(state), asked_wait(_error(state))),
            before_sleep=self._tell_wait,
            reraise=True,
        )
        return asking(ask)

    def _retries(self, error: Exception) -> int:
        most = self._settings.retries
        return min(most, 1) if is_nobody_there(error) else most

    def _tell_wait(self, state: tenacity.RetryCallState) -> None:
        error = _error(state)
        why = explained(error, self._settings, self._settings.model or "", ())
        self._tell(
            f"{why}; trying again in {state.upcoming_sleep:.1f} s "
            f"({state.attempt_number} of {self._retries(error)})"
        )

    def _find(self) -> Found:
        settings = self._settings
        if told := keyless(settings):
            raise EndpointError(told, lasting=True)
        try:
            listed = self._patiently(self._listed)
        except Exception as error:  # as in `_answer`
            if settings.model is None or not _lists_no_models(error):
                said = explained(error, settings, settings.model or "", ())
                raise EndpointError(said, lasting=is_lasting(error)) from error
            listed = {}
        offered = tuple(listed)
        if settings.model and offered and settings.model not in offered:
            self._tell(
                f"`{settings.model}` is not among the models that {settings.address} lists: "
                f"{_named(offered)}"
            )
        provider = settings.provider or provider_of(settings.base_url, list(listed.values()))
        return Found(settings.model or self._only(offered), provider, offered)

    def _listed(self) -> dict[str, str]:
        """The models that the endpoint offers, and who owns them."""
        models = self._openai.models.list().data or ()
        return {model.id: getattr(model, "owned_by", "") for model in models}

    def _only(self, offered: tuple[str, ...]) -> str:
        if len(offered) == 1:
            return offered[0]
        there_are = f"it offers {_named(offered)}" if offered else "it names none"
        raise EndpointError(
            f"which model of {self._settings.address}? --model NAME says it; {there_are}"
        )


class _IgnoredFormError(UnsupportedFormError):
    """The endpoint took the request and ignored the form."""

    def __init__(self, answer: Answer):
        super().__init__()
        self.answer = answer


def _opened(settings: Settings) -> openai.OpenAI:
    """The package's client, told to wait itself for nothing and for no body without end."""

    def note_deadline(request: Any) -> None:
        request.extensions["deadline"] = monotonic() + settings.timeout

    def bound(response: Any) -> None:
        parts = response.iter_bytes
        deadline = response.request.extensions["deadline"]
        response.iter_bytes = lambda *size: bounded(parts(*size), deadline)

    hooks: dict[str, list[Callable[..., Any]]] = {"request": [note_deadline], "response": [bound]}
    opened = openai.OpenAI(
        base_url=settings.address,
        api_key=settings.api_key.get_secret_value() if settings.api_key else "none",
        timeout=openai.Timeout(settings.timeout, connect=min(CONNECT_TIMEOUT, settings.timeout)),
        max_retries=0,  # `_patiently` waits, and says so
        # `auth` and not in the address, which the HTTP package writes into its log
        http_client=openai.DefaultHttpxClient(event_hooks=hooks, auth=settings.login),
    )
    if not is_openai(settings.base_url):
        opened.organization = opened.project = None  # which it reads from the environment
    return opened


def _read(stream: openai.Stream[Any], pieces: Callable[[Any], Iterable[Piece]]) -> Received:
    """The answer in a stream; what breaks it off is told from what keeps it from beginning."""
    with stream:
        refuse_other_than_events(stream.response.headers.get("content-type", ""))
        try:
            return received(pieces(stream))
        except openai.APITimeoutError:
            raise
        except openai.APIConnectionError as error:
            raise StreamCutError from error.__cause__
        except openai.APIError as error:
            raise StreamFailedError(error.message, error.code) from error


def _named(offered: Iterable[str]) -> str:
    """Of the models that are offered, as many as can be read."""
    names = sorted(offered)
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(f"`{name}`" for name in names[:_MOST_NAMED]) + more


def _lists_no_models(error: Exception) -> bool:
    return isinstance(error, openai.APIStatusError) and error.status_code in _NO_LIST


def _error(state: tenacity.RetryCallState) -> Exception:
    assert state.outcome is not None
    error = state.outcome.exception()
    assert isinstance(error, Exception)
    return error
