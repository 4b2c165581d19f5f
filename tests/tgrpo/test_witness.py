"""A hand that knows only the program: it obeys one motion at a time, and follows whole programs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

import rewardlang
from rewardlang import Command, Fact, FactKind, Motion
from rewardlang.cli import app
from tgrpo.simulator import LiberoSimulator
from tgrpo.tasks import find_task

TASKS = Path(__file__).parents[2] / "tasks"
MILK = find_task("libero_object/pick_up_the_milk_and_place_it_in_the_basket")
ITEM, BASKET = "milk_1", "basket_1_contain_region"
GOAL = ("in", ITEM, BASKET)
FACTS = rewardlang.Requirements(
    (
        Fact(FactKind.FRAME, (ITEM,)),
        Fact(FactKind.GRIPPER),
        Fact(FactKind.PAD_CONTACT, (ITEM,)),
    )
)
PROGRAM = f"""\
rewardlang 1
task "{MILK.instruction}"
scene "{MILK.id}"

object milk = {ITEM}
object basket = {BASKET}
object sauce = tomato_sauce_1

seq {{
  stage reach {{ until near(gripper, milk) }}
  stage grasp {{ until grasped(milk) for 3 steps while near(gripper, milk, 8 cm) }}
  STAGE
  stage lower {{ until in(milk, basket) while over(milk, basket) }}
}}

