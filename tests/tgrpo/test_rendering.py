"""Images against LIBERO's own: the same pixels, along episodes, in every suite."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tgrpo.libero_package import import_libero
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import load_states
from tgrpo.simulation.rendering import Renderer
from tgrpo.tasks import SETTLING_ACTION, find_task
from tgrpo.trajectory import Camera

pytestmark = pytest.mark.sim

CAMERAS = (Camera("agentview", 256, 256), Camera("robot0_eye_in_hand", 224, 128))
STOVE = "libero_goal/turn_on_the_stove"
OTHERS = {
    "spatial": "libero_spatial/pick_up_the_black_bowl_in_the_top_drawer_of_the_wooden_cabinet"
    "_and_place_it_on_the_plate",
    "object": "libero_object/pick_up_the_alphabet_soup_and_place_it_in_the_basket",
    "goal": "libero_goal/open_the_middle_drawer_of_the_cabinet",
    "kitchen": "libero_10/KITCHEN_SCENE3_turn_on_the_stove_and_put_the_moka_pot_on_it",
    "microwave": "libero_10/KITCHEN_SCENE6_put_the_yellow_and_white_mug_in_the_microwave"
    "_and_close_it",
    "living room": "libero_10/LIVING_ROOM_SCENE2_put_both_the_alphabet_soup_and_the_tomato_sauce"
    "_in_the_basket",
    "study": "libero_10/STUDY_SCENE1_pick_up_the_book_and_place_it_in_the_back_compartment"
    "_of_the_caddy",
    "ninety": "libero_90/KITCHEN_SCENE10_close_the_top_drawer_of_the_cabinet",
}
MOVED = ("qpos", "qvel", "qacc_warmstart")


@dataclass
class Pair:
    """LIBERO's environment with its own renderer, and simulations of ours at the same state."""

    environment: Any
    ours: dict[str, Simulation]

    def restore(self, index: int) -> dict[str, np.ndarray]:
        """LIBERO's protocol: reset, then set the state. Its observation."""
        task = self.ours["libero"].task
        state = load_states(task, "train")[index]
        self.make_current()
        self.environment.reset()
        model = self.environment.sim.model._model
        for name, pose in state.fixtures.items():
            body = model.body(name).id
            model.body_pos[body], model.body_quat[body] = pose[:3], pose[3:]
        for simulation in self.ours.values():
            simulation.restore(state)
        self.make_current()
        seen = self.environment.set_init_state(self.ours["libero"].state_vector())
        self.follow()
        return seen

    def follow(self) -> None:
        """Ours continue from LIBERO's very state: contacts magnify the last bit."""
        for simulation in self.ours.values():
            for name in MOVED:
                getattr(simulation.data, name)[:] = getattr(self.environment.sim.data, name)

    def step(self, action: np.ndarray) -> dict[str, np.ndarray]:
        for simulation in self.ours.values():
            simulation.step(action)
        self.make_current()
        return self.environment.step(action)[0]

    def make_current(self) -> None:
        """robosuite draws with whatever context is current."""
        self.environment.sim._render_context_offscreen.gl_ctx.make_current()

    def turn_knobs(self, angle: float, speed: float) -> None:
        """As if the step before had left them so."""
        model, data = self.ours["libero"].model, self.environment.sim.data
        for number in range(model.njnt):
            if model.joint(number).name.endswith("_button"):
                data.qpos[model.jnt_qposadr[number]] = angle
                data.qvel[model.jnt_dofadr[number]] = speed
        self.environment._post_process()
        self.follow()


@pytest.fixture(scope="module")
def renderer():
    renderer = Renderer()
    yield renderer
    renderer.close()


def make_pair(name: str, renderer: Renderer) -> Pair:
    task = find_task(name)
    wrapper = import_libero("envs.env_wrapper")
    environment = wrapper.OffScreenRenderEnv(
        bddl_file_name=str(task.bddl_file),
        camera_names=[camera.name for camera in CAMERAS],
        camera_heights=[camera.height for camera in CAMERAS],
        camera_widths=[camera.width for camera in CAMERAS],
        ignore_done=True,
    )
    steppers = ("libero", "fast")
    return Pair(environment, {s: Simulation(task, stepper=s, renderer=renderer) for s in steppers})


def close(pair: Pair) -> None:
    for simulation in pair.ours.values():
        simulation.close()
    pair.environment.close()


@pytest.fixture(scope="module")
def stove(renderer):
    pair = make_pair(STOVE, renderer)
    yield pair
    close(pair)


@pytest.fixture(scope="module", params=OTHERS, ids=str)
def other(request, renderer):
    pair = make_pair(OTHERS[request.param], renderer)
    yield pair
    close(pair)


