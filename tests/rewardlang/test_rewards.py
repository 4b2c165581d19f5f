"""`all`, `any`, `keep`, success, penalties and shaping: one test per rule of the language."""

from __future__ import annotations

import pytest

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
from tests.rewardlang.programs import (
    all_,
    and_,
    any_,
    atom,
    keep,
    not_,
    penalty,
    place_in,
    program,
    seq,
    stage,
)
from tests.rewardlang.worlds import roll

# --- all, any, keep ------------------------------------------------------------------------------


def test_all_is_the_weighted_sum_of_independent_children() -> None:
    episode = Episode(program(all_(stage("a", HELD, weight=3), stage("b", OPENED))))
    assert episode.phis([state(opened=True), state(), state(held=True)]) == [0.25, 0.25, 0.99]


def test_any_is_the_best_branch_and_each_keeps_its_own_memory() -> None:
    branches = (
        seq(stage("a", HELD), stage("b", ON_PLATE), name="one"),
        seq(stage("c", OPENED), stage("d", STOVE_ON), stage("e", CLOSED_HAND), name="two"),
    )
    episode = Episode(program(any_(*branches)))
    assert episode.play(state(held=True)).phi == 0.5
    assert episode.play(state(opened=True)).phi == 0.5
    assert episode.play(state(stove=True)).phi == pytest.approx(2 / 3)
    assert episode.play(state(plate=True)).terms["two.d"] == 1.0
    assert episode.steps[-1].stages == ()


def test_keep_subtracts_its_share_while_false_and_not_below_0() -> None:
    played = all_(stage("a", HELD), stage("b", ON_PLATE), keep("burning", STOVE_ON, 1.5))
    episode = Episode(program(played), state(stove=True))
    worlds = [
        state(stove=True),
        state(),
        state(held=True, stove=True),
        state(held=True),
        state(held=True, plate=True),
    ]
    assert episode.phis(worlds) == [0.0, 0.0, 0.5, 0.0, 0.25]
    assert episode.steps[-1].terms["burning"] == 0.0


def test_keep_inside_a_finished_group_still_counts() -> None:
    first = all_(stage("a", HELD), keep("burning", STOVE_ON, 0.5), name="first")
    episode = Episode(program(seq(first, stage("b", ON_PLATE))), state(stove=True))
    lit = state(held=True, stove=True)
    assert episode.phis([lit, state(), state(stove=True)]) == [0.5, 0.25, 0.5]


# --- success and penalties -----------------------------------------------------------------------


def test_success_bddl_is_the_moment_the_goal_holds() -> None:
    episode = Episode(program(place_in("cup_1", BASKET)))
    step = episode.play(state(), state(basket=True, held=True))
    assert (step.success, step.native_success, step.phi, step.stages) == (True, True, 1.0, ())


def test_success_when_replaces_the_goal_which_is_reported_beside_it() -> None:
    played = program(place_in("cup_1", BASKET), success=and_(IN_BASKET, STOVE_ON), dwell=2)
    episode = Episode(played)
    inside, lit = state(basket=True), state(basket=True, stove=True)
    steps = [episode.play(world) for world in (inside, lit, inside, lit, lit)]
    assert [step.native_success for step in steps] == [True] * 5
    assert [step.success for step in steps] == [False, False, False, False, True]


def test_phi_stays_below_1_until_success() -> None:
    episode = Episode(program(stage("a", HELD)))
    assert episode.phis([state(held=True)] * 3) == [0.99] * 3


def test_after_success_nothing_more_is_paid() -> None:
    episode = Episode(program(stage("a", HELD)))
    episode.play(state(basket=True))
    total = episode.total
    after = episode.play(state(), state(basket=True))
    assert (after.reward, after.success, after.phi, episode.total) == (0.0, True, 1.0, total)


def test_a_penalty_fires_on_the_second_violated_step_and_lasts() -> None:
    tipped = not_(atom("upright", "cup_1", 0.5))
    played = program(stage("a", HELD), penalties=(penalty("tipped", 0.25, tipped),))
    episode = Episode(played)
    held = state(held=True)
    over = held.turned("cup_1", roll(1.0))
    assert episode.phis([held, over, held, over, over, held]) == [
        0.99, 0.99, 0.99, 0.99, 0.74, 0.74,
    ]  # fmt: skip
    assert episode.steps[-1].terms["penalty.tipped"] == -0.25
    done = episode.play(state(basket=True))
    assert done.phi == 0.75
    assert done.reward == pytest.approx(0.75 * 94 / 100 + 2 - 0.25)


def test_penalties_total_at_most_half() -> None:
    always = atom("gripper_open")
    penalties = tuple(penalty(name, 0.25, always) for name in ("a", "b", "c"))
    episode = Episode(program(stage("a", HELD), penalties=penalties))
    assert episode.play(state(held=True), state(held=True)).phi == pytest.approx(0.49)


# --- shaping -------------------------------------------------------------------------------------


def shaped(shaping: str, gamma: float = 1.0) -> Episode:
    root = seq(stage("a", HELD), stage("b", OPENED))
    return Episode(program(root, shaping=shaping, gamma=gamma), horizon=10)


def test_level_pays_phi_per_step_and_the_rest_of_the_episode_at_success() -> None:
    episode = shaped("level")
    assert episode.play(state()).reward == 0.0
    assert episode.play(state(held=True)).reward == pytest.approx(0.5 / 10)
    assert episode.play(state(basket=True)).reward == pytest.approx((10 - 3 + 1) / 10 + 2)


def test_telescope_pays_differences() -> None:
    episode = shaped("telescope", gamma=0.9)
    assert episode.play(state(held=True)).reward == pytest.approx(0.9 * 0.5)
    assert episode.play(state()).reward == pytest.approx(0.9 * 0.5 - 0.5)
    assert episode.play(state(basket=True)).reward == pytest.approx(0.9 * 1.0 - 0.5 + 2)


def test_pbrs_has_potential_0_at_the_end_so_that_all_failures_are_equal() -> None:
    idle, holding = shaped("pbrs"), shaped("pbrs")
    idle.play(*[state()] * 10)
    holding.play(*[state(held=True)] * 10)
    assert idle.total == pytest.approx(holding.total) == pytest.approx(0.0)
    winner = shaped("pbrs")
    winner.play(state(held=True), state(basket=True))
    assert winner.total == pytest.approx(2.0)


def test_sparse_pays_success_alone() -> None:
    episode = shaped("sparse")
    episode.play(state(held=True), state(opened=True))
    assert episode.total == 0.0
    assert episode.play(state(basket=True)).reward == 2.0


def test_after_the_last_step_of_an_episode_level_and_pbrs_pay_no_more() -> None:
    for shaping in ("level", "pbrs"):
        episode = shaped(shaping)
        episode.play(*[state(held=True)] * 10)
        assert episode.play(state(held=True)).reward == 0.0
