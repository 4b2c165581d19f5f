"""Text -> tree: the grammar, the laws, and recovery from mistakes."""

from __future__ import annotations

from functools import cache
from importlib import resources
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lark import Lark

from rewardlang.api import analyze
from rewardlang.diagnostics import render
from rewardlang.source import Source, Span
from rewardlang.syntax import nodes
from rewardlang.syntax.formatter import format_program
from rewardlang.syntax.parser import MAX_CHARACTERS, MAX_DEPTH, MAX_SYNTAX_ERRORS, parse
from tests.rewardlang.trees import damaged, programs

GOOD = (Path(__file__).parent / "cases" / "good_both.rl").read_text("utf-8")
HEADER = GOOD[: GOOD.index("object")]
LAWS = settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@cache
def _grammar(strict: bool = False) -> Lark:
    text = resources.files("rewardlang.syntax").joinpath("grammar.lark").read_text("utf-8")
    return Lark(text, parser="lalr", lexer="basic", strict=strict, start=["start", "node"])


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in parse(Source(text)).diagnostics]


def lines_with_errors(text: str) -> set[int]:
    source = Source(text)
    return {source.line_column(d.span.start)[0] for d in parse(source).diagnostics}


# ---------------------------------------------------------------- laws


@LAWS
@given(programs)
def test_a_printed_tree_reads_back_as_itself(tree: nodes.Program) -> None:
    text = format_program(tree)
    parsed = parse(Source(text))
    assert parsed.diagnostics == (), render(parsed.diagnostics, Source(text))
    assert parsed.tree == tree
    _grammar().parse(
        text, start="start"
    )  # the scanner reads valid programs as the grammar's own lexer does


@LAWS
@given(st.one_of(damaged(), st.text(max_size=300)))
def test_analysis_never_raises_and_points_into_the_text(text: str) -> None:
    analysis = analyze(text)
    render(analysis.diagnostics, analysis.source)
    for diagnostic in analysis.diagnostics:
        diagnostic.as_json(analysis.source)
        for span in (diagnostic.span, *(label.span for label in diagnostic.related)):
            assert 0 <= span.start <= span.end <= len(text)
    assert analysis.ok == (analysis.program is not None)
    assert analysis.tree is not None or not analysis.ok


@settings(LAWS, max_examples=100)
@given(st.binary(max_size=200))
def test_analysis_survives_undecodable_bytes(data: bytes) -> None:
    analysis = analyze(HEADER + data.decode("utf-8", "surrogateescape"))
    render(analysis.diagnostics, analysis.source).encode("utf-8")
    assert not analysis.ok


@LAWS
@given(programs)
def test_spans_hold_the_words_they_stand_for(tree: nodes.Program) -> None:
    text = format_program(tree)
    parsed = parse(Source(text)).tree
    assert parsed is not None
    for item in parsed.objects:
        for name in (item.alias, item.target):
            assert text[name.span.start : name.span.end] == name.text
    root = parsed.root
    words = {nodes.Use: "use", nodes.Keep: "keep", nodes.Stage: "stage"}
    start = root.mode if isinstance(root, nodes.Group) else words[type(root)]
    assert text[root.span.start :].startswith(start)
    assert text[: parsed.success.span.end].rstrip().count("success") >= 1


def test_every_word_missing_or_doubled_is_noticed() -> None:
    """Nearly every word carries meaning: what stays valid without it is another program."""
    words = GOOD.split(" ")
    original = parse(Source(GOOD)).tree
    for index, word in enumerate(words):
        if not word or "#" in word:
            continue
        shorter = " ".join(words[:index] + words[index + 1 :])
        parsed = parse(Source(shorter))
        assert parsed.diagnostics or parsed.tree != original, (index, word)


# ---------------------------------------------------------------- the grammar


def test_the_grammar_has_no_conflicts_and_no_collisions() -> None:
    pytest.importorskip("interegular")
    _grammar(strict=True)


@settings(LAWS, max_examples=40)
@given(damaged())
def test_the_grammar_alone_refuses_what_the_parser_refuses(text: str) -> None:
    try:
        _grammar().parse(text, start="start")
    except Exception:  # Lark has no common base for what its lexer and parser raise
        assert codes(text)
    else:
        assert not set(codes(text)) - {"unsupported-version", "too-deep"}


def test_parentheses_only_where_they_change_something() -> None:
    text = HEADER + "stage a { until ((x()) and (y() and z())) or (not (u())) }\nsuccess bddl"
    root = parse(Source(text)).tree.root
    assert isinstance(root, nodes.Stage)
    either = root.until.expr
    assert isinstance(either, nodes.Or)
    both, negated = either.operands
    assert isinstance(both, nodes.And)
    assert [call.name.text for call in both.operands] == ["x", "y", "z"]
    assert isinstance(negated, nodes.Not)


