"""Programs in plain words, and what letting go must promise."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewardlang import ir
from rewardlang.checking import library
from rewardlang.explaining.explain import WIDTH, explain
from rewardlang.explaining.odds import Release, releases
from rewardlang.explaining.words import _MEASURES, _PREDICATES, in_words
from tests.rewardlang.episodes import HELD, OPENED, STOVE_ON
from tests.rewardlang.programs import (
    all_,
    and_,
    any_,
    atom,
    keep,
    measure,
    not_,
    or_,
    penalty,
    place_in,
    program,
    random_program,
    seq,
    stage,
)
from tests.rewardlang.worlds import DRAWER, KITCHEN

BASKET = "basket_1_contain_region"


def told(*nodes: ir.Node, **more) -> str:
    root = nodes[0] if len(nodes) == 1 else seq(*nodes)
    return explain(program(root, **more), KITCHEN)


def test_of_a_scene_without_a_goal_none_is_told() -> None:
    root = stage("reach", atom("near", "gripper", "cup_1"))
    own = program(root, success=atom("grasped", "cup_1"))
    bare = KITCHEN.model_copy(update={"goal": ()})
    assert "LIBERO's own goal" in explain(own, KITCHEN)
    assert "Success: both finger pads touch cup_1." in explain(own, bare)
    assert "LIBERO's own goal" not in explain(own, bare)


def test_a_placement_in_plain_words() -> None:
    text = told(place_in("cup_1", BASKET))
    assert text == (
        """\
tidy the kitchen
made_up/tidy_the_kitchen (made_up.rl)

What is to be done, in this order:
  1. reach (10% of Φ)
    until the gripper is within 3 cm of cup_1
  2. grasp (20% of Φ)
    until both finger pads touch cup_1, for 3 steps
    while the gripper is within 8 cm of cup_1; otherwise back to reach
  3. lift (10% of Φ)
    until cup_1 is 8 cm above where it stood
    while both finger pads touch cup_1; otherwise back to the latest of reach and grasp that may
      go on
  4. carry (30% of Φ)
    until cup_1 is above basket_1_contain_region, clear of its top and at most 2 cm off its
      outline
    while both finger pads touch cup_1; otherwise back to the latest of reach, grasp and lift
      that may go on
  5. lower (20% of Φ)
    until cup_1 is in basket_1_contain_region
    undone when no longer: cup_1 is in basket_1_contain_region
    while cup_1 is over basket_1_contain_region, at most 2 cm off its outline; otherwise back to
      the latest of reach, grasp, lift and carry that may go on
  6. release (10% of Φ)
    until no finger touches cup_1
    while cup_1 is in basket_1_contain_region; otherwise back to the latest of reach, grasp,
      lift, carry and lower that may go on

Success: the moment LIBERO's own goal holds, in(cup_1, basket_1_contain_region).

Reward (shaping level): Φ is the value of the whole, in [0, 1], at most 0.99 before success; an
episode has at most T steps; B = 2. Each step pays Φ / T. Success in step M pays what is left,
(T - M + 1) / T, and B at once: a return lies in [0, 1 + B] and falls with M.

  once done             Φ   paid for a whole episode there
  reach              0.10   0.10
  grasp              0.30   0.30
  lift               0.40   0.40
  carry              0.70   0.70
  lower              0.90   0.90
  release            0.99   0.99
  success in step M  1.00   3 - (M - 1) / T, at once

