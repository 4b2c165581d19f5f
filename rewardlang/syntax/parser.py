"""Text -> syntax tree. The grammar is `grammar.lark`; nothing else imports Lark.

A program without mistakes is scanned, parsed and built, once. Otherwise the parser repairs the
token list at each mistake and starts again (`repair`, `structure`, `braces`), so that all of
them are reported, and the tree has holes where something could not be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from lark import Lark
from lark import Token as LarkToken
from lark import Tree as LarkTree
from lark.exceptions import UnexpectedToken
from lark.lexer import PatternStr
from lark.parsers.lalr_interactive_parser import InteractiveParser

from rewardlang.diagnostics import Diagnostic, in_order
from rewardlang.source import Source, Span
from rewardlang.syntax import braces, nodes, repair, structure
from rewardlang.syntax.repair import REACH, Edit, Problem
from rewardlang.syntax.scanner import END, Scanned, Token, Words, scan
from rewardlang.syntax.tree_builder import Builder
from rewardlang.syntax.trivia import Attached, attach

VERSION = 1
MAX_CHARACTERS = 65_536
MAX_DEPTH = 32
MAX_SYNTAX_ERRORS = 20

_RULES: tuple[Callable[[Problem], Edit | None], ...] = (
    repair.drop_junk,
    repair.doubled,
    repair.missing_string,
    repair.missing_unit,
    structure.sections_in_order,
    structure.declarations_at_the_top,
    structure.stage_clauses,
    structure.head_clauses,
    braces.unclosed,
    braces.closing_nothing,
    structure.missing_section,
    repair.reserved_word,
    structure.text_behind,
    repair.guess,
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """`tree` is None where nothing could be read. With diagnostics, the tree may have holes."""

    tree: nodes.Program | None
    diagnostics: tuple[Diagnostic, ...]


def parse(source: Source) -> Parsed:
    """Parse a program. Never raises on bad input; all diagnostics are errors."""
    if len(source.text) > MAX_CHARACTERS:
        message = f"{len(source.text)} characters are more than a program may have"
        hint = f"at most {MAX_CHARACTERS}"
        return Parsed(None, (Diagnostic("too-large", message, Span(0, 0), hint),))
    start, stop, around = _program_range(source)
    scanned = scan(source, _words(), start, stop)
    refused = _refused(scanned)
    if refused:
        return Parsed(None, (refused,))
    end = scanned.tokens[-1].span.end
    tokens = (*scanned.tokens, Token(END, "", Span(end, end)))
    told = [*around, *scanned.diagnostics]
    tree = _lark_tree(tokens, "start")
    if isinstance(tree, int) or told:
        return _parse_with_repairs(source, tokens, told)
    return Parsed(Builder(attach(source, scanned.tokens, scanned.comments)).program(tree), ())


def parse_node(text: str) -> nodes.Node:
    """The node that `text` is, without comments. For the library's macros: asserts that it is."""
    scanned = scan(Source(text), _words())
    tree = _lark_tree((*scanned.tokens, Token(END, "", Span(len(text), len(text)))), "node")
    assert not isinstance(tree, int), text
    return Builder(Attached({}, ())).node(tree)


def is_name(text: str) -> bool:
    """Whether `text` is a name of the language: neither keyword nor unit, at most 64 characters."""
    words = _words()
    return text not in words.literals and words.name.fullmatch(text) is not None


def scan_text(source: Source) -> Scanned:
    """The words and comments of any text, whatever is wrong with them."""
    return scan(source, _words())


