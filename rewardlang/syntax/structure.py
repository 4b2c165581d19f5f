"""Mistakes in the frame of a program: sections and clauses in the wrong order, twice, or missing.

Like `repair`, but looking at more than one word: these rules know what a program is made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rewardlang.diagnostics import Diagnostic
from rewardlang.syntax.braces import BLANKS, NODES, SECTIONS, is_balanced, opener, owner
from rewardlang.syntax.repair import Edit, Problem
from rewardlang.syntax.scanner import END, Token

_SECTION_ORDER = (
    "the order is `rewardlang`, `task`, `scene`, `object`, stages, `success`, `shaping`, `penalty`"
)
_CLAUSES = {"UNTIL": 0, "PROGRESS": 1, "WHILE": 2}
_CLAUSE_ORDER = "inside a stage the order is `until`, `progress`, `while`"
_HEAD = {"AS": 0, "WEIGHT": 1, "LATCH": 2, "LIVE": 2, "WHILE": 3}
_HEAD_ORDER = "the order is name, `as`, `weight`, `latch` or `live`, `while`"
_HEADER_HINT = 'a program starts with `rewardlang 1`, `task "…"`, `scene "…"`'


@dataclass(frozen=True)
class _Slice:
    """`tokens[start:stop]`: a clause or section, and its first token's kind."""

    kind: str
    start: int
    stop: int


def sections_in_order(problem: Problem) -> Edit | None:
    """Sections in the wrong order or twice, or several stages side by side at the top."""
    kind = problem.token.kind
    if kind not in SECTIONS or opener(problem) is not None:
        return None
    sections = list(_sections(problem.tokens))
    here = next((s for s in sections if s.start == problem.index), None)
    if here is None:
        return None
    twice = any(SECTIONS[s.kind] == SECTIONS[kind] and s.start < here.start for s in sections)
    if twice and kind in NODES:
        return _closed_too_early(problem) or _several_roots(problem, sections)
    if twice and kind not in ("OBJECT", "PENALTY"):
        return Edit(here.start, here.stop, (), _repeated(problem, "program"))
    return _moved(problem, sections, here, SECTIONS, _SECTION_ORDER)


def declarations_at_the_top(problem: Problem) -> Edit | None:
    """`object` between the stages, in a program whose braces are in order."""
    tokens, index = problem.tokens, problem.index
    if problem.token.kind != "OBJECT" or opener(problem) is None or not is_balanced(tokens):
        return None
    stop = index + 4
    if [t.kind for t in tokens[index:stop]] != BLANKS["OBJECT"].split():
        return None
    message = "objects are declared in front of the stages"
    found = Diagnostic("clause-order", message, problem.token.span, _SECTION_ORDER)
    top = next(i for i, token in enumerate(tokens) if token.kind in NODES)
    return Edit(top, stop, (*tokens[index:stop], *tokens[top:index]), found)


def stage_clauses(problem: Problem) -> Edit | None:
    """Between the braces of a stage: clauses out of order or twice, `until` missing."""
    brace, kind = opener(problem), problem.token.kind
    if brace is None or owner(problem.tokens, brace) != "STAGE":
        return None
    clauses = list(_clauses(problem.tokens, brace + 1, _CLAUSES))
    if problem.expected == {"UNTIL"} and not any(c.kind == "UNTIL" for c in clauses):
        return _missing_until(problem, brace)
    here = next((c for c in clauses if c.start == problem.index), None)
    if here is None:
        return _head_inside(problem) if kind in ("WEIGHT", "LATCH", "LIVE") else None
    if any(c.kind == kind for c in clauses if c.start < here.start):
        found = _repeated(problem, "stage", "join the conditions with `and`")
        return Edit(here.start, here.stop, (), found)
    return _moved(problem, clauses, here, _CLAUSES, _CLAUSE_ORDER)


