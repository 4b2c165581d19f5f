"""The skill of moving a part by its handle: a drawer, a door, a knob.

The hand goes where `handles` says, and from there along the way of the handle until the benchmark's
threshold is passed. Lengths in m, angles in rad.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import rewardlang
from tgrpo.scripted import servo
from tgrpo.scripted.grasps import rotation_of
from tgrpo.scripted.handles import Hold, hold_of
from tgrpo.scripted.joints import MovingPart
from tgrpo.scripted.planner import Atom
from tgrpo.scripted.sight import Sight, action_of
from tgrpo.scripted.skill import Phase, atom_test
from tgrpo.simulation.envs import Simulation
from tgrpo.trajectory import Observation

_OPEN, _CLOSED = -1.0, 1.0
_BACK = 0.05  # of the hand from the handle on its way there
_ABOVE = 0.12  # of the hand above it, as long as it is far away
_OVER, _DOWN = 0.012, 0.02  # off the hold, across and along the way there: in, close
_LOST = 0.04
_STALLED = 0.0004  # fingers that moved less are held up by the handle
_LEAD = 0.04  # of the place that the hand makes for, along the way
_LEFT = 0.05  # from the hold: the hand has left the handle
_BEYOND = {True: 0.06, False: 0.0}  # of the way between thresholds: past open or on, past shut
_TURN_DEAD = 0.12  # turns left uncorrected


@dataclass(slots=True)
class _Memory:
    """Hysteresis: what a single look at the state leaves open."""

    holding: bool = False  # from reaching the hold until losing it or letting go
    leaving: bool = False  # from letting go until the hand is off the handle
    last_width: float = np.inf  # of the fingers, while they close


@dataclass(frozen=True, slots=True)
class _View:
    """What the skill looks at in one control step."""

    hand: np.ndarray  # (3,) grip site
    width: float  # distance of the finger pads
    hold: Hold
    turn: np.ndarray  # (3,) what is left to turn; exactly 0 where that is little
    share: float  # of the way to the goal's threshold, from the opposite one

    @property
    def off(self) -> np.ndarray:
        """From the hand to the hold (3,)."""
        off: np.ndarray = self.hold.point - self.hand
        return off


class Moving:
    """Opens, closes or switches one part, as its atom says."""

    phase: Phase

    def __init__(self, simulation: Simulation, atom: Atom):
        found = rewardlang.handle_of(simulation.scene, atom[1])
        assert found is not None, f"no handle of {atom[1]}: the planner lets none through"
        self._part = MovingPart(simulation, found[0])
        self._handle = Sight(simulation).held_by(atom[1])
        self._forth = atom[0] in ("open", "turnon")
        self._holds = atom_test(simulation, atom)
        self.reset()

    def reset(self) -> None:
        """Forget what was."""
        self._memory = _Memory()
        self.phase = Phase.APPROACH

    @property
    def engaged(self) -> bool:
        """From reaching the handle until the hand has left it."""
        return self._memory.holding or self._memory.leaving

    def holds(self) -> bool:
        """The benchmark's own test."""
        return self._holds()

    def act(self, observation: Observation) -> np.ndarray:
        """The action (7,) in [-1, 1] for what the simulation shows now."""
        view = self._look(observation)
        moving = self._decide(view)
        closed = self._memory.holding or not view.hold.pinch
        action = action_of(
            servo.translation(self._way(view, moving=moving)), _CLOSED if closed else _OPEN
        )
        action[3:6] = servo.rotation(view.turn)
        return action

    def _look(self, observation: Observation) -> _View:
        robot = observation.robot.astype(np.float64)
        hold = hold_of(self._part, self._handle(), robot[:3], forth=self._forth)
        turn = servo.turn_between(rotation_of(robot[3:7]), hold.rotation)
        return _View(
            hand=robot[:3],
            width=float(robot[7] - robot[8]),
            hold=hold,
            turn=turn if float(np.linalg.norm(turn)) > _TURN_DEAD else np.zeros(3),
            share=self._part.share if self._forth else 1.0 - self._part.share,
        )

    def _decide(self, view: _View) -> bool:
        """Update the hysteresis; returns whether the part is to be moved now."""
        memory = self._memory
        distance = float(np.linalg.norm(view.off))
        if memory.holding:
            memory.leaving = view.share > 1.0 + _BEYOND[self._forth]
            memory.holding = not memory.leaving and distance < _LOST
        elif memory.leaving:
            memory.leaving = distance < _LEFT
        else:
            across, along = _split(view)
            memory.holding = abs(along) < _DOWN and across < _OVER and not view.turn.any()
        stalled = view.width > memory.last_width - _STALLED
        memory.last_width = view.width if memory.holding else np.inf
        return memory.holding and (stalled or not view.hold.pinch)

    def _way(self, view: _View, *, moving: bool) -> np.ndarray:
        """Where the hand should go next, relative to where it is (3,)."""
        if moving:
            self.phase = Phase.CARRY
            return view.off + _LEAD * view.hold.way
        if self._memory.holding:
            self.phase = Phase.CLOSE
            return view.off
        if self._memory.leaving:
            self.phase = Phase.RELEASE
            return _LEFT * view.hold.back
        self.phase = Phase.APPROACH
        across, _ = _split(view)
        if across < _OVER and not view.turn.any():
            return view.off
        # Down a cone until right before it, so that the hand meets nothing on its way.
        before = view.off + _BACK * view.hold.back
        level = min(float(np.hypot(before[0], before[1])), _ABOVE)
        before[2] = view.off[2] + max(_BACK * view.hold.back[2], level)
        return before


def _split(view: _View) -> tuple[float, float]:
    """How far the hand is off the hold: across the line along which it comes, and along it."""
    along = float(view.off @ view.hold.back)
    return float(np.linalg.norm(view.off - along * view.hold.back)), along
