"""The objective per decision: clipped surrogate and KL penalty. Pure functions on tensors.

TGRPO maximises (arXiv 2506.08440, the objective; PPO's clip and GRPO's KL estimator)

    J = 1/N Σ_i 1/M Σ_t [ min(ρ A, clip(ρ, 1-ε, 1+ε) A) - β (π_ref/π_θ - log(π_ref/π_θ) - 1) ]

with ρ = π_θ(a|o) / π_old(a|o). A decision is D = 7 K tokens, seven for each of its K actions:
`ratio="action"` (the paper's, where K = 1) takes the product of their ratios, one ρ per decision;
`ratio="token"` clips each token's ratio alone and averages the D terms.

The last term estimates KL(π_θ, π_ref) from the sampled action. Where π_θ has become unlikely it
grows like π_ref/π_θ, and a single action outweighs the whole batch; all bins are at hand, so the
divergence itself can be taken instead (`exact_kl`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

import torch
from torch import Tensor

Ratio = Literal["action", "token"]
KL = Literal["exact", "sampled"]

# exp(±20) is 5e8: far outside any clip, still finite in float32. Gradients beyond it vanish,
# instead of turning one impossible action into inf and the whole update into NaN.
_MAX_LOG_RATIO = 20.0


@dataclass(frozen=True, slots=True)
class DecisionLoss:
    """Per decision (B,): what is minimised, and what is watched."""

    surrogate: Tensor  # -min(ρ A, clip(ρ) A)
    kl: Tensor  # KL(π_θ, π_ref) or its estimate, >= 0
    ratio: Tensor  # ρ, detached
    clipped: Tensor  # share of the decision's ratios whose gradient the clip cuts off, detached


def decision_loss(
    current: Tensor,
    behaviour: Tensor,
    reference: Tensor,
    tokens: Tensor,
    advantages: Tensor,
    *,
    clip: float,
    ratio: Ratio,
    kl: KL,
) -> DecisionLoss:
    """Loss terms of B decisions with `tokens` (B, D) and `advantages` (B,).

    `current` (B, D, 256) are log-probs of all bins under the policy, with gradient; `reference`
    those of the SFT policy; `behaviour` (B, D) the tokens' log-probs kept at sampling time; all at
    the temperature of sampling.
    """
    log_probs = of_tokens(current, tokens)
    log_ratio = _per_unit(log_probs - behaviour, ratio)
    rho = log_ratio.clamp(-_MAX_LOG_RATIO, _MAX_LOG_RATIO).exp()
    terms = clipped_surrogate(rho, advantages[:, None], clip)
    cut = is_clipped(rho.detach(), advantages[:, None], clip)
    return DecisionLoss(
        surrogate=-terms.mean(dim=-1),
        kl=_divergence(current, reference, tokens, ratio, kl).mean(dim=-1),
        ratio=(log_probs - behaviour).detach().sum(dim=-1).clamp(max=_MAX_LOG_RATIO).exp(),
        clipped=cut.float().mean(dim=-1),
    )


def clipped_surrogate(rho: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """min(ρ A, clip(ρ, 1-ε, 1+ε) A), elementwise."""
    return torch.minimum(rho * advantages, rho.clamp(1.0 - clip, 1.0 + clip) * advantages)


def is_clipped(rho: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """Where the minimum takes the clipped side, so that no gradient flows through ρ."""
    return ((advantages > 0) & (rho > 1.0 + clip)) | ((advantages < 0) & (rho < 1.0 - clip))


def of_tokens(log_probs: Tensor, tokens: Tensor) -> Tensor:
    """Log-probs (B, D) of `tokens` (B, D), of those of all bins (B, D, 256)."""
    return log_probs.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)


def exact_kl(current: Tensor, reference: Tensor) -> Tensor:
    """KL(π_θ, π_ref) of each dimension (B, D), from log-probs of all bins (B, D, 256).

    Each dimension is conditioned on the sampled tokens before it; the mean of the sum over
    sampled actions is the divergence of whole actions.
    """
    return (current.exp() * (current - reference)).sum(dim=-1).clamp(min=0.0)


def sampled_kl(log_ratio: Tensor) -> Tensor:
    """exp(d) - d - 1 with d = log(π_ref/π_θ): an estimate of KL(π_θ, π_ref) that is never < 0."""
    bounded = log_ratio.clamp(-_MAX_LOG_RATIO, _MAX_LOG_RATIO)
    # expm1, because exp(d) - 1 cancels near 0; the clamp takes what rounding leaves below 0.
    return (torch.expm1(bounded) - bounded).clamp(min=0.0)


def decision_weights(lengths: list[int]) -> Tensor:
    """Weights of all decisions of n trajectories, in order: 1 / (n · own length). Sum is 1.

    This is 1/N Σ_i 1/M Σ_t over the trajectories of any number of equally large groups. A
    trajectory without a decision (it succeeded at reset) has no term and is not counted.
    """
    lengths = [length for length in lengths if length > 0]
    if not lengths:
        return torch.zeros(0)
    return torch.cat([torch.full((n,), 1.0 / (len(lengths) * n)) for n in lengths])


def equal_weights(lengths: list[int]) -> Tensor:
    """The same weight for all decisions of the trajectories; the sum is 1."""
    count = sum(lengths)
    return torch.full((count,), 1.0 / max(1, count))


def _divergence(current: Tensor, reference: Tensor, tokens: Tensor, ratio: Ratio, kl: KL) -> Tensor:
    """(B, 1) or (B, D), per unit of the ratio."""
    match kl:
        case "exact":
            return _per_unit(exact_kl(current, reference), ratio)
        case "sampled":
            log_ratio = of_tokens(reference, tokens) - of_tokens(current, tokens)
            return sampled_kl(_per_unit(log_ratio, ratio))
        case _:
            assert_never(kl)


def _per_unit(log_ratio: Tensor, ratio: Ratio) -> Tensor:
    """Token log-ratios (B, D) to those of the unit that is clipped: (B, 1) or (B, D)."""
    match ratio:
        case "action":
            return log_ratio.sum(dim=-1, keepdim=True)
        case "token":
            return log_ratio
        case _:
            assert_never(ratio)
