"""Macros and the planner say the same of the same task: stages, weights, conditions."""

from __future__ import annotations

import pytest

from rewardlang import Scene, ir, load_scene
from rewardlang.api import analyze
from rewardlang.checking.library import MACROS
from rewardlang.checking.reasoning import atom_key, conjuncts
from rewardlang.planning.planner import plan

CASES = {
    "place_in(milk_1, basket_1_contain_region)": (
        "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
    ),
    "place_on(akita_black_bowl_1, plate_1)": "libero_goal/put_the_bowl_on_the_plate",
    "open_part(wooden_cabinet_1_middle_region)": (
        "libero_goal/open_the_middle_drawer_of_the_cabinet"
    ),
    "close_part(microwave_1)": "libero_90/KITCHEN_SCENE6_close_the_microwave",
    "switch_on(flat_stove_1)": "libero_goal/turn_on_the_stove",
    "switch_off(flat_stove_1)": "libero_90/KITCHEN_SCENE8_turn_off_the_stove",
    "push_to(plate_1, main_table_stove_front_region)": (
        "libero_goal/push_the_plate_to_the_front_of_the_stove"
    ),
}
LETTING_GO = "release"  # only where another goal may follow; the macro cannot know


def said(stages: tuple[ir.Stage, ...]) -> list[tuple[object, ...]]:
    """What stages say, with weights against the first; heights depend on the scene."""
    return [
        (
            stage.name,
            round(stage.share / stages[0].share, 6),
            stage.dwell,
            stage.live,
            _keys(stage.until),
            _keys(stage.while_),
        )
        for stage in stages
        if stage.name != LETTING_GO
    ]


def _keys(expr: ir.Expr | None) -> list[tuple[str, ...]]:
    found = [atom_key(atom) for atom in conjuncts(expr)] if expr else []
    return [key[:2] if key[0] == "lifted" else key for key in found]


def stages(text: str, scene: Scene) -> tuple[ir.Stage, ...]:
    program = analyze(text).program
    assert program is not None, analyze(text).diagnostics
    assert program.scene == scene.id
    return ir.stages(program)


@pytest.mark.parametrize("use", CASES)
def test_a_macro_says_what_the_planner_says(use: str) -> None:
    scene = load_scene(CASES[use])
    text = f'rewardlang 1 task "{scene.instruction}" scene "{scene.id}" use {use} success bddl'
    assert said(stages(text, scene)) == said(stages(plan(scene), scene))


def test_every_macro_is_compared() -> None:
    assert {use.partition("(")[0] for use in CASES} == set(MACROS)


@pytest.mark.parametrize("use", CASES)
def test_a_macro_draws_no_warning(use: str) -> None:
    scene = load_scene(CASES[use])
    text = f'rewardlang 1 task "{scene.instruction}" scene "{scene.id}" use {use} success bddl'
    assert analyze(text).diagnostics == ()
