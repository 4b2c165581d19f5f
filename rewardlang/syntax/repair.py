"""What a syntax error means, and how to read on behind it.

The parser stops at the first token that cannot follow. A repair says what is wrong there and
edits the token list so that parsing can start again and find the next mistake. The edits are
never shown as the program: names put in are holes, of which nothing more is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from rewardlang.datatypes import UNITS
from rewardlang.diagnostics import Diagnostic, Suggestion, one_of
from rewardlang.source import Source, Span
from rewardlang.syntax.scanner import END, JUNK, Token, Words

REACH = 6  # how many tokens behind an edit are tried
_NODES = frozenset({"SEQ", "ALL", "ANY", "USE", "KEEP", "STAGE"})
_UNITS = frozenset({"MM", "CM", "M", "DEG", "RAD", "PERCENT"})
_WORDINGS = {"NAME": "a name", "NUMBER": "a number", "STRING": "a string in double quotes"}
_GROUP_WORDINGS = (
    (_UNITS, "a unit"),
    (_NODES, "a group or stage"),
    (frozenset({"NAME", "NOT", "LPAR"}), "a condition such as `grasped(…)`"),
)
_UNIT_WORDS = {
    "millimeter": "mm", "millimetre": "mm", "centimeter": "cm", "centimetre": "cm",
    "meter": "m", "metre": "m", "degree": "deg", "radian": "rad", "percent": "%", "pct": "%",
}  # fmt: skip
_SYNONYMS = {
    "sequence": "SEQ", "sequential": "SEQ", "parallel": "ALL", "both": "ALL", "either": "ANY",
    "maintain": "KEEP", "phase": "STAGE", "unless": "WHILE", "during": "WHILE", "macro": "USE",
    "instruction": "TASK", "goal": "SUCCESS", "let": "OBJECT", "import": "OBJECT",
    "threshold": "UNTIL", "step": "STEPS", "if": "WHEN",
}  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """The parser cannot go on at `tokens[index]`; `expected` are the kinds that could follow.

    `reach(position, replacement, resume)`: how many of `tokens[resume:]` (at most REACH) are
    accepted after `tokens[:position]` and `replacement`; -1 where `replacement` itself is not.
    `position` is `index` or `index - 1`. The last token is always END.
    """

    source: Source
    words: Words
    tokens: tuple[Token, ...]
    index: int
    expected: frozenset[str]
    reach: Callable[[int, Sequence[Token], int], int]

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    @property
    def previous(self) -> Token | None:
        return self.tokens[self.index - 1] if self.index else None

    def literal(self, kind: str) -> str:
        """How a keyword or sign is written."""
        return next(text for text, of in self.words.literals.items() if of == kind)

    def made(self, kind: str, where: Span | None = None) -> Token:
        """A token that is not in the text."""
        at = where or Span(self.token.span.start, self.token.span.start)
        if kind in ("NAME", *_UNITS):
            return Token(kind, "", at)
        if kind in ("NUMBER", "STRING"):
            return Token(kind, "1" if kind == "NUMBER" else '""', at)
        return Token(kind, self.literal(kind), at)

    def made_all(self, kinds: str) -> tuple[Token, ...]:
        return tuple(self.made(kind) for kind in kinds.split())


@dataclass(frozen=True)
class Edit:
    """Replace `tokens[start:stop]`; `diagnostic` is None where the mistake was told before."""

    start: int
    stop: int
    replacement: tuple[Token, ...]
    diagnostic: Diagnostic | None


def guess(problem: Problem) -> Edit | None:
    """The change of one word after which most of what follows can be read."""
    candidates = [edit for edit in _candidates(problem) if _score(problem, edit) > 1]
    return max(candidates, key=lambda edit: _score(problem, edit), default=None)


def drop_junk(problem: Problem) -> Edit | None:
    """A character that is no part of the language; the scanner has said so."""
    if problem.token.kind != JUNK:
        return None
    index = problem.index
    if "STRING" in problem.expected:
        return Edit(index, index + 1, problem.made_all("STRING"), None)
    if problem.reach(index, (), index + 1) > 0:
        return Edit(index, index + 1, (), None)
    return None


def doubled(problem: Problem) -> Edit | None:
    """The same word twice in a row."""
    word, previous, index = problem.token, problem.previous, problem.index
    if (
        previous is None
        or not word.text
        or (word.kind, word.text) != (previous.kind, previous.text)
    ):
        return None
    if word.kind in ("RBRACE", "RPAR") or problem.reach(index, (), index + 1) < 3:
        return None
    found = Diagnostic("syntax", f"{_quoted(word.text)} stands here twice", word.span)
    return Edit(index, index + 1, (), found)


def missing_string(problem: Problem) -> Edit | None:
    """`task put the bowl …` without quotes: the rest of the line is the string."""
    if problem.expected != {"STRING"}:
        return None
    line, _ = problem.source.line_column(problem.token.span.start)
    stop = problem.index
    while problem.tokens[stop].kind != END and (
        problem.source.line_column(problem.tokens[stop].span.start)[0] == line
    ):
        stop += 1
    same_line = problem.previous and problem.source.line_column(problem.previous.span.end)[0]
    stop = stop if same_line == line else problem.index
    words = problem.tokens[problem.index : stop]
    span = words[0].span.to(words[-1].span) if words else _behind(problem)
    message = f"a string in double quotes is missing{_after(problem)}"
    diagnostic = Diagnostic("syntax", message, span, 'this stands in `"`' if words else "")
    return Edit(problem.index, stop, problem.made_all("STRING"), diagnostic)


def missing_unit(problem: Problem) -> Edit | None:
    """`lifted(soup, 8)` or `8 centimeters`."""
    number = problem.previous
    if number is None or not problem.expected.issuperset(_UNITS):
        return None
    word, index = problem.token, problem.index
    unit = _UNIT_WORDS.get(word.text.removesuffix("s"), "")
    if word.kind == "NAME":
        message = f"`{word.text}` is not a unit"
        hint = "" if unit else f"units are {one_of(f'`{u}`' for u in UNITS)}"
        fixes = (Suggestion(unit),) if unit else ()
        found = Diagnostic("missing-unit", message, word.span, hint, fixes)
        return Edit(index, index + 1, problem.made_all("CM"), found)
    message = f"`{number.text}` has no unit"
    hint = "`mm`, `cm`, `m` for lengths, `deg`, `rad` for angles, `%` for openness and knob"
    found = Diagnostic("missing-unit", message, number.span, hint)
    return Edit(index, index, problem.made_all("CM"), found)


def reserved_word(problem: Problem) -> Edit | None:
    """A keyword or a unit where a name is expected."""
    word, index = problem.token, problem.index
    if "NAME" not in problem.expected or not word.text.isidentifier() or word.kind == "NAME":
        return None
    name = Token("NAME", "", word.span)
    if problem.reach(index, (name,), index + 1) < 2:
        return None
    what = "a unit" if word.kind in _UNITS else "a keyword"
    message = f"`{word.text}` is {what} and cannot be a name"
    fix = f"{word.text}_1" if len(word.text) > 1 else ""
    hint = f"another name, such as `{fix}`" if fix else "choose a longer name"
    return Edit(index, index + 1, (name,), Diagnostic("reserved-word", message, word.span, hint))


def unexpected(problem: Problem) -> Diagnostic:
    """The plain message where nothing better is known."""
    found = problem.token
    if found.kind == END:
        message = f"the program ends where {_expectation(problem)} is expected"
        return Diagnostic("syntax", message, found.span)
    message = f"{_quoted(found.text)} cannot stand here"
    return Diagnostic("syntax", message, found.span, f"expected {_expectation(problem)}")


def resembling(word: str, problem: Problem, expected: frozenset[str]) -> str | None:
    """The expected keyword that `word` resembles most, as a kind."""
    if _SYNONYMS.get(word) in expected:
        return _SYNONYMS[word]
    scored = [
        (SequenceMatcher(None, word, text).ratio(), kind)
        for text, kind in problem.words.literals.items()
        if kind in expected and text.isidentifier() and text not in UNITS
    ]
    ratio, kind = max(scored, default=(0.0, ""))
    return kind if ratio >= 0.7 else None


def _candidates(problem: Problem) -> Iterator[Edit]:
    """Changes of one word, the likeliest first."""
    yield from _misspelt(problem)
    for kind in ("RPAR", "COMMA", "LPAR", "RBRACE", "LBRACE", "EQUAL"):
        if kind in problem.expected:
            yield _insertion(problem, kind)
    if "LPAR" in problem.expected and problem.previous and problem.previous.kind == "NAME":
        yield _without_arguments(problem, problem.previous)
    keywords = problem.expected - _NODES - _UNITS - {END, "RPAR", "COMMA", "LPAR", "EQUAL"}
    for kind in [*sorted(keywords - {"RBRACE", "LBRACE"}), *sorted(problem.expected & _NODES)]:
        yield _insertion(problem, kind)
    if problem.token.kind != END:
        yield Edit(problem.index, problem.index + 1, (), unexpected(problem))


def _score(problem: Problem, edit: Edit) -> int:
    return problem.reach(edit.start, edit.replacement, edit.stop)


def _misspelt(problem: Problem) -> Iterator[Edit]:
    """The word itself, or the one before it (`seq wieght 2`), is meant as a keyword."""
    for index in (problem.index, problem.index - 1):
        word = problem.tokens[index]
        kind = resembling(word.text, problem, problem.expected) if index >= 0 else None
        if word.kind != "NAME" or kind is None:
            continue
        text = problem.literal(kind)
        message = f"`{word.text}` is not a keyword"
        found = Diagnostic("misspelt-keyword", message, word.span, suggestions=(Suggestion(text),))
        yield Edit(index, index + 1, (Token(kind, text, word.span),), found)


def _insertion(problem: Problem, kind: str) -> Edit:
    what = _WORDINGS.get(kind) or f"`{problem.literal(kind)}`"
    code = "missing-brace" if kind in ("RPAR", "RBRACE", "LBRACE") else "syntax"
    if what.strip("`").isidentifier() and _starts_line(problem):
        message = f"{what} is missing before {_quoted(problem.token.text)}"
        found = Diagnostic(code, message, problem.token.span)
    else:
        message = f"{what} is missing{_after(problem)}"
        found = Diagnostic(code, message, _behind(problem), f"{what} is missing here")
    return Edit(problem.index, problem.index, (problem.made(kind),), found)


def _without_arguments(problem: Problem, name: Token) -> Edit:
    message = f"`{name.text}` stands without arguments"
    found = Diagnostic("syntax", message, name.span, f"write `{name.text}(…)`")
    return Edit(problem.index, problem.index, problem.made_all("LPAR NAME RPAR"), found)


def _behind(problem: Problem) -> Span:
    """The place behind the token before the problem: where something is missing."""
    end = problem.previous.span.end if problem.previous else 0
    return Span(end, end)


def _after(problem: Problem) -> str:
    if problem.previous is None or not problem.previous.text:
        return ""
    return f" after {_quoted(problem.previous.text)}"


def _quoted(text: str) -> str:
    """A word of the program in a message; long strings shortened."""
    return f"`{text}`" if len(text) <= 40 else f"`{text[:36]} …`"


def _starts_line(problem: Problem) -> bool:
    """Whether the token is the first in its line."""
    end = problem.previous.span.end if problem.previous else 0
    return "\n" in problem.source.text[end : problem.token.span.start]


def _expectation(problem: Problem) -> str:
    """The expected kinds in words; what can stand almost everywhere comes last."""
    kinds = set(problem.expected) - {"OR", "AND", "COMMA"} or set(problem.expected)
    words = []
    for group, wording in _GROUP_WORDINGS:
        if group <= kinds:
            words.append(wording)
            kinds -= group
    if END in kinds:
        words.append("the end of the program")
        kinds -= {END}
    words = [_WORDINGS[kind] for kind in sorted(kinds & _WORDINGS.keys())] + words
    literals = [f"`{problem.literal(kind)}`" for kind in sorted(kinds - _WORDINGS.keys())]
    return one_of([*literals, *words])
