"""A hand that moves a drawer, door or knob to and fro by its handle. Lengths in m, angles in rad.

It comes from above, puts its fingers across the handle, along the way that the handle moves, and
then follows that way in both directions. A handle that something hangs over cannot be had so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import rewardlang
from tgrpo.scripted import servo
from tgrpo.scripted.grasps import rotation_of, yaw_of
from tgrpo.scripted.joints import MovingPart
from tgrpo.scripted.sight import Sight, action_of

_OPEN, _CLOSED = -1.0, 1.0
_DEPTH = 0.012  # of the grip site below the handle's top
_ABOVE = 0.05  # of the grip site above the handle on its way there
_INSET = 0.012  # of the place of the grip from the handle's end, where it is held there
_NEAR_AXIS = 0.03  # a handle whose middle is so near to its hinge is held at its end
_OVER, _DOWN = 0.012, 0.015  # off the grip, horizontally and in height: go down, close
_LOST = 0.04
_CLOSING_STEPS = 8
_LEAD = 0.03  # of the place that the hand makes for, along the way
_YAW_DEAD, _TILT_DEAD = 0.1, 0.25  # turns left uncorrected, as the demonstrator's
_STALLED_STEPS = 20  # without `_STEP` of the way: turn back
_STEP = 0.02  # of the way between closed and open
_PATIENCE = 130  # control steps within which `_LEAST` of that way must have been made
_LEAST = 0.25
_SHORT, _BEYOND = 0.2, 0.1  # of that way: this far from an end that is the goal, past another


class OpenAndClose:
    """One episode with one part. Raises rewardlang.UnsupportedScriptError, saying why."""

    def __init__(self, sight: Sight, part: str):
        scene = sight.simulation.scene
        found = rewardlang.handle_of(scene, part) if part in scene.kinds else None
        if found is None:
            raise rewardlang.UnsupportedScriptError(f"`{part}` has no handle to open it by")
        self._sight, self._part = sight, part
        self._look = sight.held_by(part)
        self._joint = MovingPart(sight.simulation, found[0])
        self._bounds = _bounds(scene, part)
        self._course = _Course(self._joint.share)
        self._held = 0  # steps since the fingers began to close; 0 while they are open

    def act(self) -> np.ndarray:
        self._course.steps += 1
        if self._held:
            self._course.look(self._joint.share, self._bounds)
        if self._course.hopeless:
            raise rewardlang.UnsupportedScriptError(
                f"the hand, which comes from above, cannot move `{self._part}` by its handle"
            )
        grip, way = self._grip()
        off = grip - self._sight.hand
        turn = self._turn(way)
        if self._held and float(np.linalg.norm(off)) > _LOST:
            self._held = 0
        if self._held:
            self._held += 1
            return self._move(off, way, turn)
        return self._approach(off, turn)

    def _grip(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the grip site belongs (3,), and the horizontal way (3,) on which the part opens."""
        box = self._look()
        point = box.centre.copy()
        if self._joint.distance(point) < _NEAR_AXIS:
            longest = max(box.sides, key=lambda side: box.half[side])
            end = box.axes[:, longest] * (box.half[longest] - _INSET)
            hand = self._sight.hand
            point = min((point + end, point - end), key=lambda at: np.linalg.norm((at - hand)[:2]))
        point[2] = box.top - _DEPTH
        return point, self._joint.way(point)

    def _approach(self, off: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """Down a cone until it is right above, so that it meets nothing on its way."""
        distance = float(np.hypot(off[0], off[1]))
        if distance > _OVER or bool(turn.any()):
            above = np.array([0.0, 0.0, max(_ABOVE, distance)])
            return _action(off + above, turn, _OPEN)
        if abs(float(off[2])) < _DOWN:
            self._held = 1
        return _action(off, turn, _OPEN)

    def _move(self, off: np.ndarray, way: np.ndarray, turn: np.ndarray) -> np.ndarray:
        if self._held <= _CLOSING_STEPS:
            return _action(off, turn, _CLOSED)
        return _action(off + self._course.direction * _LEAD * way, turn, _CLOSED)

    def _turn(self, way: np.ndarray) -> np.ndarray:
        """What is left to turn (3,) until the fingers' line lies along the way."""
        rotation = rotation_of(self._sight.simulation.observe().robot[3:7].astype(np.float64))
        wanted = servo.hand_rotation(yaw_of(way[:2]), 0.0, np.array([1.0, 0.0]))
        turn = servo.turn_between(rotation, wanted)
        near = abs(turn[2]) < _YAW_DEAD and float(np.hypot(turn[0], turn[1])) < _TILT_DEAD
        return np.zeros(3) if near else turn


@dataclass(slots=True)
class _Course:
    """Which way it goes: it turns back at either end, and where it does not get on."""

    first: float  # shares of the way
    direction: float = 1.0  # 1 opening, -1 closing
    steps: int = 0
    seen: tuple[float, float] = field(init=False)
    last: float = field(init=False)  # where it last got on
    since: int = 0  # steps since then

    def __post_init__(self) -> None:
        self.seen, self.last = (self.first, self.first), self.first
        self.direction = 1.0 if self.first < 0.5 else -1.0

    @property
    def hopeless(self) -> bool:
        return self.steps > _PATIENCE and self.seen[1] - self.seen[0] < _LEAST

    def look(self, share: float, bounds: tuple[float, float]) -> None:
        self.seen = min(self.seen[0], share), max(self.seen[1], share)
        low, high = bounds
        if abs(share - self.last) >= _STEP:
            self.last, self.since = share, 0
        self.since += 1
        end = share >= high if self.direction > 0 else share <= low
        if end or self.since > _STALLED_STEPS:
            self.direction, self.since = -self.direction, 0


def _bounds(scene: rewardlang.Scene, part: str) -> tuple[float, float]:
    """Shares of the way between which it goes: past what the goal does not ask for."""
    asked = {atom[0] for atom in scene.goal if part in atom[1:]}
    low = _SHORT if asked & {"close", "turnoff"} else 0.0
    high = 1.0 - _SHORT if asked & {"open", "turnon"} else 1.0 + _BEYOND
    return low, high


def _action(way: np.ndarray, turn: np.ndarray, fingers: float) -> np.ndarray:
    action = action_of(servo.translation(way), fingers)
    action[3:6] = servo.rotation(turn)
    return action