def differing(simulation: Simulation, seen: dict[str, np.ndarray]) -> int:
    """Numbers in all images that are not LIBERO's."""
    images = simulation.look(CAMERAS)
    for camera in CAMERAS:
        assert images[camera.name].shape == seen[f"{camera.name}_image"].shape == camera.shape
        assert images[camera.name].dtype == np.uint8
    return sum(int((images[c.name] != seen[f"{c.name}_image"]).sum()) for c in CAMERAS)


def test_the_pixels_of_a_restored_state_are_liberos(stove):
    seen = stove.restore(0)
    assert seen["agentview_image"].std() > 20  # there is something to see
    assert [differing(simulation, seen) for simulation in stove.ours.values()] == [0, 0]


def test_a_lamp_is_shown_as_the_step_before_left_it(stove):
    """It passes LIBERO's threshold, 0.5 rad, within a step, there and back."""
    stove.restore(1)
    stove.step(SETTLING_ACTION)
    red = []
    for angle, speed in ((0.45, 20.0), (0.55, -20.0)):
        stove.turn_knobs(angle, speed)
        for _ in range(2):
            seen = stove.step(SETTLING_ACTION)
            assert differing(stove.ours["libero"], seen) == 0
            image = stove.ours["libero"].look(CAMERAS)["agentview"].astype(int)
            red.append(bool((image[..., 0] - image[..., 1:].max(axis=-1) > 80).sum() > 50))
            stove.follow()
    assert red == [False, True, True, False]


def episode(pair: Pair, steps: int, every: int) -> list[tuple[int, int]]:
    """Wild steps from one state; numbers that differ, for both steppers, at every few of them."""
    rng = np.random.default_rng(3)
    pair.restore(2)
    found = []
    for step in range(steps):
        action = np.clip(np.append(rng.normal(0, 0.6, 6), rng.choice([-1.0, 1.0])), -1, 1)
        seen = pair.step(action)
        if step % every == 0:
            found.append(tuple(differing(simulation, seen) for simulation in pair.ours.values()))
        pair.follow()
    return found


def test_along_an_episode_the_pixels_are_liberos(stove):
    assert episode(stove, 30, 5) == [(0, 0)] * 6


@pytest.mark.full
def test_in_every_suite_the_pixels_are_liberos(other):
    assert episode(other, 60, 6) == [(0, 0)] * 10


def test_an_unknown_camera_is_told_with_those_there_are(stove):
    with pytest.raises(ValueError, match=r"no camera 'wristview' .* there are .*agentview"):
        stove.ours["fast"].look((Camera("wristview", 8, 8),))


def test_two_tasks_take_turns_in_one_context(stove, renderer):
    state = load_states(find_task(OTHERS["object"]), "train")[0]
    stove.restore(3)
    before = stove.ours["fast"].look(CAMERAS)
    other = Simulation(find_task(OTHERS["object"]), renderer=renderer)
    other.restore(state)
    first = other.look(CAMERAS)
    between = stove.ours["fast"].look(CAMERAS)
    again = other.look(CAMERAS)
    other.close()
    after = stove.ours["fast"].look(CAMERAS)
    for name, image in before.items():
        assert (image != first[name]).any()
        np.testing.assert_array_equal(between[name], image)
        np.testing.assert_array_equal(after[name], image)
        np.testing.assert_array_equal(again[name], first[name])


def test_without_a_device_it_is_told_what_mends_it():
    script = "from tgrpo.simulation.rendering import Renderer; from tgrpo.tasks import find_task; "
    done = subprocess.run(
        [sys.executable, "-c", f"{script}Renderer().acquire(find_task({STOVE!r}))"],
        env={**os.environ, "MUJOCO_GL": "egl", "MUJOCO_EGL_DEVICE_ID": "99"},
        capture_output=True,
        text=True,
        check=False,
    )
    (told,) = [line for line in done.stderr.splitlines() if "RenderingError: " in line]
    assert "images are asked for, and egl draws none" in told
    assert "got 99" in told
    assert "try: unset MUJOCO_EGL_DEVICE_ID" in told


@pytest.mark.full
def test_a_task_that_is_let_go_leaves_no_memory():
    """A load takes some 450 MB; malloc keeps what is freed, in pieces, and a few are enough."""
    script = f"""
from pathlib import Path
from tgrpo.simulation.rendering import Renderer
from tgrpo.tasks import find_task

renderer, tasks = Renderer(), [find_task(name) for name in {[STOVE, OTHERS["object"]]!r}]
for turn in range(12):
    renderer.acquire(tasks[turn % 2])
    renderer.release(tasks[turn % 2])
    print(int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 10**6)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    resident = [int(line) for line in done.stdout.split()]
    assert len(resident) == 12
    assert max(resident[6:]) - max(resident[:6]) < 300
