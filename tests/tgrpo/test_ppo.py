"""PPO: generalised advantages by hand, and a critic that learns and gets its head start."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.tgrpo.toy_groups import group, make_policy, same, weights_of
from tgrpo.config import CriticConfig, LearnerConfig
from tgrpo.policies.observations import Observations
from tgrpo.training.critic import Critic
from tgrpo.training.gae import generalized_advantages, normalized
from tgrpo.training.ppo import PPOLearner
from tgrpo.trajectory import Ending, Group, TaskContext

numbers = arrays(np.float64, st.integers(1, 9), elements=st.floats(-3, 3))


def test_hand_computed_advantages() -> None:
    rewards, values = np.array([1.0, 0.0, 2.0]), np.array([0.5, 1.0, 1.5])
    # δ: 1 + 0.5 - 0.5 = 1, 0 + 0.75 - 1 = -0.25, 2 + 0 - 1.5 = 0.5; γ λ = 0.25
    found = generalized_advantages(rewards, values, 0.0, discount=0.5, trace=0.5)
    np.testing.assert_allclose(found, [1 + 0.25 * (-0.25 + 0.25 * 0.5), -0.25 + 0.125, 0.5])


def test_what_follows_a_cut_is_bootstrapped() -> None:
    found = generalized_advantages(np.zeros(1), np.array([0.5]), 2.0, discount=0.9, trace=1.0)
    assert found == pytest.approx([0.9 * 2.0 - 0.5])


@given(numbers, st.floats(0, 1), st.floats(0.1, 1))
def test_with_trace_one_the_critic_is_a_baseline_and_with_zero_it_is_all(
    rewards: np.ndarray, value: float, discount: float
) -> None:
    values = np.full(len(rewards), value)
    returns = [
        sum(discount**ahead * reward for ahead, reward in enumerate(rewards[step:]))
        for step in range(len(rewards))
    ]
    whole = generalized_advantages(rewards, values, 0.0, discount=discount, trace=1.0)
    np.testing.assert_allclose(whole, np.array(returns) - values, atol=1e-9)
    near = generalized_advantages(rewards, values, value, discount=discount, trace=0.0)
    np.testing.assert_allclose(near, rewards + discount * value - values, atol=1e-12)


@given(st.lists(numbers, min_size=1, max_size=4))
def test_normalised_advantages_have_mean_zero_and_deviation_one(tables: list[np.ndarray]) -> None:
    every = np.concatenate(normalized(tables))
    assert every.mean() == pytest.approx(0.0, abs=1e-6)
    assert every.std() == pytest.approx(1.0) or not every.any()


def test_the_critic_learns_what_an_arm_returns() -> None:
    policy = make_policy()
    data = [group(policy, [0.0] * 10, [0.5] * 10)]
    config = CriticConfig(learning_rate=1e-2, epochs=50, discount=0.9)
    critic = Critic(policy.reference(), config, LearnerConfig())
    before = np.abs(critic.advantages(data)[0]).mean()
    metrics = [critic.fit(data) for _ in range(3)]
    assert metrics[-1]["critic/loss"] < 0.1 * metrics[0]["critic/loss"]
    assert metrics[-1]["critic/explained_variance"] > 0.9
    assert before > 0
    assert critic.fits == 3


def test_the_critic_looks_at_no_more_decisions_at_once_than_a_micro_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy = make_policy()
    data = [group(policy, [0.1] * 5, [0.9] * 3)]
    reference = policy.reference()
    whole = Critic(reference, CriticConfig(), LearnerConfig()).advantages(data)
    asked, hidden = [], reference.hidden

    def counted(context: TaskContext, seen: Observations) -> torch.Tensor:
        asked.append(len(seen))
        return hidden(context, seen)

    monkeypatch.setattr(reference, "hidden", counted)
    parts = Critic(reference, CriticConfig(), LearnerConfig(micro_batch=2)).advantages(data)
    assert asked == [2, 2, 1, 2, 1]
    np.testing.assert_allclose(parts[0], whole[0], atol=1e-5)


def test_the_policy_rests_until_the_critic_has_had_its_head_start() -> None:
    policy = make_policy()
    learner = PPOLearner(policy, policy.reference(), LearnerConfig(), CriticConfig(head_start=2))
    data = [group(policy, [0.1] * 4, [0.9] * 4)]
    before = weights_of(policy)
    assert [learner.update(data)["update/steps"] for _ in range(2)] == [0.0, 0.0]
    assert same(before, weights_of(policy))
    assert learner.update(data)["update/steps"] == 4.0
    assert not same(before, weights_of(policy))


def test_a_nan_reward_and_an_arm_without_a_decision_poison_nothing() -> None:
    policy = make_policy()
    data = group(policy, [], [0.1, float("nan"), 0.3], [0.9] * 3)
    cut = replace(data.trajectories[2], ending=Ending.CUT)
    learner = PPOLearner(policy, policy.reference(), LearnerConfig(), CriticConfig(head_start=0))
    metrics = learner.update([Group((*data.trajectories[:2], cut))])
    assert np.isfinite(list(metrics.values())).all()
    assert all(torch.isfinite(tensor).all() for tensor in weights_of(policy).values())
