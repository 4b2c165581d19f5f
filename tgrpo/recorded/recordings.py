"""Recorded states as snapshots: each is set on its task's own model, and nothing is simulated.

What LIBERO's predicates read after a control step is not what the state alone says: poses and
contacts are those of the last substep's beginning, one substep older than `qpos`
(`tgrpo.simulation.envs`). MuJoCo moves `qpos` along the velocity *after* the substep, which is the
recorded `qvel`, so that moment is known exactly: qpos - qvel dt. Poses and contacts are taken
there and joint values from `qpos` itself, and a replay reads what the live run read, to rounding.

The first recorded state is taken for the one after settling, and nothing settles again. In files
written by `tgrpo.recorded.demonstrations` it is; LIBERO's own scripts leave out a recording's
first steps.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import h5py
import mujoco
import numpy as np

import rewardlang
from tgrpo.recorded.libero_hdf5 import Demo, read_file
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import InitialState
from tgrpo.simulation.libero_success import LiberoSuccess
from tgrpo.tasks import Task

CAMERA = "obs/agentview_rgb"  # dataset (T, H, W, 3) uint8


class Replayer:
    """The model of one task, on which recorded states are set. Nothing is built before use."""

    def __init__(self, task: Task):
        self.task = task
        self._readers: dict[rewardlang.Requirements, rewardlang.SnapshotReader] = {}

    @cached_property
    def simulation(self) -> Simulation:
        return Simulation(self.task)

    def replay(self, demo: Demo, requirements: rewardlang.Requirements) -> rewardlang.Replay:
        """Snapshots of the episode's states. Raises BindError."""
        reader, native = self._reader(requirements), self._native
        moments = [(reader.read(data), native(data)) for data in self._moments(demo)]
        return rewardlang.Replay(
            snapshots=tuple(snapshot for snapshot, _ in moments),
            native_success=tuple(success for _, success in moments),
        )

    def benchmark_success(self, demo: Demo) -> tuple[bool, ...]:
        """LIBERO's own test of the episode's states; the first time, its environment is built."""
        return tuple(self._libero() for _ in self._moments(demo))

    def release(self) -> None:
        """Forget LIBERO's environment, which takes a gigabyte; it is built again when asked for."""
        if vars(self).pop("_libero", None) is not None:
            gc.collect()  # it is full of reference cycles

    def _moments(self, demo: Demo) -> Iterator[mujoco.MjData]:
        states = demo.states
        if demo.final_state is not None:
            states = np.vstack([states, demo.final_state])
        return as_after_steps(self.simulation, states, demo.fixtures)

    def _reader(self, requirements: rewardlang.Requirements) -> rewardlang.SnapshotReader:
        if requirements not in self._readers:
            simulation = self.simulation
            self._readers[requirements] = rewardlang.SnapshotReader(
                simulation.model, simulation.scene, requirements
            )
        return self._readers[requirements]

    @cached_property
    def _native(self) -> Callable[[mujoco.MjData], bool]:
        return rewardlang.native_success(self.task.scene).bind(self.simulation.model)

    @cached_property
    def _libero(self) -> LiberoSuccess:
        return LiberoSuccess(self.simulation)


def as_after_steps(
    simulation: Simulation, states: np.ndarray, fixtures: Mapping[str, np.ndarray]
) -> Iterator[mujoco.MjData]:
    """The simulation's data as control steps that ended in `states` (n, 1 + nq + nv) left it.

    What predicates read is there: poses of bodies and sites, contacts, `qpos` and `qvel`.
    """
    model, data = simulation.model, simulation.data
    nq = model.nq
    simulation.restore(
        InitialState("train", 0, states[0][1 : nq + 1], states[0][nq + 1 :], fixtures, seed=0)
    )
    for state in states:
        data.time, data.qpos[:], data.qvel[:] = state[0], state[1 : nq + 1], state[nq + 1 :]
        mujoco.mj_integratePos(model, data.qpos, data.qvel, -model.opt.timestep)
        mujoco.mj_kinematics(model, data)
        mujoco.mj_collision(model, data)
        data.qpos[:] = state[1 : nq + 1]
        yield data


class CameraFrames:
    """The pictures of one episode, read when asked for.

    Frame i belongs to state i. In official files it is one control step younger.
    """

    def __init__(self, path: Path, demo: str, count: int, *, bottom_up: bool):
        self._path, self._dataset = path, f"data/{demo}/{CAMERA}"
        self._count, self._bottom_up = count, bottom_up

    def __len__(self) -> int:
        return self._count

    def read(self, indices: Sequence[int]) -> list[np.ndarray]:
        with h5py.File(self._path, "r") as file:
            images = file[self._dataset]
            found = [np.asarray(images[index]) for index in indices]
        return [image[::-1] if self._bottom_up else image for image in found]


class Recording:
    """One episode of a file: `rewardlang.simulator.RecordedEpisode`."""

    def __init__(self, path: Path, demo: Demo, replayer: Replayer, frames: CameraFrames | None):
        self.file, self.name, self.solved = str(path), demo.name, demo.solved
        self.frames = frames
        self._demo, self._replayer = demo, replayer

    def replay(self, requirements: rewardlang.Requirements) -> rewardlang.Replay:
        return self._replayer.replay(self._demo, requirements)

    def benchmark_success(self) -> tuple[bool, ...]:
        return self._replayer.benchmark_success(self._demo)


def read_recordings(path: Path, replayers: dict[Task, Replayer]) -> tuple[Task, list[Recording]]:
    """The task of a file, and its episodes; a replayer of the task is taken or added.

    Raises DemonstrationFileError with all that is wrong at once.
    """
    file = read_file(path)
    replayer = replayers.setdefault(file.task, Replayer(file.task))
    bottom_up = file.attributes.get("macros_image_convention", "opengl") == "opengl"
    counts = _frame_counts(path, [demo.name for demo in file.demos])
    recordings = []
    for demo, count in zip(file.demos, counts, strict=True):
        frames = CameraFrames(path, demo.name, count, bottom_up=bottom_up) if count else None
        recordings.append(Recording(path, demo, replayer, frames))
    return file.task, recordings


def _frame_counts(path: Path, demos: Sequence[str]) -> list[int]:
    """Number of pictures per episode; 0 where there is nothing that can be shown."""
    counts = []
    with h5py.File(path, "r") as file:
        for demo in demos:
            images = file["data"][demo].get(CAMERA)
            shown = (
                isinstance(images, h5py.Dataset)
                and images.dtype == np.uint8
                and images.ndim == 4
                and images.shape[3] == 3
            )
            counts.append(images.shape[0] if shown else 0)
    return counts
