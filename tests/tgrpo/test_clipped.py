"""The update: direction, exactness, determinism, and groups that teach nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from tests.tgrpo.toy_groups import group, log_prob, make_policy, same, weights_of
from tgrpo.config import LearnerConfig
from tgrpo.policies.tiny import TinyPolicy
from tgrpo.training.clipped import ClippedLearner
from tgrpo.training.levels import advantages, group_advantages, levels
from tgrpo.trajectory import Ending, Group, TaskContext

TGRPO = levels("tgrpo", LearnerConfig())
tgrpo = partial(advantages, config=LearnerConfig(), weights=TGRPO)


@pytest.mark.parametrize("ratio", ["action", "token"])
def test_the_better_arm_becomes_likelier_and_the_worse_one_less(ratio: str) -> None:
    policy = make_policy()
    data = group(policy, [0.1] * 6, [0.9] * 6)
    before = [log_prob(policy, item) for item in data.trajectories]
    config = LearnerConfig(learning_rate=1e-3, kl_weight=0.0, ratio=ratio)
    metrics = ClippedLearner(policy, policy.reference(), config, tgrpo).update([data])
    after = [log_prob(policy, item) for item in data.trajectories]
    assert after[0] < before[0]
    assert after[1] > before[1]
    assert metrics["update/steps"] == 4.0
    assert metrics["update/gradient_norm"] > 0


def test_before_the_first_step_ratio_is_one_and_kl_zero() -> None:
    policy = make_policy()
    data = group(policy, [0.1] * 40, [0.9] * 40, temperature=0.8)
    config = LearnerConfig(learning_rate=0.0)
    learner = ClippedLearner(policy, policy.reference(), config, tgrpo, temperature=0.8)
    metrics = learner.update([data])
    assert metrics["ratio/min"] == pytest.approx(1.0, abs=1e-5)
    assert metrics["ratio/max"] == pytest.approx(1.0, abs=1e-5)
    assert metrics["loss/kl"] == pytest.approx(0.0, abs=1e-6)
    assert metrics["loss/clip_fraction"] == 0.0


def test_the_objective_is_the_mean_over_arms_of_the_mean_over_their_own_steps() -> None:
    policy = make_policy()
    data = group(policy, [0.0] * 2, [1.0, 1.0, 0.5, 0.5, 0.5])
    table = group_advantages(data, LearnerConfig(), TGRPO)
    expected = -np.mean([table[0, :2].mean(), table[1].mean()])  # at ratio 1
    for minibatches in (1, 3):
        config = LearnerConfig(learning_rate=0.0, minibatches=minibatches)
        metrics = ClippedLearner(policy, policy.reference(), config, tgrpo).update([data])
        assert metrics["loss/policy"] == pytest.approx(expected, abs=1e-5)


def test_the_size_of_advantages_is_a_mean_over_decisions() -> None:
    policy = make_policy()
    data = group(policy, [0.0], [1.0] * 9)
    table = group_advantages(data, LearnerConfig(), TGRPO)
    taken = np.abs(np.concatenate([table[0, :1], table[1]]))
    metrics = ClippedLearner(policy, policy.reference(), LearnerConfig(), tgrpo).update([data])
    assert metrics["advantage/mean_abs"] == pytest.approx(taken.mean())
    assert metrics["advantage/max_abs"] == pytest.approx(taken.max())


def test_advantages_of_arms_of_unequal_length() -> None:
    policy = make_policy()
    data = group(policy, [1.0, 1.0, 1.0], [3.0])
    # Step 0: -+ sqrt(1/2); later only one arm lives. Returns 3 and 3 are alike.
    half = 0.3 * np.sqrt(0.5)
    expected = [[-half, 0.0, 0.0], [half, 0.0, 0.0]]
    np.testing.assert_allclose(group_advantages(data, LearnerConfig(), TGRPO), expected)


def test_groups_of_equal_arms_change_nothing_at_all() -> None:
    policy = make_policy()
    before = weights_of(policy)
    learner = ClippedLearner(policy, policy.reference(), LearnerConfig(learning_rate=0.1), tgrpo)
    metrics = learner.update([group(policy, [0.5] * 3, [0.5] * 3)])
    assert same(before, weights_of(policy))
    assert metrics["advantage/groups_without_signal"] == 1.0
    assert metrics["advantage/groups_alike"] == 1.0
    assert metrics["update/steps"] == 0.0


def test_shares_of_groups_are_reported() -> None:
    policy = make_policy()
    flat, mixed = group(policy, [0.5] * 3, [0.5] * 3), group(policy, [0.1] * 3, [0.9] * 3)
    winner = replace(mixed.trajectories[1], ending=Ending.SUCCESS)
    mixed = Group((mixed.trajectories[0], winner))
    metrics = ClippedLearner(policy, policy.reference(), LearnerConfig(), tgrpo).update(
        [flat, mixed]
    )
    assert metrics["advantage/groups_without_signal"] == 0.5
    assert metrics["advantage/groups_alike"] == 0.5


def test_a_nan_reward_silences_its_arm_and_poisons_nothing() -> None:
    policy = make_policy()
    data = group(policy, [0.1] * 3, [0.5, float("nan"), 0.5], [0.9] * 3)
    table = group_advantages(data, LearnerConfig(), TGRPO)
    assert table[1, 1] == 0.0  # nothing to compare there, and its return is NaN
    ClippedLearner(policy, policy.reference(), LearnerConfig(learning_rate=1e-2), tgrpo).update(
        [data]
    )
    assert all(torch.isfinite(tensor).all() for tensor in policy.state_dict().values())


def test_an_arm_without_a_decision_is_left_out() -> None:
    policy = make_policy()
    data = group(policy, [], [0.2] * 3, [0.9] * 3)
    metrics = ClippedLearner(policy, policy.reference(), LearnerConfig(), tgrpo).update([data])
    assert np.isfinite(list(metrics.values())).all()


def test_groups_of_several_tasks_share_an_update() -> None:
    policy = make_policy()
    other = TaskContext("toy", "b", "pick up the soup", ("alphabet_soup_1",), ("alphabet_soup",))
    data = [group(policy, [0.1] * 5, [0.9] * 5), group(policy, [0.9] * 5, [0.1] * 5, context=other)]
    before = log_prob(policy, data[1].trajectories[0])
    config = LearnerConfig(learning_rate=1e-3, kl_weight=0.0)
    metrics = ClippedLearner(policy, policy.reference(), config, tgrpo).update(data)
    assert metrics["update/steps"] == 4.0
    assert log_prob(policy, data[1].trajectories[0]) > before


def test_the_penalty_pulls_towards_the_reference() -> None:
    policy = make_policy()
    reference = policy.reference()
    data = group(policy, [0.1] * 6, [0.9] * 6)
    drift = []
    for kl_weight in (0.0, 5.0):
        policy.load_state_dict(reference.state_dict())
        config = LearnerConfig(learning_rate=2e-3, kl_weight=kl_weight, epochs=6)
        learner = ClippedLearner(policy, reference, config, tgrpo)
        drift.append(learner.update([data])["loss/kl"])
    assert drift[1] < drift[0]


def test_equal_seeds_give_bitwise_equal_parameters() -> None:
    results = []
    for seed in (1, 1, 2):
        policy = make_policy()
        learner = ClippedLearner(policy, policy.reference(), LearnerConfig(), tgrpo, seed=seed)
        learner.update([group(policy, [0.1] * 8, [0.9] * 8)])
        results.append(weights_of(policy))
    assert same(results[0], results[1])
    assert not same(results[0], results[2])


def test_a_resumed_run_equals_an_uninterrupted_one() -> None:
    def fresh() -> tuple[TinyPolicy, ClippedLearner]:
        policy = make_policy()
        return policy, ClippedLearner(
            policy, make_policy().reference(), LearnerConfig(), tgrpo, seed=7
        )

    policy, learner = fresh()
    rewards = ([0.1] * 8, [0.9] * 8)
    learner.update([group(policy, *rewards)])
    weights, state = weights_of(policy), learner.state_tensors()
    learner.update([group(policy, *rewards)])

    resumed, resumed_learner = fresh()
    resumed.load_state_dict(weights)
    resumed_learner.load_state_tensors(state)
    resumed_learner.update([group(resumed, *rewards)])
    assert same(weights_of(policy), weights_of(resumed))
