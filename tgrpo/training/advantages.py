"""Rewards of a group to advantages: z-scores over the arms, at each step and of the returns.

TGRPO (arXiv 2506.08440): A_step[i,t] is the z-score of R[·,t] over the group, A_traj[i] that of
the returns Σ_t R[i,t], both with N - 1 in the standard deviation, and

    A[i,t] = α₁ A_step[i,t] + α₂ A_traj[i].

The zero cases, all of them 0: fewer than two arms alive to compare, all alike, a step after an
arm's end. An optional floor on the standard deviation keeps gaps that are noise from being blown
up to |z| ≈ 1; at 0 (the paper's form) any difference counts in full, and exact equality gives 0.
"""

from __future__ import annotations

import numpy as np


def step_level(
    rewards: np.ndarray, mask: np.ndarray, *, std_floor: float | np.ndarray = 0.0
) -> np.ndarray:
    """Rewards (N, T) to step-level advantages (N, T) among the arms alive at each step.

    `mask` (N, T) is True where arm i still runs at step t. `std_floor`, a scalar or (T,), is in
    units of reward per step. Live columns sum to 0.
    """
    rewards, mask = np.asarray(rewards, dtype=np.float64), np.asarray(mask, dtype=bool)
    assert rewards.shape == mask.shape, "one mask entry per reward"
    return z_score(rewards, mask, std_floor=std_floor)


def damping(phi: np.ndarray, mask: np.ndarray, std_floor: float) -> np.ndarray:
    """Factor (T,) in [0, 1] for step-level advantages: std of Φ over the live arms / floor.

    Arms whose stage progress Φ (N, T), in [0, 1], differs by less than the floor count as alike
    in proportion. In `level` mode, where R = Φ / T_max, this is the floor on the z-score's own
    standard deviation, without the need to know T_max. A floor of 0 gives 1: no damping.
    """
    phi, mask = np.asarray(phi, dtype=np.float64), np.asarray(mask, dtype=bool)
    if std_floor == 0:
        return np.ones(phi.shape[1])
    _, std, _ = _moments(phi, mask & ~np.isnan(phi))
    return np.minimum(1.0, std / std_floor)


def trajectory_level(
    returns: np.ndarray, mask: np.ndarray | None = None, *, std_floor: float = 0.0
) -> np.ndarray:
    """Returns (N,) to trajectory-level advantages (N,); `mask` (N,) drops arms from the group."""
    returns = np.asarray(returns, dtype=np.float64)
    alive = np.ones(len(returns), dtype=bool) if mask is None else np.asarray(mask, dtype=bool)
    return z_score(returns[:, None], alive[:, None], std_floor=std_floor)[:, 0]


def fuse(
    step: np.ndarray, trajectory: np.ndarray, step_weight: float, trajectory_weight: float
) -> np.ndarray:
    """α₁ step (N, T) + α₂ trajectory (N,), the paper's equation for A[i,t]."""
    return step_weight * step + trajectory_weight * trajectory[:, None]


def z_score(
    values: np.ndarray, mask: np.ndarray, *, std_floor: float | np.ndarray = 0.0
) -> np.ndarray:
    """(N, T) to z-scores down each column over its masked entries; 0 elsewhere.

    A NaN counts as an absent entry: no comparison with it means anything, so its arm gets
    advantage 0 at that step (the KL term still applies) and the others are compared without it.
    """
    alive = mask & ~np.isnan(values)
    centred, std, comparable = _moments(values, alive)
    scale = np.maximum(std, std_floor)
    # A gap so small that its square underflows leaves std 0 although the values differ.
    usable = comparable & (scale > 0)
    return np.where(usable, centred / np.where(usable, scale, 1.0), 0.0)


def _moments(values: np.ndarray, alive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per column: deviations from the mean (N, T), std (T,), and whether there is a difference."""
    count = alive.sum(axis=0)
    mean = np.where(alive, values, 0.0).sum(axis=0) / np.maximum(count, 1)
    # Equal values must give exactly 0, but their mean can be off by one rounding, which a z-score
    # would turn into ±1. Compare the values themselves, not the rounded differences.
    highest = np.where(alive, values, -np.inf).max(axis=0, initial=-np.inf)
    lowest = np.where(alive, values, np.inf).min(axis=0, initial=np.inf)
    comparable = (count >= 2) & (highest > lowest)
    centred = np.where(alive & comparable, values - mean, 0.0)
    std = np.sqrt((centred**2).sum(axis=0) / np.maximum(count - 1, 1))
    return centred, std, comparable
