"""Images from workers: the pixels of one's own simulator, whatever happens on the way."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.tgrpo.scripted_pool import EchoPolicy
from tgrpo import actions
from tgrpo.rollouts.episodes import Assignment
from tgrpo.rollouts.hosting import Report
from tgrpo.rollouts.rollout import GroupJob, Rules, collect
from tgrpo.rollouts.shared_images import Layout, receive, share
from tgrpo.rollouts.workers import Loss, Pool
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import load_states
from tgrpo.simulation.rendering import Renderer
from tgrpo.tasks import Task, find_task
from tgrpo.trajectory import Camera, Images, TaskContext

CAMERAS = (Camera("agentview", 24, 32), Camera("robot0_eye_in_hand", 16, 16))
TASK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
UP = np.array([0, 0, 1, 0, 0, 0, -1.0])


def echo(connection, images: Images) -> None:
    """A worker that answers slots with images of them."""
    shared = receive(connection, connection.recv())
    while True:
        slots = connection.recv()
        shared.write(slots, {name: batch[: len(slots)] for name, batch in images.items()})
        connection.send(slots)


def test_what_another_process_writes_is_read_by_slot() -> None:
    rng = np.random.default_rng(0)
    images = {c.name: rng.integers(0, 256, (3, *c.shape), dtype=np.uint8) for c in CAMERAS}
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(target=echo, args=(theirs, images))
    child.start()
    theirs.close()
    try:
        shared = share(ours, Layout((1, 4, 7), CAMERAS))
        ours.send((7, 1))
        ours.recv()
        kept = shared.read((1, 4, 7))
        for name, batch in images.items():
            np.testing.assert_array_equal(kept[name], [batch[1], 0 * batch[1], batch[0]])
        ours.send((4,))
        ours.recv()
        for name, batch in images.items():
            np.testing.assert_array_equal(shared.read((4,))[name], batch[:1])
            assert not kept[name][1].any()  # what was read before is a copy
    finally:
        child.kill()
        child.join()


@pytest.fixture(scope="module")
def task() -> Task:
    return find_task(TASK)


def assignment(task: Task, index: int = 0, steps: int = 2) -> Assignment:
    return Assignment(task, load_states(task, "train")[index], None, steps, CAMERAS)


@pytest.fixture(scope="module")
def simulation(task: Task) -> Iterator[Simulation]:
    renderer = Renderer()
    simulation = Simulation(task, renderer=renderer)
    yield simulation
    simulation.close()
    renderer.close()


def heard(pool: Pool, expected: int) -> list[Report | Loss]:
    answers: list[Report | Loss] = []
    while len(answers) < expected:
        answers += pool.wait()
    return answers


def expect_images(report: Report | Loss, row: int, expected: Images) -> None:
    assert isinstance(report, Report)
    assert set(report.images) == {camera.name for camera in CAMERAS}
    for name, image in expected.items():
        np.testing.assert_array_equal(report.images[name][row], image)


@pytest.mark.sim
def test_a_pools_images_are_those_of_a_simulator_here_also_after_a_kill(
    task: Task, simulation: Simulation
) -> None:
    names = os.listdir("/dev/shm")
    simulation.reset(load_states(task, "train")[1])
    first = simulation.look(CAMERAS)
    simulation.step(UP)
    second = simulation.look(CAMERAS)
    with Pool(1, 3) as pool:
        for _ in range(2):
            (report,) = heard(pool, pool.assign(0, {2: assignment(task, 1)}))
            expect_images(report, 0, first)
            (report,) = heard(pool, pool.step(0, [2], UP[None, None]))
            expect_images(report, 0, second)
            (report,) = heard(pool, pool.step(0, [2], UP[None, None]))
            assert isinstance(report, Report)
            assert report.images == {}  # nobody acts on the last moment
            assert os.listdir("/dev/shm") == names
            (child,) = [c for c in multiprocessing.active_children() if "tgrpo" in c.name]
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)
            (loss,) = heard(pool, 1)
            assert isinstance(loss, Loss)
    assert os.listdir("/dev/shm") == names
    assert "memfd:tgrpo-images" not in Path("/proc/self/maps").read_text()


class SeeingPolicy(EchoPolicy):
    """Acts as `EchoPolicy`; remembers what it was shown."""

    cameras = CAMERAS

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Images] = []

    def sample(
        self,
        context: TaskContext,
        robot: np.ndarray,
        objects: np.ndarray,
        *,
        temperature: float,
        uniforms: np.ndarray | None = None,
        images: Images | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        assert images is not None
        assert (context.task, temperature) == (TASK.split("/")[1], 1.0)
        assert len(objects) == len(robot)
        self.shown.append(images)
        assert uniforms is not None
        return (256 * uniforms).astype(np.int64), -uniforms.astype(np.float32)

    def decode(self, context: TaskContext, tokens: np.ndarray) -> np.ndarray:
        assert context.task == TASK.split("/")[1]
        return actions.decode(tokens)


@pytest.mark.sim
def test_a_policy_sees_its_cameras_and_trajectories_keep_what_it_saw(
    task: Task, simulation: Simulation
) -> None:
    policy, state = SeeingPolicy(), load_states(task, "train")[0]
    job = GroupJob(0, task, None, (state,), max_steps=3)
    with Pool(2, 2) as pool:
        collected = collect(policy, pool, [job], Rules(2, 1.0, "independent", 5, 0))
    (group,) = collected.groups
    assert collected.seconds["rendering"] > 0
    simulation.reset(state)
    for name, image in simulation.look(CAMERAS).items():
        shown = np.stack([images[name] for images in policy.shown])
        assert shown.shape == (3, 2, *image.shape)
        np.testing.assert_array_equal(shown[0], [image, image])
        assert (shown[1] != shown[0]).any()
        for arm, trajectory in enumerate(group.trajectories):
            np.testing.assert_array_equal(trajectory.images[name], shown[:, arm])


PARENT = """
import os, sys
from tests.tgrpo.test_shared_images import TASK, UP, assignment, heard
from tgrpo.rollouts.workers import Pool
from tgrpo.tasks import find_task

