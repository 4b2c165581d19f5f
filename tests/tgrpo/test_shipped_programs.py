"""The programs in tasks/ on the real simulator: what they pay on the way to success."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import rewardlang
from tgrpo.demonstrator import Demonstrator
from tgrpo.envs import Simulation
from tgrpo.initial_states import InitialState, load_states
from tgrpo.tasks import Task, find_task

TASKS = Path(__file__).parents[2] / "tasks"
IDS = sorted(f"{path.parent.name}/{path.stem}" for path in TASKS.rglob("*.rl"))
ONE_EACH = (
    "libero_object/pick_up_the_alphabet_soup_and_place_it_in_the_basket",
    "libero_spatial/pick_up_the_black_bowl_between_the_plate_and_the_ramekin_and_place_it_on_the_plate",
)
TRIED = 5  # initial states per task, until the demonstrator succeeds

pytestmark = pytest.mark.sim


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


def reward_function(simulation: Simulation) -> rewardlang.RewardFn:
    task = simulation.task
    text = (TASKS / task.suite / f"{task.name}.rl").read_text(encoding="utf-8")
    program = rewardlang.analyze(text).program
    assert program is not None
    return rewardlang.compile(program).bind(
        simulation.model, simulation.scene, max_steps=task.max_steps
    )


def episode(simulation: Simulation, state: InitialState) -> Course:
    reward = reward_function(simulation)
    simulation.reset(state)
    memory = reward.reset(simulation.data)
    demonstrator = Demonstrator(simulation)
    steps = []
    for _ in range(simulation.task.max_steps):
        simulation.step(demonstrator.act())
        step, memory = reward(simulation.data, memory)
        steps.append(step)
        if step.success:
            break
    return Course(tuple(steps))


def first_success(task: Task) -> Course:
    simulation = Simulation(task)
    try:
        tries = (episode(simulation, state) for state in load_states(task, "validation")[:TRIED])
        return next(course for course in tries if course.success)
    finally:
        simulation.close()


EACH_PROGRAM = [
    pytest.param(scene_id, id=scene_id, marks=() if scene_id in ONE_EACH else (pytest.mark.full,))
    for scene_id in IDS
]


@pytest.mark.parametrize("scene_id", EACH_PROGRAM)
def test_a_success_climbs_through_every_stage(scene_id: str) -> None:
    course = first_success(find_task(scene_id))
    phi, count = course.phi, len(course.phi)
    assert phi[0] < 0.05
    assert phi[-1] >= 0.8
    assert course.steps[-1].phi == 1.0
    assert course.stages() == ["reach", "grasp", "lift", "carry", "lower"]
    rising = np.corrcoef(np.argsort(np.argsort(phi, kind="stable")), np.arange(count))[0, 1]
    assert rising >= 0.8
    assert all(step.native_success == step.success for step in course.steps)


@pytest.mark.parametrize("scene_id", EACH_PROGRAM)
def test_doing_nothing_earns_nothing(scene_id: str) -> None:
    simulation = Simulation(find_task(scene_id))
    try:
        for state in load_states(simulation.task, "validation")[:2]:
            reward = reward_function(simulation)
            simulation.reset(state)
            memory = reward.reset(simulation.data)
            for _ in range(20):
                simulation.step(np.array([0, 0, 0, 0, 0, 0, -1.0]))
                step, memory = reward(simulation.data, memory)
                assert step.phi < 0.05
                assert not step.success
    finally:
        simulation.close()
