"""Hover: every word that means something is explained, and nothing raises."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewardlang.checking.library import MACROS, MEASURES, PREDICATES
from rewardlang.inspecting.scene_card import card, markdown
from rewardlang.lsp.document import Document
from rewardlang.lsp.hover import Hover, hover
from rewardlang.lsp.keywords import KEYWORDS, UNIT_WORDS
from rewardlang.scene import load
from rewardlang.source import Source
from tests.rewardlang.shipped import EXAMPLES, FAULTY, MILK, SHIPPED, name

TEXT = MILK.read_text("utf-8")


def said(text: str, marked: str, after: int = 0) -> str:
    """What is said of the word at the first `marked`."""
    found = hover(Document(Source(text)), text.index(marked) + after)
    return found.text if found else ""


@pytest.mark.parametrize("path", [*SHIPPED[::17], *EXAMPLES, *FAULTY], ids=name)
def test_every_position_of_a_program(path: Path) -> None:
    document = Document(Source(path.read_text("utf-8")))
    for offset in range(-1, len(document.source.text) + 2):
        found = hover(document, offset)
        if found is not None:
            assert found.text
            assert found.span.start <= offset <= found.span.end


@pytest.mark.parametrize("path", [*SHIPPED[::5], *EXAMPLES], ids=name)
def test_every_word_of_a_sound_program_is_explained(path: Path) -> None:
    document = Document(Source(path.read_text("utf-8")))
    silent = ("NUMBER", "STRING")
    for token in document.tokens:
        if token.text[0].isalpha() and token.kind not in silent:
            found = hover(document, token.span.start)
            assert isinstance(found, Hover), token
            assert found.span == token.span


@pytest.mark.parametrize("row", [*PREDICATES.values()], ids=lambda row: row.name)
def test_a_predicate_shows_its_row(row) -> None:
    text = TEXT.replace("near(", f"{row.name}(", 1)
    shown = said(text, f"{row.name}(gripper")
    assert row.signature in shown
    assert row.truth in shown
    assert row.doc in shown


@pytest.mark.parametrize("row", [*MEASURES.values()], ids=lambda row: row.name)
def test_a_measure_shows_its_row(row) -> None:
    text = TEXT.replace("near(gripper", f"at_most({row.name}(milk", 1)
    shown = said(text, f"{row.name}(milk")
    assert row.signature in shown
    assert row.doc in shown


@pytest.mark.parametrize("row", [*MACROS.values()], ids=lambda row: row.name)
def test_a_macro_shows_what_it_stands_for(row) -> None:
    shown = said(f"use {row.name}(milk)", row.name)
    assert row.signature in shown
    assert row.source.split()[0] in shown
    assert "stage reach" in shown


@pytest.mark.parametrize("word", [*KEYWORDS, *UNIT_WORDS])
def test_a_keyword_is_explained(word: str) -> None:
    shown = said(word, word)
    assert shown.startswith(f"`{word}`: ")
    assert shown.endswith((".", "`."))


def test_an_alias_says_what_it_stands_for_and_where_that_is() -> None:
    shown = said(TEXT, "grasped(milk)", len("grasped("))
    assert shown.startswith("**milk_1**: movable, ")
    assert 'at reset in the zone "target object" of floor' in shown
    assert "goal: `in(milk_1, basket_1_contain_region)`" in shown
    assert said(TEXT, "object milk", len("object ")) == shown
    assert said(TEXT, "milk_1") == shown


def test_a_region_says_whose_it_is() -> None:
    assert "a region of `basket_1`" in said(TEXT, "basket_1_contain_region")


def test_the_scene_is_a_card() -> None:
    shown = said(TEXT, "libero_object/")
    assert shown == markdown(card(load("libero_object/" + MILK.stem)))
    assert "`basket_1`" in shown


def test_a_number_says_what_is_usual() -> None:
    shown = said(TEXT, "8 cm")
    assert shown == "within: a length (mm, cm, m), 3 cm where not given, usually 5 mm to 20 cm"


def test_a_stage_says_what_it_is_worth() -> None:
    assert "**grasp**" in said(TEXT, "stage grasp", len("stage "))
    assert "latched" in said(TEXT, "stage grasp", len("stage "))
    assert "live" in said(TEXT, "stage lower", len("stage "))


def test_there_is_nothing_to_say_of_comments_and_unknown_names() -> None:
    assert said("# near", "near") == ""
    assert said(TEXT.replace("grasped(milk)", "grasped(milc)"), "milc") == ""
