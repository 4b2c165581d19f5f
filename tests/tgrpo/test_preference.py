"""DPO and GRAPE: which arms are preferred to which, the score, the loss and its gradient."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.tgrpo.toy_groups import group, log_prob, make_policy
from tgrpo.config import LearnerConfig, PreferenceConfig
from tgrpo.policies.observations import Observations
from tgrpo.training import preference
from tgrpo.training.preference import PreferenceLearner
from tgrpo.training.preferences import grape_score, logistic_loss, score_pairs, success_pairs
from tgrpo.trajectory import Ending, Group

ENDINGS = st.lists(st.sampled_from(list(Ending)), min_size=2, max_size=6)


def ending_in(*endings: Ending, steps: int = 4) -> Group:
    data = group(make_policy(), *([0.1] * steps for _ in endings))
    arms = zip(data.trajectories, endings, strict=True)
    return Group(tuple(replace(arm, ending=ending) for arm, ending in arms))


@given(ENDINGS)
def test_every_success_is_preferred_to_every_failure(endings: list[Ending]) -> None:
    arms = group(make_policy(), *([] for _ in endings)).trajectories
    data = Group(tuple(replace(a, ending=e) for a, e in zip(arms, endings, strict=True)))
    pairs = success_pairs(data)
    won = [e is Ending.SUCCESS for e in endings]
    assert len(pairs) == len(set(pairs)) == sum(won) * (len(won) - sum(won))
    assert all(won[better] and not won[worse] for better, worse in pairs)


def test_the_score_of_grape_by_hand() -> None:
    arm = group(make_policy(), [0.1, 0.2]).trajectories[0]
    arm = replace(
        arm,
        log_probs=np.full((2, 7), -2.0, np.float32),  # -14 per action
        stage_values=(1.0, 0.5, 0.0),  # costs 0, 0.5, 1
        ending=Ending.SUCCESS,
    )
    config = PreferenceConfig(likelihood_weight=0.01, stage_weight=2.0, success_weight=3.0)
    assert grape_score(arm, config) == pytest.approx(-0.14 + 2.0 * math.exp(-1.5) + 3.0)
    lost = replace(arm, ending=Ending.TIMEOUT)
    assert grape_score(lost, config) == pytest.approx(-0.14 + 2.0 * math.exp(-1.5))


def test_grape_prefers_the_best_arm_to_the_worst_and_passes_over_equal_ones() -> None:
    data = ending_in(Ending.TIMEOUT, Ending.SUCCESS, Ending.TIMEOUT)
    values = ((1.0, 0.5), (1.0, 1.0), (0.2, 0.0))
    arms = zip(data.trajectories, values, strict=True)
    data = Group(tuple(replace(arm, stage_values=own) for arm, own in arms))
    config = PreferenceConfig(likelihood_weight=0.0)
    assert score_pairs(data, config) == [(1, 2)]
    assert score_pairs(Group((data.trajectories[0],) * 3), config) == []


@given(st.floats(-50, 50), st.floats(0.01, 2))
def test_the_loss_is_that_of_a_logistic_model(margin: float, beta: float) -> None:
    loss = float(logistic_loss(torch.tensor(margin, dtype=torch.float64), beta))
    assert loss == pytest.approx(math.log1p(math.exp(-beta * margin)), rel=1e-9)


def learner(config: LearnerConfig, beta: float = 0.1) -> tuple[PreferenceLearner, Group]:
    policy = make_policy()
    data = group(policy, [0.1] * 9, [0.2] * 5, [0.3] * 7)
    won = replace(data.trajectories[1], ending=Ending.SUCCESS)
    data = Group((data.trajectories[0], won, data.trajectories[2]))
    made = PreferenceLearner(policy, policy.reference(), config, success_pairs, beta=beta)
    return made, data


def test_the_preferred_arm_becomes_likelier_than_the_others() -> None:
    made, data = learner(LearnerConfig(learning_rate=1e-3, warmup_steps=0))
    before = [log_prob(made.policy, arm) for arm in data.trajectories]
    first = made.update([data])
    assert first["loss/policy"] == pytest.approx(math.log(2.0), rel=1e-4)  # all ratios are 1
    assert (first["preference/pairs"], first["update/steps"]) == (2.0, 1.0)
    later = [made.update([data]) for _ in range(3)][-1]
    gains = [
        log_prob(made.policy, arm) - old for arm, old in zip(data.trajectories, before, strict=True)
    ]
    assert gains[1] > max(gains[0], gains[2])
    assert later["loss/policy"] < first["loss/policy"]
    assert later["preference/accuracy"] == 1.0


def test_two_passes_in_pieces_give_the_gradient_of_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preference, "PIECE", 2)
    made, data = learner(LearnerConfig(learning_rate=0.0, max_gradient_norm=1e9), beta=0.7)
    with torch.no_grad():
        for parameter in made.policy.parameters():  # away from the reference: ratios are not 1
            parameter.add_(0.01 * torch.sin(torch.arange(parameter.numel())).view_as(parameter))
    made.update([data])
    found = {name: item.grad.clone() for name, item in made.policy.named_parameters()}

    def ratio(arm: int) -> torch.Tensor:
        item = data.trajectories[arm]
        inputs = Observations.of(item.robot, item.objects), torch.from_numpy(item.tokens)
        one, other = (
            policy.log_probs(item.context, *inputs, temperature=1.0).sum()
            for policy in (made.policy, made.reference)
        )
        return one - other

    for parameter in made.policy.parameters():
        parameter.grad = None
    margins = torch.stack([ratio(1) - ratio(0), ratio(1) - ratio(2)])
    assert margins.abs().min() > 0.05
    logistic_loss(margins, 0.7).mean().backward()
    for name, item in made.policy.named_parameters():
        torch.testing.assert_close(found[name], item.grad, atol=1e-4, rtol=1e-3)


def test_groups_without_a_pair_are_skipped_and_counted() -> None:
    made, data = learner(LearnerConfig())
    flat = ending_in(Ending.TIMEOUT, Ending.CUT)
    metrics = made.update([flat, data, flat])
    assert metrics["preference/groups_skipped"] == 2.0
    assert metrics["advantage/groups_without_signal"] == pytest.approx(2 / 3)
    assert metrics["update/steps"] == 1.0
    assert made.update([flat])["update/steps"] == 0.0