def test_a_dwell_belongs_to_the_whole_condition() -> None:
    text = HEADER + "stage a { until x() and y() for 3 steps }\nsuccess when z() for 1 step"
    tree = parse(Source(text)).tree
    assert tree is not None
    assert isinstance(tree.root, nodes.Stage)
    assert isinstance(tree.root.until.expr, nodes.And)
    assert tree.root.until.dwell == nodes.Number(3.0)
    assert tree.success.dwell == nodes.Number(1.0)


# ---------------------------------------------------------------- recovery

MISTAKES = {
    "untill": ("until", "untill"),
    "upper case": ("stage", "Stage"),
    "no parenthesis": (")", "", 1),
    "no brace": ("{", "", 1),
    "reserved word": ("stage reach", "stage m"),
    "sign": (" { until", " { until ;"),
    "no unit": ("8 cm", "8"),
}


def damage(line: str, mistake: tuple) -> str:
    return line.replace(*mistake)


@pytest.mark.parametrize("first", MISTAKES.values(), ids=MISTAKES)
@pytest.mark.parametrize("second", MISTAKES.values(), ids=MISTAKES)
def test_two_mistakes_are_both_reported(first: tuple, second: tuple) -> None:
    """Whatever is wrong in one stage, the next one is read as well."""
    lines = GOOD.splitlines()
    numbers = [i for i, line in enumerate(lines) if line.lstrip().startswith("stage")]
    places = [
        (a, b)
        for a in numbers
        for b in numbers
        if a < b and damage(lines[a], first) != lines[a] and damage(lines[b], second) != lines[b]
    ]
    for a, b in places:
        text = "\n".join(
            damage(line, first) if i == a else damage(line, second) if i == b else line
            for i, line in enumerate(lines)
        )
        assert {a + 1, b + 1} <= lines_with_errors(text), text


def test_names_are_checked_beside_mistakes_in_the_syntax() -> None:
    text = GOOD.replace("untill", "until").replace("near(gripper, soup)", "near(gripper, sop)")
    text = text.replace("until lifted", "untill lifted")
    found = {d.code for d in analyze(text).diagnostics}
    assert found == {"misspelt-keyword", "unknown-object"}


def test_what_could_not_be_read_is_not_held_against_the_rest() -> None:
    """An `object` line with a mistake still declares its name; warnings wait for a whole tree."""
    text = GOOD.replace("object soup = alphabet_soup_1", "object soup = = alphabet_soup_1")
    assert [d.code for d in analyze(text).diagnostics] == ["syntax"]
    text = GOOD.replace("object soup = alphabet_soup_1", "object soup = ;")
    assert [d.code for d in analyze(text).diagnostics] == ["unknown-character"]


def test_the_brace_that_is_missing_is_found_by_indentation() -> None:
    text = GOOD.replace("while in(soup, basket) }\n  }", "while in(soup, basket) }")
    (found,) = parse(Source(text)).diagnostics
    assert found.code == "missing-brace"
    line, _ = Source(text).line_column(found.related[0].span.start)
    assert Source(text).line(line).strip() == "seq soup_in {"


def test_size_nesting_and_number_of_errors_are_bounded() -> None:
    assert codes(GOOD + "#" * MAX_CHARACTERS) == ["too-large"]
    nested = HEADER + "seq {" * MAX_DEPTH + "stage a { until x() }" + "}" * MAX_DEPTH
    assert codes(nested + " success bddl") == ["too-deep"]
    assert codes(HEADER + f"stage a {{ until {'not ' * 40}x() }} success bddl") == ["too-deep"]
    many = "".join(f"stage a{i} {{ untill x() }}\n" for i in range(100))
    found = codes(HEADER + f"seq {{\n{many}}}\nsuccess bddl")
    assert found[-1] == "too-many-errors"
    assert len(found) == MAX_SYNTAX_ERRORS + 1


def test_a_byte_order_mark_and_carriage_returns_are_no_mistakes() -> None:
    parsed = parse(Source("\ufeff" + GOOD.replace("\n", "\r\n")))
    assert parsed.diagnostics == ()
    assert parsed.tree == parse(Source(GOOD)).tree


def test_spans_are_in_characters_of_the_text() -> None:
    text = GOOD.replace("# The instruction", "# 漢字 🥫 The instruction").replace(
        "until", "untill", 1
    )
    (found,) = parse(Source(text)).diagnostics
    assert text[found.span.start : found.span.end] == "untill"
    assert isinstance(found.span, Span)


def test_spans_stay_in_order_where_clauses_were_moved() -> None:
    """Found by fuzzing: a repair that moves words must not turn spans around."""
    clauses = [
        "while grasped(soup)",
        "progress tilt(soup) from reset to reset",
        "until lifted(soup)",
    ]
    for order in permutations(clauses):
        text = f"{HEADER}stage a {{ {' '.join(order)} }} object soup = milk_1 success bddl"
        for found in analyze(text).diagnostics:
            assert found.span.start <= found.span.end
