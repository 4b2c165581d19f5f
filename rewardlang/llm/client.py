"""The endpoint itself: questions asked with bounded patience, in the strictest form it supports."""

from __future__ import annotations

import json
from collections.abc import Callable
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
    is_passing,
    without_secret,
)
from rewardlang.llm.model import (
    Answer,
    Constraint,
    EndpointError,
    Finish,
    Method,
    Question,
    Usage,
)
from rewardlang.llm.providers import Provider, methods, provider_of
from rewardlang.llm.requests import chat_arguments, responses_arguments
from rewardlang.llm.settings import Settings
from rewardlang.llm.streams import Received, chat_pieces, received, response_pieces

CONNECT_TIMEOUT = 10.0  # s
_REFUSALS = (400, 422, 501)  # HTTP's words for "I do not understand this request"

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
        key = settings.api_key.get_secret_value() if settings.api_key else "none"
        self._openai = openai.OpenAI(
            base_url=settings.base_url,
            api_key=key,
            timeout=openai.Timeout(settings.timeout, connect=CONNECT_TIMEOUT),
            max_retries=0,  # `_patiently` waits, and says so
        )
        self._found: Found | None = None
        self._unsupported: set[Method] = set()
        self._lock = Lock()

    @property
    def name(self) -> str:
        return f"{self.found().model} at {self._settings.base_url}"

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
        wanted = self._wanted()
        spent = Usage()
        for method in wanted:
            if method in self._unsupported:
                continue
            try:
                answer = self._formed(self._answer(question, method), question.constraint)
            except _IgnoredFormError as ignored:
                spent += ignored.answer.usage
                self._drop(method, "it does not keep to it")
            except UnsupportedFormError as error:
                self._drop(method, str(error))
            else:
                return replace(answer, usage=answer.usage + spent)
        raise EndpointError(
            f"{self._settings.base_url} supports none of {', '.join(wanted)}; --constrain auto "
            "takes what it does support"
        )

    def _wanted(self) -> tuple[Method, ...]:
        possible = methods(self.found().provider)
        asked = self._settings.constrain
        if asked is None:
            return possible
        if asked not in possible:
            raise EndpointError(
                f"how to ask {self._settings.base_url} for a {asked} is not known; --provider "
                "says who serves it, --constrain auto takes what it supports"
            )
        return (asked,)

    def _drop(self, method: Method, why: str) -> None:
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
        except openai.APIStatusError as error:
            said = explained(error, self._settings, found.model, found.offered)
            if method is not Method.NONE and error.status_code in _REFUSALS:
                raise UnsupportedFormError(said) from error
            raise EndpointError(said, lasting=not is_passing(error)) from error
        except Exception as error:  # a stranger's server may break the protocol in any way
            said = explained(error, self._settings, found.model, found.offered)
            raise EndpointError(said, lasting=not is_passing(error)) from error
        usage = Usage(*got.tokens, monotonic() - started)
        text = without_secret(got.text or got.refusal, self._settings.api_key)
        assert got.finish is not None
        return Answer(text, got.finish, method, usage)

    def _ask(self, question: Question, method: Method, found: Found) -> Received:
        deadline = monotonic() + self._settings.timeout
        sampling: dict[str, Any] = {"stream": True}
        if self._settings.temperature is not None:
            sampling["temperature"] = self._settings.temperature
        if found.provider is Provider.OPENAI:
            arguments = responses_arguments(question, method, found.model)
            with self._openai.responses.create(**arguments, **sampling) as events:
                return received(response_pieces(events), deadline)
        arguments = chat_arguments(question, method, found.model, found.provider)
        with self._openai.chat.completions.create(**arguments, **sampling) as chunks:
            return received(chat_pieces(chunks), deadline)

    def _patiently(self, ask: Callable[[], T]) -> T:
        """`ask`, again after a wait where waiting may help."""
        growing = tenacity.wait_exponential_jitter(initial=0.5, max=30.0)
        asking = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_passing),
            stop=tenacity.stop_after_attempt(self._settings.retries + 1),
            wait=lambda state: max(growing(state), asked_wait(_error(state))),
            before_sleep=self._tell_wait,
            reraise=True,
        )
        return asking(ask)

    def _tell_wait(self, state: tenacity.RetryCallState) -> None:
        model = self._found.model if self._found else ""
        why = explained(_error(state), self._settings, model, ())
        self._tell(
            f"{why}; trying again in {state.upcoming_sleep:.1f} s "
            f"({state.attempt_number} of {self._settings.retries})"
        )

    def _find(self) -> Found:
        settings = self._settings
        try:
            listed = self._patiently(lambda: self._openai.models.list().data)
        except (openai.NotFoundError, openai.APIStatusError) as error:
            if error.status_code not in (404, 405, 501) or settings.model is None:
                said = explained(error, settings, settings.model or "", ())
                raise EndpointError(said) from error
            listed = []
        except Exception as error:  # as in `_answer`
            raise EndpointError(explained(error, settings, settings.model or "", ())) from error
        offered = tuple(item.id for item in listed or ())
        provider = settings.provider or provider_of(
            settings.base_url, [getattr(item, "owned_by", "") or "" for item in listed or ()]
        )
        return Found(settings.model or self._only(offered), provider, offered)

    def _only(self, offered: tuple[str, ...]) -> str:
        if len(offered) == 1:
            return offered[0]
        names = ", ".join(f"`{name}`" for name in sorted(offered)[:10])
        there_are = f"it offers {names}" if names else "it names none"
        raise EndpointError(
            f"which model of {self._settings.base_url}? --model NAME says it; {there_are}"
        )


class _IgnoredFormError(UnsupportedFormError):
    """The endpoint took the request and ignored the form."""

    def __init__(self, answer: Answer):
        super().__init__()
        self.answer = answer


def _error(state: tenacity.RetryCallState) -> Exception:
    assert state.outcome is not None
    error = state.outcome.exception()
    assert isinstance(error, Exception)
    return error