def head_clauses(problem: Problem) -> Edit | None:
    """`as`, `weight`, `latch`/`live` and `while` between a node's keyword and its brace."""
    head, word = _head_start(problem), problem.token
    if head is None or word.kind not in _HEAD:
        return None
    clauses = list(_clauses(problem.tokens, head + 1, _HEAD))
    here = next((c for c in clauses if c.start == problem.index), None)
    if here is None:
        return None
    node = problem.tokens[head].text
    earlier = [c for c in clauses if c.start < here.start]
    if any(_HEAD[c.kind] == _HEAD[here.kind] for c in earlier):
        return Edit(here.start, here.stop, (), _repeated(problem, node))
    edit = _moved(problem, clauses, here, _HEAD, _HEAD_ORDER)
    if edit:
        return edit
    message = f"`{word.text}` does not belong in front of the `{{` of `{node}`"
    hint = "between the braces, after `until`" if (node, word.kind) == ("stage", "WHILE") else ""
    return Edit(here.start, here.stop, (), Diagnostic("clause-order", message, word.span, hint))


def missing_section(problem: Problem) -> Edit | None:
    """No header line, no stages, an empty group, no `success`."""
    kind, index = problem.token.kind, problem.index
    found = _missing_section(problem)
    if found is None or not (kind == "RBRACE" or kind == END or kind in SECTIONS):
        return None
    first = min(problem.expected & SECTIONS.keys(), key=lambda k: (k in NODES, SECTIONS[k]))
    blank = BLANKS["STAGE" if "STAGE" in problem.expected else first]
    return Edit(index, index, problem.made_all(blank), found)


def text_behind(problem: Problem) -> Edit | None:
    """Prose behind the program."""
    previous = problem.previous
    if END not in problem.expected or previous is None or problem.token.kind in SECTIONS:
        return None
    if "\n" not in problem.source.text[previous.span.end : problem.token.span.start]:
        return None
    stop = len(problem.tokens) - 1
    span = problem.token.span.to(problem.tokens[stop - 1].span)
    hint = "remove it, or put `#` in front of each line"
    found = Diagnostic("text-around-program", "text stands after the program", span, hint)
    return Edit(problem.index, stop, (), found)


def _missing_section(problem: Problem) -> Diagnostic | None:
    span, brace = problem.token.span, opener(problem)
    if problem.expected <= {"REWARDLANG", "TASK", "SCENE"}:
        line = problem.literal(next(iter(problem.expected)))
        return Diagnostic("syntax", f"the `{line}` line is missing", span, _HEADER_HINT)
    if "STAGE" in problem.expected and brace is not None and "RBRACE" not in problem.expected:
        span = problem.tokens[brace].span.to(span)
        return Diagnostic("missing-stages", "this group is empty", span)
    if "STAGE" in problem.expected and brace is None:
        hint = "a stage, a group or a macro is missing before this"
        return Diagnostic("missing-stages", "the program has no stages", span, hint)
    if "SUCCESS" in problem.expected and brace is None:
        message = "the program does not say what success is"
        hint = "`success bddl` (the scene's own goal) or `success when …` is missing here"
        return Diagnostic("missing-success", message, span, hint)
    return None


def _several_roots(problem: Problem, sections: Sequence[_Slice]) -> Edit:
    """Read on as if the nodes stood in `all`."""
    nodes = [s for s in sections if s.kind in NODES]
    others = [s for s in sections if s.kind not in NODES and s.start > nodes[0].start]
    others = [s for s in others if s.stop <= nodes[-1].start]
    message = "a program has one group, stage or macro at its top"
    hint = "put them into `seq { … }` (one after the other) or `all { … }` (in any order)"
    found = Diagnostic("several-roots", message, problem.token.span, hint)
    tokens = problem.tokens
    wrapped = [token for s in nodes for token in tokens[s.start : s.stop]]
    rest = [token for s in others for token in tokens[s.start : s.stop]]
    made = (*problem.made_all("ALL LBRACE"), *wrapped, problem.made("RBRACE"), *rest)
    return Edit(nodes[0].start, nodes[-1].stop, made, found)


