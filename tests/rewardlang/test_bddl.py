"""Scenes read from BDDL text: what is right, and what is said of everything that is wrong."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rewardlang.checking.library import PREDICATES as VOCABULARY
from rewardlang.checking.signatures import Thing
from rewardlang.scene import Scene, SceneFileError, known_scenes, load
from rewardlang.scene.bddl import MAX_PROBLEMS, instruction_of, read_scene
from rewardlang.scene.folders import categories
from rewardlang.scene.forms import MAX_CHARACTERS, MAX_DEPTH
from rewardlang.scene.model import GOAL_KINDS
from rewardlang.source import Source
from tests.rewardlang.bddl_text import bddl_text

SCENES = list(known_scenes())
MILK = load("libero_object/pick_up_the_milk_and_place_it_in_the_basket")

TEXT = """\
(define (problem LIBERO_Floor_Manipulation)
  (:domain robosuite)
  (:language Put the Milk away)  ; a comment ) that closes nothing
  (:regions
    (spot (:target floor) (:ranges ((-0.1 -0.2 0.1 0.3) (0 0 1 1))) (:yaw_rotation ((0.0 0.0))))
    (contain_region (:target basket_2))
    (contain_region (:target basket_9))
  )
  (:fixtures floor - floor)
  (:objects milk_1 milk_2 - milk
            basket_2 - basket)
  (:obj_of_interest milk_2 basket_2)
  (:init (On milk_1 floor_spot) (On basket_2 floor))
  (:goal (And (In milk_2 basket_2_contain_region)))
)
"""


def read(text: str, task: str = "put_the_milk_away") -> Scene:
    return read_scene(Source(text, "task.bddl"), "mine", task, categories())


def mistakes(text: str) -> list[tuple[int, int, str]]:
    """Line, column and message of everything that is wrong."""
    with pytest.raises(SceneFileError) as caught:
        read(text)
    return [
        (*source.line_column(found.span.start), found.message)
        for source, found in caught.value.problems
    ]


def suggested(text: str) -> list[str]:
    with pytest.raises(SceneFileError) as caught:
        read(text)
    return [fix.replacement for _, found in caught.value.problems for fix in found.suggestions]


# ---------------------------------------------------------------- what is right


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.id)
def test_the_text_of_a_scene_is_that_scene(scene: Scene) -> None:
    """Sizes, joints and regions come back although the text only names categories."""
    text = Source(bddl_text(scene))
    assert read_scene(text, scene.suite, scene.task, categories()) == scene


def test_a_text_is_read_as_libero_reads_it() -> None:
    scene = read(TEXT)
    assert scene.id == "mine/put_the_milk_away"
    assert scene.instruction == "put the milk away"
    assert scene.language == "put the milk away"
    assert scene.goal == (("in", "milk_2", "basket_2_contain_region"),)
    assert [(item.name, item.body) for item in scene.objects] == [
        ("milk_1", "milk_1_main"),
        ("milk_2", "milk_2_main"),
        ("basket_2", "basket_2_main"),
    ]
    assert scene.object("milk_2").half_extents == MILK.object("milk_1").half_extents
    zone, inside = scene.regions  # that of a thing which is not there is dropped
    assert (zone.name, zone.ranges, zone.placement_only) == (
        "floor_spot",
        (-0.1, -0.2, 0.1, 0.3),
        True,
    )
    assert zone.half_extents == pytest.approx((0.1, 0.25, 0.007))
    assert (inside.name, inside.owner) == ("basket_2_contain_region", "basket_2")
    assert inside.levels == MILK.region("basket_1_contain_region").levels


def test_one_atom_needs_no_and_and_what_init_says_is_true_at_reset() -> None:
    text = TEXT.replace("(And (In milk_2 basket_2_contain_region))", "(On milk_1 floor_spot)")
    assert read(text).goal_true_at_reset == (0,)
    assert read(TEXT).goal_true_at_reset == ()


def test_the_instruction_is_in_the_files_name() -> None:
    assert [instruction_of(scene.task) for scene in SCENES] == [s.instruction for s in SCENES]
    assert instruction_of("put_SCENE1_on_top") == "put SCENE1 on top"


def test_goals_say_what_the_vocabulary_takes_from_libero() -> None:
    wanted = {
        row.goal: tuple(p.kinds for p in row.parameters if isinstance(p, Thing))
        for row in VOCABULARY.values()
        if row.goal
    }
    assert wanted == GOAL_KINDS


# ---------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "message"),
    [
        ("(:goal (And", "(:gaol (And", 14, 4, "there is no section `:gaol`"),
        ("(And (In milk_2 basket_2_contain_region))", "", 14, 3, "the goal is empty"),
        ("(In milk_2 basket_2_contain_region)", "", 14, 3, "the goal is empty"),
        ("(In milk_2", "(Into milk_2", 14, 16, "a goal cannot say `into`"),
        ("(In milk_2 ", "(In ", 14, 16, "`in` is about 2 things, not 1"),
        ("(In milk_2", "(In milk_3", 14, 19, "`milk_3` is neither an object, a fixture nor"),
        (
            "(In milk_2",
            "(In basket_9_contain_region",
            14,
            19,
            "`basket_9_contain_region` is a region of something",
        ),
        ("(In milk_2 basket_2_contain_region)", "(Open milk_1)", 14, 21, "`open` wants"),
        (
            "(In milk_2 basket_2_contain_region)",
            "(Not (On milk_1 milk_2))",
            14,
            16,
            "LIBERO's goals know no `not` here",
        ),
        ("(And (In", "(Or (In", 14, 11, "LIBERO's goals know no `or` here"),
        ("- milk\n", "- mlik\n", 10, 29, "nothing is known of the category `mlik`"),
        ("basket_2 - basket)", "basket_2)", 11, 13, "`basket_2` has no category"),
        ("basket_2 - basket)", "- basket)", 11, 13, "a name is missing beside this"),
        ("basket_2 - basket)", "basket_2 -)", 11, 22, "a category is missing beside this"),
        ("basket_2 - basket)", "milk_1 - basket)", 11, 13, "`milk_1` is declared twice"),
        ("basket_2 - basket)", "basket_2 - milk)", 11, 24, "`milk` has a row already"),
        ("(:target basket_2)", "", 6, 6, "the region `contain_region` needs `(:target THING)`"),
        (
            "(contain_region (:target basket_2",
            "(inside (:target basket_2",
            6,
            6,
            "no known `basket` has a region `inside`",
        ),
        ("(:ranges", "(:range", 5, 27, "a region has no `:range`"),
        ("(-0.1 -0.2 0.1 0.3)", "(-0.1 -0.2 0.1)", 5, 37, "a range has four numbers"),
        ("(-0.1 -0.2 0.1 0.3)", "(-0.1 -0.2 nan 0.3)", 5, 37, "a range has four numbers"),
        ("(-0.1 -0.2 0.1 0.3)", "(0.2 -0.2 0.1 0.3)", 5, 37, "a range goes from the smaller"),
        ("((-0.1 -0.2 0.1 0.3) (0 0 1 1))", "", 5, 27, "ranges are written"),
        ("LIBERO_Floor_Manipulation", "LIBERO_Attic", 1, 18, "no known scene is a `libero_attic`"),
        ("(problem LIBERO_Floor_Manipulation)", "", 1, 2, "the problem's class is missing"),
        ("robosuite", "gibson", 2, 3, "LIBERO reads the domain `robosuite` alone"),
        (
            "(:obj_of_interest milk_2",
            "(:obj_of_interest milk",
            12,
            21,
            "`milk` is neither an object",
        ),
        ("(:init (On milk_1", "(:init (On milk_7", 13, 14, "`milk_7` is neither an object"),
        ("(:init (On", "(:init On (On", 13, 10, "an atom is written"),
        ("(:fixtures floor - floor)", "(:objects)", 10, 4, "there is a second `:objects`"),
    ],
)
def test_a_mistake_is_told_where_it_stands(
    old: str, new: str, line: int, column: int, message: str
) -> None:
    assert old in TEXT
    found = mistakes(TEXT.replace(old, new, 1))
    assert any((line, column) == place[:2] and place[2].startswith(message) for place in found), (
        found
    )


def test_everything_is_told_at_once_and_what_was_meant() -> None:
    text = TEXT.replace("- milk\n", "- mlik\n").replace("(In ", "(Inn ").replace("0.3", "far")
    assert [(line, message.split(" ")[0]) for line, _, message in mistakes(text)] == [
        (5, "a"),  # and of the zone without ranges nothing more is said
        (10, "nothing"),
        (14, "a"),
    ]
    assert {"milk", "in"} <= set(suggested(text))


def test_a_missing_goal_is_told() -> None:
    text = "\n".join(line for line in TEXT.splitlines() if ":goal" not in line)
    assert [message for *_, message in mistakes(text)] == ["there is no `:goal`"]


def test_how_a_new_category_becomes_known_is_told_once() -> None:
    with pytest.raises(SceneFileError) as caught:
        read(TEXT.replace("- milk\n", "- cow\n").replace("- basket)", "- trough)"))
    notes = [note for _, found in caught.value.problems for note in found.notes]
    assert len(notes) == 1
    assert "tgrpo catalogue --bddl" in notes[0]


# ---------------------------------------------------------------- brackets


def test_a_section_that_is_not_closed_is_named() -> None:
    text = TEXT.replace("basket_9))\n  )", "basket_9))\n")
    assert mistakes(text) == [(4, 3, "`(:regions` is not closed before `(:fixtures` begins")]


def test_a_parenthesis_too_many_is_told_where_it_closes_too_much() -> None:
    text = TEXT.replace("- floor)", "- floor))")
    assert mistakes(text) == [
        (9, 28, "this closes `(define` too early: `(:objects` is still to come")
    ]


def test_a_text_that_breaks_off() -> None:
    assert mistakes(TEXT[: TEXT.rindex(")")]) == [(1, 1, "`(define` is never closed")]
    text = TEXT.replace("(:objects", ":objects")
    assert mistakes(text) == [(10, 3, "a parenthesis is missing before `:objects`")]
    assert mistakes(TEXT[: TEXT.index("_contain_region)))")]) == [
        (14, 3, "`(:goal` is never closed")
    ]


def test_what_stands_outside() -> None:
    assert mistakes("milk " + TEXT + ")") == [
        (1, 1, "this stands outside of `(define …)`"),
        (16, 1, "this parenthesis closes nothing"),
    ]


@pytest.mark.parametrize("text", ["", "(", ")", "milk", "(define", "()", "; only a comment", "\0"])
def test_hardly_anything_is_no_task(text: str) -> None:
    assert mistakes(text)


def test_long_and_deep_texts_are_refused_at_once() -> None:
    began = time.perf_counter()
    ((*_, message),) = mistakes("(" * (MAX_CHARACTERS + 1))
    assert message.startswith(f"a task has at most {MAX_CHARACTERS} characters")
    deep = mistakes("(define " + "(" * (MAX_CHARACTERS - 10))
    assert (1, 8 + MAX_DEPTH, f"more than {MAX_DEPTH} parentheses are open here") in deep
    assert len(mistakes("(define" + " (:goal (x" * (MAX_CHARACTERS // 10 - 1))) == MAX_PROBLEMS
    assert time.perf_counter() - began < 10


PIECES = st.sampled_from(["(", ")", " ", "\n", ";", "-", "and", "define", *TEXT.split()])


@given(st.one_of(st.text(), st.lists(PIECES).map(" ".join)))
@example("(define (problem x) (:goal (and)))")
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        read(text)
    except SceneFileError as error:
        for source, found in error.problems:
            assert 0 <= found.span.start <= found.span.end <= len(source.text)


@given(st.integers(0, len(TEXT) - 1))
def test_a_missing_bracket_is_told_and_nothing_else(place: int) -> None:
    """Whichever is left out: no guess at the rest of the file."""
    code = TEXT.replace("; a comment ) that closes nothing", "")
    brackets = [index for index, char in enumerate(code) if char in "()"]
    at = brackets[place % len(brackets)]
    told = mistakes(code[:at] + code[at + 1 :])
    assert 1 <= len(told) <= 2
    assert all("clos" in message or "parenthesis" in message for *_, message in told) or at == 0
