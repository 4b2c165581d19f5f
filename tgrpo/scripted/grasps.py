"""Where and how to hold an object, planned from poses. No simulator.

A grasp is planned from the poses of the scene; the controller (`tgrpo.scripted.demonstrator`)
then follows the object with it. Lengths in m, angles in rad, world frame, quaternions w, x, y, z.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

import rewardlang
from tgrpo.scripted.grips import OTHER, STYLES, GripStyle, Hold
from tgrpo.scripted.obstacles import Obstacles

# The Panda's hand in the frame of its grip site (x along the fingers' line, z down), open.
PALM_HEIGHT = 0.031  # from the grip site up to the palm
FINGERTIP_DEPTH = 0.009  # from the grip site down to the fingertips
MAX_WIDTH = 0.078  # distance of the finger pads
_FINGERS_HALF = np.array([0.065, 0.010])  # along and across their line, with what they sweep
_PALM_HALF = np.array([0.104, 0.032])

# The arm in the vertical plane through base and hand, the hand pointing down. The straighter the
# elbow, the more do position and orientation interfere in the operational-space controller: it
# creeps towards its goal. Leaning the hand towards the base brings the wrist back.
_SHOULDER_HEIGHT = 0.333  # above the base
_WRIST_HEIGHT = 0.204  # above the grip site
_WRIST_OFFSET = 0.088  # of the grip site from the wrist, away from the base
_COMFORTABLE_STRETCH = 0.61  # from shoulder to wrist: up to here the hand stays upright
_FAR_STRETCH = 0.665  # beyond, other grasps are preferred
_LEAN_PER_STRETCH = 10.0  # rad per m
_MAX_LEAN = 0.3

_TABLE_CLEARANCE = 0.003  # between fingertips and whatever the object stands on
_WANTED_ROOM = 0.015  # around the hand
_COST_OF_LACKING_ROOM = 2.0  # m per m
_COST_OF_TURN = 0.015  # m per rad
_COST_OF_SLIDE = 0.1  # m per m
_COST_OF_SKEW = 0.01  # m per rad
_SKEWS = (-0.8, 0.8)  # of the fingers' line from the radius of a rim, where that lacks room
_COS_OF_HANDLE = 0.6  # of the angle from the handle within which a rim is not held


@dataclass(frozen=True, slots=True)
class Box:
    """A box in the world: `centre` (3,), `axes` (3, 3) with columns the box's axes, `half` (3,)."""

    centre: np.ndarray
    axes: np.ndarray
    half: np.ndarray

    @classmethod
    def of(cls, thing: rewardlang.Object, pose: np.ndarray) -> Box:
        """The box around an object whose root body is at `pose` (7,)."""
        axes = rotation_of(pose[3:])
        return cls(pose[:3] + axes @ np.array(thing.centre), axes, np.array(thing.half_extents))

    @property
    def reach(self) -> np.ndarray:
        """Half extents (3,) of the box around this one along the world's axes."""
        reach: np.ndarray = np.abs(self.axes) @ self.half
        return reach

    @property
    def top(self) -> float:
        return float(self.centre[2] + self.reach[2])

    @property
    def bottom(self) -> float:
        return float(self.centre[2] - self.reach[2])

    @property
    def radius(self) -> float:
        """Of the footprint: the larger half extent along the world's horizontal axes."""
        return float(self.reach[:2].max())

    @property
    def lid(self) -> np.ndarray:
        """From the centre to the middle of the uppermost face (3,)."""
        up = int(np.argmax(np.abs(self.axes[2])))
        lid: np.ndarray = self.axes[:, up] * self.half[up] * np.sign(self.axes[2, up])
        return lid

    @property
    def sides(self) -> tuple[int, int]:
        """The two axes farthest from the vertical."""
        first, second = sorted(np.argsort(np.abs(self.axes[2]))[:2])
        return int(first), int(second)


