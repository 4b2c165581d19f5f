"""Which trajectories of a group are preferred to which, and the loss of such pairs. Pure.

    dpo     every success to every failure
    grape   the arm of the best score to that of the worst (GRAPE, arXiv 2411.19309)

Both minimise the trajectory form of DPO (arXiv 2305.18290, equation 7), with τ_w preferred to τ_l
and the policy before RL as π_ref:

    L = -log σ(β [log π_θ(τ_w)/π_ref(τ_w) - log π_θ(τ_l)/π_ref(τ_l)]),
    log π(τ) = Σ_t log π(a_t|o_t)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from tgrpo.config import PreferenceConfig
from tgrpo.trajectory import Group, Trajectory

Pairs = list[tuple[int, int]]  # (preferred, other), indices of arms
Prefer = Callable[[Group], Pairs]


def success_pairs(group: Group) -> Pairs:
    """Every success with every failure; none where all arms ended alike.

    An arm that the synchronous stop cut off counts as a failure, as it does for the advantages.
    """
    arms = list(enumerate(group.trajectories))
    lost = [arm for arm, trajectory in arms if not trajectory.success]
    return [(won, other) for won, item in arms if item.success for other in lost]


def score_pairs(group: Group, config: PreferenceConfig) -> Pairs:
    """The arm of the best score with that of the worst; none where all scores are equal."""
    scores = [grape_score(trajectory, config) for trajectory in group.trajectories]
    best, worst = int(np.argmax(scores)), int(np.argmin(scores))
    return [(best, worst)] if scores[best] > scores[worst] else []


def grape_score(trajectory: Trajectory, config: PreferenceConfig) -> float:
    """λ_L mean_t log π(a_t|o_t) + λ_S Π_s exp(-C_s) + λ_I 1[success] (GRAPE's guided reward).

    The cost of a stage is C_s = 1 - its largest value in the episode, as the program says. The
    log-likelihood is that of the policy that acted, a mean per decision, so that length, here up to
    hundreds of decisions, does not decide; the weights λ are ours.
    """
    log_probs = trajectory.log_probs.sum(axis=1)
    likelihood = float(log_probs.mean()) if len(log_probs) else 0.0
    cost = sum(1.0 - value for value in trajectory.stage_values)
    return (
        config.likelihood_weight * likelihood
        + config.stage_weight * float(np.exp(-cost))
        + config.success_weight * float(trajectory.success)
    )


def logistic_loss(margins: Tensor, beta: float) -> Tensor:
    """-log σ(β margin), elementwise; a margin is the difference of two log-ratios."""
    return torch.nn.functional.softplus(-beta * margins)
