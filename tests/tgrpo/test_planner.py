"""The order in which the demonstrator goes about a goal. No simulator."""

import pytest

import rewardlang
from tgrpo.scripted.planner import Kind, UnsupportedGoalError, check_skills, plan

EVALUATION = ("libero_object", "libero_spatial", "libero_goal", "libero_10")
KITCHEN = rewardlang.load_scene(
    "libero_10/KITCHEN_SCENE4_put_the_black_bowl_in_the_bottom_drawer_of_the_cabinet_and_close_it"
)
BOWL, BOTTLE = "akita_black_bowl_1", "wine_bottle_1"
DRAWER, UPPER, TOP = (
    f"white_cabinet_1_{end}" for end in ("bottom_region", "top_region", "top_side")
)


def steps(*goal, scene=KITCHEN):
    return plan(scene.model_copy(update={"goal": goal}))


@pytest.mark.parametrize("suite", EVALUATION)
def test_every_atom_of_every_goal_has_its_step(suite):
    for scene in rewardlang.suite_scenes(suite).values():
        own = [step.atom for step in plan(scene) if not step.serves]
        assert sorted(own) == sorted(scene.goal)


def test_a_drawer_is_opened_for_what_goes_in_and_closed_last():
    close, put = ("close", DRAWER), ("in", BOWL, DRAWER)
    for goal in [(close, put), (put, close)]:
        made = steps(*goal)
        assert [step.atom for step in made] == [("open", DRAWER), put, close]
        assert [step.serves for step in made] == [put, (), ()]


def test_a_drawer_that_the_goal_opens_is_opened_once():
    made = steps(("in", BOWL, DRAWER), ("open", DRAWER))
    assert [(step.kind, step.serves) for step in made] == [(Kind.OPEN, ()), (Kind.PLACE, ())]


def test_nothing_is_opened_for_what_goes_on_top():
    assert [step.kind for step in steps(("on", BOWL, TOP))] == [Kind.PLACE]


def test_a_microwave_is_opened_by_its_own_door():
    scene = rewardlang.load_scene(
        "libero_10/KITCHEN_SCENE6_put_the_yellow_and_white_mug_in_the_microwave_and_close_it"
    )
    first, *_, last = plan(scene)
    assert first.atom == ("open", "microwave_1")
    assert last.atom == ("close", "microwave_1")


def test_hands_are_used_for_knobs_before_things_stand_around_them():
    scene = rewardlang.load_scene("libero_10/KITCHEN_SCENE8_put_both_moka_pots_on_the_stove")
    assert [step.kind for step in plan(scene)] == [Kind.SWITCH, Kind.PLACE, Kind.PLACE]


def test_what_others_are_put_on_is_placed_before_them():
    onto, base = ("on", BOTTLE, BOWL), ("on", BOWL, TOP)
    assert [step.atom for step in steps(onto, base)] == [base, onto]
    assert [step.atom for step in steps(base, onto)] == [base, onto]


def test_equal_turns_keep_the_order_of_the_goal():
    one, other = ("on", BOTTLE, TOP), ("on", BOWL, TOP)
    assert [step.atom for step in steps(one, other)] == [one, other]
    assert [step.atom for step in steps(other, one)] == [other, one]


def test_a_goal_that_goes_round_in_a_ring_is_planned_all_the_same():
    assert len(steps(("on", BOTTLE, BOWL), ("on", BOWL, BOTTLE))) == 2


def test_all_that_no_skill_brings_about_is_refused_by_name():
    scenes = [
        KITCHEN.model_copy(update={"goal": goal})
        for goal in [(("turnon", DRAWER), ("fly", BOWL), ("on", BOWL, TOP)), ()]
    ]
    with pytest.raises(UnsupportedGoalError) as caught:
        check_skills(scenes)
    assert f"{KITCHEN.id}: (turnon {DRAWER}), (fly {BOWL})\n" in str(caught.value)
    assert f"{KITCHEN.id}: an empty goal\n" in str(caught.value)
