"""Diagnostics: what is wrong with a program, where, and what would be right.

Errors are values. One `Diagnostic` serves the terminal (`render`), tools (`as_json`) and the
repair prompt of a language model. Codes are stable; `CODES` is the only list of them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from rewardlang.source import Source, Span


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Code:
    """A row of the table of codes. `summary` explains the code in one line of documentation."""

    name: str
    severity: Severity
    summary: str


_ERRORS = {
    # the file
    "unreadable-file": "The file or folder cannot be read, or holds no program.",
    "not-utf8": "The file is not UTF-8 text.",
    "empty-program": "The file holds no program.",
    "not-a-program": "The text is not a reward program at all.",
    "text-around-program": "Prose or a code fence stands before or after the program.",
    "unsupported-version": "The program is written for another version of the language.",
    "too-large": "The program is longer than a program may be.",
    "too-deep": "Braces or parentheses are nested deeper than they may be.",
    # words and characters
    "unknown-character": "A character or sign that the language does not have.",
    "bad-name": "A name is not lower-case letters, digits and underscores, or is too long.",
    "bad-number": "A number is negative, has too many digits, or is a fraction of a step.",
    "bad-string": "A string is empty, not closed, too long, or holds a backslash.",
    "reserved-word": "A keyword or a unit is used as a name.",
    # structure
    "syntax": "Something else than this was expected here.",
    "misspelt-keyword": "A word stands where a keyword is expected, and resembles it.",
    "missing-brace": "A brace or parenthesis is not closed, or closes nothing.",
    "missing-unit": "A quantity stands without its unit.",
    "missing-stages": "The program has no stages.",
    "missing-success": "The program does not say what success is.",
    "several-roots": "Several groups or stages stand side by side at the top of the program.",
    "clause-order": "Clauses or sections stand in the wrong order.",
    "repeated-clause": "A clause stands twice.",
    "too-many-errors": "Checking stopped because of the number of errors.",
    # names
    "unknown-scene": "No known suite has a scene of this name.",
    "unreadable-scene": "The file that `scene` names is missing, or is no scene.",
    "scene-mismatch": "The program names another scene than the one it is checked against.",
    "task-mismatch": "`task` is not the instruction whose goal `success bddl` judges.",
    "unknown-object": "The name is neither in the scene nor declared with `object`.",
    "unknown-predicate": "The predicate does not exist.",
    "unknown-measure": "The measure does not exist.",
    "unknown-macro": "The macro does not exist.",
    "reserved-name": "An alias is the name of a predicate, measure, macro or scene object.",
    "duplicate-object": "Two `object` lines declare the same name.",
    "duplicate-name": "Two siblings have the same name.",
    # kinds and quantities
    "wrong-kind": "The name is of a kind that cannot stand here.",
    "wrong-argument-count": "Too few or too many arguments.",
    "wrong-unit": "The quantity is of another dimension than what is asked for.",
    "same-argument": "Both arguments are the same thing, or one is a part of the other.",
    "bad-weight": "A weight is not greater than 0.",
    "bad-dwell": "A dwell is not a whole number of steps, at least 1.",
    "bad-progress": "The span of `progress` is nothing or next to nothing.",
    # structure that the grammar allows and the semantics do not
    "misplaced-keep": "`keep` stands where there is nothing to subtract from.",
    "nothing-to-earn": "A group holds nothing but `keep`.",
    "bad-live": "A `live` stage has nothing that can be judged again.",
    "empty-goal": "`success bddl` is used in a scene whose goal is empty.",
    "bad-gamma": "`gamma` does not fit the shaping, or is not in (0, 1].",
    "bad-penalty": "A penalty costs nothing, or the penalties cost more than 0.5 together.",
}

_WARNINGS = {
    "unused-object": "An `object` line whose name is never used.",
    "object-twice": "Two `object` lines give names to the same thing.",
    "weight-without-effect": "A weight below `any`, whose value is the best branch's.",
    "discounting": "`gamma` below 1 is right only with a learner that discounts.",
    "implausible-threshold": "A threshold outside what makes sense for the predicate.",
    "goal-not-mentioned": "A part of the scene's goal occurs in no stage and no `keep`.",
    "goal-true-at-reset": "A stage waits for a part of the goal that holds from the start.",
    "extra-goal": "A stage puts an object where the scene's goal does not want it.",
    "look-alike": "A stage is about an object that looks like the goal's, and is not.",
    "duplicate-stage": "Two stages say the same.",
    "contradictory-condition": "A conjunction that can never hold.",
    "while-contradicts-until": "`while` and `until` of a stage cannot hold together.",
    "while-repeats-goal": "`while` asks beforehand for what the stage is to achieve.",
    "lift-before-grasp": "A stage lifts an object that no earlier stage grasps.",
    "carry-without-grasp": "A stage carries an object without `while grasped(…)`.",
    "lower-without-over": "A stage lowers an object without `while over(…)`.",
    "roof-from-above": "A stage goes over a roofed region on the way into it.",
    "unprepared-while": "A stage waits for what no stage before it brings about.",
    "latched-goal": "`latch` keeps a part of the goal from being judged again.",
    "placement-without-release": "An object is placed but not released, and another goal follows.",
    "lopsided-weights": "One weight is more than 80 % of its siblings' sum.",
    "impossible-order": "A part is closed before, or while, something is to be put into it.",
}

CODES: dict[str, Code] = {
    name: Code(name, severity, summary)
    for severity, rows in ((Severity.ERROR, _ERRORS), (Severity.WARNING, _WARNINGS))
    for name, summary in rows.items()
}
"""Every code of the language: name -> severity and one line of explanation."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What would be right. `replacement` replaces the text in `span` (default: the diagnostic's).

    `note` says what the replacement is ("movable").
    """

    replacement: str
    note: str = ""
    span: Span | None = None

    def __str__(self) -> str:
        return f"`{self.replacement}`" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that explains the first: "opened here"."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `hint` stands at the caret, `notes` below the picture."""

    code: str
    message: str
    span: Span
    hint: str = ""
    suggestions: tuple[Suggestion, ...] = ()
    related: tuple[Label, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        assert self.code in CODES, self.code

    @property
    def severity(self) -> Severity:
        return CODES[self.code].severity

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    @property
    def doc(self) -> str:
        """Where the code is explained: a path below the documentation's root."""
        return f"codes/{self.code}"

    def as_json(self, source: Source | None = None) -> dict[str, Any]:
        """The finding as plain data; with its `source`, also file, lines and columns."""
        data: dict[str, Any] = {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            "hint": self.hint,
            "span": _span_json(self.span, source),
            "suggestions": [_suggestion_json(s, self.span, source) for s in self.suggestions],
            "related": [{"span": _span_json(r.span, source), "text": r.text} for r in self.related],
            "notes": list(self.notes),
            "doc": self.doc,
        }
        return data if source is None else {"file": source.name, **data}


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sorted by place, without repetitions."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=lambda d: (d.span, d.code, d.message)))


def render(diagnostics: Iterable[Diagnostic], source: Source) -> str:
    """All diagnostics as text with carets, one block each, separated by an empty line."""
    return "\n\n".join(render_one(diagnostic, source) for diagnostic in diagnostics)


def render_one(diagnostic: Diagnostic, source: Source) -> str:
    """One diagnostic as text: headline, place, picture, notes."""
    headline = f"{diagnostic.severity.value}[{diagnostic.code}]: {printable(diagnostic.message)}"
    if not source.text:
        caret = _caret(diagnostic)
        shown = [f"  = {printable(caret)}"] if caret else []
        return "\n".join([headline, f"  --> {source.name}", *shown, *_notes(diagnostic, 2)])
    spans = [diagnostic.span, *(label.span for label in diagnostic.related)]
    width = len(str(max(source.line_column(span.start)[0] for span in spans)))
    lines = [headline, *_picture(source, diagnostic.span, "-->", "^", _caret(diagnostic), width)]
    for label in diagnostic.related:
        lines += _picture(source, label.span, ":::", "-", label.text, width)
    return "\n".join([*lines, *_notes(diagnostic, width + 2)])


def one_of(items: Iterable[object]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    words = [str(item) for item in items]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def printable(text: str) -> str:
    """`text` without control characters or lone surrogates: safe to print on any terminal."""
    return "".join(char if _is_printable(char) else "\N{REPLACEMENT CHARACTER}" for char in text)


def _caret(diagnostic: Diagnostic) -> str:
    if diagnostic.hint or not diagnostic.suggestions:
        return diagnostic.hint
    return f"did you mean {one_of(diagnostic.suggestions)}?"


def _notes(diagnostic: Diagnostic, margin: int) -> list[str]:
    notes = list(diagnostic.notes)
    if diagnostic.hint and diagnostic.suggestions:
        notes.insert(0, f"did you mean {one_of(diagnostic.suggestions)}?")
    return [f"{' ' * margin}= {printable(note)}" for note in notes]


_WIDTH = 100  # columns of source text shown; longer lines are cropped around the span


def _picture(
    source: Source, span: Span, arrow: str, mark: str, label: str, width: int
) -> list[str]:
    number, column = source.line_column(span.start)
    before, marked, after = _crop(source.line(number), column - 1, span.end - span.start)
    indent = "".join("\t" if char == "\t" else " " * _columns(char) for char in before)
    underline = mark * max(1, sum(_columns(char) for char in marked))
    margin = " " * (width + 2)
    return [
        f"{margin[:-1]}{arrow} {source.name}:{number}:{column}",
        f"{margin}|",
        f" {number:>{width}} | {_shown(before + marked + after)}".rstrip(),
        f"{margin}| {indent}{underline} {printable(label)}".rstrip(),
    ]


def _crop(line: str, start: int, length: int) -> tuple[str, str, str]:
    """What stands before, in and after the marked part of a line, cropped to `_WIDTH`."""
    start = min(start, len(line))
    stop = min(len(line), start + length)
    first = 0 if stop <= _WIDTH else max(0, start - _WIDTH // 4)
    before = ("…" if first else "") + line[first:start]
    return before, line[start : min(stop, first + _WIDTH)], line[stop : first + _WIDTH]


def _shown(text: str) -> str:
    return "".join(char if char == "\t" else printable(char) for char in text)


def _is_printable(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _span_json(span: Span, source: Source | None) -> dict[str, int]:
    data = {"start": span.start, "end": span.end}
    if source is not None:
        data["line"], data["column"] = source.line_column(span.start)
        data["end_line"], data["end_column"] = source.line_column(span.end)
    return data


def _suggestion_json(
    suggestion: Suggestion, default: Span, source: Source | None
) -> dict[str, Any]:
    span = suggestion.span or default
    return {
        "replacement": suggestion.replacement,
        "note": suggestion.note,
        "span": _span_json(span, source),
    }
