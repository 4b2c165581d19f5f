"""Stages, `seq`, live stages and `while`: one test per rule of the language."""

from __future__ import annotations

import pytest

from rewardlang import ir
from tests.rewardlang.episodes import (
    BASKET,
    CLOSED_HAND,
    HELD,
    IN_BASKET,
    ON_PLATE,
    OPENED,
    STOVE_ON,
    Episode,
    state,
)
from tests.rewardlang.programs import all_, and_, atom, measure, not_, or_, program, seq, stage
from tests.rewardlang.worlds import DRAWER, at_rest

# --- stages --------------------------------------------------------------------------------------


def test_a_stage_is_worth_its_degree_until_done_and_at_most_099() -> None:
    episode = Episode(program(stage("only", atom("lifted", "cup_1", 0.10))))
    heights = [0.05, 0.075, 0.10, 0.145, 0.1499]
    worlds = [state(cup_1=(0.0, 0.0, height)) for height in heights]
    assert episode.phis(worlds) == [0.0, 0.25, 0.5, 0.95, 0.99]
    assert episode.play(state(cup_1=(0.0, 0.0, 0.16))).terms == {"only": 1.0}


def test_distances_count_from_the_first_entry_and_not_from_a_later_one() -> None:
    reach = atom("near", "gripper", "cup_1")
    played = seq(
        stage("reach", reach), stage("grasp", HELD, while_=atom("near", "gripper", "cup_1", 0.2))
    )
    episode = Episode(program(played), state(gripper=(0.0, 0.0, 0.54)))
    # the cup's box ends at z = 0.11: the gripper starts 0.43 away, 0.40 from being near
    assert episode.play(state(gripper=(0.0, 0.0, 0.34))).phi == pytest.approx(0.25)
    assert episode.play(state(gripper=(0.0, 0.0, 0.12))).phi == 0.5
    away = state(gripper=(0.0, 0.0, 0.44))
    episode.play(away, away)  # `while` violated: back to reach
    assert episode.steps[-1].stages == ("reach",)
    assert episode.steps[-1].phi == pytest.approx(0.125)  # a quarter of the way, as before


def test_a_stage_waits_for_its_dwell_without_interruption() -> None:
    episode = Episode(program(seq(stage("grasp", HELD, dwell=3), stage("then", OPENED))))
    on, off = state(held=True), state()
    assert episode.phis([on, on, off, on, on, on]) == [0.495, 0.495, 0.0, 0.495, 0.495, 0.5]


def test_a_stage_needs_its_while_in_the_step_in_which_it_is_done() -> None:
    episode = Episode(program(seq(stage("a", OPENED), stage("b", STOVE_ON, while_=HELD, dwell=2))))
    episode.play(state(opened=True, held=True))
    without = state(stove=True)
    with_ = state(stove=True, held=True)
    values = [episode.play(world).terms["b"] for world in (with_, without, with_, with_)]
    assert values == [0.99, 0.99, 0.99, 1.0]


def test_a_conjunction_is_the_mean_of_the_atoms_that_have_a_degree() -> None:
    until = and_(atom("lifted", "cup_1", 0.10), atom("released", "cup_1"), HELD)
    episode = Episode(program(stage("both", until)))
    one_pad = state(cup_1=(0.0, 0.0, 0.10)).in_hand("cup_1", "left pad")
    assert episode.play(one_pad).phi == pytest.approx(0.5)  # mean of 0.5 and 0.5; released: none


def test_a_disjunction_is_the_best_and_a_negation_has_no_degree() -> None:
    until = or_(atom("lifted", "cup_1", 0.10), HELD, not_(atom("gripper_open")))
    episode = Episode(program(stage("either", until)))
    assert episode.play(state(cup_1=(0.0, 0.0, 0.12))).phi == pytest.approx(0.7)
    assert Episode(program(stage("no", not_(atom("gripper_open"))))).play(state()).phi == 0.0


def test_progress_overrides_the_degree() -> None:
    openness = measure("openness", DRAWER)
    played = stage("pull", HELD, progress=ir.Progress(openness, None, 0.5))
    episode = Episode(program(played))
    half = at_rest().with_joints(cabinet_1_top_level=-0.035)  # 25 % open
    assert episode.play(half).phi == pytest.approx(0.5)
    beyond = at_rest().with_joints(cabinet_1_top_level=-0.14)
    assert episode.play(beyond).phi == 0.99


def test_progress_from_a_reset_value_that_is_the_target_is_worth_nothing() -> None:
    openness = measure("openness", DRAWER)
    episode = Episode(program(stage("pull", HELD, progress=ir.Progress(openness, None, 0.0))))
    assert episode.play(at_rest()).phi == 0.0