@dataclass(frozen=True, slots=True)
class Grasp:
    """Grip site = object's position + `offset` (3,); fingers close along the line at `yaw`.

    `yaw`: angle of the fingers' line from the world's y axis, in (-pi/2, pi/2]. `lean`: of the
    hand from the vertical, towards the robot's base. `width`: distance of the pads at which the
    object counts as held. `room`: free space around the hand, negative where it would touch.
    """

    offset: np.ndarray
    yaw: float
    width: float
    lean: float = 0.0
    room: float = np.inf


@dataclass(frozen=True, slots=True)
class _Candidate:
    style: GripStyle
    point: np.ndarray  # of the grip site
    yaw: float
    slide: float = 0.0
    skew: float = 0.0


def plan_grasp(
    category: str,
    position: np.ndarray,
    box: Box,
    obstacles: Obstacles,
    *,
    base: np.ndarray,
    move: np.ndarray,
    cost_of_release: Callable[[np.ndarray, float], float] = lambda *_: 0.0,
) -> Grasp:
    """The cheapest grasp of the object at `position` (3,) that keeps the hand clear.

    `base` (3,): the robot's; `move` (3,): how far the object is to go; `cost_of_release`: room in
    m that is missing there, of a grip site that is now at a point (3,) and a yaw. Cost, in m: room
    that is missing around the hand here and there, stretching the arm too far at either end of the
    move, turning the hand, leaving the middle of the object.
    """
    styles = STYLES.get(category, OTHER)

    def cost(candidate: _Candidate) -> float:
        ends = (candidate.point, candidate.point + move)
        stretch = max(_stretch(end - base) for end in ends)
        room = room_around(candidate.point, candidate.yaw, obstacles)
        return (
            _COST_OF_LACKING_ROOM * max(0.0, _WANTED_ROOM - room)
            + _COST_OF_LACKING_ROOM * cost_of_release(candidate.point, candidate.yaw)
            + max(0.0, stretch - _FAR_STRETCH)
            + _COST_OF_TURN * abs(candidate.yaw)
            + _COST_OF_SLIDE * abs(candidate.slide)
            + _COST_OF_SKEW * abs(candidate.skew)
        )

    candidates = [item for style in styles for item in _candidates(position, box, style)]
    best = min(candidates, key=cost)
    if room_around(best.point, best.yaw, obstacles) < _WANTED_ROOM:
        best = min([best, *_skewed(candidates)], key=cost)
    lean = (_stretch(best.point - base) - _COMFORTABLE_STRETCH) * _LEAN_PER_STRETCH
    return Grasp(
        offset=best.point - position,
        yaw=best.yaw,
        width=_width(box, best.style, best.yaw),
        lean=float(np.clip(lean, 0.0, _MAX_LEAN)),
        room=room_around(best.point, best.yaw, obstacles),
    )


def rotation_of(quaternion: np.ndarray) -> np.ndarray:
    """Rotation matrix (3, 3) of a quaternion (4,) w, x, y, z."""
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def yaw_of(axis: np.ndarray) -> float:
    """Angle of a line (3,) from the world's y axis, seen from above, in (-pi/2, pi/2]."""
    angle = float(np.arctan2(-axis[0], axis[1]))
    return -((-angle + np.pi / 2) % np.pi - np.pi / 2)


def line_of(yaw: float) -> np.ndarray:
    """Unit vector (2,) of the fingers' line: the inverse of `yaw_of`."""
    return np.array([-np.sin(yaw), np.cos(yaw)])


def room_around(point: np.ndarray, yaw: float, obstacles: Obstacles) -> float:
    """Least horizontal distance (m) of fingers and palm at `point` (3,) from what is as high.

    Negative: overlap. Infinite where nothing is as high.
    """
    along = line_of(yaw)
    axes = np.array([along, [along[1], -along[0]]])
    near_fingers = obstacles.higher_than(point[2] - FINGERTIP_DEPTH)
    near_palm = near_fingers.higher_than(point[2] + PALM_HEIGHT)
    return min(
        near_fingers.room(point[:2], axes, _FINGERS_HALF),
        near_palm.room(point[:2], axes, _PALM_HALF),
    )


