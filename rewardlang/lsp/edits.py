"""Changes of a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rewardlang.lsp.document import Document
from rewardlang.source import Span
from rewardlang.syntax.formatter import format_program
from rewardlang.syntax.parser import parse


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `text` in place of what stands in `span`."""

    span: Span
    text: str


def applied(text: str, edits: Iterable[Edit]) -> str:
    """`text` after the edits, which do not overlap."""
    for edit in sorted(edits, key=lambda edit: edit.span, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def formatted(document: Document) -> tuple[Edit, ...]:
    """What brings a program into the canonical layout; nothing where the syntax is wrong."""
    parsed = parse(document.source)
    if parsed.tree is None or parsed.diagnostics:
        return ()
    return _difference(document.source.text, format_program(parsed.tree))


def _difference(old: str, new: str) -> tuple[Edit, ...]:
    """One edit from the first line that differs to the last: the cursor stays where it can."""
    if old == new:
        return ()
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    first = _equal(before, after)
    last = _equal(before[first:][::-1], after[first:][::-1])
    start = sum(map(len, before[:first]))
    end = len(old) - sum(map(len, before[len(before) - last :]))
    return (Edit(Span(start, end), "".join(after[first : len(after) - last])),)


def _equal(lines: Sequence[str], others: Sequence[str]) -> int:
    """How many lines at the start are the same."""
    pairs = enumerate(zip(lines, others, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(lines), len(others)))
