"""Rewards to advantages, against hand-computed tables and laws."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tgrpo.training.advantages import damping, stage_level, step_level, trajectory_level

Staged = tuple[np.ndarray, np.ndarray, np.ndarray]  # Φ (N, T+1), stages (N, T), mask (N, T)


@st.composite
def staged_groups(draw: st.DrawFn) -> Staged:
    """Arms of unequal length among four stages."""
    arms, steps = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    phi = draw(arrays(np.float64, (arms, steps + 1), elements=st.floats(0, 1, width=16)))
    stages = draw(arrays(np.int64, (arms, steps), elements=st.integers(0, 3)))
    lengths = draw(arrays(np.int64, arms, elements=st.integers(0, steps)))
    return phi, stages, np.arange(steps) < lengths[:, None]


tables = array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=8).flatmap(
    lambda shape: st.tuples(
        arrays(np.float64, shape, elements=st.floats(-10, 10, allow_subnormal=False)),
        arrays(np.bool_, shape),
    )
)


def alive(table: np.ndarray) -> np.ndarray:
    return np.ones(table.shape, dtype=bool)


def test_hand_computed_group_of_four() -> None:
    rewards = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0], [1.0, 6.0]])
    # Column 0: mean 1/4, std sqrt(3/16 * 4 / 3) = 1/2. Column 1: mean 3, std sqrt(14/3).
    expected = np.array([[-0.5, -2.0], [-0.5, -1.0], [-0.5, 0.0], [1.5, 3.0]])
    expected[:, 1] /= np.sqrt(14 / 3)
    np.testing.assert_allclose(step_level(rewards, alive(rewards)), expected, atol=1e-12)


def test_hand_computed_returns() -> None:
    # Mean 2, std with N - 1: sqrt((4 + 0 + 4) / 2) = 2.
    trajectory = trajectory_level(np.array([0.0, 2.0, 4.0]))
    np.testing.assert_allclose(trajectory, [-1.0, 0.0, 1.0])


def test_hand_computed_mask() -> None:
    rewards = np.array([[1.0, 1.0], [3.0, 5.0], [5.0, 99.0]])
    mask = np.array([[True, True], [True, True], [True, False]])
    expected = np.array([[-1.0, -np.sqrt(0.5)], [0.0, np.sqrt(0.5)], [1.0, 0.0]])
    np.testing.assert_allclose(step_level(rewards, mask), expected, atol=1e-12)


@given(tables)
def test_live_columns_sum_to_zero_and_the_rest_is_zero(
    table: tuple[np.ndarray, np.ndarray],
) -> None:
    rewards, mask = table
    result = step_level(rewards, mask)
    assert np.isfinite(result).all()
    assert np.abs(result.sum(axis=0)).max() < 1e-6
    assert (result[~mask] == 0).all()


@given(tables)
def test_z_scores_are_bounded_by_the_size_of_the_group(
    table: tuple[np.ndarray, np.ndarray],
) -> None:
    rewards, mask = table
    count = len(rewards)
    assert np.abs(step_level(rewards, mask)).max() <= (count - 1) / np.sqrt(count) + 1e-6


@given(st.floats(-1e6, 1e6, allow_nan=False), st.integers(2, 9), st.integers(1, 4), st.floats(0, 1))
def test_equal_rewards_give_exactly_zero(value: float, arms: int, steps: int, floor: float) -> None:
    rewards = np.full((arms, steps), value)
    assert (step_level(rewards, alive(rewards), std_floor=floor) == 0).all()
    assert (trajectory_level(rewards[:, 0], std_floor=floor) == 0).all()


def test_fewer_than_two_live_arms_give_zero() -> None:
    rewards = np.array([[1.0, 2.0], [5.0, 3.0]])
    mask = np.array([[True, False], [False, False]])
    assert (step_level(rewards, mask) == 0).all()
    assert (trajectory_level(np.array([4.0])) == 0).all()
    assert (trajectory_level(np.array([1.0, 9.0]), np.array([True, False])) == 0).all()


def test_nan_counts_as_absent() -> None:
    rewards = np.array([[np.nan], [1.0], [3.0]])
    expected = np.array([[0.0], [-np.sqrt(0.5)], [np.sqrt(0.5)]])
    np.testing.assert_allclose(step_level(rewards, alive(rewards)), expected)


def test_without_a_floor_a_tiny_gap_counts_in_full_and_with_one_it_does_not() -> None:
    returns = np.array([0.5, 0.5, 0.5, 0.5001])
    assert trajectory_level(returns)[-1] == pytest.approx(1.5)
    # std is 5e-5; the floor of 0.01 makes z 200 times smaller.
    assert trajectory_level(returns, std_floor=0.01)[-1] == pytest.approx(1.5 * 5e-5 / 0.01)


def test_a_floor_below_the_deviation_changes_nothing() -> None:
    returns = np.array([0.0, 2.0, 4.0])
    assert (trajectory_level(returns, std_floor=1.9) == trajectory_level(returns)).all()


def test_damping_is_the_ratio_of_deviation_to_floor() -> None:
    phi = np.array([[0.0, 0.2, 0.0], [0.02, 0.8, 0.0]])  # std 0.01414, 0.424, 0
    factors = damping(phi, alive(phi), 0.05)
    np.testing.assert_allclose(factors, [np.sqrt(2) / 100 / 0.05, 1.0, 0.0])
    assert (damping(phi, alive(phi), 0.0) == 1).all()


@given(tables, st.floats(1e-3, 1.0))
def test_damping_equals_the_floor_of_the_level_reward(
    table: tuple[np.ndarray, np.ndarray], floor: float
) -> None:
    phi, mask = np.abs(table[0]) / 10, table[1]
    horizon = 280
    damped = step_level(phi / horizon, mask) * damping(phi, mask, floor)
    floored = step_level(phi / horizon, mask, std_floor=floor / horizon)
    np.testing.assert_allclose(damped, floored, atol=1e-9)


REACH, GRASP, CARRY = 0, 1, 2


class TestStageLevel:
    def test_hand_computed_arms_meet_in_a_stage_and_not_at_a_time(self) -> None:
        # Arm 0 passes reach in one step, arm 1 needs three, arm 2 never does.
        stages = np.array([[REACH, GRASP, GRASP, GRASP], [REACH] * 3 + [GRASP], [REACH] * 4])
        phi = np.array(
            [
                [0.0, 0.2, 0.2, 0.3, 0.6],
                [0.0, 0.0, 0.1, 0.2, 0.2],
                [0.0, 0.0, 0.0, 0.0, 0.05],
            ]
        )
        # Gains in reach 0.2, 0.2, 0.05: mean 0.15, std sqrt(0.0075) = 0.0866.
        # Gains in grasp 0.4 and 0 of two arms: -+ sqrt(1/2).
        passed, stuck = 0.05 / np.sqrt(0.0075), -0.1 / np.sqrt(0.0075)
        half = np.sqrt(0.5)
        expected = [[passed, half, half, half], [passed] * 3 + [-half], [stuck] * 4]
        np.testing.assert_allclose(stage_level(phi, stages, alive(stages)), expected, atol=1e-9)

    def test_staying_earns_nothing(self) -> None:
        # The sum of Φ over the stage, what `level` pays in it, is ten times as large for arm 1.
        stages = np.array([[REACH] + [GRASP] * 10, [REACH] * 10 + [GRASP]])
        phi = np.array([[0.1] + [0.5] * 11, [0.1] * 1 + [0.4] * 9 + [0.5] * 2])
        assert stage_level(phi, stages, alive(stages))[:, 0] == pytest.approx([0.0, 0.0])

    def test_dropping_is_blamed_on_the_stage_it_happens_in_and_reaching_again_is_not_praised(
        self,
    ) -> None:
        stages = np.array(
            [[REACH, GRASP, CARRY, CARRY, CARRY], [REACH, GRASP, CARRY, REACH, GRASP]]
        )
        phi = np.array([[0.0, 0.2, 0.4, 0.6, 0.7, 0.8], [0.0, 0.2, 0.4, 0.0, 0.2, 0.4]])
        result = stage_level(phi, stages, alive(stages), std_floor=1e-6)
        half = np.sqrt(0.5)  # in carry one gained 0.4, the other lost as much
        expected = [[0, 0, half, half, half], [0, 0, -half, 0, 0]]
        np.testing.assert_allclose(result, expected, atol=1e-9)

    def test_a_stage_that_one_arm_alone_was_in_teaches_nothing(self) -> None:
        stages = np.array([[REACH, GRASP], [REACH, REACH]])
        phi = np.array([[0.0, 0.5, 0.9], [0.0, 0.1, 0.2]])
        assert stage_level(phi, stages, alive(stages))[0, 1] == 0.0

    def test_a_nan_silences_its_arm_in_that_stage_alone(self) -> None:
        stages = np.array([[REACH, GRASP], [REACH, GRASP], [REACH, GRASP]])
        phi = np.array([[0.0, 0.3, np.nan], [0.0, 0.2, 0.4], [0.0, 0.2, 0.6]])
        result = stage_level(phi, stages, alive(stages))
        assert result[0, 1] == 0.0
        np.testing.assert_allclose(result[1:, 1], [-np.sqrt(0.5), np.sqrt(0.5)])
        assert result[0, 0] > 0

    @given(staged_groups())
    def test_arms_of_a_stage_sum_to_zero_and_share_one_value(self, data: Staged) -> None:
        phi, stages, mask = data
        result = stage_level(phi, stages, mask)
        assert np.isfinite(result).all()
        assert (result[~mask] == 0).all()
        for key in np.unique(stages[mask]):
            inside = mask & (stages == key)
            values = [set(row[own]) for row, own in zip(result, inside, strict=True) if own.any()]
            assert all(len(items) == 1 for items in values)
            assert sum(items.pop() for items in values) == pytest.approx(0.0, abs=1e-6)

    @given(staged_groups(), st.randoms(use_true_random=False))
    def test_the_order_of_the_arms_and_the_names_of_the_stages_do_not_matter(
        self, data: Staged, random: Random
    ) -> None:
        phi, stages, mask = data
        order = list(range(len(phi)))
        random.shuffle(order)
        renamed = np.array([3, 0, 1, 2])[stages]
        floored = stage_level(phi, stages, mask, std_floor=0.01)
        shuffled = stage_level(phi[order], renamed[order], mask[order], std_floor=0.01)
        np.testing.assert_allclose(shuffled, floored[order], atol=1e-9)

    @given(staged_groups(), st.floats(-5, 5), st.floats(0.1, 10))
    def test_only_differences_of_phi_count_and_not_their_size(
        self, data: Staged, shift: float, scale: float
    ) -> None:
        phi, stages, mask = data
        moved = stage_level(scale * phi + shift, stages, mask, std_floor=0.01 * scale)
        np.testing.assert_allclose(moved, stage_level(phi, stages, mask, std_floor=0.01), atol=1e-6)

    @given(staged_groups(), st.integers(2, 5))
    def test_identical_arms_give_exactly_zero(self, data: Staged, arms: int) -> None:
        phi, stages, mask = (np.repeat(item[:1], arms, axis=0) for item in data)
        assert (stage_level(phi, stages, mask) == 0).all()
