"""Goals to programs: every one that can be planned is planned well, the others say why not."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

import rewardlang
from rewardlang.checking.library import GOAL_PREDICATES
from rewardlang.planning.planner import PlannerError, plan
from rewardlang.scene import Object, Region, Scene, load
from rewardlang.state import Fact, FactKind, Requirements, Snapshot
from rewardlang.syntax import nodes
from tests.rewardlang.plans import (
    MICROWAVE,
    PLANS,
    SCENES,
    SOUP,
    Atom,
    calls,
    changed,
    kept,
    stages,
    tree,
    waited_for,
)


def test_every_task_of_the_catalogue_can_be_planned() -> None:
    assert len(PLANS) == len(SCENES) == 130


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.id)
def test_a_plan_asks_for_the_goal_and_for_the_openings_it_needs(scene: Scene) -> None:
    program = tree(PLANS[scene.id])
    assert program.task.text.value == scene.instruction
    assert program.scene.text.value == scene.id
    assert program.success.expr is None
    holds = {scene.goal[index] for index in scene.goal_true_at_reset}
    found = waited_for(program)
    assert len(found) == len(set(found))
    assert set(kept(program)) == holds
    openings = set(found) - set(scene.goal)
    assert set(found) == set(scene.goal) - holds | openings
    assert all(verb == "open" and (verb, part) not in scene.initial for verb, part in openings)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.id)
def test_a_plan_names_what_it_speaks_of_and_nothing_else(scene: Scene) -> None:
    program = tree(PLANS[scene.id])
    declared = {item.target.text for item in program.objects}
    atoms = {*waited_for(program), *kept(program)}
    assert declared == {name for atom in atoms for name in atom[1:]}
    assert all(item.alias.text != item.target.text for item in program.objects)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.id)
def test_nothing_is_asked_for_that_the_end_of_the_episode_hides(scene: Scene) -> None:
    """A single goal, and the last one of a chain, end with LIBERO's own atom."""
    root = tree(PLANS[scene.id]).root
    assert isinstance(root, nodes.Group)
    if root.mode == "seq":
        assert calls(stages(root)[-1].until.expr)[0][0] in GOAL_PREDICATES.values()


@pytest.mark.parametrize("scene_id", PLANS)
def test_every_number_in_a_plan_has_its_reason_above_it(scene_id: str) -> None:
    said = ""
    for reason, body in re.findall(r"((?: *#.*\n)*) *stage [^{]*\{([^}]*)\}", PLANS[scene_id]):
        said += reason
        height = re.search(r"lifted\(\w+, (\d+ cm)\)", body)
        if height is not None:  # a reason that holds again is not given again
            assert height.group(1) in (reason or said)


@pytest.mark.parametrize("scene_id", PLANS)
def test_a_plan_checks_without_a_word_and_compiles(scene_id: str) -> None:
    analysis = rewardlang.analyze(PLANS[scene_id])
    assert rewardlang.render(analysis.diagnostics, analysis.source) == ""
    assert analysis.program is not None
    assert rewardlang.compile(analysis.program).source


@pytest.mark.parametrize("scene_id", PLANS)
def test_a_plan_says_no_comment_twice(scene_id: str) -> None:
    blocks = re.findall(r"(?:^ *# .*\n)+", PLANS[scene_id], re.MULTILINE)
    said = [" ".join(block.replace("#", "").split()) for block in blocks]
    assert len(said) == len(set(said))


def test_planning_is_deterministic() -> None:
    assert all(plan(scene) == PLANS[scene.id] for scene in SCENES)


# --- before anything has moved ----------------------------------------------------------------


