"""Plain robosuite, as the example has it: predicates on written states, and its own success."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import mujoco
import numpy as np
import pytest

import rewardlang

EXAMPLE = Path(__file__).parents[2] / "examples" / "plain_robosuite.py"
NAMES = ("Lift", "Stack", "Door")
STATES = 200

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("plain_robosuite", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Bench:
    """An environment whose state is written by hand. Lengths in metres."""

    def __init__(self, example: ModuleType, name: str) -> None:
        self.env = example.make(name)
        self.scene = example.scene_of(self.env, name)
        self.model: mujoco.MjModel = self.env.sim.model._model
        self.data: mujoco.MjData = self.env.sim.data._data
        self.start = self.data.qpos.copy()

    def put(self, body: str, position: Any, turned: Any = (1.0, 0.0, 0.0, 0.0)) -> None:
        at = self.model.jnt_qposadr[self.model.body(body).jntadr[0]]
        turned = np.asarray(turned) / np.linalg.norm(turned)
        self.data.qpos[at : at + 7] = [*position, *turned]

    def joint(self, name: str, value: float) -> None:
        self.data.joint(name).qpos[0] = value

    def fingers(self, gap: float) -> None:
        """Opens the fingers so far."""
        self.joint("gripper0_finger_joint1", gap / 2)
        self.joint("gripper0_finger_joint2", -gap / 2)

    def forward(self) -> None:
        mujoco.mj_forward(self.model, self.data)

    @property
    def grip(self) -> np.ndarray:
        """Where the fingertips meet at the start."""
        self.data.qpos[:] = self.start
        self.forward()
        return self.data.site("gripper0_grip_site").xpos.copy()

    def asked(self, condition: str) -> Any:
        """`condition` as a function of the state that is written; reset values are the start's."""
        text = (
            f'rewardlang 1\ntask "lift"\nscene "{self.scene.id}"\n'
            f"stage a {{ until {condition} }}\nsuccess when {condition}\n"
        )
        analysis = rewardlang.analyze(text, scene=self.scene)
        assert analysis.ok, rewardlang.render(analysis.diagnostics, analysis.source)
        evaluator = rewardlang.compile(analysis.program)
        reward_fn = evaluator.bind(self.model, self.scene, max_steps=10)
        self.data.qpos[:] = self.start
        self.forward()
        memory = reward_fn.reset(self.data)
        return lambda: reward_fn(self.data, memory)[0].success


@pytest.fixture(scope="module")
def benches(example: ModuleType) -> Iterator[dict[str, Bench]]:
    found = {name: Bench(example, name) for name in NAMES}
    yield found
    for bench in found.values():
        bench.env.close()


def agree(bench: Bench, condition: str, states: Iterator[None]) -> None:
    """Our condition and robosuite's success, on states of which a fifth at least are each."""
    ours = bench.asked(condition)
    answers = []
    for number, _ in enumerate(states):
        bench.forward()
        theirs = bool(bench.env._check_success())
        assert ours() is theirs, (condition, number)
        answers.append(theirs)
    assert len(answers) == STATES
    assert STATES / 5 < sum(answers) < STATES * 4 / 5


# --- robosuite's own success ---------------------------------------------------------------------


def test_lift_is_robosuites(benches: dict[str, Bench]) -> None:
    bench, rng = benches["Lift"], np.random.default_rng(1)
    table = bench.env.table_offset[2]
    bench.data.qpos[:] = bench.start
    bench.put("cube_main", [0.0, 0.0, table + 0.021])
    bench.start = bench.data.qpos.copy()

    def states() -> Iterator[None]:
        for _ in range(STATES):
            height = table + 0.04 + rng.normal(0.0, 0.01)
            bench.put("cube_main", [*rng.uniform(-0.2, 0.2, 2), height], rng.normal(size=4))
            yield

    agree(bench, "lifted(cube, 19 mm)", states())  # 4 cm above the table, from 2.1 cm