# --- seq -----------------------------------------------------------------------------------------


def test_a_seq_advances_once_per_step() -> None:
    episode = Episode(
        program(seq(*(stage(name, atom("upright", "cup_1", 0.5)) for name in ("a", "b", "c"))))
    )
    assert [episode.play(state()).stages for _ in range(3)] == [("b",), ("c",), ()]


def test_a_process_stage_is_passed_when_the_next_one_is_achieved() -> None:
    played = seq(stage("reach", atom("near", "gripper", "cup_1")), stage("grasp", HELD, dwell=2))
    episode = Episode(program(played))
    assert episode.play(state(held=True)).stages == ("grasp",)
    assert episode.play(state(held=True)).stages == ("grasp",)
    assert episode.play(state(held=True)).stages == ()


def test_a_stage_that_wants_the_goal_is_not_passed() -> None:
    for live in (True, False):
        goal = stage("put", IN_BASKET, goal=(IN_BASKET,) if live else ())
        episode = Episode(program(seq(goal, stage("grasp", HELD))))
        assert episode.play(state(held=True)).stages == ("put",)


def test_a_stage_is_passed_only_into_one_that_may_be_entered() -> None:
    played = seq(stage("reach", atom("near", "gripper", "cup_1")), stage("b", HELD, while_=OPENED))
    episode = Episode(program(played))
    assert episode.play(state(held=True)).stages == ("reach",)
    assert episode.play(state(held=True, opened=True)).stages == ("b",)


def test_a_stage_with_a_violated_while_is_not_passed() -> None:
    # carrying is not achieved by dropping, although the next stage waits for just that
    played = seq(
        stage("grasp", HELD),
        stage("carry", ON_PLATE, while_=HELD),
        stage("release", atom("released", "cup_1")),
    )
    episode = Episode(program(played))
    episode.play(state(held=True))
    assert episode.play(state(), state()).stages == ("grasp",)


def test_a_seq_waits_below_1_where_the_next_stage_may_not_be_entered() -> None:
    episode = Episode(program(seq(stage("a", STOVE_ON), stage("b", HELD, while_=OPENED))))
    assert episode.phis([state(stove=True), state(held=True), state(held=True)]) == [0.5, 0.5, 0.5]
    assert episode.play(state(held=True, opened=True)).terms == {"a": 1.0, "b": 1.0}


def test_what_led_to_a_waiting_stage_must_hold_meanwhile() -> None:
    # lifted, but not in the way the next stage asks for; then dropped: lifting is no longer paid
    played = seq(
        stage("grasp", HELD),
        stage("lift", ON_PLATE, while_=HELD),
        stage("carry", STOVE_ON, while_=OPENED),
    )
    episode = Episode(program(played))
    episode.play(state(held=True), state(held=True, plate=True))
    assert episode.steps[-1].stages == ("carry",)
    assert episode.phis([state(), state()]) == [pytest.approx(2 / 3, abs=1e-6), 0.0]
    assert episode.steps[-1].stages == ("grasp",)


# --- live stages ---------------------------------------------------------------------------------


def placing() -> ir.Program:
    """Two things in a row after a placement, the goal being elsewhere: nothing ends the episode."""
    on = atom("in", "plate_1", BASKET)
    return program(
        seq(
            stage("grasp", HELD),
            stage("put", and_(on, not_(CLOSED_HAND)), goal=(on,)),
            stage("release", atom("released", "cup_1")),
            stage("open", OPENED),
        )
    )


def test_a_live_stage_is_undone_after_two_steps_and_clears_what_came_later() -> None:
    episode = Episode(placing())
    put = {"plate_1": (0.0, 0.4, 0.07)}
    episode.play(state(held=True), state(held=True, **put), state(**put))
    assert episode.steps[-1].stages == ("open",)
    assert episode.play(state()).stages == ("open",)  # one missed step is forgiven
    assert episode.play(state()).stages == ("put",)
    assert episode.steps[-1].terms == {
        "grasp": 1.0,
        "put": pytest.approx(0.0),
        "release": 0.0,
        "open": 0.0,
    }


def test_a_live_stage_is_judged_again_by_its_goal_atoms_alone() -> None:
    episode = Episode(placing())
    put = {"plate_1": (0.0, 0.4, 0.07)}
    episode.play(state(held=True), state(held=True, **put), state(**put))
    brushed = state(held=True, hand_closed=True, **put)  # touched again, hand closed
    assert episode.play(brushed, brushed, brushed).stages == ("open",)


def test_a_latched_stage_stays_done() -> None:
    episode = Episode(program(seq(stage("a", HELD), stage("b", OPENED))))
    episode.play(state(held=True))
    assert episode.phis([state()] * 4) == [0.5] * 4