success bddl
"""


# --- motions -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulation():
    simulation = LiberoSimulator().open(MILK.scene)
    yield simulation
    simulation.close()


class Told:
    """Where the item and the hand are, and whether it is held, while a hand is told what to do."""

    def __init__(self, simulation) -> None:
        simulation.reset("validation", 0)
        self._simulation = simulation
        self._mover = simulation.mover()
        self._read = simulation.reader(FACTS)
        self.start = self.item

    def do(self, motion: Motion, steps: int, **more) -> None:
        command = Command(motion, ITEM, GOAL, **more)
        for _ in range(steps):
            self._simulation.step(self._mover.act(command))

    def says(self, motion: Motion) -> str:
        return self._mover.describe(Command(motion, ITEM, GOAL))

    @property
    def item(self) -> np.ndarray:
        return np.array(self._read().values[:3])

    @property
    def hand(self) -> np.ndarray:
        return np.array(self._read().values[18:21])

    @property
    def held(self) -> bool:
        return min(self._read().values[-2:]) > 0


@pytest.mark.sim
def test_each_motion_goes_as_far_as_it_says(simulation) -> None:
    told = Told(simulation)
    told.do(Motion.REACH, 45)
    assert np.linalg.norm(told.hand - told.item) < 0.06
    assert np.linalg.norm(told.item - told.start) < 0.005
    assert not told.held, "a hand that reaches takes no hold"
    told.do(Motion.GRASP, 25)
    assert told.held
    assert told.item[2] - told.start[2] < 0.02, "a hand that grasps does not lift"
    assert told.says(Motion.GRASP).startswith(f"grasp({ITEM}): carry, the hand is at it, ")
    assert told.says(Motion.GRASP).endswith("hold it")
    told.do(Motion.LIFT, 40, height=0.16)
    up = told.item - told.start
    assert up[2] == pytest.approx(0.18, abs=0.02)
    assert np.hypot(*up[:2]) < 0.03, "a lift goes straight up"
    told.do(Motion.RELEASE, 20)
    assert not told.held
    assert told.item[2] - told.start[2] < 0.05


@pytest.mark.sim
def test_a_carried_thing_stays_above_its_place_until_it_is_to_be_placed(simulation) -> None:
    told = Told(simulation)
    told.do(Motion.CARRY, 160)
    assert told.held
    assert not simulation.native_success()
    told.do(Motion.PLACE, 40)
    assert simulation.native_success()


@pytest.mark.sim
def test_a_motion_that_nobody_knows_is_refused(simulation) -> None:
    simulation.reset("validation", 0)
    command = Command(Motion.PLACE, BASKET, ("in", BASKET, BASKET))
    with pytest.raises(rewardlang.UnsupportedCommandError, match=r"no motion known for place\("):
        simulation.mover().act(command)


# --- programs ------------------------------------------------------------------------------------


def witnessed(path: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["witness", str(path), "--states", "1", *options])


def broken(folder: Path, stage: str) -> Path:
    path = folder / "program.rl"
    path.write_text(PROGRAM.replace("STAGE", stage))
    return path


FAMILIES = [  # containers, supports, a drawer, a knob, something dragged, two things one by one
    "libero_object/pick_up_the_milk_and_place_it_in_the_basket",
    "libero_spatial/pick_up_the_black_bowl_from_table_center_and_place_it_on_the_plate",
    "libero_goal/open_the_middle_drawer_of_the_cabinet",
    "libero_goal/turn_on_the_stove",
    "libero_goal/push_the_plate_to_the_front_of_the_stove",
    "libero_10/LIVING_ROOM_SCENE2_put_both_the_cream_cheese_box_and_the_butter_in_the_basket",
]


@pytest.mark.sim
@pytest.mark.parametrize("scene_id", FAMILIES)
def test_a_program_that_can_be_satisfied_is(scene_id: str) -> None:
    result = witnessed(TASKS / f"{scene_id}.rl", "--json")
    assert result.exit_code == 0, result.output
    (document,) = json.loads(result.stdout)
    (walk,) = document["states"]
    assert document["witnessed"]
    assert walk["ending"] == "satisfied"
    assert walk["success"] == walk["native success"] == walk["steps"]
    finished = [stage["finished"] for stage in walk["stages"] if stage["finished"] is not None]
    assert finished, "no stage was finished"
    followed = [stage for stage in walk["stages"] if stage["steps"]]
    assert all(stage["finished"] is not None for stage in followed)


@pytest.mark.sim
def test_a_stage_that_cannot_be_is_named_with_what_it_lacked(tmp_path: Path) -> None:
    stage = "stage high { until at_least(height(milk), 95 cm) while grasped(milk) }"
    result = witnessed(broken(tmp_path, stage))
    assert result.exit_code == 1
    assert "validation state 0: not satisfied: stage high" in result.output
    assert "stayed false: the height of milk_1 above where it stood is at least 95 cm" in (
        result.output
    )
    assert "(the height of milk_1 above where it stood was at most " in result.output
    assert f"the hand: lift({ITEM}): " in result.output
    assert "satisfied from 0 of 1 initial states, which is no proof" in result.output


@pytest.mark.sim
def test_stages_in_an_order_that_cannot_be_are_told(tmp_path: Path) -> None:
    """What touches the sauce is not in the basket, where the sauce is not."""
    stage = "stage beside { until touching(milk, sauce) and in(milk, basket) while grasped(milk) }"
    result = witnessed(broken(tmp_path, stage))
    assert result.exit_code == 1
    assert "not satisfied: stage beside" in result.output
    assert "stayed false: milk_1 is in basket_1_contain_region" in result.output


@pytest.mark.sim
def test_what_there_is_no_motion_for_says_nothing_about_the_program(tmp_path: Path) -> None:
    stage = "stage side { until right_of(milk, sauce, 40 cm) while grasped(milk) }"
    result = witnessed(broken(tmp_path, stage))
    assert result.exit_code == 1
    assert "validation state 0: no motion known: stage side" in result.output
    assert "no motion known for side: milk_1 is right of tomato_sauce_1 by at least 40 cm" in (
        result.output
    )
    assert "which says nothing about the program" in result.output


@pytest.mark.sim
def test_an_unknown_split_is_told_with_those_that_there_are() -> None:
    result = witnessed(TASKS / f"{MILK.id}.rl", "--split", "dev")
    assert result.exit_code == 1
    assert "no initial states of split 'dev'; there are train, validation, test" in result.stderr
