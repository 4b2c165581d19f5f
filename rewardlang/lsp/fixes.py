"""What an editor offers to change about a diagnostic."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rewardlang.diagnostics import Diagnostic, Suggestion
from rewardlang.lsp.document import Document
from rewardlang.lsp.edits import Edit
from rewardlang.source import Span

_NAMES = ("unknown-object", "unknown-predicate", "unknown-measure", "unknown-macro")


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that do away with `diagnostic`; `is_first`: it is the likeliest of several."""

    title: str
    diagnostic: Diagnostic
    edits: tuple[Edit, ...]
    is_first: bool


def fixes(document: Document, span: Span) -> tuple[Fix, ...]:
    """What can be done about the diagnostics that touch `span`."""
    return tuple(
        fix
        for diagnostic in document.analysis.diagnostics
        if diagnostic.span.start <= span.end and span.start <= diagnostic.span.end
        for fix in _fixes(document, diagnostic)
    )


# What may go as a whole line: nothing but one declaration stands on it.
_ONE_OBJECT = re.compile(r"[ \t]*object\s+\w+[ \t]*=[ \t]*\w+[ \t]*(#[^\n]*)?\r?\n?")


def _fixes(document: Document, diagnostic: Diagnostic) -> Iterator[Fix]:
    for number, suggestion in enumerate(diagnostic.suggestions):
        edits = _edits(document, diagnostic, suggestion)
        yield Fix(_title(document, edits), diagnostic, edits, number == 0)
    if diagnostic.code == "unused-object":
        line = _line(document, diagnostic.span)
        if _ONE_OBJECT.fullmatch(document.written(line)):
            yield Fix("Remove the line", diagnostic, (Edit(line, ""),), False)


def _edits(document: Document, diagnostic: Diagnostic, suggestion: Suggestion) -> tuple[Edit, ...]:
    """A name that is unknown in many places is reported once, and changed in all of them."""
    span = suggestion.span or diagnostic.span
    if diagnostic.code not in _NAMES:
        return (Edit(span, suggestion.replacement),)
    written, role = document.written(span), document.role_at(span)
    same = [t.span for t, where in document.names if where.role is role]
    spans = [other for other in same if document.written(other) == written]
    return tuple(Edit(other, suggestion.replacement) for other in spans or [span])


def _title(document: Document, edits: tuple[Edit, ...]) -> str:
    first = edits[0]
    everywhere = f" ({len(edits)} places)" if len(edits) > 1 else ""
    written = document.written(first.span)
    if not written:
        return f"Insert `{first.text}`"
    if not first.text:
        return f"Remove `{written}`"
    return f"Change `{written}` to `{first.text}`{everywhere}"


def _line(document: Document, span: Span) -> Span:
    """The whole line around `span`, with its end."""
    text = document.source.text
    end = text.find("\n", span.end)
    return Span(text.rfind("\n", 0, span.start) + 1, len(text) if end < 0 else end + 1)
