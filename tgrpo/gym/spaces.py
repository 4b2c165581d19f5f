"""Observations and actions as Gymnasium's spaces."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from tgrpo.simulation.model_cache import compiled_task
from tgrpo.tasks import Task
from tgrpo.trajectory import ACTION_DIM, OBJECT_DIM, ROBOT_DIM, Observation

# What of a row is a quaternion, and so within [-1, 1]; the rest are metres.
_ROBOT_QUATERNION = slice(3, 7)
_OBJECT_QUATERNION = slice(3, 7)


def observation_space(task: Task) -> spaces.Dict:
    """`robot` (9,) and `objects` (K, 7), as `tgrpo.trajectory.Observation` has them.

    K is the number of the task's objects, fixtures included. The first use of a task compiles it.
    """
    robot = np.full(ROBOT_DIM, np.inf, np.float32)
    robot[_ROBOT_QUATERNION] = 1.0
    objects = np.full((len(compiled_task(task).objects), OBJECT_DIM), np.inf, np.float32)
    objects[:, _OBJECT_QUATERNION] = 1.0
    return spaces.Dict({"robot": _symmetric(robot), "objects": _symmetric(objects)})


def action_space() -> spaces.Box:
    """Translation (3), rotation (3), gripper (1)."""
    return _symmetric(np.ones(ACTION_DIM, np.float32))


def _symmetric(high: np.ndarray) -> spaces.Box:
    return spaces.Box(-high, high, dtype=np.float32)


def as_observation(seen: Observation) -> dict[str, np.ndarray]:
    """New arrays: callers keep what they are given."""
    return {"robot": seen.robot.copy(), "objects": seen.objects.copy()}
