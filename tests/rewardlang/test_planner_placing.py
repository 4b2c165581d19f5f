"""How a plan puts things into and onto places: heights, mouths, roofs."""

from __future__ import annotations

import re

import pytest

from rewardlang.fittings import mouth_of
from rewardlang.planning.planner import plan
from rewardlang.scene import Scene, suite_scenes
from tests.rewardlang.plans import (
    PLANS,
    SCENES,
    SOUP,
    STACK,
    changed,
    in_scene_words,
    stage_texts,
    stages,
    tree,
)


def lift(text: str) -> float:
    found = re.findall(r"lifted\(\w+, (\d+) cm\)", text)
    return float(found[-1])


def test_a_lift_clears_the_rim_of_what_it_goes_into() -> None:
    rim = SOUP.region("basket_1_contain_region").levels[1]
    assert lift(plan(SOUP)) / 100 >= rim + 0.02
    assert lift(plan(SOUP)) / 100 < rim + 0.03
    assert "The basket's rim is 14 cm above the soup's underside: 16 cm clear it." in plan(SOUP)


def test_a_lift_comes_out_of_what_the_object_starts_in() -> None:
    scene = next(s for s in suite_scenes("libero_spatial").values() if "top_drawer" in s.task)
    bottom, top = scene.region("wooden_cabinet_1_top_region").levels
    assert lift(plan(scene)) / 100 >= top - bottom + 0.02
    assert "starts in is 6 cm deep: 8 cm bring it out" in plan(scene)


def test_a_taller_basket_asks_for_a_higher_lift() -> None:
    regions = tuple(
        region.model_copy(update={"levels": (0.0, 0.2)}) if region.levels else region
        for region in SOUP.regions
    )
    assert lift(plan(changed(SOUP, regions=regions))) == 22


def test_what_stands_in_a_tray_is_reached_over_the_trays_rim() -> None:
    tray = STACK.region("wooden_tray_1_contain_region").levels[1]
    assert lift(plan(STACK)) / 100 >= tray + 0.02


def test_an_object_dropped_beside_its_target_loses_the_stage() -> None:
    found = stage_texts(plan(SOUP))
    assert list(found) == ["reach", "grasp", "lift", "carry", "lower"]
    assert found["carry"] == "until above(soup, basket) while grasped(soup)"
    assert found["lower"] == "until in(soup, basket) while over(soup, basket)"


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.id)
def test_a_place_with_a_mouth_is_entered_through_it(scene: Scene) -> None:
    program = tree(PLANS[scene.id])
    said = {
        atom for stage in stages(program.root) for atom in in_scene_words(program, stage.until.expr)
    }
    for relation, thing, place in (atom for atom in scene.goal if len(atom) == 3):
        region = scene.regions_by_name.get(place)
        mouth = region is not None and mouth_of(scene, place) is not None
        pushed = scene.instruction.startswith("push ")
        assert (("at_mouth", thing, place) in said) == mouth
        assert (("above", thing, place) in said) == (not mouth and not pushed)
        assert (relation, thing, place) in said


def test_what_is_pushed_under_a_roof_stays_in_the_hand() -> None:
    found = stage_texts(
        PLANS["libero_90/KITCHEN_SCENE9_put_the_frying_pan_under_the_cabinet_shelf"]
    )
    assert list(found) == ["reach", "grasp", "lift", "carry", "insert"]
    assert found["carry"] == "until at_mouth(frypan, lower_shelf) while grasped(frypan)"
    assert found["insert"] == "until in(frypan, lower_shelf) while grasped(frypan)"
