"""The objective's terms: where the clip binds, the KL penalty, the weight of a decision."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tgrpo.losses import (
    clipped_surrogate,
    decision_loss,
    decision_weights,
    is_clipped,
    reference_kl,
)

ratios = st.floats(0.01, 10.0)
signs = st.sampled_from([-1.0, 1.0])
epsilons = st.floats(0.05, 0.5)


def gradient_at(rho: float, advantage: float, clip: float) -> float:
    ratio = torch.tensor(rho, dtype=torch.float64, requires_grad=True)
    clipped_surrogate(ratio, torch.tensor(advantage, dtype=torch.float64), clip).backward()
    assert ratio.grad is not None
    return float(ratio.grad)


@given(ratios, signs, epsilons)
def test_the_clip_is_active_exactly_outside_the_interval_on_the_improving_side(
    rho: float, advantage: float, clip: float
) -> None:
    outside = rho > 1 + clip if advantage > 0 else rho < 1 - clip
    on_the_edge = min(abs(rho - (1 + clip)), abs(rho - (1 - clip))) < 1e-9
    if not on_the_edge:
        assert gradient_at(rho, advantage, clip) == (0.0 if outside else advantage)
        shown = is_clipped(torch.tensor(rho), torch.tensor(advantage), clip)
        assert bool(shown) == outside


@given(ratios, signs, epsilons)
def test_the_surrogate_never_exceeds_the_unclipped_one(
    rho: float, advantage: float, clip: float
) -> None:
    value = clipped_surrogate(torch.tensor(rho), torch.tensor(advantage), clip)
    assert float(value) <= rho * advantage + 1e-6


@given(st.floats(-30, 30))
def test_the_kl_estimate_is_never_negative_and_zero_only_at_equality(log_ratio: float) -> None:
    value = float(reference_kl(torch.tensor(log_ratio, dtype=torch.float64)))
    assert value >= 0
    assert math.isfinite(value)
    if abs(log_ratio) > 1e-3:
        assert value > 0


def test_the_kl_estimate_follows_the_paper() -> None:
    # pi_ref / pi_theta = 2: 2 - log 2 - 1.
    assert float(reference_kl(torch.tensor(math.log(2.0)))) == pytest.approx(1 - math.log(2.0))


def constant(value: float) -> Tensor:
    return torch.full((1, 7), value)


def test_an_action_ratio_is_the_product_of_its_seven_tokens() -> None:
    loss = decision_loss(
        constant(-1.0),
        constant(-1.1),
        constant(-1.0),
        torch.tensor([1.0]),
        clip=0.2,
        ratio="action",
    )
    assert float(loss.ratio) == pytest.approx(math.exp(0.7))
    assert float(loss.surrogate) == pytest.approx(-1.2)  # exp(0.7) = 2.01 is cut at 1.2
    assert float(loss.clipped) == 1.0
    assert float(loss.kl) == 0.0


def test_a_token_ratio_is_clipped_token_by_token() -> None:
    current = constant(-1.0)
    current[0, 0] = 0.0  # its ratio is e, the others' 1
    loss = decision_loss(
        current,
        constant(-1.0),
        constant(-1.0),
        torch.tensor([1.0]),
        clip=0.2,
        ratio="token",
    )
    assert float(loss.surrogate) == pytest.approx(-(6 * 1.0 + 1.2) / 7)
    assert float(loss.clipped) == pytest.approx(1 / 7)
    assert float(loss.kl) == pytest.approx((math.exp(-1.0) + 1.0 - 1.0) / 7)


@pytest.mark.parametrize("ratio", ["action", "token"])
def test_impossible_actions_leave_everything_finite(ratio: str) -> None:
    current = constant(-500.0).requires_grad_()
    loss = decision_loss(
        current, constant(-0.1), constant(-0.1), torch.tensor([-1.0]), clip=0.2, ratio=ratio
    )
    (loss.surrogate + loss.kl).sum().backward()
    assert current.grad is not None
    assert torch.isfinite(current.grad).all()
    assert torch.isfinite(loss.kl).all()


@given(st.lists(st.integers(0, 50), max_size=8))
def test_weights_sum_to_one_and_every_trajectory_counts_alike(lengths: list[int]) -> None:
    weights = decision_weights(lengths)
    counted = [length for length in lengths if length]
    assert len(weights) == sum(counted)
    for part in torch.split(weights, counted) if counted else ():
        assert float(part.sum()) == pytest.approx(1 / len(counted), rel=1e-4)
