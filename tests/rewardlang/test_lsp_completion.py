"""Completion: whatever is offered can stand there, and what can stand there is offered."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from rewardlang.api import analyze
from rewardlang.checking.library import MACROS, MEASURES, PREDICATES
from rewardlang.lsp.completion import Completion, What, complete
from rewardlang.lsp.document import Document
from rewardlang.lsp.edits import Edit, applied
from rewardlang.scene import suite_scenes, suites
from rewardlang.source import Source, Span
from tests.rewardlang.shipped import EXAMPLES, SHIPPED, name

# What a name, a kind or a unit can be told; a missing argument or brace is another matter.
ABOUT_NAMES = {
    "bad-name",
    "misspelt-keyword",
    "reserved-name",
    "reserved-word",
    "same-argument",
    "unknown-macro",
    "unknown-measure",
    "unknown-object",
    "unknown-predicate",
    "unknown-scene",
    "wrong-kind",
    "wrong-unit",
}


def offered(marked: str) -> list[str]:
    """What is offered at the `|` of a text."""
    text, offset = marked.replace("|", "", 1), marked.index("|")
    return [item.text for item in complete(Document(Source(text)), offset).items]


def complaints(text: str, span: Span) -> list[str]:
    """What is said about the names in `span`."""
    return [
        f"{found.code}: {found.message}"
        for found in analyze(text).diagnostics
        if found.code in ABOUT_NAMES and found.span.start < span.end and span.start < found.span.end
    ]


def put_in(text: str, span: Span, item: Completion) -> tuple[str, Span]:
    """The text after the completion, and where it stands now."""
    return applied(text, [Edit(span, item.text)]), Span(span.start, span.start + len(item.text))


def check_offers(path: Path, most: int) -> None:
    """Put `most` of what is offered in the place of each word of a program."""
    document, rng = Document(Source(path.read_text("utf-8"))), Random(path.stem)
    for token in document.tokens:
        found = complete(document, token.span.start)
        items = [i for i in found.items if i.what not in (What.STRING, What.QUANTITY)]
        for item in rng.sample(items, min(most, len(items))):
            changed, where = put_in(document.source.text, found.span, item)
            assert complaints(changed, where) == [], f"{item} in place of {token}"


@pytest.mark.parametrize("path", [*SHIPPED[::17], *EXAMPLES], ids=name)
def test_what_is_offered_for_a_word_can_stand_in_its_place(path: Path) -> None:
    check_offers(path, most=2)


@pytest.mark.full
@pytest.mark.parametrize("path", SHIPPED[::3], ids=name)
def test_everything_that_is_offered_can_stand_in_its_place(path: Path) -> None:
    check_offers(path, most=1000)


@pytest.mark.parametrize("path", [*SHIPPED[::5], *EXAMPLES], ids=name)
def test_the_right_word_is_offered_for_every_word(path: Path) -> None:
    document = Document(Source(path.read_text("utf-8")))
    labels = {t.span for t, where in document.names if where.role.name in ("ALIAS", "LABEL")}
    for token in document.tokens:
        if token.kind in ("NUMBER", "STRING") or token.span in labels:
            continue
        if not token.text[0].isalpha():
            continue
        found = complete(document, token.span.start)
        assert found.span == token.span
        texts = [item.text for item in found.items]
        assert token.text in texts, f"{token} is not among {texts}"
        assert len(set(texts)) == len(texts)


PROGRAM = """\
rewardlang 1
task "put the black bowl in the bottom drawer of the cabinet and close it"
scene "libero_10/KITCHEN_SCENE4_put_the_black_bowl_in_the_bottom_drawer_of_the_cabinet_and_close_it"

object bowl = akita_black_bowl_1
object drawer = white_cabinet_1_bottom_region

seq {
  stage reach { until HERE }
  use place_in(bowl, drawer)
}