def ideal_reset(scene: Scene) -> Callable[[Requirements], Snapshot]:
    """Everything apart from everything, nothing touched, parts and knobs as the scene has them."""
    initial = {atom[1]: atom[0] for atom in scene.initial if len(atom) == 2}
    spots = iter(range(1, 1000))

    def floats(fact: Fact) -> list[float]:
        match fact.kind:
            case FactKind.FRAME | FactKind.GRIPPER | FactKind.HANDLE:
                far = [0.7 * next(spots), 0.0, 0.3]
                return [*far, *np.eye(3).ravel(), *[0.0] * 3, *[0.02] * 3]
            case FactKind.PART | FactKind.KNOB:
                on = initial.get(fact.names[0]) in ("open", "turnon")
                return [float(on), float(on), 0.0]
            case FactKind.MOUTH:
                return [0.0, -1.0, 0.0]
            case _:
                return [0.0] * fact.kind.width

    def read(requirements: Requirements) -> Snapshot:
        return Snapshot([value for fact in requirements.facts for value in floats(fact)])

    return read


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.id)
def test_standing_still_earns_nothing(scene: Scene) -> None:
    """Above all where a part of the goal holds from the start."""
    program = rewardlang.analyze(PLANS[scene.id]).program
    assert program is not None
    evaluator = rewardlang.compile(program)
    snapshot = ideal_reset(scene)(evaluator.requirements(scene))
    reward = evaluator.attach(lambda _: snapshot, scene, max_steps=100)
    memory = reward.reset(None)
    for _ in range(3):
        step, memory = reward(None, memory)
        assert step.phi == 0.0
        assert not step.success
    assert {stage.split(".")[-1] for stage in step.stages} == {"reach"}


# --- what it cannot plan ----------------------------------------------------------------------


def reasons(scene: Scene) -> tuple[str, ...]:
    with pytest.raises(PlannerError) as caught:
        plan(scene)
    assert str(caught.value).startswith(f"no plan for {scene.id}:\n  - ")
    return caught.value.reasons


def test_what_nobody_knows_of_a_fixture_is_said_all_at_once() -> None:
    """A roof without a known mouth, a door without a known handle."""
    strange = tuple(
        item.model_copy(update={"category": "oven"}) if item.name == "microwave_1" else item
        for item in MICROWAVE.objects
    )
    assert reasons(changed(MICROWAVE, objects=strange)) == (
        "`in(white_yellow_mug_1, microwave_1_heating_region)`: microwave_1_heating_region is "
        "roofed, and where its mouth is is not known",
        "`close(microwave_1)`: where to take hold of microwave_1 is not known",
    )


def test_a_goal_that_holds_at_reset_leaves_nothing_to_do() -> None:
    assert reasons(changed(MICROWAVE, goal_true_at_reset=(0, 1))) == (
        "the goal holds at reset: there is nothing to do",
    )


BASKET = ("in", "a", "basket_inside")


@pytest.mark.parametrize(
    ("goal", "initial", "reason"),
    [
        ((), (), "the goal is empty"),
        (
            (("up", "a"),),
            (),
            "`up(a)`: only `in`, `on`, `open`, `close`, `turnon`, `turnoff` can be planned",
        ),
        (
            (("on", "a", "b"), ("on", "b", "a")),
            (),
            "the goal stacks objects in a circle: a on b, b on a",
        ),
        (
            (("on", "a", "b"),),
            (("on", "b", "a"),),
            "the goal, with what stands elsewhere as at reset, stacks objects in a circle: "
            "b on a, a on b",
        ),
        (
            (BASKET,),
            (("on", "basket", "a"),),
            "the goal, with what stands elsewhere as at reset, stacks objects in a circle: "
            "basket on a, a in basket_inside",
        ),
        (
            (BASKET,),
            (("on", "a", "b"), ("on", "b", "a")),
            "the reset state stacks objects in a circle: a on b, b on a",
        ),
    ],
)
def test_goals_that_no_task_has_are_refused_too(
    goal: tuple[Atom, ...], initial: tuple[Atom, ...], reason: str
) -> None:
    things = tuple(
        Object(
            name=name, category="cup", body=f"{name}_main", fixture=False,
            half_extents=(0.1, 0.1, 0.1), centre=(0.0, 0.0, 0.0), height=0.2,
        )
        for name in ("a", "b", "basket")
    )  # fmt: skip
    inside = Region(
        name="basket_inside", owner="basket", owner_is_surface=False, is_surface=False,
        half_extents=(0.1, 0.1, 0.1), levels=(0.0, 0.2),
    )  # fmt: skip
    scene = changed(SOUP, goal=goal, initial=initial, objects=things, regions=(inside,))
    assert reasons(scene) == (reason,)


def test_a_goal_that_says_a_thing_twice_is_planned_once() -> None:
    scene = load("libero_object/pick_up_the_milk_and_place_it_in_the_basket")
    assert plan(scene.model_copy(update={"goal": scene.goal * 2})) == plan(scene)
