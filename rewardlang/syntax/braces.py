"""Repairs that go by braces and parentheses, and the last resort: giving up a line.

`opener`, `line_start` and `is_balanced` also serve the rules in `structure`.
"""

from __future__ import annotations

from collections.abc import Sequence

from rewardlang.diagnostics import Diagnostic, Label
from rewardlang.source import Source, Span
from rewardlang.syntax.repair import Edit, Problem, unexpected
from rewardlang.syntax.scanner import END, JUNK, Token

NODES = frozenset({"SEQ", "ALL", "ANY", "USE", "KEEP", "STAGE"})
SECTIONS = {
    "REWARDLANG": 0,
    "TASK": 1,
    "SCENE": 2,
    "OBJECT": 3,
    **dict.fromkeys(sorted(NODES), 4),
    "SUCCESS": 5,
    "SHAPING": 6,
    "PENALTY": 7,
}
"""The words that start a section of the program, and their order."""

CONDITION = "NAME LPAR NAME RPAR"
BLANKS = {
    "REWARDLANG": "REWARDLANG NUMBER",
    "TASK": "TASK STRING",
    "SCENE": "SCENE STRING",
    "OBJECT": "OBJECT NAME EQUAL NAME",
    "USE": f"USE {CONDITION}",
    "KEEP": f"KEEP NAME LBRACE {CONDITION} RBRACE",
    "STAGE": f"STAGE NAME LBRACE UNTIL {CONDITION} RBRACE",
    "SEQ": f"SEQ LBRACE STAGE NAME LBRACE UNTIL {CONDITION} RBRACE RBRACE",
    "ALL": f"ALL LBRACE STAGE NAME LBRACE UNTIL {CONDITION} RBRACE RBRACE",
    "ANY": f"ANY LBRACE STAGE NAME LBRACE UNTIL {CONDITION} RBRACE RBRACE",
    "UNTIL": f"UNTIL {CONDITION}",
    "PROGRESS": "",
    "WHILE": "",
    "SUCCESS": "SUCCESS BDDL",
    "SHAPING": "",
    "PENALTY": "",
}
"""What takes the place of a line or clause that cannot be read at all, by its first word."""

_HEADS = {"SEQ": "SEQ", "ALL": "ALL", "ANY": "ANY", "STAGE": "STAGE NAME"}
_CLOSING = {"LBRACE": "RBRACE", "LPAR": "RPAR"}


def opener(problem: Problem) -> int | None:
    """The index of the innermost brace or parenthesis that is open at the problem."""
    stack = _open_at(problem.tokens[: problem.index])
    return stack[-1] if stack else None


def owner(tokens: Sequence[Token], brace: int) -> str:
    """The kind of the node whose `{` is at `brace`; "" where it has none."""
    return next((t.kind for t in reversed(tokens[:brace]) if t.kind in NODES), "")


def line_start(problem: Problem) -> int | None:
    """The index of the word that starts the line or clause around the problem, if it has one."""
    for index in range(problem.index - 1, -1, -1):
        kind = problem.tokens[index].kind
        if kind in BLANKS:
            return index
        if kind in ("LBRACE", "RBRACE"):
            return None
    return None


def is_balanced(tokens: Sequence[Token]) -> bool:
    kinds = [token.kind for token in tokens]
    return kinds.count("LBRACE") == kinds.count("RBRACE")


def unclosed(problem: Problem) -> Edit | None:
    """The program ends, or its next section begins, while something is open."""
    kind, at = problem.token.kind, opener(problem)
    if at is None or (kind != END and (kind not in SECTIONS or kind in NODES)):
        return None
    opening = problem.tokens[at]
    closing = _CLOSING[opening.kind]
    if closing not in problem.expected:
        return None
    stack = _open_at(problem.tokens[: problem.index])
    count = len(stack) if closing == "RBRACE" else 1
    sign = problem.literal(closing)
    missing = f"`{sign}` is missing" if count == 1 else f"{count} `{sign}` are missing"
    where = "at the end of the program" if kind == END else f"before `{problem.token.text}`"
    culprit = _misindented(problem.source, problem.tokens) or opening
    end = problem.tokens[problem.index - 1].span.end
    found = Diagnostic(
        "missing-brace",
        f"{missing} {where}",
        Span(end, end),
        "here or earlier",
        related=(Label(culprit.span, f"this `{culprit.text}` is not closed"),),
    )
    return Edit(problem.index, problem.index, (problem.made(closing),) * count, found)