success bddl
"""


def here(written: str) -> list[str]:
    return offered(PROGRAM.replace("HERE", written, 1))


def test_predicates_stand_where_a_condition_may() -> None:
    assert set(here("|")) == {*PREDICATES, "not"}
    assert set(here("near(gripper, bowl) and |")) == {*PREDICATES, "not"}
    assert set(here("not (|")) == {*PREDICATES, "not"}
    assert set(offered(PROGRAM.replace("  use", "  keep shut { | }\n  use"))) >= set(PREDICATES)


def test_names_are_offered_by_kind() -> None:
    assert here("grasped(|)") == ["bowl", "wine_bottle_1"]
    assert {"gripper", "bowl", "drawer", "handle(drawer)"} <= set(here("near(|"))
    assert "drawer" in here("open(|)")
    assert "bowl" not in here("open(|)")
    assert here("off(|)") == []


def test_neither_a_thing_nor_its_part_twice() -> None:
    second = here("near(bowl, |)")
    assert "bowl" not in second
    assert "gripper" in second
    assert "drawer" not in here("touching(handle(drawer), |)")
    assert "handle(drawer)" not in here("touching(drawer, |)")


def test_the_names_of_the_program_come_first() -> None:
    text = PROGRAM.replace("HERE", "near(gripper, )", 1)
    items = complete(Document(Source(text)), text.index("gripper, )") + 9).items
    ranked = sorted(items, key=lambda item: item.rank)
    assert [item.text for item in ranked[:2]] == ["bowl", "drawer"]
    assert ranked[0].detail == "movable, 10.7 × 10.7 × 5.1 cm"


def test_units_fit_what_the_number_is_for() -> None:
    assert here("near(gripper, bowl, 3 |)") == ["mm", "cm", "m"]
    assert here("upright(bowl, 30|") == ["deg", "rad"]
    assert here("upright(bowl, 30 |") == ["deg", "rad"]
    assert here("at_least(openness(drawer), 50 |)") == ["%"]
    assert here("grasped(bowl) progress dist(gripper, bowl) from reset to 3 |") == ["mm", "cm", "m"]
    assert here("near(gripper, bowl, |)") == ["3 cm"]
    assert here("grasped(bowl) for 3 |") == ["step", "steps"]


def test_measures_stand_where_something_is_compared() -> None:
    assert here("at_least(|") == list(MEASURES)
    assert here("grasped(bowl) progress |") == list(MEASURES)


def test_macros_after_use() -> None:
    assert offered(PROGRAM.replace("use place_in", "use |")) == list(MACROS)


def test_scene_names_in_an_object_line() -> None:
    names = offered(PROGRAM.replace("= akita_black_bowl_1", "= |"))
    assert "white_cabinet_1_top_region" in names
    assert not [name for name in names if name.endswith("init_region")]


def test_nothing_is_offered_for_a_name_of_ones_own() -> None:
    for marked in ("object | = akita", "object b|"):
        assert offered(PROGRAM.replace("object bowl", marked)) == []
    assert offered(PROGRAM.replace("stage reach", "stage |")) == []
    assert offered(PROGRAM.replace("seq {", "# seq | {")) == []


def test_keywords_stand_where_the_grammar_has_them() -> None:
    nodes = {"all", "any", "keep", "seq", "stage", "use"}
    assert set(offered(PROGRAM.replace("seq {", "seq {\n  |"))) == nodes
    assert set(offered(PROGRAM.replace("reach {", "reach {|"))) == {"until"}
    assert set(here("grasped(bowl) |")) == {"and", "for", "or", "progress", "while"}
    assert set(offered(PROGRAM + "|")) == {"shaping", "penalty"}
    assert offered("|") == ["rewardlang"]
    assert offered("rewardlang 1\n|") == ["task"]


def test_mistakes_before_the_place_do_not_matter() -> None:
    broken = PROGRAM.replace("object drawer =", "object drawer").replace("seq {", "seq {\n ; stage")
    assert "bowl" in offered(broken.replace("HERE", "grasped(|", 1))


def test_scenes_in_the_string() -> None:
    inside = PROGRAM.index('scene "') + len('scene "')
    found = complete(Document(Source(PROGRAM)), inside)
    every = {scene.id for suite in suites() for scene in suite_scenes(suite).values()}
    assert {item.text for item in found.items} == every
    best = min(found.items, key=lambda item: item.rank)
    assert best.text == PROGRAM[found.span.start : found.span.end]
    outside = offered(PROGRAM.splitlines()[0] + '\ntask ""\nscene |')
    assert set(outside) == {f'"{scene}"' for scene in every}


def test_the_instruction_in_the_string() -> None:
    marked = PROGRAM.replace('task "put', 'task "|put')
    instruction = "put the black bowl in the bottom drawer of the cabinet and close it"
    assert offered(marked) == [instruction]


def test_snippets_have_a_place_for_each_argument_that_must_be_given() -> None:
    text = PROGRAM.replace("HERE", "", 1)
    items = complete(Document(Source(text)), text.index("until ") + 6).items
    snippets = {item.text: item.snippet for item in items if item.what is What.PREDICATE}
    assert snippets["near"] == "near(${1:first}, ${2:second})"
    assert snippets["gripper_open"] == "gripper_open()"
    before_arguments = complete(Document(Source(PROGRAM)), PROGRAM.index("place_in")).items
    assert not [item for item in before_arguments if item.snippet]


@pytest.mark.parametrize("path", [SHIPPED[0], *EXAMPLES], ids=name)
def test_every_beginning_of_a_program_can_be_completed(path: Path) -> None:
    text = path.read_text("utf-8")
    for end in range(0, len(text), 4):
        document = Document(Source(text[:end]))
        for offset in (0, end):
            span = complete(document, offset).span
            assert 0 <= span.start <= span.end <= end
