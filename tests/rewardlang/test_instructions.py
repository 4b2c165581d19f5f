"""Looking up the task that a sentence means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardlang.planning.instructions import ACCEPTED, find, nearest, normalise, rank, similarity
from rewardlang.scene import suite_scenes, suites

SCENES = [scene for suite in suites() for scene in suite_scenes(suite).values()]


def found(instruction: str) -> list[str]:
    return [match.scene.id for match in find(instruction)]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.id)
def test_an_instruction_finds_exactly_the_tasks_that_have_it(scene) -> None:
    matches = find(scene.instruction.upper() + ".")
    assert {match.similarity for match in matches} == {1.0}
    same = {other.id for other in SCENES if other.instruction == scene.instruction}
    assert {match.scene.id for match in matches} == same


@pytest.mark.parametrize(
    ("instruction", "task"),
    [
        ("Pick up the milk, and place it in the basket!", "pick_up_the_milk_and_place_it"),
        ("pick_up_the_butter_and_place_it_in_the_basket", "pick_up_the_butter_and_place_it"),
        ("pick up the alphbet soup and place it in the basket", "pick_up_the_alphabet_soup"),
        ("pick up the mlik and place it in the basket", "pick_up_the_milk_and_place_it"),
        ("put the milk in the basket", "LIVING_ROOM_SCENE2_pick_up_the_milk"),
        ("grab the ketchup and put it into the basket", "LIVING_ROOM_SCENE1_pick_up_the_ketchup"),
        ("pick up the bowl on the stove and place it on the plate", "black_bowl_on_the_stove"),
    ],
)
def test_a_near_sentence_finds_its_task(instruction: str, task: str) -> None:
    (scene_id,) = found(instruction)
    assert task in scene_id


@pytest.mark.parametrize(
    "instruction",
    [
        "fold the laundry",
        "pick up the banana and place it in the basket",  # the words fit, the things do not
        "put the milk in the tray",
        "put the butter and the milk in the basket",
        "milk",
        "",
    ],
)
def test_other_things_are_no_match_however_alike_the_sentence(instruction: str) -> None:
    assert found(instruction) == []
    assert len(nearest(instruction)) == 3


def test_the_same_sentence_in_several_tasks_finds_them_all() -> None:
    assert found("turn on the stove") == [
        "libero_90/KITCHEN_SCENE3_turn_on_the_stove",
        "libero_90/KITCHEN_SCENE9_turn_on_the_stove",
        "libero_goal/turn_on_the_stove",
    ]


def test_nearest_lists_each_sentence_once() -> None:
    sentences = nearest("turn on the stove", 130)
    assert len(set(sentences)) == len(sentences) == len({scene.instruction for scene in SCENES})


words = st.sampled_from(["put", "the", "milk", "in", "on", "basket", "xyz", "bowl"])
sentences = st.lists(words, max_size=6).map(" ".join)


@given(sentences, sentences)
def test_similarity_is_a_bounded_measure_that_is_1_only_for_equals(one: str, other: str) -> None:
    value = similarity(one, other)
    assert 0 <= value <= 1
    assert (value == 1) == (one == other)


@given(st.text(max_size=60))
def test_any_text_can_be_looked_up(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
    assert all(match.similarity >= ACCEPTED for match in find(text))
    ranked = [match.similarity for match in rank(text)]
    assert ranked == sorted(ranked, reverse=True)
    assert len(ranked) == len(SCENES)