def expected_after(source: Source, stop: int) -> frozenset[str]:
    """What may follow `source.text[:stop]`, mistakes in it repaired. Never raises.

    Keywords, units and signs as they are written, otherwise the terminal: NAME, NUMBER, STRING,
    and $END where the program may stop. Empty where nothing can be said.
    """
    end = Token(END, "", Span(stop, stop))
    tokens = (*scan(source, _words(), 0, stop).tokens, end)
    if _too_deep(tokens):
        return frozenset()
    for _ in range(MAX_SYNTAX_ERRORS):
        index = _lark_tree(tokens, "start")
        if not isinstance(index, int) or tokens[index].kind == END:
            kinds = _problem(source, tokens, len(tokens) - 1).expected
            written = {kind: text for text, kind in _words().literals.items()}
            return frozenset(written.get(kind, kind) for kind in kinds)
        edit = _repair(_problem(source, tokens, index), ())
        tokens = (*tokens[: edit.start], *edit.replacement, *tokens[edit.stop :])
    return frozenset()


def _parse_with_repairs(
    source: Source, tokens: tuple[Token, ...], told: list[Diagnostic]
) -> Parsed:
    tree = _lark_tree(tokens, "start")
    while isinstance(tree, int) and len(told) < MAX_SYNTAX_ERRORS:
        edit = _repair(_problem(source, tokens, tree), told)
        edited = (*tokens[: edit.start], *edit.replacement, *tokens[edit.stop :])
        if edit.diagnostic:
            told = [*_outside(told, edit.diagnostic), edit.diagnostic]
        if edited == tokens or len(edited) > 2 * MAX_CHARACTERS:
            break
        tokens = edited
        tree = _lark_tree(tokens, "start")
    found = in_order(told)
    if not isinstance(tree, int):
        return Parsed(Builder(Attached({}, ())).program(tree), found)
    if len(found) >= MAX_SYNTAX_ERRORS:
        stop = Diagnostic("too-many-errors", "what follows was not read", found[-1].span)
        found = (*found[:MAX_SYNTAX_ERRORS], stop)
    return Parsed(None, found)


def _repair(problem: Problem, told: Sequence[Diagnostic]) -> Edit:
    for rule in _RULES:
        edit = rule(problem)
        if edit:
            return edit
    return braces.give_up_line(problem, told)


def _outside(told: Sequence[Diagnostic], found: Diagnostic) -> list[Diagnostic]:
    """What was told before, except of the words in text that is no program."""
    if found.code != "text-around-program":
        return list(told)
    inside = found.span
    return [d for d in told if not (inside.start <= d.span.start and d.span.end <= inside.end)]


def _program_range(source: Source) -> tuple[int, int, list[Diagnostic]]:
    """Where the program stands in the text, and what is wrong with the text around it."""
    text = source.text
    header = re.search(r"(?m)^[ \t]*(rewardlang[ \t]+[0-9])", text)
    header = header or re.search(r"(?m)^[ \t]*(rewardlang)\b", text)
    start = header.start(1) if header else 0
    before = re.search(r"(?m)^[ \t\ufeff]*[^#\s\ufeff].*", text[:start])
    fence = re.compile(r"(?m)^[ \t]*```.*").search(text, start)
    stop = fence.start() if fence else len(text)
    if before is None and fence is None:
        return 0, len(text), []
    first = Span(*before.span()) if before else Span(*fence.span()) if fence else Span(0, 0)
    fenced = fence is not None or "```" in text[:start]
    what = "a code fence stands around" if fenced else "text stands before"
    hint = "a program file holds the program alone, from `rewardlang 1` on"
    found = Diagnostic("text-around-program", f"{what} the program", first, hint)
    return (start if before else 0), stop, [found]


def _refused(scanned: Scanned) -> Diagnostic | None:
    """What makes reading on pointless."""
    if not scanned.tokens:
        return Diagnostic("empty-program", "there is no program in this file", Span(0, 0))
    version = _other_version(scanned.tokens)
    if version:
        return version
    kinds = [token.kind for token in scanned.tokens]
    if "REWARDLANG" not in kinds and len({"OBJECT", "SUCCESS", "STAGE", "USE"} & {*kinds}) < 2:
        message = "this is not a reward program: it does not start with `rewardlang 1`"
        return Diagnostic("not-a-program", message, scanned.tokens[0].span)
    return _too_deep(scanned.tokens)


