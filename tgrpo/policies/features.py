"""State -> numbers a small network can use. No parameters, nothing fitted to a dataset.

Lengths appear at several scales through tanh(x / scale): a millimetre matters near contact, ten
centimetres matter far away, and everything stays bounded on states that no demonstration has
shown. Positions of objects are given in the world and relative to the end effector (along the
world's axes, in which translation actions are expressed, and along the gripper's).

Compiled loops: no row's features depend on the other rows, to the bit.
"""

# numba, not mypy, knows the types of its functions' arguments.
# mypy: disallow-untyped-defs=False

from __future__ import annotations

import math

import numba
import numpy as np

from tgrpo.trajectory import OBJECT_DIM, ROBOT_DIM

_NEAR = (0.005, 0.02, 0.06, 0.2, 0.6)  # m: relative positions
_FAR = (0.1, 0.3, 1.0)  # m: positions in the world
_HEIGHT = (0.02, 0.06, 0.2, 0.6)  # m: heights of the end effector
_FINGER_OPEN = 0.04  # m: a Panda finger's travel
_APERTURE_CENTRES = 9  # bumps over the opening of the gripper, 1 cm apart

ROBOT_FEATURES = 3 * len(_FAR) + len(_HEIGHT) + 6 + 2 + _APERTURE_CENTRES
OBJECT_FEATURES = 6 * len(_NEAR) + 2 * len(_NEAR) + 1 + 3 * len(_FAR) + 6 + 6


def state_features(robot: np.ndarray, objects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(B, 9) and (B, K, 7) to (B, ROBOT_FEATURES) and (B, K, OBJECT_FEATURES), float32."""
    assert robot.shape[-1] == ROBOT_DIM
    assert objects.shape[-1] == OBJECT_DIM
    robot_part = np.empty((len(robot), ROBOT_FEATURES), np.float32)
    object_part = np.empty((*objects.shape[:2], OBJECT_FEATURES), np.float32)
    _fill(np.asarray(robot, np.float64), np.asarray(objects, np.float64), robot_part, object_part)
    return robot_part, object_part


@numba.njit(cache=True, nogil=True)
def _fill(robot, objects, robot_part, object_part):
    gripper, turned = np.empty((3, 3)), np.empty((3, 3))  # body -> world
    for row in range(len(robot)):
        rotation_matrix(robot[row, 3:7], gripper)
        _robot_features(robot[row], gripper, robot_part[row])
        for item in range(objects.shape[1]):
            rotation_matrix(objects[row, item, 3:], turned)
            _object_features(
                robot[row], gripper, objects[row, item], turned, object_part[row, item]
            )


@numba.njit(cache=True)
def _robot_features(robot, gripper, out):
    at = 0
    for axis in range(3):
        at = _scales(robot[axis], _FAR, out, at)
    at = _scales(robot[2], _HEIGHT, out, at)
    at = _two_columns(gripper, out, at)
    for finger in range(7, 9):
        out[at] = robot[finger] / _FINGER_OPEN
        at += 1
    aperture = abs(robot[7] - robot[8]) / (2 * _FINGER_OPEN)  # 0 shut, 1 open
    for centre in range(_APERTURE_CENTRES):
        out[at] = math.exp(-0.5 * (aperture * (_APERTURE_CENTRES - 1) - centre) ** 2)
        at += 1


@numba.njit(cache=True)
def _object_features(robot, gripper, item, turned, out):
    offset, relative = np.empty(3), np.empty((3, 3))
    for axis in range(3):
        offset[axis] = item[axis] - robot[axis]
    horizontal = math.sqrt(offset[0] * offset[0] + offset[1] * offset[1])
    distance = math.sqrt(horizontal * horizontal + offset[2] * offset[2])
    at = 0
    for axis in range(3):
        at = _scales(offset[axis], _NEAR, out, at)
    for axis in range(3):  # along the gripper's axes
        local = 0.0
        for i in range(3):
            local += gripper[i, axis] * offset[i]
        at = _scales(local, _NEAR, out, at)
    at = _scales(horizontal, _NEAR, out, at)
    at = _scales(distance, _NEAR, out, at)
    out[at] = math.log(distance + 1e-3) / 3.0
    at += 1
    for axis in range(3):
        at = _scales(item[axis], _FAR, out, at)
    for i in range(3):
        for j in range(3):
            relative[i, j] = 0.0
            for k in range(3):
                relative[i, j] += gripper[k, i] * turned[k, j]
    at = _two_columns(turned, out, at)
    _two_columns(relative, out, at)


@numba.njit(cache=True)
def rotation_matrix(quaternion, out):
    """Rotation (3, 3) of a quaternion (4,) in order w, x, y, z, into `out`.

    A zero quaternion gives a zero matrix rather than NaN.
    """
    square = 0.0
    for i in range(4):
        square += quaternion[i] * quaternion[i]
    length = max(math.sqrt(square), 1e-8)
    w, x = quaternion[0] / length, quaternion[1] / length
    y, z = quaternion[2] / length, quaternion[3] / length
    out[0, 0], out[0, 1], out[0, 2] = (
        w * w + x * x - y * y - z * z,
        2 * (x * y - w * z),
        2 * (x * z + w * y),
    )
    out[1, 0], out[1, 1], out[1, 2] = (
        2 * (x * y + w * z),
        w * w - x * x + y * y - z * z,
        2 * (y * z - w * x),
    )
    out[2, 0], out[2, 1], out[2, 2] = (
        2 * (x * z - w * y),
        2 * (y * z + w * x),
        w * w - x * x - y * y + z * z,
    )


@numba.njit(cache=True)
def _two_columns(matrix, out, at):
    """The first two columns of a rotation (the third is their cross product), row by row."""
    for i in range(3):
        for j in range(2):
            out[at] = matrix[i, j]
            at += 1
    return at


@numba.njit(cache=True)
def _scales(length, scales, out, at):
    """A length in metres to one number in [-1, 1] for each scale."""
    for scale in scales:
        out[at] = math.tanh(length / scale)
        at += 1
    return at
