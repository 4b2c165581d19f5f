"""A group to one advantage per decision: which levels an algorithm takes, and with what weight.

tgrpo         α₁ step + α₂ trajectory
tgrpo-stage   α₁ step + α₂ trajectory + α₃ stage
grpo          trajectory alone (DeepSeekMath, arXiv 2402.03300, outcome supervision)
step          step alone
stage         stage alone
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tgrpo.config import Algorithm, LearnerConfig
from tgrpo.training import advantages as adv
from tgrpo.trajectory import Ending, Group, Trajectory


@dataclass(frozen=True, slots=True)
class Levels:
    """The weight of each level: α₁, α₂, α₃. A level of weight 0 is not computed."""

    step: float = 0.0
    trajectory: float = 0.0
    stage: float = 0.0


def levels(algorithm: Algorithm, config: LearnerConfig) -> Levels:
    """The levels of an algorithm; `config` holds the weights of those that fuse several."""
    match algorithm:
        case "tgrpo":
            return Levels(config.step_weight, config.trajectory_weight)
        case "tgrpo-stage":
            return Levels(config.step_weight, config.trajectory_weight, config.stage_weight)
        case "grpo":
            return Levels(trajectory=1.0)
        case "step":
            return Levels(step=1.0)
        case "stage":
            return Levels(stage=1.0)
        case _:
            raise ValueError(f"{algorithm} compares no levels")


def advantages(groups: Sequence[Group], config: LearnerConfig, weights: Levels) -> list[np.ndarray]:
    """Advantages (N, T) of each group by itself."""
    return [group_advantages(group, config, weights) for group in groups]


def group_advantages(group: Group, config: LearnerConfig, weights: Levels) -> np.ndarray:
    """Advantages (N, T) of a group, T its longest trajectory; 0 after an arm's own end."""
    mask = decision_mask(group)
    total = np.zeros(mask.shape)
    if weights.step:
        total += weights.step * _step_table(group, config, mask)
    if weights.trajectory:
        total += weights.trajectory * _trajectory_column(group, config)[:, None]
    if weights.stage:
        total += weights.stage * _stage_table(group, config, mask)
    return total * mask


def decision_mask(group: Group) -> np.ndarray:
    """(N, T): True where arm i takes a decision t."""
    lengths = np.array([len(trajectory) for trajectory in group.trajectories])
    return np.arange(lengths.max(initial=0)) < lengths[:, None]


def rewards_of(trajectory: Trajectory, config: LearnerConfig) -> np.ndarray:
    """(T,): the program's rewards, or with `reward = "sparse"` 1 in the step that succeeds."""
    if config.reward == "dense":
        return trajectory.rewards
    rewards = np.zeros(len(trajectory))
    if trajectory.ending is Ending.SUCCESS and len(rewards):
        rewards[-1] = 1.0
    return rewards


def _step_table(group: Group, config: LearnerConfig, mask: np.ndarray) -> np.ndarray:
    rewards = _padded([rewards_of(item, config) for item in group.trajectories], mask.shape)
    phi = _padded([item.phi for item in group.trajectories], mask.shape)
    return adv.step_level(rewards, mask) * adv.damping(phi, mask, config.std_floor)


def _trajectory_column(group: Group, config: LearnerConfig) -> np.ndarray:
    returns = np.array([rewards_of(item, config).sum() for item in group.trajectories])
    return adv.trajectory_level(returns, std_floor=config.std_floor)


def _stage_table(group: Group, config: LearnerConfig, mask: np.ndarray) -> np.ndarray:
    arms, (count, longest) = group.trajectories, mask.shape
    phi = _padded([np.append(arm.start_phi, arm.phi) for arm in arms], (count, longest + 1))
    stages = _padded([stages_before(arm) for arm in arms], mask.shape).astype(np.int64)
    compared = mask & _padded([~unfinished(arm) for arm in arms], mask.shape).astype(bool)
    return adv.stage_level(phi, stages, compared, std_floor=config.stage_std_floor)


def stages_before(trajectory: Trajectory) -> np.ndarray:
    """(T,): the stage in which each decision is taken, as an index of `stage_keys`.

    `Trajectory.stages[t]` is read after action t, and the action that completes a stage belongs
    to the stage that it completes.
    """
    return np.append(trajectory.start_stage, trajectory.stages)[: len(trajectory)]


def unfinished(trajectory: Trajectory) -> np.ndarray:
    """(T,): decisions of a visit that the synchronous stop cut off.

    What the stage would have come to is not known, so the arm is not compared there.
    """
    stages = stages_before(trajectory)
    if trajectory.ending is not Ending.CUT or not len(stages):
        return np.zeros(len(stages), dtype=bool)
    running = stages == trajectory.stages[-1]
    return np.logical_and.accumulate(running[::-1])[::-1]


def _padded(rows: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """One array per arm to (N, T), padded with zeros."""
    table = np.zeros(shape)
    for arm, row in enumerate(rows):
        table[arm, : len(row)] = row
    return table
