"""Generalised advantage estimation (arXiv 1506.02438, equations 11 and 16). Pure."""

from __future__ import annotations

import numpy as np


def generalized_advantages(
    rewards: np.ndarray, values: np.ndarray, final: float, *, discount: float, trace: float
) -> np.ndarray:
    """Advantages (T,) of the decisions of one trajectory.

        δ_t = R_t + γ V_{t+1} - V_t          A_t = δ_t + γ λ A_{t+1}

    `values` (T,) are V of the states that decisions were taken in, `final` V of the last state:
    0 where the episode is over. λ = 0 trusts the critic, λ = 1 the rewards alone.
    """
    following = np.append(values[1:], final) if len(values) else values
    errors = rewards + discount * following - values
    advantages = np.zeros(len(errors))
    ahead = 0.0
    for step in reversed(range(len(errors))):
        ahead = errors[step] + discount * trace * ahead
        advantages[step] = ahead
    return advantages


def normalized(tables: list[np.ndarray]) -> list[np.ndarray]:
    """Advantages of all trajectories less their mean, over their standard deviation."""
    every = np.concatenate(tables) if tables else np.zeros(0)
    lowest, height = every.min(initial=np.inf), np.ptp(every) if len(every) else 0.0
    if height == 0:  # the mean of equal numbers can be rounded away from them
        return [np.zeros(len(table)) for table in tables]
    # In [0, 1]: no square underflows, and the mean of neighbouring numbers lies between them.
    units = (every - lowest) / height
    mean, spread = units.mean(), units.std()
    return [((table - lowest) / height - mean) / spread for table in tables]
