"""The events of either API's stream -> text, why it ended, and usage; never more than a bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

from rewardlang.llm.model import Finish

MOST_CHARACTERS = 1 << 18  # eight programs of the longest kind
MOST_BYTES = 1 << 26  # what a stream of as many characters, and of thoughts before, may take

_CHAT_FINISH = {
    "stop": Finish.WHOLE,
    "tool_calls": Finish.WHOLE,
    "length": Finish.CUT,
    "max_tokens": Finish.CUT,
    "content_filter": Finish.REFUSED,
    "refusal": Finish.REFUSED,
}
_DELTAS = ("response.output_text.delta", "response.custom_tool_call_input.delta")


class StreamCutError(ConnectionError):
    """The stream ended before the answer did."""


class StreamFailedError(RuntimeError):
    """The endpoint says in the stream that it failed. status: as HTTP counts; 500 for unknown."""

    def __init__(self, message: str, code: str | None = None):
        super().__init__(message)
        asked_wrongly = 400 if (code or "").startswith("invalid") else 500
        self.status = int(code) if code and code.isdigit() else asked_wrongly
        self.code = code


class NoStreamError(ValueError):
    """What came is no stream of events; the text says what it is."""


class SlowStreamError(TimeoutError):
    """The answer was not whole in time."""


class LongStreamError(ValueError):
    """More bytes than any answer takes."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of an answer. Tokens: (of the prompt, of the answer)."""

    text: str = ""
    refusal: str = ""
    finish: Finish | None = None
    tokens: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """An answer as it came. `text`: what the model says, a refusal where that is all."""

    text: str
    finish: Finish
    tokens: tuple[int, int]


def bounded(parts: Iterable[bytes], deadline: float) -> Iterator[bytes]:
    """The parts of a body while there is time, on the monotonic clock; and not without end.

    A timeout of the connection alone would let a body drip forever. Raises SlowStreamError,
    LongStreamError.
    """
    length = 0
    for part in parts:
        length += len(part)
        if length > MOST_BYTES:
            raise LongStreamError
        if monotonic() > deadline:
            raise SlowStreamError
        yield part


def refuse_other_than_events(content_type: str) -> None:
    """Raise NoStreamError for the header of a web page or of a document."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("text/html") or kind.endswith("json"):
        raise NoStreamError(f"{kind}, where a stream of events was asked for")


def received(pieces: Iterable[Piece]) -> Received:
    """All of the answer, or as much as is allowed. Raises StreamCutError."""
    texts: list[str] = []
    refusals: list[str] = []
    length, tokens = 0, (0, 0)
    finish: Finish | None = None
    try:
        for piece in pieces:
            texts.append(piece.text)
            refusals.append(piece.refusal)
            length += len(piece.text) + len(piece.refusal)
            finish, tokens = piece.finish or finish, piece.tokens or tokens
            if length > MOST_CHARACTERS:
                raise LongStreamError
    except LongStreamError:
        return Received(_joined(texts)[:MOST_CHARACTERS], Finish.TOO_LONG, tokens)
    if finish is None:
        raise StreamCutError
    return _ended(_joined(texts), _joined(refusals), finish, tokens)


def _ended(text: str, refusal: str, finish: Finish, tokens: tuple[int, int]) -> Received:
    if refusal and not text:
        return Received(refusal, Finish.REFUSED, tokens)
    is_empty = finish is Finish.WHOLE and not text.strip()
    return Received(text, Finish.EMPTY if is_empty else finish, tokens)


def _joined(texts: list[str]) -> str:
    """The text, without halves of characters that no file could hold."""
    return "".join(texts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def chat_pieces(chunks: Iterable[Any]) -> Iterator[Piece]:
    """Of Chat Completions. Raises NoStreamError where events come, and none is of an answer."""
    seen = {False: 0, True: 0}
    for chunk in chunks:
        seen[bool(chunk.choices)] += 1
        if usage := getattr(chunk, "usage", None):
            yield Piece(tokens=_tokens(usage, "prompt_tokens", "completion_tokens"))
        for choice in (chunk.choices or ())[:1]:
            delta = choice.delta
            text = _text(delta.content) + "".join(_tool_input(call) for call in _calls(delta))
            why = choice.finish_reason
            finish = _CHAT_FINISH.get(str(why).lower(), Finish.WHOLE) if why else None
            yield Piece(text, _text(getattr(delta, "refusal", "")), finish)
    if seen[False] and not seen[True]:
        raise NoStreamError("events without `choices`")


def response_pieces(events: Iterable[Any]) -> Iterator[Piece]:
    """Of the Responses API."""
    for event in events:
        if event.type in _DELTAS:
            yield Piece(_text(event.delta))
        elif event.type == "response.refusal.delta":
            yield Piece(refusal=_text(event.delta))
        elif event.type in ("response.completed", "response.incomplete"):
            yield _end(event.response)
        elif event.type == "response.failed":
            error = event.response.error
            raise StreamFailedError(error.message if error else "", error.code if error else None)
        elif event.type == "error":
            raise StreamFailedError(event.message, event.code)


def _calls(delta: Any) -> Iterable[Any]:
    return getattr(delta, "tool_calls", None) or ()


def _tool_input(call: Any) -> str:
    """What a chunk adds to a custom tool's input; the package's types know only functions."""
    custom = getattr(call, "custom", None)
    if isinstance(custom, dict):
        return _text(custom.get("input"))
    return _text(getattr(custom, "input", ""))


def _text(value: Any) -> str:
    """A piece of text; what models send beside it, as lists of thoughts, is none."""
    return value if isinstance(value, str) else ""


def _tokens(usage: Any, *names: str) -> tuple[int, int]:
    """Of the prompt and of the answer; 0 for what an endpoint leaves out."""
    prompt, answer = (getattr(usage, name, 0) for name in names)
    return (prompt if isinstance(prompt, int) else 0, answer if isinstance(answer, int) else 0)


def _end(response: Any) -> Piece:
    usage = response.usage
    tokens = _tokens(usage, "input_tokens", "output_tokens") if usage else None
    if response.status != "incomplete":
        return Piece(finish=Finish.WHOLE, tokens=tokens)
    reason = response.incomplete_details.reason if response.incomplete_details else ""
    finish = Finish.REFUSED if reason == "content_filter" else Finish.CUT
    return Piece(finish=finish, tokens=tokens)
