"""The objective's terms: where the clip binds, the KL penalty, the weight of a decision."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tgrpo.training.losses import (
    KL,
    DecisionLoss,
    Ratio,
    clipped_surrogate,
    decision_loss,
    decision_weights,
    exact_kl,
    is_clipped,
    sampled_kl,
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
    value = float(sampled_kl(torch.tensor(log_ratio, dtype=torch.float64)))
    assert value >= 0
    assert math.isfinite(value)
    if abs(log_ratio) > 1e-3:
        assert value > 0


def test_the_kl_estimate_follows_the_paper() -> None:
    # pi_ref / pi_theta = 2: 2 - log 2 - 1.
    assert float(sampled_kl(torch.tensor(math.log(2.0)))) == pytest.approx(1 - math.log(2.0))


def bins(first: float | Tensor) -> Tensor:
    """(1, 7, 2) log-probs of two bins in each dimension; `first` are those of bin 0."""
    first = torch.as_tensor(first).expand(1, 7)
    return torch.stack((first, torch.log1p(-first.exp())), dim=-1)


def loss_of(
    current: Tensor, behaviour: float, reference: Tensor, ratio: Ratio, kl: KL = "sampled"
) -> DecisionLoss:
    """Of one decision with bin 0 everywhere and advantage 1."""
    return decision_loss(
        current,
        torch.full((1, 7), behaviour),
        reference,
        torch.zeros(1, 7, dtype=torch.int64),
        torch.tensor([1.0]),
        clip=0.2,
        ratio=ratio,
        kl=kl,
    )


def test_an_action_ratio_is_the_product_of_its_seven_tokens() -> None:
    loss = loss_of(bins(-1.0), -1.1, bins(-1.0), "action")
    assert float(loss.ratio) == pytest.approx(math.exp(0.7))
    assert float(loss.surrogate) == pytest.approx(-1.2)  # exp(0.7) = 2.01 is cut at 1.2
    assert float(loss.clipped) == 1.0
    assert float(loss.kl) == 0.0


def test_a_token_ratio_is_clipped_token_by_token() -> None:
    first = torch.full((7,), -1.0)
    first[0] = -0.5  # its ratio is exp(0.5), the others' 1
    loss = loss_of(bins(first), -1.0, bins(-1.0), "token")
    assert float(loss.surrogate) == pytest.approx(-(6 * 1.0 + 1.2) / 7)
    assert float(loss.clipped) == pytest.approx(1 / 7)
    assert float(loss.kl) == pytest.approx((math.exp(-0.5) + 0.5 - 1.0) / 7, rel=1e-5)


@pytest.mark.parametrize("kl", ["exact", "sampled"])
@pytest.mark.parametrize("ratio", ["action", "token"])
def test_impossible_actions_leave_everything_finite(ratio: Ratio, kl: KL) -> None:
    logits = torch.zeros(1, 7, 2)
    logits[..., 0] = -500.0
    logits.requires_grad_()
    loss = loss_of(torch.log_softmax(logits, dim=-1), -0.1, bins(-0.1), ratio, kl)
    (loss.surrogate + loss.kl).sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert torch.isfinite(loss.kl).all()


logits = st.lists(st.floats(-4, 4), min_size=5, max_size=5)


@given(logits, logits)
def test_the_estimate_has_the_exact_divergence_as_its_mean(one: list, other: list) -> None:
    current = torch.log_softmax(torch.tensor(one, dtype=torch.float64), dim=-1)
    reference = torch.log_softmax(torch.tensor(other, dtype=torch.float64), dim=-1)
    mean = (current.exp() * sampled_kl(reference - current)).sum()
    exact = exact_kl(current, reference)
    assert float(exact) == pytest.approx(float(mean), abs=1e-9)
    assert float(exact) >= 0


def test_one_unlikely_action_outweighs_a_batch_in_the_estimate_alone() -> None:
    # The policy has all but given up an action that the reference takes half of the time.
    current, reference = bins(-12.0), bins(math.log(0.5))
    estimate = loss_of(current, -12.0, reference, "token", "sampled")
    exact = loss_of(current, -12.0, reference, "token", "exact")
    assert float(estimate.kl) > 1e4
    assert float(exact.kl) == pytest.approx(math.log(2.0), rel=1e-3)


@given(st.lists(st.integers(0, 50), max_size=8))
def test_weights_sum_to_one_and_every_trajectory_counts_alike(lengths: list[int]) -> None:
    weights = decision_weights(lengths)
    counted = [length for length in lengths if length]
    assert len(weights) == sum(counted)
    for part in torch.split(weights, counted) if counted else ():
        assert float(part.sum()) == pytest.approx(1 / len(counted), rel=1e-4)
