"""Demonstrations in HDF5 files of LIBERO's own layout: written here, read wherever they are from.

    data                    bddl_file_name, bddl_file_content, problem_info, env_args, num_demos, …
    data/demo_0             num_samples, init_state, model_file: the scene's XML, fixtures placed;
                            final_state: after the last action, in files written here alone
    data/demo_0/actions     (T, 7)
    data/demo_0/states      (T, 1 + nq + nv): time, qpos, qvel before each action
    data/demo_0/…           rewards, dones, robot_states, obs/…

Reading takes actions, states, model_file and the task's name, and computes what a policy sees
from them, so official files and those written here are interchangeable. In files written here
`robot_states` and `obs` belong to the moment before the action, as `states` do; in official ones
they are one control step younger. Images are taken from the file where it has those that are asked
for, and drawn from the states where it has not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import h5py
import mujoco
import numpy as np

from tgrpo.files import replace_file
from tgrpo.recorded.camera_images import drawn_images, stored_images, write_images
from tgrpo.recorded.libero_hdf5 import (
    Demo,
    DemonstrationFileError,
    place_fixtures,
    read_file,
)
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import InitialState
from tgrpo.simulation.model_cache import libero_xml
from tgrpo.simulation.rendering import Renderer
from tgrpo.tasks import Task
from tgrpo.trajectory import OBJECT_DIM, ROBOT_DIM, Camera, Images, TaskContext

__all__ = [
    "Demonstration",
    "DemonstrationFileError",
    "Recorded",
    "read_demonstrations",
    "write_demonstrations",
]

_HAND = "robot0_right_hand"  # the body whose orientation LIBERO reports
_ARM = tuple(f"robot0_joint{number}" for number in range(1, 8))


@dataclass(frozen=True, slots=True)
class Demonstration:
    """One episode of T control steps; `robot` and `objects` are what a policy saw."""

    task: Task
    context: TaskContext
    actions: np.ndarray  # (T, 7) float64
    states: np.ndarray  # (T, 1 + nq + nv) float64, before each action
    model_file: str  # XML; empty where the file has none
    robot: np.ndarray  # (T, 9) float32, before each action
    objects: np.ndarray  # (T, K, 7) float32
    images: Images = field(default_factory=dict)  # (T, H, W, 3) of each camera

    def __len__(self) -> int:
        return len(self.actions)


class Recorded(Protocol):
    """What is written of an episode: `tgrpo.scripted.demonstrator.Episode` has it."""

    @property
    def state(self) -> InitialState: ...  # its fixtures
    @property
    def actions(self) -> np.ndarray: ...  # (T, 7)
    @property
    def states(self) -> np.ndarray: ...  # (T, 1 + nq + nv)
    @property
    def final_state(self) -> np.ndarray: ...  # (1 + nq + nv,)
    @property
    def success(self) -> bool: ...
    @property
    def images(self) -> Images: ...  # (T, H, W, 3) of each camera; none where nothing was drawn


def write_demonstrations(path: Path, task: Task, episodes: Sequence[Recorded]) -> None:
    """Write `episodes` of `task`; the folder is made. A file appears only once it is complete."""
    if any(len(episode.actions) == 0 for episode in episodes):
        raise ValueError(f"{task.id}: an episode without a single action is no demonstration")
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda temporary: _write(temporary, task, episodes))


def read_demonstrations(path: Path, cameras: Sequence[Camera] = ()) -> list[Demonstration]:
    """All demonstrations of a file in LIBERO's layout, in order of their numbers.

    Every state is set on the task's own model, with the fixtures where the episode's `model_file`
    has them. Images are those of `cameras`; one that the file lacks takes a tenth of a second to
    draw. Raises DemonstrationFileError with all that is wrong at once, RenderingError.
    """
    file = read_file(path)
    stored = [stored_images(path, demo, cameras) for demo in file.demos]
    renderer = Renderer() if any(len(images) < len(cameras) for images in stored) else None
    simulation = Simulation(file.task, renderer=renderer)
    read = []
    for demo, images in zip(file.demos, stored, strict=True):
        missing = [camera for camera in cameras if camera.name not in images]
        drawn = drawn_images(simulation, demo, missing) if missing else {}
        read.append(_replayed(simulation, demo, {**images, **drawn}))
    simulation.close()
    if renderer is not None:
        renderer.close()
    return read


def _write(path: Path, task: Task, episodes: Sequence[Recorded]) -> None:
    simulation = Simulation(task)
    xml = libero_xml(task)
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        for name, value in _file_attributes(task, episodes).items():
            data.attrs[name] = value
        for number, episode in enumerate(episodes):
            _write_episode(data.create_group(f"demo_{number}"), simulation, xml, episode)


def _file_attributes(task: Task, episodes: Sequence[Recorded]) -> dict[str, Any]:
    scene = task.scene
    problem = {
        "problem_name": scene.problem,
        "domain_name": "robosuite",
        "language_instruction": scene.language,
    }
    bddl_file = f"bddl_files/{task.suite}/{task.name}.bddl"
    return {
        "tag": "libero-v1",
        "env_name": scene.problem,
        "problem_info": json.dumps(problem),
        "bddl_file_name": bddl_file,
        "bddl_file_content": task.bddl_file.read_text(),
        "env_args": json.dumps(_environment(scene.problem, bddl_file, episodes[0].images)),
        "macros_image_convention": "opengl",
        "num_demos": len(episodes),
        "total": sum(len(episode.actions) for episode in episodes),
    }


def _environment(problem: str, bddl_file: str, images: Images) -> dict[str, Any]:
    """What LIBERO's scripts hand to robosuite to make the environment again."""
    controller = {
        "type": "OSC_POSE",
        "input_max": 1,
        "input_min": -1,
        "output_max": [0.05, 0.05, 0.05, 0.5, 0.5, 0.5],
        "output_min": [-0.05, -0.05, -0.05, -0.5, -0.5, -0.5],
        "kp": 150,
        "damping_ratio": 1,
        "impedance_mode": "fixed",
        "kp_limits": [0, 300],
        "damping_ratio_limits": [0, 10],
        "position_limits": None,
        "orientation_limits": None,
        "uncouple_pos_ori": True,
        "control_delta": True,
        "interpolation": None,
        "ramp_ratio": 0.2,
    }
    arguments = {
        "robots": ["Panda"],
        "controller_configs": controller,
        "bddl_file_name": bddl_file,
        "has_renderer": False,
        "has_offscreen_renderer": bool(images),
        "use_camera_obs": bool(images),
        "camera_names": list(images),
        "camera_heights": [frames.shape[1] for frames in images.values()],
        "camera_widths": [frames.shape[2] for frames in images.values()],
        "ignore_done": True,
        "reward_shaping": True,
        "control_freq": 20,
    }
    return {
        "type": 1,
        "env_name": problem,
        "problem_name": problem,
        "bddl_file": bddl_file,
        "env_kwargs": arguments,
    }