def _other_version(tokens: Sequence[Token]) -> Diagnostic | None:
    kinds = [token.kind for token in tokens[:2]]
    if kinds != ["REWARDLANG", "NUMBER"] or float(tokens[1].text) == VERSION:
        return None
    message = f"version {tokens[1].text} of the language is not known here"
    hint = f"this program reads version {VERSION}"
    notes = ("a program for a later version needs a later release of `rewardlang`",)
    return Diagnostic("unsupported-version", message, tokens[1].span, hint, notes=notes)


def _too_deep(tokens: Sequence[Token]) -> Diagnostic | None:
    """Every later stage recurses over the tree, so its depth is bounded here."""
    outside: list[int] = []  # per open brace or parenthesis: the `not`s in front of it
    negations = 0
    for token in tokens:
        if token.kind == "NOT":
            negations += 1
        elif token.kind in ("LBRACE", "LPAR"):
            outside.append(negations)
            negations = 0
        else:
            negations = 0
            if outside and token.kind in ("RBRACE", "RPAR"):
                outside.pop()
        if len(outside) + sum(outside) + negations > MAX_DEPTH:
            message = f"this is nested more than {MAX_DEPTH} levels deep"
            return Diagnostic("too-deep", message, token.span)
    return None


@cache
def _grammar() -> Lark:
    text = resources.files("rewardlang.syntax").joinpath("grammar.lark").read_text("utf-8")
    # The strict mode's checks run in the tests; here they would cost half a second per start.
    return Lark(
        text, parser="lalr", lexer="basic", start=["start", "node"], propagate_positions=True
    )


@cache
def _words() -> Words:
    terminals = {terminal.name: terminal.pattern for terminal in _grammar().terminals}
    literals = {p.value: name for name, p in terminals.items() if isinstance(p, PatternStr)}
    shapes = [re.compile(terminals[name].to_regexp()) for name in ("NAME", "NUMBER", "STRING")]
    return Words(literals, *shapes)


def _lark_tree(tokens: Sequence[Token], start: str) -> LarkTree[Any] | int:
    """The parse tree, or the index of the first token that cannot follow."""
    machine = _grammar().parse_interactive(start=start)
    result = None
    for index, token in enumerate(tokens):
        try:
            result = machine.feed_token(_lark_token(token))
        except UnexpectedToken:
            return index
    assert isinstance(result, LarkTree)
    return result


def _lark_token(token: Token) -> LarkToken:
    return LarkToken(token.kind, token.text, start_pos=token.span.start, end_pos=token.span.end)


def _problem(source: Source, tokens: tuple[Token, ...], index: int) -> Problem:
    """The problem at `tokens[index]`, the first token that cannot follow."""
    machine = _silent_machine()
    for token in tokens[: max(0, index - 1)]:
        _accepts(machine, token)
    machines = {index - 1: _copy(machine)}
    if index:
        _accepts(machine, tokens[index - 1])
    machines[index] = machine

    def reach(position: int, replacement: Sequence[Token], resume: int) -> int:
        trial = _copy(machines[position])
        if not all(_accepts(trial, token) for token in replacement):
            return -1
        for count, token in enumerate(tokens[resume : resume + REACH]):
            if not _accepts(trial, token):
                return count
        return REACH

    expected = frozenset(machine.accepts())  # type: ignore[no-untyped-call]  # lark's
    return Problem(source, _words(), tokens, index, expected, reach)


def _silent_machine() -> InteractiveParser:
    """A parser that builds nothing, so that its copies can share their stacks' values."""
    machine = _grammar().parse_interactive(start="start")
    machine.parser_state.parse_conf = copy(machine.parser_state.parse_conf)
    machine.parser_state.parse_conf.callbacks = {}
    return machine


def _copy(machine: InteractiveParser) -> InteractiveParser:
    return machine.copy(deepcopy_values=False)  # type: ignore[no-untyped-call]  # lark's


def _accepts(machine: InteractiveParser, token: Token) -> bool:
    try:
        machine.feed_token(_lark_token(token))
    except UnexpectedToken:
        return False
    return True
