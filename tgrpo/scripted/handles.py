"""How to take hold of a handle so as to move its part: planned from poses, no memory.

Drawers and doors are opened by closed fingertips that press on the handle from above and drag it
along, and pushed shut by them: they move at a touch, and so there need be no room behind a handle.
In front of a drawer the hand leans over, so that nothing above the handle is in its way. Knobs are
held between the fingers. Lengths in m, angles in rad, world frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tgrpo.scripted import servo
from tgrpo.scripted.grasps import FINGERTIP_DEPTH, Box, yaw_of
from tgrpo.scripted.joints import MovingPart

_LEAN = 0.6  # of the hand in front of a drawer
_PRESS = 0.012  # of the fingertips into the handle's top
_PAD = 0.009  # half the thickness of a fingertip
_DEPTH = 0.012  # of the grip site below the top of what it pinches
_INSET = 0.012  # of the place of the grip from a knob's end
_NEAR_AXIS = 0.03  # of a knob's middle from its hinge, at most
_REACH_DOWN = 0.02  # of the fingertips below the top of what they push
_UP = np.array([0.0, 0.0, 1.0])
_STRAIGHT = np.array([1.0, 0.0])  # any direction does for a hand that does not lean


@dataclass(frozen=True, slots=True)
class Hold:
    """Where the hand belongs, and how it gets there and on.

    `point` (3,) of the grip site; `rotation` (3, 3) of the hand; `pinch`: the fingers close there,
    else they are closed all the time; `back` (3,): unit vector along which the hand comes and
    leaves; `way` (3,): horizontal unit vector in which the handle is to go.
    """

    point: np.ndarray
    rotation: np.ndarray
    pinch: bool
    back: np.ndarray
    way: np.ndarray


def hold_of(part: MovingPart, handle: Box, hand: np.ndarray, *, forth: bool) -> Hold:
    """How a hand whose grip site is at `hand` (3,) moves the part: `forth`, open or on, or back."""
    if part.distance(handle.centre) < _NEAR_AXIS:
        return _pinch(part, handle, hand, forth=forth)
    return _press(part, handle) if forth else _push(part, handle)


def _press(part: MovingPart, handle: Box) -> Hold:
    out = part.way(handle.centre)
    tips = np.array([*handle.centre[:2], handle.top - _PRESS])
    return _beside(part, tips, out, back=_UP, way=out)


def _push(part: MovingPart, handle: Box) -> Hold:
    out = part.way(handle.centre)
    tips = handle.centre + out * (_PAD + np.abs(out) @ handle.reach)
    tips[2] = max(tips[2], handle.top - _REACH_DOWN)
    return _beside(part, tips, out, back=out, way=-out)


def _beside(
    part: MovingPart, tips: np.ndarray, out: np.ndarray, *, back: np.ndarray, way: np.ndarray
) -> Hold:
    """With the fingertips at `tips`, their line along the part's front, the upper end `out`."""
    along = np.cross(_UP, out)
    rotation = servo.hand_rotation(yaw_of(along), _LEAN if part.slides else 0.0, -out[:2])
    point = tips - FINGERTIP_DEPTH * rotation[:, 2]
    return Hold(point, rotation, pinch=False, back=back, way=way)


def _pinch(part: MovingPart, handle: Box, hand: np.ndarray, *, forth: bool) -> Hold:
    """At that end of the handle which is nearer to the hand: its middle is the axis."""
    longest = max(handle.sides, key=lambda side: handle.half[side])
    end = handle.axes[:, longest] * (handle.half[longest] - _INSET)
    ends = (handle.centre + end, handle.centre - end)
    point = min(ends, key=lambda at: np.linalg.norm((at - hand)[:2]))
    point[2] = handle.top - _DEPTH
    way = part.way(point) if forth else -part.way(point)
    rotation = servo.hand_rotation(yaw_of(way), 0.0, _STRAIGHT)
    return Hold(point, rotation, pinch=True, back=_UP, way=way)
