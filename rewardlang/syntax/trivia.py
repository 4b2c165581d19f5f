"""Which comment belongs to which line or block.

An anchor is a line or block that comments can stand around: a header line, an `object` line, a
node, a clause of a stage, and so on. Every anchor starts at a keyword, so its start offset
identifies it. Comments inside a line (`near(a, # why`) move in front of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rewardlang.source import Source
from rewardlang.syntax.nodes import Trivia
from rewardlang.syntax.scanner import Comment, Token

_BLOCKS = frozenset({"SEQ", "ALL", "ANY", "STAGE", "KEEP"})
_GROUPS = frozenset({"SEQ", "ALL", "ANY"})
_CLAUSES = frozenset({"UNTIL", "PROGRESS", "WHILE"})
_SECTIONS = frozenset({"REWARDLANG", "TASK", "SCENE", "OBJECT", "SUCCESS", "SHAPING", "PENALTY"})
_NODES = _BLOCKS | {"USE"}
_AFTER_A_GAP = _NODES | {"OBJECT", "PENALTY", "SHAPING"}


@dataclass
class _Anchor:
    kind: str
    parent: _Anchor | None
    opened: bool = False
    leading: list[str] = field(default_factory=list)
    head: str = ""
    dangling: list[str] = field(default_factory=list)
    trailing: str = ""

    def trivia(self, first: bool) -> Trivia:
        keeps_gap = self.kind in _AFTER_A_GAP and not first
        leading = tidy(self.leading, keeps_gap, self.kind not in _CLAUSES)
        dangling = tidy(self.dangling, keeps_first_gap=False)
        return Trivia(leading, self.head, without_last_gap(dangling), self.trailing)


@dataclass(frozen=True)
class _Place:
    """A token's anchor and what the token is to it."""

    anchor: _Anchor
    role: str  # "first" | "open" | "close" | "inner"
    offset: int


@dataclass(frozen=True)
class Attached:
    """Trivia by the start offset of their anchor; `final` are the comments behind everything."""

    trivia: Mapping[int, Trivia]
    final: tuple[str, ...]


def attach(source: Source, tokens: Sequence[Token], comments: Sequence[Comment]) -> Attached:
    """Distribute the comments of a program without syntax errors over its lines and blocks."""
    places = _places(tokens)
    final: list[str] = []
    items: list[Token | Comment] = [*tokens, *comments]
    items.sort(key=lambda item: item.span)
    index, end = -1, 0
    for item in items:
        lines = source.text.count("\n", end, item.span.start)
        end = item.span.end
        if isinstance(item, Token):
            index += 1
            _note_gap(places[index], lines)
            continue
        previous = places[index] if index >= 0 else None
        following = places[index + 1] if index + 1 < len(places) else None
        _place_comment(item.text, lines, previous, following, _is_last(places, index), final)
    return Attached(_collect(places), without_last_gap(tidy(final, keeps_first_gap=True)))


def tidy(lines: Sequence[str], keeps_first_gap: bool, keeps_gaps: bool = True) -> tuple[str, ...]:
    """Comment lines with at most one empty line ("") at a time, and none where none may be."""
    kept: list[str] = []
    for line in lines:
        if line or (keeps_gaps and (kept[-1] if kept else keeps_first_gap)):
            kept.append(line)
    return tuple(kept)


def without_last_gap(lines: tuple[str, ...]) -> tuple[str, ...]:
    return lines[:-1] if lines and not lines[-1] else lines


def _places(tokens: Sequence[Token]) -> list[_Place]:
    places: list[_Place] = []
    current: _Anchor | None = None
    for token in tokens:
        if token.kind == "RBRACE":
            while current and not current.opened:
                current = current.parent
            assert current
            places.append(_Place(current, "close", token.span.start))
            current = current.parent
        elif _starts_anchor(token.kind, current):
            while current and not current.opened:
                current = current.parent
            current = _Anchor(token.kind, current)
            places.append(_Place(current, "first", token.span.start))
        else:
            assert current
            opens = token.kind == "LBRACE"
            current.opened |= opens
            places.append(_Place(current, "open" if opens else "inner", token.span.start))
    return places


def _starts_anchor(kind: str, current: _Anchor | None) -> bool:
    if kind == "WHILE":  # belongs to the head of a group or to `use`, or is a stage's clause
        return bool(current and current.kind in _CLAUSES)
    return kind in _NODES or kind in _SECTIONS or kind in _CLAUSES


def _is_last(places: Sequence[_Place], index: int) -> bool:
    """Whether the token at `index` is the last one of its anchor."""
    if index < 0 or places[index].role == "close":
        return True
    anchor = places[index].anchor
    return anchor.kind not in _BLOCKS and (
        index + 1 == len(places) or places[index + 1].anchor is not anchor
    )


def _note_gap(place: _Place, lines: int) -> None:
    """Remember an empty line in front of a token."""
    if lines < 2:
        return
    if place.role == "first":
        place.anchor.leading.append("")


def _place_comment(
    text: str,
    lines: int,
    previous: _Place | None,
    following: _Place | None,
    after_last: bool,
    final: list[str],
) -> None:
    gap = [""] if lines > 1 else []
    if lines == 0 and previous:
        anchor = previous.anchor
        if previous.role == "open" and anchor.kind != "KEEP":
            anchor.head = text
        elif after_last:
            anchor.trailing = text
        else:
            anchor.leading.append(text)
    elif following is None:
        final += [*gap, text]
    elif following.role == "first":
        following.anchor.leading += [*gap, text]
    elif following.role == "close" and following.anchor.kind != "KEEP":
        following.anchor.dangling += [*gap, text]
    else:
        following.anchor.leading.append(text)


def _collect(places: Sequence[_Place]) -> dict[int, Trivia]:
    trivia: dict[int, Trivia] = {}
    previous: _Anchor | None = None
    for place in places:
        if place.role != "first":
            continue
        anchor = place.anchor
        first = previous is None or _starts_section(anchor, previous)
        trivia[place.offset] = anchor.trivia(first)
        previous = anchor
    return trivia


def _starts_section(anchor: _Anchor, previous: _Anchor) -> bool:
    """Whether the layout decides over the empty line in front of `anchor`."""
    if anchor.parent is previous:  # the first in its block
        return True
    if anchor.parent is None:
        return anchor.kind in _NODES or (anchor.kind == "OBJECT" and previous.kind == "SCENE")
    return False
