"""The events of either API's stream -> text, why it ended, and usage; never more than a bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from rewardlang.llm.model import Finish

MOST_CHARACTERS = 1 << 18  # eight programs of the longest kind

_CHAT_FINISH = {
    "stop": Finish.WHOLE,
    "tool_calls": Finish.WHOLE,
    "length": Finish.CUT,
    "content_filter": Finish.REFUSED,
}
_DELTAS = ("response.output_text.delta", "response.custom_tool_call_input.delta")


class StreamCutError(ConnectionError):
    """The stream ended before the answer did."""


class StreamFailedError(RuntimeError):
    """The endpoint says in the stream that it failed."""


class SlowStreamError(TimeoutError):
    """The answer was not whole in time."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of an answer. Tokens: (of the prompt, of the answer)."""

    text: str = ""
    refusal: str = ""
    finish: Finish | None = None
    tokens: tuple[int, int] | None = None


@dataclass
class Received:
    """What has come so far."""

    finish: Finish | None = None
    tokens: tuple[int, int] = (0, 0)
    refusal: str = ""
    _texts: list[str] = field(default_factory=list)
    _length: int = 0

    @property
    def text(self) -> str:
        return "".join(self._texts)

    @property
    def is_too_long(self) -> bool:
        return self._length > MOST_CHARACTERS

    def add(self, piece: Piece) -> None:
        self._texts.append(piece.text[: MOST_CHARACTERS + 1])
        self._length += len(piece.text)
        self.refusal += piece.refusal[:MOST_CHARACTERS]
        self.finish = piece.finish or self.finish
        self.tokens = piece.tokens or self.tokens


def received(pieces: Iterable[Piece], deadline: float) -> Received:
    """All of the answer, or as much as is allowed. `deadline`: on the monotonic clock.

    Raises StreamCutError, SlowStreamError.
    """
    so_far = Received()
    for piece in pieces:
        so_far.add(piece)
        if so_far.is_too_long:
            so_far.finish = Finish.TOO_LONG
            return so_far
        if monotonic() > deadline:
            raise SlowStreamError
    if so_far.finish is None:
        raise StreamCutError
    if so_far.refusal and not so_far.text:
        so_far.finish = Finish.REFUSED
    elif so_far.finish is Finish.WHOLE and not so_far.text.strip():
        so_far.finish = Finish.EMPTY
    return so_far


def chat_pieces(chunks: Iterable[Any]) -> Iterator[Piece]:
    """Of Chat Completions."""
    for chunk in chunks:
        if usage := getattr(chunk, "usage", None):
            yield Piece(tokens=(usage.prompt_tokens or 0, usage.completion_tokens or 0))
        for choice in (chunk.choices or ())[:1]:
            delta = choice.delta
            text = (delta.content or "") + "".join(_tool_input(call) for call in _calls(delta))
            finish = _CHAT_FINISH.get(choice.finish_reason or "")
            yield Piece(text, getattr(delta, "refusal", None) or "", finish)


def response_pieces(events: Iterable[Any]) -> Iterator[Piece]:
    """Of the Responses API."""
    for event in events:
        if event.type in _DELTAS:
            yield Piece(event.delta)
        elif event.type == "response.refusal.delta":
            yield Piece(refusal=event.delta)
        elif event.type in ("response.completed", "response.incomplete"):
            yield _end(event.response)
        elif event.type == "response.failed":
            error = event.response.error
            raise StreamFailedError(error.message if error else "it says no more")
        elif event.type == "error":
            raise StreamFailedError(event.message)


def _calls(delta: Any) -> Iterable[Any]:
    return getattr(delta, "tool_calls", None) or ()


def _tool_input(call: Any) -> str:
    """What a chunk adds to a custom tool's input; the package's types know only functions."""
    custom = getattr(call, "custom", None)
    if isinstance(custom, dict):
        return str(custom.get("input") or "")
    return getattr(custom, "input", None) or ""


def _end(response: Any) -> Piece:
    usage = response.usage
    tokens = (usage.input_tokens, usage.output_tokens) if usage else None
    if response.status != "incomplete":
        return Piece(finish=Finish.WHOLE, tokens=tokens)
    reason = response.incomplete_details.reason if response.incomplete_details else ""
    finish = Finish.REFUSED if reason == "content_filter" else Finish.CUT
    return Piece(finish=finish, tokens=tokens)