def _stretch(site: np.ndarray) -> float:
    """Distance of shoulder and wrist with the grip site at `site` (3,) from the robot's base."""
    out = float(np.hypot(site[0], site[1])) - _WRIST_OFFSET
    return float(np.hypot(out, site[2] + _WRIST_HEIGHT - _SHOULDER_HEIGHT))


def _candidates(position: np.ndarray, box: Box, style: GripStyle) -> Iterator[_Candidate]:
    middle = _middle(position, box, style)
    match style.hold:
        case Hold.RIM:
            return _rim_points(middle, box, style)
        case Hold.PINCH if style.round:
            return _turned_pinches(middle, box, style)
        case Hold.PINCH:
            return _pinches(middle, box, style)


def _middle(position: np.ndarray, box: Box, style: GripStyle) -> np.ndarray:
    """Of what is held (3,), at the height of the box's middle."""
    if style.middle is None:
        return box.centre
    off = position + box.axes @ np.array([*style.middle, 0.0]) - box.centre
    up = box.lid / np.linalg.norm(box.lid)
    middle: np.ndarray = box.centre + off - (off @ up) * up
    return middle


def _pinches(middle: np.ndarray, box: Box, style: GripStyle) -> Iterator[_Candidate]:
    """Across the sides that fit between the fingers (the narrower one where none does)."""
    for side in _pinched_sides(box, style):
        other = sum(box.sides) - side
        for slide in np.linspace(-style.slide, style.slide, 9 if style.slide else 1):
            point = middle + box.axes[:, other] * slide
            point[2] = _pinch_height(box, style)
            yield _Candidate(style, point, yaw_of(box.axes[:, side]), float(slide))


def _pinched_sides(box: Box, style: GripStyle) -> list[int]:
    if style.across is not None:
        return [style.across]
    fitting = [axis for axis in box.sides if 2 * box.half[axis] < MAX_WIDTH - 0.008]
    return fitting or [min(box.sides, key=lambda axis: float(box.half[axis]))]


def _turned_pinches(middle: np.ndarray, box: Box, style: GripStyle) -> Iterator[_Candidate]:
    """Through the middle of something round, every 11.25 degrees."""
    point = np.array([middle[0], middle[1], _pinch_height(box, style)])
    for yaw in np.arange(-7, 9) * (np.pi / 16):
        yield _Candidate(style, point, float(yaw))


def _pinch_height(box: Box, style: GripStyle) -> float:
    return max(box.top - style.depth, box.bottom + FINGERTIP_DEPTH + _TABLE_CLEARANCE)


def _rim_points(middle: np.ndarray, box: Box, style: GripStyle) -> Iterator[_Candidate]:
    """On the rim every 7.5 degrees, the fingers' line along the radius."""
    assert style.width is not None, "a rim's thickness is not in the box"
    first, second = (box.axes[:, side] for side in box.sides)
    radius = style.radius or float(box.half[list(box.sides)].mean()) - style.width / 2
    for angle in np.arange(48) * (np.pi / 24):
        if style.handle is not None and np.cos(angle - style.handle) > _COS_OF_HANDLE:
            continue
        out = np.cos(angle) * first + np.sin(angle) * second
        for slide in np.linspace(0.0, style.slide, 3 if style.slide else 1):
            rim = middle + box.lid + (radius - slide) * out
            point = rim - [0.0, 0.0, style.depth]
            yield _Candidate(style, point, yaw_of(out), float(slide))


def _skewed(candidates: list[_Candidate]) -> Iterator[_Candidate]:
    """Those on a rim, with the fingers' line aslant."""
    for straight in candidates:
        if straight.style.hold is Hold.RIM and straight.slide == 0.0:
            for skew in _SKEWS:
                yaw = yaw_of(np.array([*line_of(straight.yaw + skew), 0.0]))
                yield replace(straight, yaw=yaw, skew=skew)


def _width(box: Box, style: GripStyle, yaw: float) -> float:
    """Distance of the pads on the object: the style's, else that of the box's side."""
    if style.width is not None:
        return style.width
    along = line_of(yaw)
    side = max(box.sides, key=lambda axis: abs(float(box.axes[:2, axis] @ along)))
    return 2 * float(box.half[side])
