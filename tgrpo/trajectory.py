"""What passes between simulator, policy and learner. Arrays are numpy; no torch, no mujoco."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

ROBOT_DIM = 9  # end-effector position (3), quaternion wxyz (4), finger joints (2)
OBJECT_DIM = 7  # position (3), quaternion wxyz (4)
ACTION_DIM = 7  # translation (3), rotation (3), gripper (1), each in [-1, 1]


@dataclass(frozen=True, slots=True)
class TaskContext:
    """Everything about a task that a policy may know: never the goal, program or reward."""

    suite: str
    task: str
    instruction: str
    object_names: tuple[str, ...]  # rows of `Observation.objects`; movables and fixtures
    object_categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera of the model, as LIBERO names it, and the size of its image in pixels."""

    name: str
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.height, self.width, 3)


# Camera name -> image (H, W, 3) uint8, rows from bottom to top as in LIBERO's observations. With
# leading dimensions where there are several.
Images = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Observation:
    """State of one environment: `robot` (9,) and `objects` (K, 7), float32, world frame, m.

    `images` are there when a policy asked for cameras and acts on this observation.
    """

    robot: np.ndarray
    objects: np.ndarray
    images: Images = field(default_factory=dict)


class Ending(StrEnum):
    SUCCESS = "success"
    TIMEOUT = "timeout"  # T_max reached
    CUT = "cut"  # synchronous stop: another arm of the group succeeded first
    UNSTABLE = "unstable"  # NaN or diverging physics: counted as a failure


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One episode of T decisions, each of K actions: a chunk. They are executed one after the
    other, in `steps[t]` control steps: K of them, fewer where the episode ends before.

    `log_probs` are the behaviour policy's, per token, of `tokens`, at the sampling temperature.
    `rewards[t]` is the sum over the steps of decision t; `phi[t]` and `stages[t]` are read after
    the last of them, `start_phi` and `start_stage` before the first decision. `stages[t]` indexes
    `stage_keys`: the tuple of active stage paths. `stage_values` are the largest value, in [0, 1],
    that each of the program's stages had after any step.
    """

    context: TaskContext
    split: str
    state_index: int
    arm: int
    robot: np.ndarray  # (T, 9) float32
    objects: np.ndarray  # (T, K, 7) float32
    tokens: np.ndarray  # (T, 7 K) int64, in [0, 256); action after action
    log_probs: np.ndarray  # (T, 7 K) float32
    steps: np.ndarray  # (T,) int64, in 1 … K
    rewards: np.ndarray  # (T,) float64
    phi: np.ndarray  # (T,) float64
    stages: np.ndarray  # (T,) int64
    stage_keys: tuple[tuple[str, ...], ...]
    ending: Ending
    success_at_reset: bool = False
    start_phi: float = 0.0
    start_stage: int = 0
    terms: Mapping[str, float] = field(default_factory=dict)  # parts of the reward, mean over steps
    stage_values: tuple[float, ...] = ()
    images: Images = field(default_factory=dict)  # (T, H, W, 3) of each camera its policy asked for

    @property
    def success(self) -> bool:
        return self.ending is Ending.SUCCESS

    @property
    def control_steps(self) -> int:
        """Of the simulator; T where a decision is one action."""
        return int(self.steps.sum())

    def __len__(self) -> int:
        return len(self.rewards)


@dataclass(frozen=True, slots=True)
class Group:
    """N arms that started from the same initial state under the same policy."""

    trajectories: tuple[Trajectory, ...]

    @property
    def alike(self) -> bool:
        """All arms succeeded, or none did."""
        return len({trajectory.success for trajectory in self.trajectories}) < 2
