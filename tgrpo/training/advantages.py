"""A group to advantages: z-scores over the arms, at each step, of the returns and in each stage.

TGRPO (arXiv 2506.08440): A_step[i,t] is the z-score of R[·,t] over the group, A_traj[i] that of
the returns Σ_t R[i,t], both with N - 1 in the standard deviation, and

    A[i,t] = α₁ A_step[i,t] + α₂ A_traj[i].

A third level is ours: A_stage[i,t] compares arms in the stage that decision (i,t) is taken in,
whenever each of them was there (`stage_level`); it is added with a weight α₃.

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


def stage_level(
    phi: np.ndarray, stages: np.ndarray, mask: np.ndarray, *, std_floor: float = 0.0
) -> np.ndarray:
    """Φ (N, T+1) to stage-level advantages (N, T): what an arm gains while it is in a stage.

    `phi[:, t]` is Φ before decision t, `stages` (N, T) the stage that decision t is taken in, an
    index >= 0, `mask` (N, T) what is compared. With D(i,k) the decisions of arm i in stage k and
    V(i,k) the number of its visits there, runs of decisions that are all in k,

        g[i,k]       = 1/V(i,k) Σ_{t ∈ D(i,k)} (Φ[i,t+1] - Φ[i,t])      the mean gain of a visit
        A_stage[i,t] = z-score of g[·,k] over the arms with D(·,k) ≠ ∅,  k = stages[i,t]

    Within a visit the sum telescopes to Φ after it less Φ before: how far the stage was brought,
    with what it cost to fall back to an earlier one. It is not the return within the stage, which
    in `level` mode pays an arm for staying; and it is a mean over visits, or an arm that drops
    the object and has to `reach` again would be praised for reaching twice. For each stage the
    advantages of the arms in it, once each, sum to 0. `std_floor` is in units of Φ.
    """
    stages, mask = np.asarray(stages, dtype=np.int64), np.asarray(mask, dtype=bool)
    assert phi.shape == (len(stages), stages.shape[1] + 1), "Φ before and after every decision"
    begins = mask & ~_continues(stages, mask)
    inside = _one_hot(stages) & mask[:, :, None]  # (N, T, K)
    visits = (inside & begins[:, :, None]).sum(axis=1)
    steps = np.where(inside, np.diff(phi, axis=1)[:, :, None], 0.0)
    gains = steps.sum(axis=1) / np.maximum(visits, 1)
    scores = z_score(gains, visits > 0, std_floor=std_floor)
    return np.where(mask, np.take_along_axis(scores, stages, axis=1), 0.0)


def _continues(stages: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(N, T): where the decision before was taken in the same stage."""
    same = np.zeros(stages.shape, dtype=bool)
    same[:, 1:] = (stages[:, 1:] == stages[:, :-1]) & mask[:, :-1]
    return same


def _one_hot(stages: np.ndarray) -> np.ndarray:
    """(N, T) to (N, T, K), K one more than the largest index."""
    return stages[:, :, None] == np.arange(stages.max(initial=0) + 1)


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
    # Equal values must give exactly 0, but their mean can be off by one rounding, which a z-score
    # would turn into ±1. Compare the values themselves, not the rounded differences.
    highest = np.where(alive, values, -np.inf).max(axis=0, initial=-np.inf)
    lowest = np.where(alive, values, np.inf).min(axis=0, initial=np.inf)
    comparable = (count >= 2) & (highest > lowest)
    # From the lowest: the mean of two neighbouring numbers would be rounded to one of them.
    above = np.where(alive & comparable, values - np.where(comparable, lowest, 0.0), 0.0)
    mean = above.sum(axis=0) / np.maximum(count, 1)
    centred = np.where(alive & comparable, above - mean, 0.0)
    std = np.sqrt((centred**2).sum(axis=0) / np.maximum(count - 1, 1))
    return centred, std, comparable
