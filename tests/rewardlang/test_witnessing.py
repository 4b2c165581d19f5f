"""What a hand is told in each stage of a program, and what is said of a stage it got stuck in."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from rewardlang import ir
from rewardlang.api import analyze
from rewardlang.checking.library import PREDICATES
from rewardlang.motions import Command, Motion
from rewardlang.runtime.readings import Readings
from rewardlang.witnessing.plan import Aim, plan, without_motion
from rewardlang.witnessing.shortfalls import holds, readings, shortfalls
from rewardlang.witnessing.wishes import wish
from tests.rewardlang import shipped
from tests.rewardlang.episodes import state
from tests.rewardlang.programs import HERE, all_, atom, measure, program, random_atom, seq, stage
from tests.rewardlang.worlds import DRAWER, KITCHEN, STOVE, World, reader

BASKET = "basket_1_contain_region"
UNKNOWN = {"upright", "left_of", "right_of", "in_front_of", "behind"}  # no motion brings them about
MOVES_NOTHING = {Motion.OPEN_FINGERS, Motion.CLOSE_FINGERS}


# --- stages of programs --------------------------------------------------------------------------


@pytest.mark.parametrize("path", shipped.SHIPPED, ids=shipped.name)
def test_every_stage_of_a_shipped_program_has_motions(path: Path) -> None:
    found = analyze(path.read_text(), name=path.name)
    assert found.program is not None
    assert found.scene is not None
    stages = plan(found.program, found.scene)
    assert list(stages) == [stage.path for stage in ir.stages(found.program)]
    assert without_motion(stages) == {}
    for aims in stages.values():
        for aim in aims:
            assert aim.command is not None
            assert aim.command.item in found.scene.kinds
            assert aim.command.goal[1:2] == (aim.command.item,), "what the motion is done for"


def commands(*stages: ir.Node) -> list[list[Command | None]]:
    of = plan(program(seq(*stages)), KITCHEN)
    return [[aim.command for aim in aims] for aims in of.values()]


def test_a_thing_is_held_as_suits_the_stage_that_places_it() -> None:
    goal = ("in", "cup_1", BASKET)
    found = commands(
        stage("reach", atom("near", "gripper", "cup_1")),
        stage("grasp", atom("grasped", "cup_1")),
        stage("lift", atom("lifted", "cup_1", 0.1), while_=atom("grasped", "cup_1")),
        stage("carry", atom("above", "cup_1", BASKET)),
        stage("lower", atom("in", "cup_1", BASKET)),
        stage("release", atom("released", "cup_1")),
    )
    assert found == [
        [Command(Motion.REACH, "cup_1", goal)],
        [Command(Motion.GRASP, "cup_1", goal, hold=True)],
        [Command(Motion.LIFT, "cup_1", goal, height=0.1, hold=True)],
        [Command(Motion.CARRY, "cup_1", goal)],
        [Command(Motion.PLACE, "cup_1", goal)],
        [Command(Motion.RELEASE, "cup_1", goal)],
    ]


def test_a_part_is_approached_for_what_is_then_done_with_it() -> None:
    reach = stage("reach", atom("near", "gripper", f"handle({DRAWER})"))
    for predicate, goal in (("open", "open"), ("shut", "close"), ("closed", "close")):
        (aim,), _ = commands(reach, stage("move", atom(predicate, DRAWER)))
        assert aim == Command(Motion.REACH, DRAWER, (goal, DRAWER))
    (aim,), _ = commands(
        stage("reach", atom("near", "gripper", f"handle({STOVE})")),
        stage("turn", ir.Not(atom("turned_on", STOVE), HERE)),
    )
    assert aim == Command(Motion.REACH, STOVE, ("turnoff", STOVE))


def test_a_while_around_a_group_holds_for_its_stages() -> None:
    held = atom("grasped", "cup_1")
    inside = seq(stage("put", atom("in", "cup_1", BASKET)), name="of", while_=held)
    of = plan(program(all_(inside, stage("free", atom("in", "cup_1", BASKET)))), KITCHEN)
    assert [aim.command.hold for aims in of.values() for aim in aims if aim.command] == [
        True,
        False,
    ]


def test_conditions_that_hold_together_stand_in_order_and_of_alternatives_the_first_possible() -> (
    None
):
    held, tall = atom("grasped", "cup_1"), atom("upright", "cup_1", 0.2)
    (both, either) = commands(
        stage("both", ir.And((held, atom("lifted", "cup_1", 0.05)), HERE)),
        stage("either", ir.Or((tall, held), HERE)),
    )
    assert [command.motion for command in both if command] == [Motion.GRASP, Motion.LIFT]
    assert [command.motion for command in either if command] == [Motion.GRASP]


def test_what_has_no_motion_is_named() -> None:
    lean = ir.And((atom("grasped", "cup_1"), atom("upright", "cup_1", 0.2)), HERE)
    neither = ir.Not(lean, HERE)
    of = plan(program(seq(stage("lean", lean), stage("neither", neither))), KITCHEN)
    assert without_motion(of) == {"lean": lean.operands[1:], "neither": (neither,)}


# --- single conditions ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(PREDICATES) - {"at_least", "at_most"}))
def test_every_predicate_has_a_motion_or_is_known_to_have_none(name: str) -> None:
    made = random_atom(Random(0), name)
    if name in ("near", "touching"):
        made = atom(name, "gripper", "cup_1")
    found = wish(made, holds=True)
    assert (found is None) == (name in UNKNOWN)
    if found is not None and found.motion not in MOVES_NOTHING:
        assert found.item == made.args[0].name or found.item == "cup_1"


@pytest.mark.parametrize(
    ("name", "call", "more", "less"),
    [
        ("openness", measure("openness", DRAWER), Motion.OPEN, Motion.CLOSE),
        ("knob", measure("knob", STOVE), Motion.TURN_ON, Motion.TURN_OFF),
        ("width", measure("gripper_width"), Motion.OPEN_FINGERS, Motion.CLOSE_FINGERS),
        ("height", measure("height", "cup_1"), Motion.LIFT, None),
        ("hand", measure("dist", "gripper", "cup_1"), Motion.LEAVE, Motion.REACH),
        ("tilt", measure("tilt", "cup_1"), None, None),
    ],
)
def test_a_measure_is_raised_or_lowered(name: str, call, more, less) -> None:
    for predicate, holds_, expected in (
        ("at_least", True, more),
        ("at_most", True, less),
        ("at_least", False, less),
        ("at_most", False, more),
    ):
        found = wish(atom(predicate, call, 0.2), holds=holds_)
        assert (found and found.motion) == expected, (name, predicate, holds_)


# --- what was lacking ----------------------------------------------------------------------------


def lacking(expr: ir.Expr, *worlds: World) -> list[str]:
    aims = plan(program(seq(stage("only", expr))), KITCHEN)["only"]
    of = Readings(readings(aims))
    look = of.follow(reader(of.requirements)(worlds[0]))
    rows = [look(reader(of.requirements)(world)) for world in worlds]
    return [str(shortfall) for shortfall in shortfalls(aims, rows)]


def test_a_threshold_that_was_missed_is_said_with_the_nearest_value() -> None:
    low, high = state(cup_1=(0.0, 0.0, 0.1)), state(cup_1=(0.0, 0.0, 0.16))
    assert lacking(atom("lifted", "cup_1", 0.1), low, high, low) == [
        "cup_1 is 10 cm above where it stood (the height of cup_1 above where it stood was at most "
        "6 cm)"
    ]


def test_what_held_at_some_time_is_left_out_where_something_never_did() -> None:
    both = ir.And((atom("grasped", "cup_1"), atom("open", DRAWER)), HERE)
    (only,) = lacking(both, state(), state(held=True), state())
    assert only.startswith(f"{DRAWER} is open (the openness of {DRAWER} was at most 0 %")


def test_where_each_condition_held_once_the_last_state_tells() -> None:
    both = ir.And((atom("grasped", "cup_1"), atom("touching", "cup_1", "plate_1")), HERE)
    assert lacking(both, state(held=True), state(plate=True)) == ["both finger pads touch cup_1"]


def test_a_negated_condition_is_held_against_its_negation() -> None:
    free = Aim(ir.Not(atom("grasped", "cup_1"), HERE), None)
    of = Readings(readings([free]))
    look = of.follow(reader(of.requirements)(state()))
    found = [
        holds(free, look(reader(of.requirements)(world))) for world in (state(), state(held=True))
    ]
    assert found == [True, False]
