"""The skill of dragging something flat across the table, under the fingertips of a closed hand.

For what is too wide to be held and too low to be pushed, such as a plate. The tips press on its
middle; they stick to it better than it to the table. Lengths in m.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tgrpo.scripted import servo
from tgrpo.scripted.grasps import FINGERTIP_DEPTH, Box, room_around, rotation_of
from tgrpo.scripted.obstacles import ObstacleReader
from tgrpo.scripted.placements import Goal
from tgrpo.scripted.sight import Sight, action_of
from tgrpo.scripted.skill import Phase, atom_test
from tgrpo.simulation.envs import Simulation
from tgrpo.trajectory import Observation

_CLOSED = 1.0
_ABOVE = 0.06  # of the fingertips above the item on their way to its middle
_ON = (0.02, 0.05)  # off its middle: begin to drag, begin anew
_DOWN = 0.02  # of the fingertips above its bottom, when they rest on it
_ARRIVED = 0.015  # off the middle of the region: let go
_LEFT = 0.05  # of the fingertips above the item: the hand has left it
_YAWS = (0.0, np.pi / 4, -np.pi / 4, np.pi / 2)  # of the fingers' line, the least turned first
_WANTED_ROOM = 0.015  # around the hand
_TURN_DEAD = 0.1  # rad left uncorrected


@dataclass(slots=True)
class _Memory:
    """Hysteresis: what a single look at the state leaves open."""

    dragging: bool = False  # from resting on the item until slipping off it or arriving
    leaving: bool = False  # from then on until the hand is above it
    yaw: float | None = None  # of the fingers' line, chosen at the beginning


class Dragging:
    """One object across the table into a zone of it."""

    phase: Phase

    def __init__(self, simulation: Simulation, goal: Goal):
        self._sight = Sight(simulation)
        self._goal = goal
        self._obstacles = ObstacleReader(simulation.model, goal.ignored(simulation.scene))
        self._holds = atom_test(simulation, (goal.predicate, goal.item, goal.target))
        self.reset()

    def reset(self) -> None:
        """Forget what was."""
        self._memory = _Memory()
        self.phase = Phase.APPROACH

    @property
    def engaged(self) -> bool:
        """From resting on the item until the hand has left it."""
        return self._memory.dragging or self._memory.leaving

    def holds(self) -> bool:
        """The benchmark's own test."""
        return self._holds()

    def act(self, observation: Observation) -> np.ndarray:
        """The action (7,) in [-1, 1] for what the simulation shows now."""
        tips = observation.robot[:3].astype(np.float64) - [0.0, 0.0, FINGERTIP_DEPTH]
        item = self._sight.box(self._goal.item)
        left = self._sight.box(self._goal.target).centre[:2] - item.centre[:2]
        self._decide(tips, item, float(np.hypot(left[0], left[1])))
        action = action_of(servo.translation(self._way(tips, item, left)), _CLOSED)
        action[3:6] = self._turn(observation, item)
        return action

    def _turn(self, observation: Observation, item: Box) -> np.ndarray:
        """Rotation action (3,); exactly zero, which keeps the arm's goal, where it is near."""
        memory = self._memory
        if memory.yaw is None:
            around = self._obstacles.read(self._sight.simulation.data)
            lacking = [max(0.0, _WANTED_ROOM - room_around(item.centre, y, around)) for y in _YAWS]
            memory.yaw = _YAWS[int(np.argmin(lacking))]
        wanted = servo.hand_rotation(memory.yaw, 0.0, np.array([1.0, 0.0]))
        turn = servo.turn_between(rotation_of(observation.robot[3:7].astype(np.float64)), wanted)
        return servo.rotation(turn) if abs(float(turn[2])) > _TURN_DEAD else np.zeros(3)

    def _decide(self, tips: np.ndarray, item: Box, left: float) -> None:
        memory = self._memory
        off = float(np.linalg.norm((item.centre - tips)[:2]))
        if memory.dragging:
            memory.leaving = left < _ARRIVED
            memory.dragging = not memory.leaving and off < _ON[1]
        elif memory.leaving:
            memory.leaving = float(tips[2]) < item.top + _LEFT
        else:
            memory.dragging = off < _ON[0] and float(tips[2]) < item.bottom + _DOWN

    def _way(self, tips: np.ndarray, item: Box, left: np.ndarray) -> np.ndarray:
        """Where the hand should go next, relative to where it is (3,)."""
        down = item.bottom - float(tips[2])  # which presses lightly on it
        if self._memory.dragging:
            self.phase = Phase.CARRY
            return np.array([*left, down])
        if self._memory.leaving:
            self.phase = Phase.RELEASE
            return np.array([0.0, 0.0, _LEFT])
        self.phase = Phase.APPROACH
        off = (item.centre - tips)[:2]
        over = float(np.hypot(off[0], off[1])) < _ON[0]
        return np.array([*off, down if over else item.top + _ABOVE - float(tips[2])])