# --- while ---------------------------------------------------------------------------------------


def carrying() -> ir.Program:
    return program(
        seq(
            stage("reach", atom("gripper_open")),
            stage("grasp", HELD),
            stage("lift", atom("lifted", "cup_1", 0.1), while_=HELD),
            stage("carry", ON_PLATE, while_=HELD),
        )
    )


def test_one_violated_step_freezes_the_value_and_two_go_back() -> None:
    episode = Episode(carrying())
    up = {"cup_1": (0.0, 0.0, 0.10)}
    episode.play(state(), state(held=True), state(held=True, **up))
    assert episode.steps[-1].phi == pytest.approx(0.5 + 0.25 * 0.5)
    flicker = state(cup_1=(0.0, 0.0, 0.12))
    assert episode.play(flicker).phi == pytest.approx(0.5 + 0.25 * 0.5)
    assert episode.play(state(held=True, **up)).stages == ("lift",)
    assert episode.play(flicker, flicker).stages == ("grasp",)
    assert episode.steps[-1].phi == 0.25


def test_it_goes_back_to_the_nearest_stage_that_may_go_on() -> None:
    played = seq(
        stage("a", STOVE_ON),
        stage("b", HELD, while_=OPENED),
        stage("c", ON_PLATE, while_=HELD),
        stage("d", CLOSED_HAND, while_=and_(HELD, OPENED)),
    )
    episode = Episode(program(played))
    for world in (
        state(stove=True, opened=True),
        state(opened=True, held=True),
        state(opened=True, held=True, plate=True),
    ):
        episode.play(world)
    assert episode.steps[-1].stages == ("d",)
    shut, dropped = state(held=True), state(opened=True)
    assert Episode.play(episode, shut, shut).stages == ("c",)
    assert episode.play(dropped, dropped).stages == ("b",)
    gone = state()
    assert episode.play(gone, gone).stages == ("a",)


def test_the_while_of_a_group_takes_its_seq_back() -> None:
    inner = seq(stage("x", HELD), stage("y", ON_PLATE), name="inner", while_=OPENED)
    episode = Episode(program(seq(stage("open", STOVE_ON), inner)))
    episode.play(state(stove=True, opened=True), state(opened=True, held=True))
    assert episode.steps[-1].stages == ("inner.y",)
    assert episode.play(state()).phi == 0.75  # frozen
    assert episode.play(state()).stages == ("open",)


def test_a_violation_that_the_innermost_seq_cannot_handle_goes_to_its_parent() -> None:
    inner = seq(stage("x", ON_PLATE, while_=HELD), stage("y", STOVE_ON), name="inner")
    first = seq(stage("open", OPENED), stage("grasp", HELD), name="first")
    episode = Episode(program(seq(first, inner)))
    episode.play(state(opened=True), state(held=True))
    assert episode.steps[-1].stages == ("inner.x",)
    assert episode.play(state(), state()).stages == ("first.grasp",)  # not all the way back
    assert episode.play(state(held=True)).stages == ("inner.x",)


def test_at_the_root_everything_starts_again() -> None:
    played = seq(stage("a", STOVE_ON), stage("b", HELD), stage("c", ON_PLATE), while_=OPENED)
    episode = Episode(program(played), state(opened=True))
    episode.play(state(opened=True, stove=True), state(opened=True, held=True))
    assert episode.steps[-1].stages == ("c",)
    assert episode.play(state(), state()).phi == 0.0
    assert episode.play(state(opened=True)).stages == ("a",)


def test_branches_of_all_do_not_take_each_other_back() -> None:
    left = seq(stage("a", HELD), name="left", while_=OPENED)
    right = seq(stage("b", ON_PLATE), stage("c", STOVE_ON), name="right")
    episode = Episode(program(all_(left, right)), state(opened=True))
    episode.play(state(opened=True, plate=True))
    assert episode.play(state(), state()).stages == ("left.a", "right.c")


def test_what_goes_back_is_not_judged_on() -> None:
    # x takes everything back to a; y, which stands beside it, must not be done in that same step
    both = all_(stage("x", ON_PLATE, while_=HELD), stage("y", OPENED), name="both")
    episode = Episode(program(seq(stage("a", STOVE_ON), both)))
    episode.play(state(stove=True, held=True), state(), state(opened=True))
    assert episode.steps[-1].stages == ("a",)
    assert episode.steps[-1].terms == {"a": 0.0, "both.x": 0.0, "both.y": 0.0}
    assert episode.play(state(stove=True, held=True)).stages == ("both.x", "both.y")
