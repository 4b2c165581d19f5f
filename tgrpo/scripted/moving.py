"""The skill of moving a part by its handle: a drawer, a door, a knob.

The hand comes from above, puts its fingers across the handle, along the way that the handle goes,
and follows that way until the benchmark's threshold is passed. Lengths in m, angles in rad.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import rewardlang
from tgrpo.scripted import servo
from tgrpo.scripted.grasps import Box, rotation_of, yaw_of
from tgrpo.scripted.joints import MovingPart
from tgrpo.scripted.planner import Atom
from tgrpo.scripted.sight import Sight, action_of
from tgrpo.scripted.skill import Phase, atom_test
from tgrpo.simulation.envs import Simulation
from tgrpo.trajectory import Observation

_OPEN, _CLOSED = -1.0, 1.0
_DEPTH = 0.012  # of the grip site below the handle's top
_ABOVE = 0.05  # of the grip site above the handle on its way there
_INSET = 0.012  # of the place of the grip from the handle's end, where it is held there
_NEAR_AXIS = 0.03  # a handle whose middle is so near to its hinge is held at its end
_OVER, _DOWN = 0.012, 0.015  # off the grip, horizontally and in height: go down, close
_LOST = 0.04
_STALLED = 0.0004  # fingers that moved less are held up by the handle
_LEAD = 0.03  # of the place that the hand makes for, along the way
_LEFT = 0.05  # above the handle: the hand has left it
_BEYOND = 0.05  # of the way between the benchmark's thresholds: so far past the goal's
_YAW_DEAD, _TILT_DEAD = 0.1, 0.25  # turns left uncorrected, as those of placing


@dataclass(slots=True)
class _Memory:
    """Hysteresis: what a single look at the state leaves open."""

    closing: bool = False  # from reaching the grip until losing it or letting go
    leaving: bool = False  # from letting go until the hand is off the handle
    last_width: float = np.inf  # while closing


@dataclass(frozen=True, slots=True)
class _View:
    """What the skill looks at in one control step."""

    hand: np.ndarray  # (3,) grip site
    rotation: np.ndarray  # (3, 3) of the grip site
    width: float  # distance of the finger pads
    handle: Box
    grip: np.ndarray  # (3,) where the grip site belongs
    way: np.ndarray  # (3,) horizontal unit vector in which the handle is to go
    share: float  # of the way to the goal's threshold, from the opposite one


class Moving:
    """Opens, closes or switches one part, as its atom says."""

    phase: Phase

    def __init__(self, simulation: Simulation, atom: Atom):
        found = rewardlang.handle_of(simulation.scene, atom[1])
        assert found is not None, f"no handle of {atom[1]}: the planner lets none through"
        self._part = MovingPart(simulation, found[0])
        self._look_at_handle = Sight(simulation).held_by(atom[1])
        self._forth = atom[0] in ("open", "turnon")
        self._holds = atom_test(simulation, atom)
        self.reset()

    def reset(self) -> None:
        """Forget what was."""
        self._memory = _Memory()
        self.phase = Phase.APPROACH

    @property
    def engaged(self) -> bool:
        """From closing the fingers until the hand has left the handle."""
        return self._memory.closing or self._memory.leaving

    def holds(self) -> bool:
        """The benchmark's own test."""
        return self._holds()

    def act(self, observation: Observation) -> np.ndarray:
        """The action (7,) in [-1, 1] for what the simulation shows now."""
        view = self._look(observation)
        held = self._decide(view)
        action = action_of(
            servo.translation(self._way(view, held)), _CLOSED if self._memory.closing else _OPEN
        )
        action[3:6] = servo.rotation(_turn(view))
        return action

    def _look(self, observation: Observation) -> _View:
        robot = observation.robot.astype(np.float64)
        handle = self._look_at_handle()
        grip = self._grip(handle, robot[:3])
        sign, share = (1.0, self._part.share) if self._forth else (-1.0, 1.0 - self._part.share)
        return _View(
            hand=robot[:3],
            rotation=rotation_of(robot[3:7]),
            width=float(robot[7] - robot[8]),
            handle=handle,
            grip=grip,
            way=sign * self._part.way(grip),
            share=share,
        )

    def _grip(self, handle: Box, hand: np.ndarray) -> np.ndarray:
        """The handle's middle, or where that is the axis, its nearer end."""
        point = handle.centre.copy()
        if self._part.distance(point) < _NEAR_AXIS:
            longest = max(handle.sides, key=lambda side: handle.half[side])
            end = handle.axes[:, longest] * (handle.half[longest] - _INSET)
            point = min((point + end, point - end), key=lambda at: np.linalg.norm((at - hand)[:2]))
        point[2] = handle.top - _DEPTH
        return point

    def _decide(self, view: _View) -> bool:
        """Update the hysteresis; returns whether the handle is held."""
        memory = self._memory
        off = view.grip - view.hand
        done = view.share > 1.0 + _BEYOND
        if memory.closing:
            memory.leaving = done
            memory.closing = not done and float(np.linalg.norm(off)) < _LOST
        elif memory.leaving:
            memory.leaving = float(view.hand[2]) < view.handle.top + _LEFT
        else:
            level = abs(float(off[2])) < _DOWN and float(np.hypot(off[0], off[1])) < _OVER
            memory.closing = level and not _turn(view).any()
        held = memory.closing and view.width > memory.last_width - _STALLED
        memory.last_width = view.width if memory.closing else np.inf
        return held

    def _way(self, view: _View, held: bool) -> np.ndarray:
        """Where the hand should go next, relative to where it is (3,)."""
        off = view.grip - view.hand
        if held:
            self.phase = Phase.CARRY
            return off + _LEAD * view.way
        if self._memory.closing:
            self.phase = Phase.CLOSE
            return off
        if self._memory.leaving:
            self.phase = Phase.RELEASE
            return np.array([0.0, 0.0, _LEFT])
        self.phase = Phase.APPROACH
        distance = float(np.hypot(off[0], off[1]))
        if distance < _OVER and not _turn(view).any():
            return off
        # Down a cone until right above, so that it meets nothing on its way.
        return off + np.array([0.0, 0.0, max(_ABOVE, distance)])


def _turn(view: _View) -> np.ndarray:
    """What is left to turn (3,) until the fingers' line lies along the way; exactly 0 if near."""
    wanted = servo.hand_rotation(yaw_of(view.way), 0.0, np.array([1.0, 0.0]))
    turn = servo.turn_between(view.rotation, wanted)
    near = abs(turn[2]) < _YAW_DEAD and float(np.hypot(turn[0], turn[1])) < _TILT_DEAD
    return np.zeros(3) if near else turn