def _closed_too_early(problem: Problem) -> Edit | None:
    """A `}` too many in front of the problem, so that a group is closed before its last child."""
    kinds = [token.kind for token in problem.tokens]
    closing = problem.tokens[problem.index - 1]
    if kinds.count("RBRACE") <= kinds.count("LBRACE") or closing.kind != "RBRACE":
        return None
    message = "this `}` closes the group at the top, and more of it follows"
    found = Diagnostic("missing-brace", message, closing.span, "one `}` too many")
    return Edit(problem.index - 1, problem.index, (), found)


def _missing_until(problem: Problem, brace: int) -> Edit | None:
    if problem.token.kind not in ("RBRACE", END) and problem.token.kind not in BLANKS:
        return None
    index = problem.index
    head = next(i for i in range(brace, -1, -1) if problem.tokens[i].kind == "STAGE")
    name = problem.tokens[head + 1]
    span = problem.tokens[head].span.to(name.span)
    called = f"stage `{name.text}`" if name.kind == "NAME" and name.text else "this stage"
    hint = "when is it done? `until …` is missing"
    found = Diagnostic("syntax", f"{called} has no `until`", span, hint)
    return Edit(index, index, problem.made_all(BLANKS["UNTIL"]), found)


def _head_inside(problem: Problem) -> Edit:
    """`weight` or `live` between the braces of a stage."""
    index, word = problem.index, problem.token
    length = 2 if problem.tokens[index + 1].kind == "NUMBER" else 1
    message = f"`{word.text}` of a stage stands in front of its `{{`"
    found = Diagnostic("clause-order", message, word.span)
    return Edit(index, index + length, (), found)


def _head_start(problem: Problem) -> int | None:
    """The keyword of the node in whose head, in front of the brace, the problem is."""
    for index in range(problem.index - 1, -1, -1):
        kind = problem.tokens[index].kind
        if kind in NODES:
            return index
        if kind in ("LBRACE", "RBRACE") or kind in SECTIONS:
            return None
    return None


def _repeated(problem: Problem, where: str, hint: str = "") -> Diagnostic:
    message = f"a second `{problem.token.text}` in the same {where}"
    return Diagnostic("repeated-clause", message, problem.token.span, hint)


def _moved(
    problem: Problem, slices: Sequence[_Slice], here: _Slice, ranks: Mapping[str, int], order: str
) -> Edit | None:
    """The slice `here` in its right place among the others; None where it stands there."""
    others = [s for s in slices if s is not here]
    place = next((i for i, s in enumerate(others) if ranks[s.kind] > ranks[here.kind]), len(others))
    moved = [*others[:place], here, *others[place:]]
    if moved == list(slices):
        return None
    made = tuple(token for s in moved for token in problem.tokens[s.start : s.stop])
    message = f"`{problem.token.text}` stands in the wrong place"
    found = Diagnostic("clause-order", message, problem.token.span, order)
    return Edit(slices[0].start, slices[-1].stop, made, found)


def _sections(tokens: Sequence[Token]) -> Iterator[_Slice]:
    """The program cut at the words that start a section, outside of braces."""
    starts, depth = [], 0
    for index, token in enumerate(tokens):
        depth = max(0, depth + {"LBRACE": 1, "RBRACE": -1}.get(token.kind, 0))
        if depth == 0 and (token.kind in SECTIONS or token.kind == END):
            starts.append(index)
    starts += [] if starts and starts[-1] == len(tokens) - 1 else [len(tokens) - 1]
    for start, stop in pairwise(starts):
        yield _Slice(tokens[start].kind, start, stop)


def _clauses(tokens: Sequence[Token], start: int, kinds: Mapping[str, int]) -> Iterator[_Slice]:
    """The clauses from `start` to the next brace or section."""
    ends = {END, "LBRACE", "RBRACE", *SECTIONS} - kinds.keys()
    stop = start
    while tokens[stop].kind not in ends:
        stop += 1
    starts = [i for i in range(start, stop) if tokens[i].kind in kinds]
    for begin, end in zip(starts, [*starts[1:], stop], strict=False):
        yield _Slice(tokens[begin].kind, begin, end)