def _write_episode(group: h5py.Group, simulation: Simulation, xml: str, episode: Recorded) -> None:
    length = len(episode.actions)
    last = (np.arange(length) == length - 1).astype(np.uint8)
    group.create_dataset("actions", data=np.asarray(episode.actions, np.float64))
    group.create_dataset("states", data=np.asarray(episode.states, np.float64))
    group.create_dataset("rewards", data=last * np.uint8(episode.success))
    group.create_dataset("dones", data=last)
    robot = _robot_columns(simulation, episode)
    position, orientation, quaternion, fingers, joints = np.split(robot, [3, 6, 10, 12], axis=1)
    group.create_dataset("robot_states", data=np.hstack([fingers, position, quaternion]))
    seen = group.create_group("obs")
    seen.create_dataset("ee_pos", data=position)
    seen.create_dataset("ee_ori", data=orientation)
    seen.create_dataset("ee_states", data=np.hstack([position, orientation]))
    seen.create_dataset("gripper_states", data=fingers)
    seen.create_dataset("joint_states", data=joints)
    write_images(seen, episode.images)
    group.attrs["num_samples"] = length
    group.attrs["init_state"] = np.asarray(episode.states[0], np.float64)
    group.attrs["final_state"] = np.asarray(episode.final_state, np.float64)
    group.attrs["model_file"] = place_fixtures(xml, episode.state.fixtures)


def _robot_columns(simulation: Simulation, episode: Recorded) -> np.ndarray:
    """Rows of position (3), axis-angle (3), quaternion xyzw (4), fingers (2), joints (7)."""
    rows = []
    for _ in _through(simulation, episode.states, episode.state.fixtures):
        data = simulation.data
        quaternion = data.body(_HAND).xquat[[1, 2, 3, 0]]
        position, fingers = simulation.observe().robot[:3], simulation.observe().robot[7:9]
        joints = [data.joint(name).qpos[0] for name in _ARM]
        rows.append([*position, *_axis_angle(quaternion), *quaternion, *fingers, *joints])
    return np.array(rows)


def _axis_angle(quaternion: np.ndarray) -> np.ndarray:
    """Of a quaternion x, y, z, w, as robosuite computes it; zero for no rotation."""
    cosine = float(np.clip(quaternion[3], -1.0, 1.0))
    sine = np.sqrt(1.0 - cosine * cosine)
    if np.isclose(sine, 0.0):
        return np.zeros(3)
    vector: np.ndarray = quaternion[:3] * 2.0 * np.arccos(cosine) / sine
    return vector


def _replayed(simulation: Simulation, demo: Demo, images: Images) -> Demonstration:
    seen = [simulation.observe() for _ in _through(simulation, demo.states, demo.fixtures)]
    context = simulation.context
    return Demonstration(
        task=simulation.task,
        context=context,
        actions=demo.actions,
        states=demo.states,
        model_file=demo.model_file,
        robot=np.array([item.robot for item in seen]).reshape(-1, ROBOT_DIM),
        objects=np.array([item.objects for item in seen]).reshape(
            -1, len(context.object_names), OBJECT_DIM
        ),
        images=images,
    )


def _through(
    simulation: Simulation, states: np.ndarray, fixtures: Mapping[str, np.ndarray]
) -> Iterator[None]:
    """Set one state (1 + nq + nv,) after the other on the simulation, without stepping it."""
    nq = simulation.model.nq
    first = InitialState("train", 0, states[0][1 : nq + 1], states[0][nq + 1 :], fixtures, seed=0)
    simulation.restore(first)
    for state in states:
        simulation.data.qpos[:] = state[1 : nq + 1]
        mujoco.mj_kinematics(simulation.model, simulation.data)
        yield
