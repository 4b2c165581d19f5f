"""What a language model is to the rest of the package: messages in, an answer out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol


class Method(StrEnum):
    """How an answer is held to the form of a program."""

    GRAMMAR = "grammar"
    JSON_SCHEMA = "json-schema"
    NONE = "none"


class Finish(StrEnum):
    """Why an answer ended."""

    WHOLE = "whole"
    CUT = "cut"  # at the token limit: what there is of it counts for nothing
    REFUSED = "refused"  # by the model, or by the endpoint's filter
    TOO_LONG = "too long"  # longer than any program may be; the rest was not read
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


class Constraint(Protocol):
    """The form that an answer must have, in every notation that an endpoint may ask for."""

    @property
    def lark(self) -> str: ...

    @property
    def gbnf(self) -> str: ...

    @property
    def schema(self) -> dict[str, Any]: ...

    def program(self, document: Any) -> str | None:
        """The program's text that a JSON document of the schema says; None where it is none."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    constraint   the form of the answer; None for free text
    max_tokens   the longest answer, in tokens
    sample       tells questions apart that are equal otherwise; the seed where there is one
    """

    messages: tuple[Message, ...]
    max_tokens: int
    constraint: Constraint | None = None
    sample: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the endpoint counts them (0 where it does not say), and seconds of waiting."""

    prompt_tokens: int = 0
    answer_tokens: int = 0
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.answer_tokens + other.answer_tokens,
            self.seconds + other.seconds,
        )


NOTHING = Usage()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `text` is a program's text where a constraint was given and held."""

    text: str
    finish: Finish
    method: Method
    usage: Usage
    cached: bool = False


class EndpointError(RuntimeError):
    """No answer can be had. The text says from whom, why, and what to do.

    lasting: the next question would fare no better.
    """

    def __init__(self, message: str, *, lasting: bool = True):
        super().__init__(message)
        self.lasting = lasting


class LanguageModel(Protocol):
    """Answers questions."""

    @property
    def name(self) -> str:
        """The model's name, with what tells it from its namesakes elsewhere."""
        ...

    def answer(self, question: Question) -> Answer:
        """One answer. Raises EndpointError where none is to be had."""
        ...


def total(usages: Sequence[Usage]) -> Usage:
    """The sum of usages."""
    return sum(usages, NOTHING)