Letting go: holding on is safe money, so it pays only where all goes well from there with a
probability above
  - 30% at the start of an episode, 18% halfway, with cup_1 in the hand, carry done and lower as
    far as it goes (Φ = 0.90, 0.00 after a failure)"""
    )


def test_groups_keeps_penalties_and_success_are_told() -> None:
    text = told(
        all_(
            any_(stage("a", HELD), stage("b", OPENED), name="either"),
            seq(stage("c", STOVE_ON), name="cook", while_=OPENED),
            keep("burning", STOVE_ON, 0.5),
        ),
        success=and_(atom("in", "cup_1", BASKET), not_(HELD)),
        dwell=5,
        penalties=(penalty("tipped", 0.1, not_(atom("upright", "cup_1", 1.0472))),),
    )
    for words in (
        "What is to be done, side by side, in any order:\n",
        "  - either (50% of Φ), whichever of these has come furthest counts:\n"
        "    - a (up to 50% of Φ)\n",
        "  - cook (50% of Φ), in this order:\n"
        "    while cabinet_1_top_region is open; otherwise this starts again\n",
        "  - keep burning: stove_1 is turned on; costs 25% of Φ while it does not hold\n",
        "Success: cup_1 is in basket_1_contain_region and not both finger pads touch cup_1, for 5 "
        "steps.\n"
        "LIBERO's own goal, in(cup_1, basket_1_contain_region), is reported beside it and does not",
        "  - tipped: Φ and the bonus for success are 0.10 less once cup_1 is tilted by more than",
        "Below, what stands beside a stage counts as done.",
    ):
        assert words in text


def test_a_suites_longest_episode_gives_the_pay_per_step() -> None:
    text = explain(program(seq(stage("a", HELD), stage("b", OPENED))), KITCHEN, max_steps=280)
    assert "an episode has at most T = 280 steps" in text.replace("\n", " ")
    assert f"  a                  0.50   {0.5 / 280:.5f}\n" in text


@pytest.mark.parametrize("shaping", ["level", "telescope", "pbrs", "sparse"])
def test_each_shaping_is_told(shaping: str) -> None:
    text = told(place_in("cup_1", BASKET), shaping=shaping)
    assert f"Reward (shaping {shaping})" in text
    holding = "holding on earns nothing under" if shaping in ("pbrs", "sparse") else "safe money"
    assert holding in text.replace("\n", " ")


def test_a_discount_is_told() -> None:
    text = told(place_in("cup_1", BASKET), shaping="telescope", gamma=0.99)
    assert "With γ = 0.99 a step that changes nothing pays -0.01 Φ." in text


def test_progress_and_unusual_conditions_are_told() -> None:
    openness = ir.Progress(measure("openness", DRAWER), None, 0.5)
    text = told(stage("pull", or_(and_(HELD, OPENED), not_(or_(HELD, OPENED))), progress=openness))
    assert (
        "grows with the openness of cabinet_1_top_region, from its value at reset to 50 %" in text
    )
    assert (
        "until (both finger pads touch cup_1 and cabinet_1_top_region is open) or (it is not so "
        "that\n" in text
    )


def test_quantities_have_the_unit_of_their_measure() -> None:
    cases = {
        "the tilt of cup_1 is at most 60 deg": atom("at_most", measure("tilt", "cup_1"), 1.047198),
        "the gripper's width is at least 50 %": atom("at_least", measure("gripper_width"), 0.5),
        "cup_1 moves by at most 2 mm in a step": atom("still", "cup_1", 0.002),
        "the gripper is more than 5 cm from the handle of cabinet_1_top_region": not_(
            atom("near", "gripper", f"handle({DRAWER})", 0.05)
        ),
        f"cup_1 is before the opening of {BASKET}, at most 5 cm off": atom(
            "at_mouth", "cup_1", BASKET
        ),
        "cup_1 is left of plate_1 by at least 3 cm": atom("left_of", "cup_1", "plate_1", 0.03),
        "cup_1 is not 3 cm behind plate_1": not_(atom("behind", "cup_1", "plate_1", 0.03)),
    }
    assert [in_words(expr) for expr in cases.values()] == list(cases)


def test_the_whole_vocabulary_has_words() -> None:
    assert set(library.PREDICATES) <= set(_PREDICATES)
    assert set(library.MEASURES) <= set(_MEASURES)


@settings(max_examples=40)
@given(st.randoms(use_true_random=False))
def test_any_program_can_be_explained(rng: Random) -> None:
    played = random_program(rng)
    text = explain(played, KITCHEN)
    for node in ir.stages(played):
        assert node.name in text
    assert all(len(line) <= WIDTH + 10 for line in text.splitlines())


# --- letting go ----------------------------------------------------------------------------------


def level_return(phi: float, horizon: int, left: int) -> float:
    return left * phi / horizon


@given(
    st.floats(0.1, 0.99),
    st.floats(0.0, 0.5),
    st.integers(1, 500),
    st.floats(0.5, 3.0),
)
def test_at_break_even_letting_go_and_holding_on_are_worth_the_same(
    held: float, failed: float, left: int, bonus: float
) -> None:
    horizon = 500
    release = Release(stage("a", HELD), stage("b", OPENED), "cup_1", held, min(failed, held))
    p = release.break_even("level", left / horizon, bonus)
    success = level_return(1.0, horizon, left) + bonus
    failure = level_return(release.phi_failed, horizon, left)
    expected = p * success + (1 - p) * failure
    assert expected == pytest.approx(level_return(held, horizon, left), abs=1e-9)
    assert 0.0 <= p < 1.0


def test_letting_go_is_where_something_held_need_no_longer_be() -> None:
    (release,) = releases(program(place_in("cup_1", BASKET)))
    assert (release.holding.name, release.stage.name, release.item) == ("carry", "lower", "cup_1")
    assert (release.phi_held, release.phi_failed) == (pytest.approx(0.898), 0.0)


def test_what_stands_beside_or_before_a_placement_is_not_at_stake() -> None:
    both = all_(
        place_in("cup_1", BASKET, name="one"),
        seq(
            stage("open", OPENED),
            place_in("plate_1", BASKET, name="put"),
            stage("then", STOVE_ON),
            name="two",
        ),
    )
    one, two = releases(program(both))
    assert (one.phi_held, one.phi_failed) == (pytest.approx(0.5 + 0.5 * 0.898), 0.5)
    before = 0.5 + 0.5 / 3
    assert two.phi_failed == pytest.approx(before)
    assert two.phi_held == pytest.approx(before + 0.5 / 3 * 0.898)


def test_nothing_held_nothing_to_let_go() -> None:
    played = program(seq(stage("a", OPENED), stage("b", STOVE_ON)))
    assert list(releases(played)) == []
    assert "Letting go" not in explain(played, KITCHEN)
