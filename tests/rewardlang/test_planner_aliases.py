"""What a plan calls things, and how it tells look-alikes apart."""

from __future__ import annotations

import re

import pytest

from rewardlang.planning.aliases import choose_aliases, start_of
from rewardlang.planning.planner import plan
from rewardlang.scene import Scene, load
from tests.rewardlang.plans import (
    SCENES,
    SOUP,
    TWO_PLATES,
)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.id)
def test_aliases_are_distinct_and_not_names_of_the_scene(scene: Scene) -> None:
    names = [item.name for item in (*scene.objects, *scene.regions)]
    aliases = choose_aliases(scene, names)
    assert list(aliases) == names
    assert len(set(aliases.values())) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,63}", alias) for alias in aliases.values())
    in_goal = choose_aliases(scene, [name for atom in scene.goal for name in atom[1:]])
    assert all(alias not in scene.kinds for alias in in_goal.values())


def test_aliases_say_what_tells_two_things_apart() -> None:
    chosen = choose_aliases(TWO_PLATES, [name for atom in TWO_PLATES.goal for name in atom[1:]])
    assert list(chosen.values()) == ["porcelain_mug", "left_plate", "yellow_mug", "right_plate"]


def test_look_alikes_are_told_apart_by_the_instruction_or_by_where_they_start() -> None:
    spatial = load("libero_spatial/pick_up_the_black_bowl_on_the_stove_and_place_it_on_the_plate")
    assert 'Two bowls look alike. This one is "the black bowl on the stove"' in plan(spatial)
    middle = load("libero_90/KITCHEN_SCENE2_put_the_middle_black_bowl_on_the_plate")
    text = " ".join(plan(middle).replace("\n# ", " ").split())
    assert (
        'Three bowls look alike. This one starts in the zone "middle"; akita_black_bowl_1 starts '
        'in the zone "front"; akita_black_bowl_3 starts in the zone "back".' in text
    )
    assert "look alike" not in plan(SOUP)


def test_where_things_start_in_words() -> None:
    spatial = load(
        "libero_spatial/pick_up_the_black_bowl_on_the_cookie_box_and_place_it_on_the_plate"
    )
    assert start_of(spatial, "akita_black_bowl_1") == "on cookies_1"
    assert start_of(spatial, "akita_black_bowl_2") == "on wooden_cabinet_1_top_side"
    assert start_of(spatial, "cookies_1") == 'in the zone "box"'
