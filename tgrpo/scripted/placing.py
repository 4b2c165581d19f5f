"""The skill of picking an object up and placing it in or on something.

What it does next follows from the state it sees: where the hand is, how wide the fingers are, where
the objects are. The little it remembers is hysteresis (see `_Memory`), so that a small policy can
clone it and so that a slipped or pushed object is simply picked up again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tgrpo.scripted import servo
from tgrpo.scripted.grasps import FINGERTIP_DEPTH, Box, Grasp, line_of, plan_grasp, rotation_of
from tgrpo.scripted.obstacles import ObstacleReader, Obstacles
from tgrpo.scripted.placements import Goal, Placement
from tgrpo.scripted.skill import Phase, atom_test
from tgrpo.scripted.spots import Spots
from tgrpo.simulation.envs import Simulation
from tgrpo.trajectory import ACTION_DIM, Observation

# Lengths in m, angles in rad.
_PRESS = 0.03  # the hand aims this far below the height of release, so as not to slow down
# Pairs are hysteresis: below the first it begins, beyond the second it ends.
_OVER_GOAL = (0.03, 0.06)  # off the goal's middle: let go
_LET_GO = (0.005, 0.04)  # above the height of release: let go
_GRASPED = (0.008, 0.02)  # off the grasp, horizontally and in height: close the fingers
_LOST = (0.04, 0.03)  # likewise: the object has slipped
_CLOSED = 0.002  # wider than the object: fingers that are held up by it
_STALLED = (0.0004, 0.012)  # fingers that moved less and are at most so much wider: held up too
_LOOSE = 0.012  # wider than the object: fingers that have let go of it
_EMPTY = (0.6, -0.002)  # times the object's width, plus: fingers that closed on nothing
_REOPENED = 0.072  # width from which a new attempt begins
_REPLAN = 0.015  # move of a free object that asks for a new grasp
_LIFTED = 0.02  # free of its support: from here on sideways at full speed

_STEEP = 5.0  # slope of the landscape of obstacles around a path
_MARGIN_OBJECT = 0.012  # above obstacles, for a held object
_MARGIN_HAND = 0.02 + FINGERTIP_DEPTH  # for the grip site
_HAND_RADIUS = 0.02  # of a finger on its way
_CONE = 2.0  # slope of the funnel above a grasp
_CONE_PER_RIM = 100.0  # 1/m, of that above a goal: steeper into what is deep
_NEAR_CONE = 5.0  # slope of a second one, over which obstacles do not count
_CONE_TIP = 0.006  # its radius at the grasp
_OVER_TOP = 0.02  # of the grip site above the object until over the grasp
_BLEND = 0.05  # lag in height over which the sideways motion dies down
_STILL = 1e-6  # no motion worth the name
_PATH = np.linspace(0.0, 1.0, 13)[:, None]  # where a path is looked at

_YAW_DEAD = 0.1  # turns left uncorrected: orientation is then held, and the action exactly zero
_YAW_DEAD_TO_FIT = 0.03  # likewise, of an object that only fits one way
_TILT_DEAD = (0.25, 0.1)  # of an upright and of a leaning hand
_COST_OF_YAW = 0.05  # m per rad beyond `_YAW_DEAD`, added to the distance from a grasp


@dataclass(frozen=True, slots=True)
class _View:
    """What the controller looks at in one control step."""

    hand: np.ndarray  # (3,) grip site
    rotation: np.ndarray  # (3, 3) of the grip site
    width: float  # distance of the finger pads
    position: np.ndarray  # (3,) of the object's body
    box: Box  # of the object
    placement: Placement

    spot: np.ndarray  # (2,) where the middle of the object's box is to go

    @property
    def to_goal(self) -> np.ndarray:
        delta: np.ndarray = self.spot - self.box.centre[:2]
        return delta


@dataclass(slots=True)
class _Memory:
    """Hysteresis: what a single look at the state leaves open."""

    grasp: Grasp | None = None  # kept while the object stays where it was planned
    beside: np.ndarray = field(default_factory=lambda: np.zeros(2))  # the place's point: the spot
    planned_at: np.ndarray | None = None  # (3,) the object's position then
    support: float = 0.0  # height of the object's bottom then
    closing: bool = False  # from reaching the grasp until losing it or letting go
    reopening: bool = False  # after closing on nothing, until wide open
    released: bool = False  # over the goal, until far from it
    last_width: float = np.inf  # while closing


class Placing:
    """One object into its place; also one that the scene's goal does not ask for."""

    phase: Phase

    def __init__(self, simulation: Simulation, goal: Goal):
        self._simulation = simulation
        self._scene = simulation.scene
        self._row = {name: row for row, name in enumerate(simulation.context.object_names)}
        self._goal = goal
        self._holds = atom_test(simulation, (goal.predicate, goal.item, goal.target))
        self._obstacles = ObstacleReader(simulation.model, goal.ignored(self._scene))
        self._base = simulation.data.body("robot0_base").xpos.copy()
        self.reset()

    def reset(self) -> None:
        """Forget what was."""
        self._memory = _Memory()
        self.phase = Phase.APPROACH

    @property
    def engaged(self) -> bool:
        """From closing the fingers until the hand has left what they held."""
        return self._memory.closing or self._memory.released

    def holds(self) -> bool:
        """The benchmark's own test of `In` or `On`."""
        return self._holds()

    def act(self, observation: Observation) -> np.ndarray:
        """The action (7,) in [-1, 1] for what the simulation shows now."""
        view = self._look(observation)
        grasp = self._plan(view)
        held = self._decide(view, grasp)
        action = np.zeros(ACTION_DIM)
        action[:3] = servo.translation(self._way(view, grasp, held))
        action[3:6] = self._turn(view, grasp, held)
        action[6] = 1.0 if self._memory.closing else -1.0
        return action

    def _look(self, observation: Observation) -> _View:
        poses = observation.objects.astype(np.float64)
        boxes = {
            name: Box.of(self._scene.object(name), poses[row]) for name, row in self._row.items()
        }
        box = boxes[self._goal.item]
        position = poses[self._row[self._goal.item], :3]
        robot = observation.robot.astype(np.float64)
        data = self._simulation.data
        drop = float(position[2]) - box.bottom
        placement = self._goal.placement(self._scene, data, boxes, drop)
        spot = placement.point + self._memory.beside
        placement = placement.on_surface(spot, self._surroundings())
        return _View(
            hand=robot[:3],
            rotation=rotation_of(robot[3:7]),
            width=float(robot[7] - robot[8]),
            position=position,
            box=box,
            placement=placement,
            spot=spot,
        )

    def _surroundings(self) -> Obstacles:
        return self._obstacles.read(self._simulation.data)

    def _plan(self, view: _View) -> Grasp:
        """The grasp in use; a new one where a free object has moved."""
        memory = self._memory
        moved = memory.planned_at is None or (
            not memory.closing
            and float(np.linalg.norm(view.position - memory.planned_at)) > _REPLAN
        )
        if memory.grasp is None or moved:
            surroundings = self._surroundings()
            spots = Spots.of(
                view.placement, self._goal.sharing(self._scene), view.box, surroundings
            )
            memory.grasp = plan_grasp(
                self._scene.object(self._goal.item).category,
                view.position,
                view.box,
                surroundings,
                base=self._base,
                move=spots.move,
                cost_of_release=lambda point, yaw: float(spots.costs_of(point, yaw).min()),
            )
            grip = view.position + memory.grasp.offset
            memory.beside = spots.best(grip, memory.grasp.yaw)
            memory.planned_at, memory.support = view.position, view.box.bottom
        return memory.grasp

    def _decide(self, view: _View, grasp: Grasp) -> bool:
        """Update the hysteresis; returns whether the object is held."""
        memory = self._memory
        memory.released = self._is_released(view, grasp)
        memory.reopening &= view.width < _REOPENED
        if memory.closing:
            scale, shift = _EMPTY
            empty = view.width < scale * grasp.width + shift
            memory.reopening |= empty
            memory.closing = not (empty or memory.released or _has_slipped(view, grasp))
        elif not memory.reopening and not memory.released:
            near, level = _GRASPED
            off = view.position + grasp.offset - view.hand
            memory.closing = self._distance(view, grasp) < near and bool(abs(off[2]) < level)
        held = memory.closing and _is_held(view, grasp, memory.last_width)
        memory.last_width = view.width if memory.closing else np.inf
        return held

    def _is_released(self, view: _View, grasp: Grasp) -> bool:
        """From being over its place in the fingers until the hand has left it."""
        memory = self._memory
        over = _is_over_goal(view, was=memory.released)
        return over and (memory.closing or (memory.released and not _is_clear(view, grasp)))

    def _way(self, view: _View, grasp: Grasp, held: bool) -> np.ndarray:
        """Where the hand should go next, relative to where it is (3,)."""
        if held:
            self.phase = Phase.CARRY
            return self._carry(view)
        if self._memory.released:
            self.phase = Phase.RELEASE
            lowering = view.placement.release - _PRESS - view.box.bottom
            loose = view.width > grasp.width + _LOOSE
            return np.array([0.0, 0.0, 0.05 if loose else lowering])
        if self._memory.closing:
            self.phase = Phase.CLOSE
            return view.position + grasp.offset - view.hand
        self.phase = Phase.APPROACH
        return self._approach(view, grasp)

    def _carry(self, view: _View) -> np.ndarray:
        """Up, over what stands in the way, and down into the place. For the object's box."""
        place, box = view.placement, view.box
        surroundings = self._surroundings()
        if surroundings.hangs_over(box.centre[:2], box.top + _LIFTED, box.radius):
            return self._from_under(view, surroundings)
        distance = float(np.linalg.norm(view.to_goal))
        path = box.centre[:2] + _PATH * view.to_goal
        left = (1.0 - _PATH[:, 0]) * distance
        obstacles = surroundings.higher_than(place.release)
        heights = obstacles.least_heights(path, box.radius, _STEEP) + _MARGIN_OBJECT
        lower = surroundings.least_heights(path, box.radius, _STEEP) + _MARGIN_OBJECT
        needed = np.maximum(heights, np.minimum(lower, place.release))
        near = left + _COST_OF_YAW * abs(place.turn or 0.0) < place.near
        heights[near] = needed[near] = -np.inf
        slope = _CONE_PER_RIM * place.rim
        cone = np.clip(slope * (distance - _OVER_GOAL[0] / 2), 0.0, _PRESS + place.rim)
        goal_height = place.release - _PRESS + (cone if place.rim else 0.0)
        way = _along(view.to_goal, box.bottom, np.maximum(heights, goal_height), needed, left)
        return way * [*[self._freedom(view)] * 2, 1.0]

    def _from_under(self, view: _View, surroundings: Obstacles) -> np.ndarray:
        """A little lifted, out from under what hangs over the object, to where nothing stands."""
        box = view.box
        beside = surroundings.higher_than(box.bottom + _LIFTED / 2)
        out = beside.way_out(box.centre[:2], box.radius + _MARGIN_OBJECT)
        lift = max(0.0, self._memory.support + _LIFTED - box.bottom)
        return np.array([*(out * self._freedom(view)), lift])

    def _freedom(self, view: _View) -> float:
        """0 where the object was picked up … 1 once it is free of its support."""
        moved = view.position - self._memory.planned_at
        freed = max(view.box.bottom - self._memory.support, float(np.linalg.norm(moved[:2])))
        return float(np.clip(freed / _LIFTED, 0.0, 1.0))

    def _approach(self, view: _View, grasp: Grasp) -> np.ndarray:
        """Over what stands in the way and down a cone onto the grasp. For the grip site."""
        point = view.position + grasp.offset
        motion = (point - view.hand)[:2]
        distance = float(np.linalg.norm(motion))
        left = np.maximum(self._distance(view, grasp), (1.0 - _PATH[:, 0]) * distance)
        top = view.box.top + _OVER_TOP
        cone = np.clip(point[2] + _CONE * (left - _CONE_TIP), point[2], max(top, point[2]))
        heights = self._surroundings().least_heights(
            view.hand[:2] + _PATH * motion, _HAND_RADIUS, _STEEP
        )
        # Close to the grasp the cone decides: the plan has seen to the room there.
        near = cone + _NEAR_CONE * np.maximum(left - 2 * _CONE_TIP, 0.0)
        heights = np.minimum(heights + _MARGIN_HAND, near)
        heights = np.maximum(heights, cone)
        return _along(motion, float(view.hand[2]), heights, heights, (1 - _PATH[:, 0]) * distance)

    def _distance(self, view: _View, grasp: Grasp) -> float:
        """Horizontal distance from the grasp, halved across the fingers, plus turns in m."""
        off = (view.position + grasp.offset - view.hand)[:2]
        along = line_of(grasp.yaw)
        across = float(off[0] * along[1] - off[1] * along[0])
        yaw = abs(float(self._left_to_turn(view, grasp)[2]))
        return float(np.hypot(off @ along, across / 2)) + _COST_OF_YAW * max(0.0, yaw - _YAW_DEAD)

    def _turn(self, view: _View, grasp: Grasp, held: bool) -> np.ndarray:
        """Rotation action (3,); exactly zero, which keeps the arm's goal, where it is near."""
        turn, dead = self._left_to_turn(view, grasp), _YAW_DEAD
        if view.placement.turn is not None and (held or self._memory.released):
            turn[2], dead = view.placement.turn * self._freedom(view), _YAW_DEAD_TO_FIT
        tilt = float(np.hypot(turn[0], turn[1]))
        if abs(turn[2]) < dead and tilt < _TILT_DEAD[grasp.lean > 0.0]:
            return np.zeros(3)
        return servo.rotation(turn)

    def _left_to_turn(self, view: _View, grasp: Grasp) -> np.ndarray:
        away = (view.hand - self._base)[:2]
        goal = servo.hand_rotation(grasp.yaw, grasp.lean, away / np.linalg.norm(away))
        return servo.turn_between(view.rotation, goal)


