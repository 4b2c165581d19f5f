"""Quick fixes, formatting and the outline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rewardlang.api import analyze
from rewardlang.diagnostics import Diagnostic
from rewardlang.lsp.coloring import Color, colored
from rewardlang.lsp.document import Document
from rewardlang.lsp.edits import applied, formatted
from rewardlang.lsp.fixes import Fix, fixes
from rewardlang.lsp.symbols import Symbol, symbols
from rewardlang.source import Source, Span
from rewardlang.syntax.formatter import format_program
from tests.rewardlang.shipped import EXAMPLES, FAULTY, MILK, SHIPPED, name

TEXT = MILK.read_text("utf-8")
BOTH = next(path for path in EXAMPLES if path.stem == "good_both").read_text("utf-8")


def all_fixes(text: str) -> tuple[Fix, ...]:
    return fixes(Document(Source(text)), Span(0, len(text)))


def same(diagnostics: tuple[Diagnostic, ...], wanted: Diagnostic) -> int:
    """How often the same is said."""
    return sum((d.code, d.message) == (wanted.code, wanted.message) for d in diagnostics)


@pytest.mark.parametrize("path", FAULTY, ids=name)
def test_a_fix_does_away_with_what_it_is_for(path: Path) -> None:
    text = path.read_text("utf-8")
    before = analyze(text).diagnostics
    for fix in all_fixes(text):
        after = analyze(applied(text, fix.edits)).diagnostics
        assert same(after, fix.diagnostic) < same(before, fix.diagnostic), fix.title


def test_the_cases_have_fixes_of_many_kinds() -> None:
    codes = {fix.diagnostic.code for path in FAULTY for fix in all_fixes(path.read_text("utf-8"))}
    assert len(codes) >= 10
    assert {"unknown-object", "unknown-predicate", "misspelt-keyword", "unused-object"} <= codes


def test_a_name_is_put_right_in_all_its_places() -> None:
    broken = TEXT.replace("(milk, basket)", "(milk, baskt)")
    fix = next(fix for fix in all_fixes(broken) if fix.diagnostic.code == "unknown-object")
    assert fix.title == "Change `baskt` to `basket` (3 places)"
    assert fix.is_first
    assert analyze(applied(broken, fix.edits)).diagnostics == ()


def test_an_object_that_nobody_uses_is_removed() -> None:
    text = TEXT.replace("object milk", "object butter = butter_1\nobject milk")
    (fix,) = (fix for fix in all_fixes(text) if fix.diagnostic.code == "unused-object")
    assert fix.title == "Remove the line"
    assert applied(text, fix.edits) == TEXT


def test_fixes_are_those_of_the_place() -> None:
    broken = TEXT.replace("grasped(milk) for", "graspd(milk) for")
    place = broken.index("graspd")
    document = Document(Source(broken))
    assert [fix.title for fix in fixes(document, Span(place, place))] == [
        "Change `graspd` to `grasped`"
    ]
    assert fixes(document, Span(0, 5)) == ()


@pytest.mark.parametrize("path", SHIPPED[::9], ids=name)
def test_formatting_is_the_formatter_s(path: Path) -> None:
    text = path.read_text("utf-8")
    assert formatted(Document(Source(text))) == ()
    for messy in (text.replace(" = ", "="), text.replace("\n", "\r\n"), text.replace("  ", "\t")):
        (edit,) = formatted(Document(Source(messy)))
        tree = analyze(messy).tree
        assert tree is not None
        assert applied(messy, [edit]) == format_program(tree)


def test_formatting_touches_only_what_changes() -> None:
    messy = TEXT.replace("object basket = ", "object basket=")
    (edit,) = formatted(Document(Source(messy)))
    assert messy[edit.span.start : edit.span.end] == "object basket=basket_1_contain_region\n"


def test_a_program_with_syntax_errors_is_not_formatted() -> None:
    assert formatted(Document(Source(TEXT.replace("success", "succes")))) == ()


def below(symbol: Symbol) -> Iterator[Symbol]:
    yield symbol
    for child in symbol.children:
        yield from below(child)


@pytest.mark.parametrize("path", [*SHIPPED[::5], *EXAMPLES, *FAULTY], ids=name)
def test_the_outline_lies_in_the_text(path: Path) -> None:
    text = path.read_text("utf-8")
    for root in symbols(Document(Source(text))):
        for symbol in below(root):
            assert symbol.name
            assert 0 <= symbol.span.start <= symbol.name_span.start
            assert symbol.name_span.end <= symbol.span.end <= len(text)


def test_the_outline_is_the_tree() -> None:
    *objects, root = symbols(Document(Source(BOTH)))
    assert (objects[0].name, objects[0].detail) == ("soup", "alphabet_soup_1")
    assert (root.name, root.word) == ("all", "all")
    soup_in = root.children[0]
    assert (soup_in.name, soup_in.word) == ("soup_in", "seq")
    assert [child.name for child in soup_in.children][:2] == ["reach", "grasp"]
    assert soup_in.children[1].detail == "weight 2"


def test_colours_say_what_each_name_is() -> None:
    shown = {(TEXT[s.start : s.end], color) for s, color in colored(Document(Source(TEXT)))}
    assert ("milk", Color.VARIABLE) in shown
    assert ("milk_1", Color.ENUM_MEMBER) in shown
    assert ("near", Color.FUNCTION) in shown
    assert ("reach", Color.PROPERTY) in shown
    assert {color for text, color in shown if text == "milk"} == {Color.VARIABLE}


def test_a_line_with_more_than_one_declaration_is_not_removed() -> None:
    text = TEXT.replace("object milk", "object butter = butter_1 object milk")
    assert [fix for fix in all_fixes(text) if fix.diagnostic.code == "unused-object"] == []
