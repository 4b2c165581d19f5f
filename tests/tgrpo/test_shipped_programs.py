"""The programs in tasks/ on the real simulator: what they pay on the way to success."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import rewardlang
from rewardlang import ir
from rewardlang.fittings import handle_of
from tgrpo.libero_package import make_environment
from tgrpo.scripted import servo
from tgrpo.scripted.demonstrator import Demonstrator
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import FIRST_SEED, InitialState, _Sampler, load_states
from tgrpo.simulation.state_files import SHIPPED
from tgrpo.tasks import Task, find_task

TASKS = Path(__file__).parents[2] / "tasks"
IDS = sorted(f"{path.parent.name}/{path.stem}" for path in TASKS.rglob("*.rl"))
# LIBERO's problem class -> the first task of it
FAMILIES = {rewardlang.load_scene(scene_id).problem: scene_id for scene_id in reversed(IDS)}
SHIPPED_STATES = [scene_id for scene_id in IDS if (SHIPPED / scene_id).parent.is_dir()]
TRIED = 5  # initial states per task, until the demonstrator succeeds

# What the demonstrator solves besides: two goals side by side, a slot entered from above.
SOLVED = (
    "libero_10/LIVING_ROOM_SCENE2_put_both_the_alphabet_soup_and_the_tomato_sauce_in_the_basket",
    "libero_10/STUDY_SCENE1_pick_up_the_book_and_place_it_in_the_back_compartment_of_the_caddy",
)
# Parts that can be moved with an upright hand beside the handle: each kind, both ways.
DRIVEN = (
    "libero_90/KITCHEN_SCENE1_open_the_top_drawer_of_the_cabinet",
    "libero_90/KITCHEN_SCENE3_turn_on_the_stove",
    "libero_90/KITCHEN_SCENE5_close_the_top_drawer_of_the_cabinet",
    "libero_90/KITCHEN_SCENE6_close_the_microwave",
    "libero_90/KITCHEN_SCENE7_open_the_microwave",
    "libero_90/KITCHEN_SCENE8_turn_off_the_stove",
)
ONE_EACH = (
    "libero_object/pick_up_the_alphabet_soup_and_place_it_in_the_basket",
    "libero_spatial/pick_up_the_black_bowl_between_the_plate_and_the_ramekin_and_place_it_on_the_plate",
)

Act = Callable[[rewardlang.RewardStep | None], np.ndarray]  # the last step -> an action (7,)

pytestmark = pytest.mark.sim


def tiered(ids: Iterable[str], default: Iterable[str]) -> list[object]:
    """Parameters; those that are not among the `default` run in `make test-all` only."""
    quick = frozenset(default)
    return [pytest.param(i, id=i, marks=() if i in quick else (pytest.mark.full,)) for i in ids]


@dataclass(frozen=True)
class Course:
    """What a program said after each step of one episode."""

    steps: tuple[rewardlang.RewardStep, ...]

    @property
    def success(self) -> bool:
        return self.steps[-1].success

    @property
    def phi(self) -> np.ndarray:
        """(T - 1,) before the step of success, which any program values at 1."""
        return np.array([step.phi for step in self.steps[:-1]])

    def stages(self) -> list[str]:
        """The active stages in the order of their first entry."""
        return list(dict.fromkeys(stage for step in self.steps for stage in step.stages))


@cache
def program_of(scene_id: str) -> rewardlang.Program:
    program = rewardlang.analyze((TASKS / f"{scene_id}.rl").read_text(encoding="utf-8")).program
    assert program is not None
    return program


def reward_function(simulation: Simulation) -> rewardlang.RewardFn:
    task = simulation.task
    return rewardlang.compile(program_of(task.id)).bind(
        simulation.model, simulation.scene, max_steps=task.max_steps
    )


def initial_states(task: Task, count: int) -> Iterator[InitialState]:
    """Validation states; drawn here where none are shipped, which takes a few seconds."""
    if task.id in SHIPPED_STATES:
        yield from load_states(task, "validation")[:count]
        return
    environment = make_environment(task.bddl_file, arm_noise=True)
    try:
        sampler = _Sampler(environment)
        sampler.fixtures_of_fresh_process(FIRST_SEED["test"])
        yield from islice(sampler.states("validation"), count)
    finally:
        environment.close()


def played(simulation: Simulation, act: Act, most: int | None = None) -> Course:
    """An episode from where the simulation stands, of at most `most` steps (the suite's)."""
    reward = reward_function(simulation)
    memory = reward.reset(simulation.data)
    steps: list[rewardlang.RewardStep] = []
    while len(steps) < (most or simulation.task.max_steps):
        simulation.step(act(steps[-1] if steps else None))
        step, memory = reward(simulation.data, memory)
        steps.append(step)
        if step.success:
            break
    return Course(tuple(steps))


def assert_climbs(course: Course, scene_id: str) -> None:
    """Through every stage but the release after the last goal, which the end hides."""
    phi, count = course.phi, len(course.phi)
    assert course.success
    assert phi[0] < 0.05
    assert phi[-1] >= 0.8
    assert course.steps[-1].phi == 1.0
    every = [node.path for node in ir.walk(program_of(scene_id).root) if isinstance(node, ir.Stage)]
    missed = set(every) - set(course.stages())
    assert len(missed) <= 1
    assert all(path.endswith(".release") for path in missed)
    rising = np.corrcoef(np.argsort(np.argsort(phi, kind="stable")), np.arange(count))[0, 1]
    assert rising >= 0.8
    assert all(step.native_success == step.success for step in course.steps)


# --- picking up and placing -------------------------------------------------------------------


def demonstrated(simulation: Simulation, state: InitialState) -> Course:
    simulation.reset(state)
    demonstrator = Demonstrator(simulation)
    return played(simulation, lambda _: demonstrator.act())


@pytest.mark.parametrize("scene_id", tiered([*SHIPPED_STATES, *SOLVED], (*ONE_EACH, *SOLVED)))
def test_a_success_climbs_through_every_stage(scene_id: str) -> None:
    simulation = Simulation(find_task(scene_id))
    try:
        states = initial_states(simulation.task, TRIED)
        tries = (demonstrated(simulation, state) for state in states)
        assert_climbs(next(course for course in tries if course.success), scene_id)
    finally:
        simulation.close()


# --- parts: the hand goes along, a force moves the part ---------------------------------------

FORCE, TORQUE = 6.0, 0.4  # N on a drawer, N m on a door or knob
BESIDE = 0.022  # m between the grip site and the middle of the handle
AWAY = 0.03  # m off to the side: first to the level above, then over, then down
ABOVE = 0.1  # m above the handle


class Hand:
    """Brings the hand beside the handle of a scene's part, and then drives the part's joint."""

    def __init__(self, simulation: Simulation):
        verb, part = simulation.scene.goal[0]
        found = handle_of(simulation.scene, part)
        assert found is not None
        self.scale, self.handle = found
        self.model, self.data = simulation.model, simulation.data
        self.simulation = simulation
        self.joint = self.model.joint(self.scale.name).id
        self.body = self.model.jnt_bodyid[self.joint]
        self.slides = part in simulation.scene.regions_by_name
        self.turns_about_itself = verb in ("turnon", "turnoff")
        self.sign = self.scale.direction * (1 if verb in ("open", "turnon") else -1)

    def act(self, last: rewardlang.RewardStep | None) -> np.ndarray:
        """The next action; once the program is beyond reaching, the part is driven."""
        arrived = last is not None and last.stages != ("reach",)
        if arrived:
            dof = self.model.jnt_dofadr[self.joint]
            self.data.qfrc_applied[dof] = self.sign * (FORCE if self.slides else TORQUE)
        reach = servo.translation(self._target(arrived) - self._hand())
        return np.array([*reach, 0.0, 0.0, 0.0, 1.0])

    def _hand(self) -> np.ndarray:
        return self.simulation.observe().robot[:3].astype(np.float64)

    def _target(self, arrived: bool) -> np.ndarray:
        rotation = self.data.xmat[self.body].reshape(3, 3)
        centre = self.data.xpos[self.body] + rotation @ np.array(self.handle.centre)
        top = centre[2] + float(np.abs(rotation[2] * self.handle.half_extents).sum())
        goal = centre + BESIDE * self._outward(centre)
        if self.turns_about_itself:
            goal[2] = top + BESIDE / 2
        hand = self._hand()
        if arrived or np.linalg.norm((hand - goal)[:2]) <= AWAY:
            return goal
        level = top + ABOVE
        aside = hand if hand[2] < level - BESIDE else goal
        return np.array([aside[0], aside[1], level])

    def _outward(self, centre: np.ndarray) -> np.ndarray:
        """Unit vector the way a part opens; zero for a knob, which is taken from above."""
        axis = self.scale.direction * self.data.xaxis[self.joint]
        if self.turns_about_itself:
            return np.zeros(3)
        way = axis if self.slides else np.cross(axis, centre - self.data.xpos[self.body])
        return way / np.linalg.norm(way)


@pytest.mark.parametrize("scene_id", tiered(DRIVEN, DRIVEN[:1]))
def test_a_part_that_moves_with_the_hand_at_its_handle_climbs(scene_id: str) -> None:
    simulation = Simulation(find_task(scene_id))
    try:
        (state,) = initial_states(simulation.task, 1)
        simulation.reset(state)
        assert_climbs(played(simulation, Hand(simulation).act), scene_id)
    finally:
        simulation.close()


# --- nothing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scene_id", tiered(IDS, FAMILIES.values()))
def test_doing_nothing_earns_nothing(scene_id: str) -> None:
    simulation = Simulation(find_task(scene_id))
    still = np.array([0, 0, 0, 0, 0, 0, -1.0])
    try:
        for state in initial_states(simulation.task, 2):
            simulation.reset(state)
            course = played(simulation, lambda _: still, most=20)
            assert max(step.phi for step in course.steps) < 0.05
            assert not course.success
    finally:
        simulation.close()
