"""A hand that does as it is told: `rewardlang.Command` by the skills of the demonstrator.

A skill does the whole of an atom, from the approach to letting go. Here it goes on only as far as
the command says: a hand that is told to reach takes no hold, one that is told to lift goes nowhere
else. What a command is done for names the skill, so that a thing is held as suits its place.
Lengths in m.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import rewardlang
from rewardlang import Command, Fact, FactKind, Motion
from tgrpo.scripted import servo
from tgrpo.scripted.grasps import Box
from tgrpo.scripted.placing import Placing
from tgrpo.scripted.planner import step_towards
from tgrpo.scripted.repertoire import skill_for
from tgrpo.scripted.sight import Sight, action_of
from tgrpo.scripted.skill import Phase, Skill
from tgrpo.simulation.envs import Simulation

_OPEN, _CLOSED = -1.0, 1.0
_RISE = np.array([0.0, 0.0, 0.4])  # action
_SINK = np.array([0.0, 0.0, -0.4])
_WEIGHED = 0.005  # of the place of the hand that weighs what it holds, above where it is
_LIFTED_BEYOND = 0.02  # what it was told to lift by: so as to arrive there
_CLEAR = 0.02  # of a carried item above what it is carried over
_LEAVING_STEPS = 40  # control steps to finish with one thing before the next one
_DONE_AT_ONCE = {Motion.OPEN_FINGERS: _OPEN, Motion.CLOSE_FINGERS: _CLOSED}
_PLACING = (Motion.CARRY, Motion.BRING, Motion.PLACE)
_APPROACHING = (Motion.REACH, Motion.TOUCH)


class Obeying:
    """Does as it is told in one episode, from a reset state on."""

    def __init__(self, simulation: Simulation):
        self._simulation = simulation
        self._sight = Sight(simulation)
        self._skills: dict[tuple[str, ...], Skill] = {}
        self._pads: dict[str, Callable[[], float]] = {}
        self._boxes: dict[str, Callable[[], Box]] = {}
        self._heights = {
            thing.name: float(simulation.data.body(thing.body).xpos[2])
            for thing in simulation.scene.objects
        }
        self._skill: Skill | None = None
        self._told = Command(Motion.WAIT)
        self._leaving = 0  # control steps spent on leaving the thing before
        self._fingers = _OPEN  # as they were last told

    def act(self, command: Command) -> np.ndarray:
        """The action (7,) in [-1, 1] for what the simulation shows now.

        Raises rewardlang.UnsupportedCommandError.
        """
        action = np.clip(self._action(command), -1.0, 1.0)
        self._fingers = float(action[6])
        return action

    def describe(self, command: Command) -> str:
        """What the hand does towards `command`, and how far it has come, in words."""
        robot = self._simulation.observe().robot.astype(np.float64)
        fingers = f"the fingers {100 * (robot[7] - robot[8]):.1f} cm apart"
        if not command.item:
            return f"{command}: {fingers}"
        off = 100 * _distance(robot[:3], self._box(command.item))
        where = f"the hand is {off:.1f} cm off" if off >= 0.05 else "the hand is at it"
        pads = self._pads_on(command.item)
        touch = {0.0: "touch nothing of it", 0.5: "touch it with one pad"}.get(pads, "hold it")
        phase = f"{self._skill.phase}, " if self._skill is not None else ""
        return f"{command}: {phase}{where}, {fingers} {touch}"

    def _action(self, command: Command) -> np.ndarray:
        if command.motion in _DONE_AT_ONCE:
            return action_of(np.zeros(3), _DONE_AT_ONCE[command.motion])
        if command.motion is Motion.WAIT:
            return action_of(np.zeros(3), self._fingers)
        if command.motion is Motion.LEAVE:
            return action_of(_RISE, self._fingers)
        skill = self._skill_of(command)
        if skill is not self._skill and self._must_leave(command):
            return self._leave()
        if skill is not self._skill and skill is not None:
            skill.reset()
        self._skill, self._told, self._leaving = skill, command, 0
        if skill is None or (command.motion in _PLACING and self._is_roofed(command)):
            return self._towards(command)
        return self._restrained(command, skill)

    def _must_leave(self, command: Command) -> bool:
        """The hand is still busy with another thing."""
        before = self._skill
        busy = before is not None and before.engaged and self._told.item != command.item
        return busy and self._leaving < _LEAVING_STEPS

    def _leave(self) -> np.ndarray:
        assert self._skill is not None
        self._leaving += 1
        if isinstance(self._skill, Placing):
            return self._release(self._skill)
        return self._skill.act(self._simulation.observe())

    def _towards(self, command: Command) -> np.ndarray:
        """Straight to a thing that nothing is done with, such as a region."""
        if command.motion not in _APPROACHING:
            raise rewardlang.UnsupportedCommandError(
                f"no motion known for {command}: things are carried in from above only, and moved "
                "by hand or by a handle that is known"
            )
        return self._sight.towards(self._box(command.item).centre, self._fingers)

    def _is_roofed(self, command: Command) -> bool:
        """What is carried belongs where there is no way in from above."""
        scene = self._simulation.scene
        target = scene.regions_by_name.get(command.goal[-1])
        return target is not None and command.goal[0] == "in" and target.roofed

    def _restrained(self, command: Command, skill: Skill) -> np.ndarray:
        """What the skill does, as far as `command` allows."""
        match command.motion:
            case Motion.REACH | Motion.TOUCH if not _grips(skill) or command.motion is Motion.REACH:
                return self._approach(skill, press=command.motion is Motion.TOUCH)
            case Motion.TOUCH | Motion.GRASP:
                return self._stay(skill, self._way_to_weigh(command))
            case Motion.LIFT:
                return self._stay(skill, self._way_up(command))
            case Motion.CARRY | Motion.BRING:
                return self._carry(command, skill)
            case Motion.RELEASE:
                return self._release(skill)
            case Motion.PLACE if command.hold:
                return self._insert(command, skill)
            case _:
                return skill.act(self._simulation.observe())

    def _approach(self, skill: Skill, *, press: bool) -> np.ndarray:
        """The fingers take no hold, and nothing is moved; where they are, they may `press`."""
        action = skill.act(self._simulation.observe())
        if skill.phase is Phase.CARRY:
            action[: 2 if press else 3] = 0.0
        if skill.phase in (Phase.CLOSE, Phase.CARRY):
            action[6] = self._fingers
        return action

    def _stay(self, skill: Skill, way: np.ndarray) -> np.ndarray:
        """Take hold, and from then on go `way` (3,) and nowhere else."""
        action = skill.act(self._simulation.observe())
        if skill.phase in (Phase.CARRY, Phase.RELEASE):
            return action_of(servo.translation(way), _CLOSED)
        return action

    def _way_to_weigh(self, command: Command) -> np.ndarray:
        """A little up (3,) until both pads feel the weight: on a slope, one may not touch."""
        return np.array([0.0, 0.0, 0.0 if self._pads_on(command.item) == 1.0 else _WEIGHED])

    def _way_up(self, command: Command) -> np.ndarray:
        """What is left of a lift (3,)."""
        height = float(self._body(command.item)[2]) - self._heights[command.item]
        return np.array([0.0, 0.0, command.height + _LIFTED_BEYOND - height])

    def _carry(self, command: Command, skill: Skill) -> np.ndarray:
        """To its place, but not down into it: over it, clear of what is there."""
        action = skill.act(self._simulation.observe())
        if self._pads_on(command.item) < 1.0:
            return action
        if skill.phase is not Phase.CARRY:
            action = action_of(np.zeros(3), _CLOSED)
        if command.motion is Motion.CARRY and len(command.goal) == 3:
            item, target = self._box(command.item), self._box(command.goal[2])
            least = servo.translation(np.array([0.0, 0.0, target.top + _CLEAR - item.bottom]))
            above = float(np.hypot(*(target.centre - item.centre)[:2])) < target.radius
            action[2] = max(action[2], least[2]) if above else action[2]
        return action

    def _insert(self, command: Command, skill: Skill) -> np.ndarray:
        """Into its place without letting go."""
        action = skill.act(self._simulation.observe())
        if skill.phase is Phase.RELEASE and self._pads_on(command.item) > 0.0:
            return action_of(_SINK, _CLOSED)
        return action

    def _release(self, skill: Skill) -> np.ndarray:
        action = skill.act(self._simulation.observe())
        if skill.phase is Phase.RELEASE:
            return action
        held = self._pads_on(self._told.item) > 0.0
        return action_of(np.zeros(3) if held else _RISE, _OPEN)

    def _skill_of(self, command: Command) -> Skill | None:
        """None for what no skill takes hold of."""
        goal = command.goal or self._anywhere(command.item)
        if goal not in self._skills:
            step = step_towards(self._simulation.scene, goal) if goal else None
            if step is None:
                return None
            self._skills[goal] = skill_for(self._simulation, step)
        return self._skills[goal]

    def _anywhere(self, item: str) -> tuple[str, ...]:
        """A goal for a movable thing that is to go nowhere: what matters is how it is held."""
        movable = [thing.name for thing in self._simulation.scene.objects if not thing.fixture]
        other = next((name for name in movable if name != item), "")
        return ("on", item, other) if item in movable and other else ()

    def _pads_on(self, item: str) -> float:
        """Share of the finger pads that touch an object; 0 for what is none."""
        if all(thing.name != item for thing in self._simulation.scene.objects):
            return 0.0
        if item not in self._pads:
            scene, model = self._simulation.scene, self._simulation.model
            wanted = rewardlang.Requirements((Fact(FactKind.PAD_CONTACT, (item,)),))
            read = rewardlang.SnapshotReader(model, scene, wanted).read
            self._pads[item] = lambda: float(np.mean(read(self._simulation.data).values))
        return self._pads[item]()

    def _box(self, name: str) -> Box:
        if name not in self._boxes:
            self._boxes[name] = self._sight.held_by(name)
        return self._boxes[name]()

    def _body(self, name: str) -> np.ndarray:
        position: np.ndarray = self._simulation.data.body(
            self._simulation.scene.object(name).body
        ).xpos
        return position


def _grips(skill: Skill) -> bool:
    """The skill takes things between the fingers; a hand that drags touches as it approaches."""
    return isinstance(skill, Placing)


def _distance(point: np.ndarray, box: Box) -> float:
    """From a point (3,) to a box; 0 inside."""
    outside = np.maximum(np.abs(box.axes.T @ (point - box.centre)) - box.half, 0.0)
    return float(np.linalg.norm(outside))
