"""From where the hand is and should be to an action of LIBERO's arm. Pure functions.

The arm's controller is critically damped around a goal that each action places anew, up to 5 cm
and 0.5 rad away per axis. Lengths in m, angles in rad, world frame.
"""

from __future__ import annotations

import numpy as np

POSITION_SCALE = 0.05  # m per unit of action
ROTATION_SCALE = 0.5  # rad per unit of action

# Far away the command saturates; the hand then moves 1.3 cm per control step. Below `_NEAR` the
# goal leads the target by half the distance, which makes up for the controller's slow last
# millimetres; a linear law as steep as needed in between would overshoot by a centimetre.
_NEAR = 0.015
_FAR = 0.033
_LEAD = 1.5
_WRIST_ENDS = -0.1  # cosine of the hand's turn from the initial one, its fingers along y


def translation(error: np.ndarray) -> np.ndarray:
    """Action (3,) in [-1, 1] towards a point that is `error` (3,) away: odd, monotonic, smooth."""
    magnitude = np.interp(np.abs(error), [0, _NEAR, _FAR], [0, _LEAD * _NEAR / POSITION_SCALE, 1])
    action: np.ndarray = np.sign(error) * magnitude
    return action


def hand_rotation(yaw: float, lean: float, away: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) of a grip site that points down, its fingers' line at `yaw`.

    `lean` tilts the hand's upper end against the horizontal unit vector `away` (2,).
    """
    cos, sin = np.cos(yaw), np.sin(yaw)
    upright = np.array([[-sin, cos, 0.0], [cos, sin, 0.0], [0.0, 0.0, -1.0]])
    return _rotation(np.array([away[1], -away[0], 0.0]) * lean) @ upright


def turn_between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Rotation vector (3,), world frame, that turns orientation `start` (3, 3) into `end`.

    A hand turned by half a turn around its own axis grips alike: the shorter way is taken, unless
    it ends where the wrist does.
    """
    alike = (end, end @ np.diag([-1.0, -1.0, 1.0]))
    turns = [_rotation_vector(goal @ start.T) for goal in alike if goal[1, 0] > _WRIST_ENDS]
    return min(turns, key=lambda turn: float(np.linalg.norm(turn)))


def rotation(turn: np.ndarray) -> np.ndarray:
    """Action (3,) in [-1, 1] for a rotation vector (3,) that is left to turn."""
    action: np.ndarray = np.clip(turn / ROTATION_SCALE, -1.0, 1.0)
    return action


def _rotation(vector: np.ndarray) -> np.ndarray:
    """Rodrigues' formula; a zero vector is the identity."""
    angle = float(np.linalg.norm(vector))
    if angle == 0.0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    matrix: np.ndarray = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return matrix


def _rotation_vector(matrix: np.ndarray) -> np.ndarray:
    """Axis times angle of a rotation by less than half a turn; zero for the identity."""
    axis = np.array(
        [
            matrix[2, 1] - matrix[1, 2],
            matrix[0, 2] - matrix[2, 0],
            matrix[1, 0] - matrix[0, 1],
        ]
    )
    sine = float(np.linalg.norm(axis)) / 2
    if sine < 1e-9:
        return np.zeros(3)
    angle = float(np.arctan2(sine, (np.trace(matrix) - 1) / 2))
    vector: np.ndarray = axis / (2 * sine) * angle
    return vector
