"""What a plan does first, what side by side, and what must stay open meanwhile."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest

import rewardlang
from rewardlang.checking.library import GOAL_PREDICATES
from rewardlang.planning.planner import plan
from rewardlang.scene import Scene, load
from rewardlang.syntax import nodes
from tests.rewardlang.plans import (
    MICROWAVE,
    PLANS,
    SCENES,
    STACK,
    TWO_PLATES,
    Atom,
    changed,
    in_scene_words,
    stages,
    tree,
)

Path = tuple[nodes.Node, ...]


def paths(node: nodes.Node, above: tuple[nodes.Node, ...] = ()) -> Iterator[Path]:
    """Each stage with the groups around it, outermost first, in program order."""
    if isinstance(node, nodes.Group):
        for child in node.children:
            yield from paths(child, (*above, node))
    else:
        yield (*above, node)


def innermost_common(first: Path, second: Path) -> str:
    """`seq`, `all`: how the group that holds both orders them."""
    shared = [a for a, b in zip(first, second, strict=False) if a is b]
    assert isinstance(shared[-1], nodes.Group)
    return shared[-1].mode


def part_around(scene: Scene, place: str) -> str:
    """The drawer that a place is, or the door before it; "" where it is always open."""
    region = scene.regions_by_name.get(place)
    if region is None or region.owner_is_surface:
        return ""
    return place if region.openable else region.owner


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.id)
def test_what_has_an_order_stands_in_it_and_what_has_none_stands_side_by_side(
    scene: Scene,
) -> None:
    program = tree(PLANS[scene.id])
    reached = {
        atom: (index, path)
        for index, path in enumerate(paths(program.root))
        if isinstance(path[-1], nodes.Stage)
        for atom in in_scene_words(program, path[-1].until.expr)
        if atom[0] in GOAL_PREDICATES
    }
    for (first, (i, path)), (second, (j, other)) in itertools.combinations(reached.items(), 2):
        assert i < j
        together = innermost_common(path, other)
        assert together == ("seq" if has_to_precede(scene, first, second) else "all")
        assert not has_to_precede(scene, second, first)


def has_to_precede(scene: Scene, first: Atom, second: Atom) -> bool:
    match first[0], second[0]:
        case "open", "in":
            return first[1] == part_around(scene, second[2])
        case "in", "close":
            return second[1] == part_around(scene, first[2])
        case "in" | "on", "in" | "on":
            return second[2].startswith(first[1])  # on it, or in a region of it
        case _:
            return False


@pytest.mark.parametrize(
    ("task", "while_"),
    [
        # closed too early: the mug would never get in
        ("put_the_yellow_and_white_mug_in_the_microwave_and_close_it", "not shut(microwave)"),
        # opened, and shut again: nothing of the goal would notice
        ("open_the_top_drawer_and_put_the_bowl_inside", "not shut(drawer)"),
        # the goal asks for it to be open, and takes the program back by itself
        ("open_the_top_drawer_of_the_cabinet_and_put_the_bowl_in_it", ""),
    ],
)
def test_a_part_must_not_be_shut_while_something_is_put_into_it(task: str, while_: str) -> None:
    (text,) = (text for scene_id, text in PLANS.items() if scene_id.endswith(task))
    found = re.search(r"seq \w+_in weight 2 (?:while (.*) )?\{", text)
    assert found is not None
    assert (found.group(1) or "") == while_


def test_an_opening_that_the_goal_is_silent_about_is_explained() -> None:
    text = PLANS["libero_goal/open_the_top_drawer_and_put_the_bowl_inside"]
    assert "it is opened first, though the goal does not say so." in text
    asked = "KITCHEN_SCENE1_open_the_top_drawer_of_the_cabinet_and_put_the_bowl_in_it"
    assert "though the goal" not in PLANS[f"libero_90/{asked}"]


def test_a_stack_is_built_from_below() -> None:
    assert STACK.goal[0][0] == "on"  # LIBERO names the upper bowl first
    root = tree(plan(STACK)).root
    assert isinstance(root, nodes.Group)
    assert root.mode == "seq"
    names = [child.name.text for child in root.children if isinstance(child, nodes.Group)]
    assert names == ["right_bowl_in", "left_bowl_on"]
    first, second = ([stage.name.text for stage in stages(child)] for child in root.children)
    assert first == ["reach", "grasp", "lift", "carry", "lower", "release"]
    assert second == ["reach", "grasp", "lift", "carry", "lower"]


def test_goals_without_an_order_stand_side_by_side_and_both_let_go() -> None:
    root = tree(plan(TWO_PLATES)).root
    assert isinstance(root, nodes.Group)
    assert root.mode == "all"
    assert [stages(child)[-1].name.text for child in root.children] == ["release", "release"]


def test_a_door_that_is_shut_is_opened_filled_and_closed() -> None:
    initial = tuple(atom for atom in MICROWAVE.initial if atom[0] != "open")
    root = tree(plan(changed(MICROWAVE, initial=initial))).root
    assert isinstance(root, nodes.Group)
    assert root.mode == "seq"
    names = [child.name.text for child in root.children if isinstance(child, nodes.Group)]
    assert names == ["microwave_open", "mug_in", "microwave_closed"]


def test_two_things_for_one_drawer_go_in_side_by_side_before_it_is_closed() -> None:
    scene = load(
        "libero_90/KITCHEN_SCENE10_put_the_butter_at_the_back_in_the_top_drawer_of_the_cabinet_"
        "and_close_it"
    )
    drawer = "wooden_cabinet_1_top_region"
    goal = (("close", drawer), ("in", "butter_1", drawer), ("in", "butter_2", drawer))
    text = plan(changed(scene, goal=goal))
    root = tree(text).root
    assert isinstance(root, nodes.Group)
    assert root.mode == "seq"
    first, then = root.children
    assert isinstance(first, nodes.Group)
    assert (first.mode, first.weight.value) == ("all", 4)
    assert [child.name.text for child in first.children] == ["front_butter_in", "back_butter_in"]
    assert then.name.text == "drawer_closed"
    assert rewardlang.analyze(text, scene=changed(scene, goal=goal)).diagnostics == ()