def _along(
    motion: np.ndarray, height: float, wanted: np.ndarray, needed: np.ndarray, left: np.ndarray
) -> np.ndarray:
    """Sideways by `motion` (2,) and up or down to the highest of the `wanted` heights ahead.

    `needed` (K,) are the heights that obstacles ask for along the path, `left` (K,) what is left
    of the path there. Along each axis the hand moves as fast as it rises: sideways motion dies
    down where it would arrive too low.
    """
    straight = float(np.abs(motion).max() / max(np.linalg.norm(motion), _STILL))  # 0.71 … 1
    late = float(np.max(needed - straight * (left[0] - left))) - height
    freedom = np.clip(1.0 - late / _BLEND, 0.0, 1.0)
    return np.array([*(motion * freedom), float(wanted.max()) - height])


def _is_over_goal(view: _View, *, was: bool) -> bool:
    distance = float(np.linalg.norm(view.to_goal))
    above = view.box.bottom - view.placement.release
    return distance < _OVER_GOAL[was] and above < _LET_GO[was]


def _is_clear(view: _View, grasp: Grasp) -> bool:
    """The hand is well above where it would hold the object."""
    return float(view.hand[2] - view.position[2]) > grasp.offset[2] + 0.02


def _has_slipped(view: _View, grasp: Grasp) -> bool:
    off = view.position + grasp.offset - view.hand
    sideways, level = _LOST
    return float(np.hypot(off[0], off[1])) > sideways or abs(float(off[2])) > level


def _is_held(view: _View, grasp: Grasp, last_width: float) -> bool:
    """Closing fingers are held up by the object: about its width, or not moving any more."""
    moved, wider = _STALLED
    stalled = view.width > last_width - moved and view.width < grasp.width + wider
    return view.width <= grasp.width + _CLOSED or stalled