def test_stack_is_robosuites(benches: dict[str, Bench]) -> None:
    bench, rng = benches["Stack"], np.random.default_rng(2)
    grip, table = bench.grip, bench.env.table_offset[2]
    bench.put("cubeA_main", [0.0, 0.0, table + 0.02])
    bench.start = bench.data.qpos.copy()
    seen = set()

    def states() -> Iterator[None]:
        for number in range(STATES):
            held = number % 4 == 0  # between the fingers, the other cube hanging below
            middle = grip if held else np.array([*rng.uniform(-0.1, 0.1, 2), table + 0.045 + 0.025])
            sunk = rng.uniform(0.0, 0.03) * (number % 5 == 1)
            bench.put("cubeA_main", middle - np.array([0.0, 0.0, sunk]))
            bench.put(
                "cubeB_main", middle - [*rng.uniform(-0.01, 0.01, 2), rng.normal(0.045, 1e-3)]
            )
            bench.fingers(rng.uniform(0.036, 0.06))
            yield
            grasped = bench.env._check_grasp(bench.env.robots[0].gripper, bench.env.cubeA)
            seen.add((grasped, bench.env.check_contact(bench.env.cubeA, bench.env.cubeB)))

    agree(
        bench,
        "lifted(cube_a, 20 mm) and touching(cube_a, cube_b) and not grasped(cube_a)",
        states(),
    )
    assert len(seen) == 4, "held and not, in contact and not"


def test_door_is_robosuites(benches: dict[str, Bench]) -> None:
    bench, rng = benches["Door"], np.random.default_rng(3)
    angles = [0.3, *(0.3 + rng.normal(0.0, 0.05, STATES - 1))]

    def states() -> Iterator[None]:
        for angle in angles:
            bench.joint("Door_hinge", angle)
            yield

    agree(bench, "open(door)", states())


# --- predicates ----------------------------------------------------------------------------------


def test_a_cube_is_near_then_grasped_then_lifted(benches: dict[str, Bench]) -> None:
    bench = benches["Lift"]
    grip = bench.grip
    near, grasped = bench.asked("near(gripper, cube)"), bench.asked("grasped(cube)")
    lifted, touched = bench.asked("lifted(cube, 5 cm)"), bench.asked("touching(gripper, cube)")
    asked = (near, grasped, lifted, touched)
    assert [ask() for ask in asked] == [False] * 4
    bench.fingers(0.08)
    bench.put("cube_main", grip)
    bench.forward()
    assert [ask() for ask in asked] == [True, False, True, False], "between open fingers"
    bench.fingers(0.038)
    bench.forward()
    assert [ask() for ask in asked] == [True] * 4
    bench.put("cube_main", grip - np.array([0.0, 0.0, 0.1]))
    bench.forward()
    assert [ask() for ask in asked] == [False, False, True, False]


def test_a_cube_is_on_the_other_one_if_it_touches_it_from_above(
    benches: dict[str, Bench],
) -> None:
    bench = benches["Stack"]
    on = bench.asked("on(cube_a, cube_b)")
    table = bench.env.table_offset[2]
    bench.put("cubeB_main", [0.0, 0.0, table + 0.025])
    answers = []
    for aside, height in [
        (0.0, 0.0445),
        (0.025, 0.0445),
        (0.035, 0.0445),
        (0.0, 0.06),
        (0.0, -0.0445),
    ]:
        bench.put("cubeA_main", [aside, 0.0, table + 0.025 + height])
        bench.forward()
        answers.append(on())
    assert answers == [True, True, False, False, False]


def test_the_hand_is_near_the_doors_handle_wherever_the_door_is(
    benches: dict[str, Bench],
) -> None:
    bench = benches["Door"]
    distance = bench.asked("near(gripper, handle(door), 3 cm)")
    measured = []
    for angle in (0.0, 0.2, 0.4):
        bench.joint("Door_hinge", angle)
        bench.forward()
        handle = bench.data.geom("Door_handle")
        measured.append(np.linalg.norm(handle.xpos - bench.data.site("gripper0_grip_site").xpos))
        assert not distance()
    assert np.ptp(measured) > 0.01
    (box,) = bench.scene.handles
    hinge = bench.data.body("Door_door")
    middle = hinge.xpos + hinge.xmat.reshape(3, 3) @ box.centre
    assert middle == pytest.approx(bench.data.geom("Door_handle").xpos, abs=1e-3)  # the latch sags


# --- the example ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_example_ends_in_a_success_that_robosuite_sees_too(
    example: ModuleType, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert example.main([name]) == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last.endswith("1.00  success (robosuite: success)")


def test_the_example_says_what_there_is(
    example: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert example.main(["Lift", "Wipe"]) == 2
    assert capsys.readouterr().out == "no play for Wipe; there is Lift, Stack, Door\n"
