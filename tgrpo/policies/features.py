"""State -> numbers a small network can use. No parameters, nothing fitted to a dataset.

Lengths appear at several scales through tanh(x / scale): a millimetre matters near contact, ten
centimetres matter far away, and everything stays bounded on states that no demonstration has
shown. Positions of objects are given in the world and relative to the end effector (along the
world's axes, in which translation actions are expressed, and along the gripper's).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tgrpo.trajectory import OBJECT_DIM, ROBOT_DIM

_NEAR = (0.005, 0.02, 0.06, 0.2, 0.6)  # m: relative positions
_FAR = (0.1, 0.3, 1.0)  # m: positions in the world
_HEIGHT = (0.02, 0.06, 0.2, 0.6)  # m: heights of the end effector
_FINGER_OPEN = 0.04  # m: a Panda finger's travel
_APERTURE_CENTRES = 9  # bumps over the opening of the gripper, 1 cm apart

ROBOT_FEATURES = 3 * len(_FAR) + len(_HEIGHT) + 6 + 2 + _APERTURE_CENTRES
OBJECT_FEATURES = 6 * len(_NEAR) + 2 * len(_NEAR) + 1 + 3 * len(_FAR) + 6 + 6


def state_features(robot: Tensor, objects: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 9) and (B, K, 7) to (B, ROBOT_FEATURES) and (B, K, OBJECT_FEATURES)."""
    assert robot.shape[-1] == ROBOT_DIM
    assert objects.shape[-1] == OBJECT_DIM
    quaternions = torch.cat((robot[:, None, 3:7], objects[..., 3:]), dim=1)
    rotations = rotation_matrix(quaternions)  # body -> world, the gripper's first
    robot_part = _robot_features(robot, rotations[:, 0])
    object_part = _object_features(robot[:, None, :3], rotations[:, :1], objects, rotations[:, 1:])
    return robot_part, object_part


def _robot_features(robot: Tensor, rotation: Tensor) -> Tensor:
    position, fingers = robot[:, :3], robot[:, 7:]
    aperture = (fingers[:, :1] - fingers[:, 1:]).abs() / (2 * _FINGER_OPEN)  # 0 shut, 1 open
    centres = torch.linspace(0.0, 1.0, _APERTURE_CENTRES, device=robot.device)
    bumps = torch.exp(-0.5 * ((aperture - centres) * (_APERTURE_CENTRES - 1)) ** 2)
    parts = (
        _scales(position, _FAR),
        _scales(position[:, 2:], _HEIGHT),
        rotation[..., :2].flatten(-2),
        fingers / _FINGER_OPEN,
        bumps,
    )
    return torch.cat(parts, dim=-1)


def _object_features(hand: Tensor, gripper: Tensor, objects: Tensor, rotation: Tensor) -> Tensor:
    """`hand` (B, 1, 3) and `gripper` (B, 1, 3, 3): the end effector's position and rotation."""
    to_gripper = gripper.mT
    offset = objects[..., :3] - hand
    local = (to_gripper @ offset.unsqueeze(-1)).squeeze(-1)
    horizontal = offset[..., :2].norm(dim=-1, keepdim=True)
    distance = offset.norm(dim=-1, keepdim=True)
    parts = (
        _scales(torch.cat((offset, local, horizontal, distance), dim=-1), _NEAR),
        torch.log(distance + 1e-3) / 3.0,
        _scales(objects[..., :3], _FAR),
        rotation[..., :2].flatten(-2),
        (to_gripper @ rotation)[..., :2].flatten(-2),
    )
    return torch.cat(parts, dim=-1)


def rotation_matrix(quaternion: Tensor) -> Tensor:
    """Quaternions (..., 4) in order w, x, y, z to rotation matrices (..., 3, 3).

    A zero quaternion gives a zero matrix rather than NaN.
    """
    unit = functional.normalize(quaternion, dim=-1, eps=1e-8)
    products = (unit.unsqueeze(-1) * unit.unsqueeze(-2)).flatten(-2)  # qᵢqⱼ
    return (products @ _ROTATION.to(products)).reshape(*quaternion.shape[:-1], 3, 3)


def _rotation_table() -> Tensor:
    """(16, 9): each entry of R as a combination of the products qᵢqⱼ, for |q| = 1."""
    w, x, y, z = range(4)
    entries: tuple[tuple[tuple[int, int, int], ...], ...] = (
        ((1, w, w), (1, x, x), (-1, y, y), (-1, z, z)),
        ((2, x, y), (-2, w, z)),
        ((2, x, z), (2, w, y)),
        ((2, x, y), (2, w, z)),
        ((1, w, w), (-1, x, x), (1, y, y), (-1, z, z)),
        ((2, y, z), (-2, w, x)),
        ((2, x, z), (-2, w, y)),
        ((2, y, z), (2, w, x)),
        ((1, w, w), (-1, x, x), (-1, y, y), (1, z, z)),
    )
    table = torch.zeros(16, 9)
    for column, terms in enumerate(entries):
        for factor, i, j in terms:
            table[4 * i + j, column] += factor
    return table


_ROTATION = _rotation_table()


def _scales(lengths: Tensor, scales: tuple[float, ...]) -> Tensor:
    """(..., n) in metres to (..., n * len(scales)) in [-1, 1]."""
    inverse = torch.tensor([1.0 / scale for scale in scales], device=lengths.device)
    return torch.tanh(lengths.unsqueeze(-1) * inverse).flatten(-2)
