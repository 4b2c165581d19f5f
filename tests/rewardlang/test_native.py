"""Native success, compiled. `tests/tgrpo/test_parity.py` compares it with LIBERO's own test."""

from __future__ import annotations

import math

import pytest

from rewardlang.runtime.native import goal_test
from rewardlang.state import BindError, Collector
from tests.rewardlang.worlds import DRAWER, KITCHEN, STOVE, at_rest, reader, yaw


def test_a_goal_that_the_scene_cannot_hold_is_reported_whole() -> None:
    goal = (
        ("in", "cup_2", "basket_1_contain_region"),
        ("up", "cup_1"),
        ("on", "cup_1", "plate_1"),
    )
    with pytest.raises(BindError) as caught:
        goal_test(KITCHEN.model_copy(update={"goal": goal}), Collector())
    assert caught.value.missing == (
        "goal (in cup_2 basket_1_contain_region): no object or region is called cup_2",
        "goal (up cup_1): LIBERO has no such test",
    )


def test_all_atoms_of_a_goal_must_hold() -> None:
    goal = (("in", "cup_1", "basket_1_contain_region"), ("close", DRAWER), ("turnoff", STOVE))
    facts = Collector()
    test = goal_test(KITCHEN.model_copy(update={"goal": goal}), facts)
    read = reader(facts.requirements)

    inside = at_rest().moved(cup_1=(0.0, 0.4, 0.07))
    shut = inside.with_joints(cabinet_1_top_level=0.001, cabinet_1_top_flap=-0.01)
    off = shut.with_joints(stove_1_button=-0.001)
    assert [test(read(world).values) for world in (inside, shut, off)] == [False, False, True]


def test_at_their_rest_positions_a_drawer_is_not_closed_and_a_stove_not_off() -> None:
    for atom in (("close", DRAWER), ("turnoff", STOVE), ("open", DRAWER), ("turnon", STOVE)):
        facts = Collector()
        test = goal_test(KITCHEN.model_copy(update={"goal": (atom,)}), facts)
        assert not test(reader(facts.requirements)(at_rest()).values), atom


def test_a_basket_turned_by_45_degrees_holds_nothing_as_in_libero() -> None:
    facts = Collector()
    test = goal_test(KITCHEN, facts)
    read = reader(facts.requirements)
    world = at_rest().moved(cup_1=(0.002, 0.4, 0.07))
    assert test(read(world).values)
    assert not test(read(world.turned("basket_1_contain_region", yaw(math.pi / 4))).values)
