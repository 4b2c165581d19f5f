"""From a group to the advantages of an algorithm: levels, weights, stages, sparse reward."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.tgrpo.toy_groups import group, make_policy
from tgrpo.config import LearnerConfig
from tgrpo.training.levels import (
    Levels,
    group_advantages,
    levels,
    rewards_of,
    stages_before,
    unfinished,
)
from tgrpo.trajectory import Ending, Group, Trajectory

STEP, TRAJECTORY, STAGE = Levels(step=1.0), Levels(trajectory=1.0), Levels(stage=1.0)
KEYS = (("reach",), ("grasp",), ())


def staged(
    stages: list[int], phi: list[float], ending: Ending = Ending.TIMEOUT, arm: int = 0
) -> Trajectory:
    """An arm that begins in stage 0 with Φ = 0; `stages` and `phi` are read after each action."""
    item = group(make_policy(), [0.0] * len(phi)).trajectories[0]
    return replace(
        item,
        arm=arm,
        rewards=np.array(phi) / 100,
        phi=np.array(phi),
        stages=np.array(stages, dtype=np.int64),
        stage_keys=KEYS,
        ending=ending,
    )


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("tgrpo", Levels(0.2, 0.5)),
        ("tgrpo-stage", Levels(0.2, 0.5, 0.9)),
        ("grpo", Levels(trajectory=1.0)),
        ("step", Levels(step=1.0)),
        ("stage", Levels(stage=1.0)),
    ],
)
def test_weights_are_those_of_the_algorithms_that_fuse(algorithm: str, expected: Levels) -> None:
    config = LearnerConfig(step_weight=0.2, trajectory_weight=0.5, stage_weight=0.9)
    assert levels(algorithm, config) == expected


def test_fused_advantages_are_the_weighted_sum_of_the_levels() -> None:
    data = Group(
        (staged([0, 1, 1], [0.1, 0.3, 0.6]), staged([0, 0, 1, 1], [0.0, 0.1, 0.2, 0.3], arm=1))
    )
    config = LearnerConfig(stage_std_floor=0.5)
    parts = [group_advantages(data, config, level) for level in (STEP, TRAJECTORY, STAGE)]
    fused = group_advantages(data, config, Levels(0.3, 0.7, 0.2))
    assert all(part.any() for part in parts)
    np.testing.assert_allclose(fused, 0.3 * parts[0] + 0.7 * parts[1] + 0.2 * parts[2])


def test_an_action_belongs_to_the_stage_it_completes() -> None:
    arm = staged([0, 1, 2], [0.1, 0.5, 1.0], Ending.SUCCESS)
    assert stages_before(arm).tolist() == [0, 0, 1]
    assert len(stages_before(staged([], []))) == 0


def test_the_stage_level_compares_arms_in_the_same_stage_whenever_they_are_there() -> None:
    # Both pass reach, at different times; one of them goes on to grasp, the other does not.
    quick = staged([1, 1, 2], [0.4, 0.4, 1.0], Ending.SUCCESS)
    slow = staged([0, 0, 1, 1], [0.1, 0.3, 0.4, 0.4], arm=1)
    table = group_advantages(Group((quick, slow)), LearnerConfig(), STAGE)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(table, [[0, half, half, 0], [0, 0, 0, -half]], atol=1e-9)


def test_a_visit_that_the_stop_cut_off_is_not_compared() -> None:
    done = staged([1, 2], [0.4, 1.0], Ending.SUCCESS)
    cut = staged([1, 1], [0.4, 0.9], Ending.CUT, arm=1)
    assert unfinished(cut).tolist() == [False, True]
    assert not group_advantages(Group((done, cut)), LearnerConfig(), STAGE).any()
    failed = replace(cut, ending=Ending.TIMEOUT)
    table = group_advantages(Group((done, failed)), LearnerConfig(), STAGE)
    assert table[0, 1] > 0 > table[1, 1]


def test_a_cut_between_two_stages_cuts_no_visit_off() -> None:
    assert not unfinished(staged([0, 1], [0.1, 0.4], Ending.CUT)).any()
    assert unfinished(staged([1, 0, 0], [0.4, 0.1, 0.1], Ending.CUT)).tolist() == [
        False,
        False,
        True,
    ]
    assert unfinished(staged([], [], Ending.CUT)).tolist() == []


def test_sparse_reward_is_one_in_the_successful_step() -> None:
    sparse = LearnerConfig(reward="sparse")
    won, lost = staged([0, 2], [0.3, 1.0], Ending.SUCCESS), staged([0, 0], [0.3, 0.5], arm=1)
    assert rewards_of(won, sparse).tolist() == [0.0, 1.0]
    assert rewards_of(lost, sparse).tolist() == [0.0, 0.0]
    assert rewards_of(won, LearnerConfig()).tolist() == [0.003, 0.01]
    half = np.sqrt(0.5)
    table = group_advantages(Group((won, lost)), sparse, TRAJECTORY)
    np.testing.assert_allclose(table, [[half, half], [-half, -half]])
    assert not group_advantages(Group((lost, lost)), sparse, TRAJECTORY).any()


@pytest.mark.parametrize("algorithm", ["tgrpo", "tgrpo-stage", "grpo", "step", "stage"])
def test_identical_arms_give_exactly_zero(algorithm: str) -> None:
    arm = staged([0, 1, 0, 1, 1], [0.11, 0.37, 0.03, 0.4, 0.41])
    config = LearnerConfig(stage_std_floor=0.0)
    weights = levels(algorithm, config)
    assert (group_advantages(Group((arm,) * 3), config, weights) == 0).all()