if __name__ == "__main__":
    task = find_task(TASK)
    try:
        with Pool(2, 2) as pool:
            heard(pool, pool.assign(0, {slot: assignment(task, slot, 10**6) for slot in range(2)}))
            print("ready", flush=True)
            if sys.argv[1] == "raise":
                raise ZeroDivisionError
            while True:
                heard(pool, pool.step(0, [0, 1], UP[None, None].repeat(2, axis=0)))
    except (KeyboardInterrupt, ZeroDivisionError):
        pass
"""


@pytest.mark.sim
@pytest.mark.parametrize("end", ["raise", "SIGINT", "SIGKILL"])
def test_no_end_of_the_parent_leaves_memory_behind(tmp_path: Path, end: str) -> None:
    script, names = tmp_path / "parent.py", os.listdir("/dev/shm")
    script.write_text(textwrap.dedent(PARENT))
    parent = subprocess.Popen(
        [sys.executable, str(script), end],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(Path.cwd())])},
        start_new_session=True,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    if end != "raise":
        assert len(_sharing(parent.pid)) == 3
        parent.send_signal(signal.Signals[end])
    _, err = parent.communicate(timeout=120)
    assert err == ""
    deadline = time.monotonic() + 60  # a worker finishes its step before it sees that it is alone
    while _sharing(parent.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _sharing(parent.pid) == []
    assert os.listdir("/dev/shm") == names


def _sharing(session: int) -> list[str]:
    """Processes of a session that have the memory mapped."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and "memfd:tgrpo-images" in (process / "maps").read_text():
                found.append(process.name)
        except OSError:
            continue
    return found
