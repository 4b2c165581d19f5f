"""Rewards to advantages, against hand-computed tables and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tgrpo.training.advantages import damping, fuse, step_level, trajectory_level

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


def test_hand_computed_returns_and_fusion() -> None:
    # Mean 2, std with N - 1: sqrt((4 + 0 + 4) / 2) = 2.
    trajectory = trajectory_level(np.array([0.0, 2.0, 4.0]))
    np.testing.assert_allclose(trajectory, [-1.0, 0.0, 1.0])
    step = np.array([[1.0, -1.0], [0.0, 0.0], [-1.0, 1.0]])
    fused = fuse(step, trajectory, 0.3, 0.7)
    np.testing.assert_allclose(fused, [[-0.4, -1.0], [0.0, 0.0], [0.4, 1.0]])


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