def closing_nothing(problem: Problem) -> Edit | None:
    """A `}` or `)` too many."""
    kind, at = problem.token.kind, opener(problem)
    if kind not in _CLOSING.values():
        return None
    innermost = problem.tokens[at].kind if at is not None else ""
    if innermost == "LPAR" or (innermost == "LBRACE" and kind == "RBRACE"):
        return None
    message = f"this `{problem.token.text}` closes nothing"
    found = Diagnostic("missing-brace", message, problem.token.span)
    return Edit(problem.index, problem.index + 1, (), found)


def give_up_line(problem: Problem, told: Sequence[Diagnostic]) -> Edit:
    """Replace the line or clause around the problem; say why, unless that was told before."""
    start = line_start(problem)
    stop = _boundary(problem.tokens, problem.index)
    if start is None:
        return _give_up_words(problem, stop, told)
    stop, replacement = _blank(problem, start, stop)
    if [t.kind for t in problem.tokens[start:stop]] == [t.kind for t in replacement]:
        return _give_up_words(problem, stop, told)
    return Edit(start, stop, replacement, _unless_told(problem, start, stop, told))


def _give_up_words(problem: Problem, stop: int, told: Sequence[Diagnostic]) -> Edit:
    """Drop the words up to the next line; between braces, also what they hold."""
    index = problem.index
    if problem.expected == {"UNTIL"}:
        made = problem.made_all(BLANKS["UNTIL"])
        return Edit(index, stop, made, _unless_told(problem, index, stop, told))
    if stop == index and problem.token.kind != END:
        stop = _matching(problem.tokens, index) + 1
    return Edit(index, stop, (), _unless_told(problem, index, stop, told))


def _unless_told(
    problem: Problem, start: int, stop: int, told: Sequence[Diagnostic]
) -> Diagnostic | None:
    first = problem.tokens[start].span.start
    last = problem.tokens[max(start, stop - 1)].span.end
    if problem.token.kind == JUNK:
        return None
    if any(first <= d.span.start and d.span.end <= last for d in told):
        return None
    return unexpected(problem)


def _blank(problem: Problem, start: int, stop: int) -> tuple[int, tuple[Token, ...]]:
    """Where the line that starts at `start` ends, and what takes its place."""
    tokens, kind = problem.tokens, problem.tokens[start].kind
    if tokens[stop].kind == "LBRACE" and kind in _HEADS:
        return stop, problem.made_all(_HEADS[kind])
    if tokens[stop].kind == "LBRACE" and kind == "KEEP":
        stop = _matching(tokens, stop) + 1
    if kind == "OBJECT" and tokens[start + 1].kind == "NAME":
        if [t.kind for t in tokens[start : start + 4]] == BLANKS[kind].split():
            return stop, tokens[start : start + 4]
        return stop, (*tokens[start : start + 2], *problem.made_all("EQUAL NAME"))
    return stop, problem.made_all(BLANKS[kind])


def _boundary(tokens: Sequence[Token], index: int) -> int:
    """Where the next line, clause or brace begins, from `index` on."""
    ends = (END, "LBRACE", "RBRACE")
    while tokens[index].kind not in BLANKS and tokens[index].kind not in ends:
        index += 1
    return index


def _matching(tokens: Sequence[Token], index: int) -> int:
    """The index of the brace that closes the one at `index` (`index` itself for other words)."""
    depth = 0
    for at in range(index, len(tokens) - 1):
        depth += {"LBRACE": 1, "RBRACE": -1}.get(tokens[at].kind, 0)
        if depth <= 0:
            return at
    return index


def _open_at(tokens: Sequence[Token]) -> list[int]:
    stack: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind in _CLOSING:
            stack.append(index)
        elif stack and token.kind == _CLOSING[tokens[stack[-1]].kind]:
            stack.pop()
    return stack


def _misindented(source: Source, tokens: Sequence[Token]) -> Token | None:
    """The first `{` whose `}` stands on a line with less indentation: it was not meant for it."""
    stack: list[Token] = []
    for token in tokens:
        if token.kind == "LBRACE":
            stack.append(token)
        elif token.kind == "RBRACE" and stack:
            opening = stack.pop()
            if _starts_line(source, token) and _indent(source, token) < _indent(source, opening):
                return opening
    return None


def _indent(source: Source, token: Token) -> int:
    line = source.line(source.line_column(token.span.start)[0])
    return len(line) - len(line.lstrip())


def _starts_line(source: Source, token: Token) -> bool:
    return source.line_column(token.span.start)[1] == _indent(source, token) + 1
