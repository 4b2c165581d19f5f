"""LIBERO as rewardlang's commands see it: the entry point `rewardlang.simulators`.

Mistakes of the trainer's modules leave here as `rewardlang.SimulatorError`, with the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import numpy as np

import rewardlang
from tgrpo.libero_package import LiberoMissingError
from tgrpo.recorded.libero_hdf5 import Demo, DemonstrationFileError
from tgrpo.recorded.recordings import Recording, Replayer, read_recordings
from tgrpo.scripted.exploits import controller
from tgrpo.scripted.obeying import Obeying
from tgrpo.simulation.envs import Simulation, UnstablePhysicsError
from tgrpo.simulation.initial_states import (
    COUNTS,
    InitialState,
    InitialStatesError,
    Split,
    load_states,
)
from tgrpo.tasks import Task, UnknownTaskError, find_task
from tgrpo.trajectory import ACTION_DIM

__all__ = ["LiberoSimulation", "LiberoSimulator"]

_MISTAKES = (
    DemonstrationFileError,
    InitialStatesError,
    LiberoMissingError,
    UnknownTaskError,
    UnstablePhysicsError,
)


class LiberoSimulator:
    """LIBERO's tasks, and files in its HDF5 layout."""

    suffixes = (".hdf5", ".h5")

    def __init__(self) -> None:
        self._replayers: dict[Task, Replayer] = {}

    def max_steps(self, scene: rewardlang.Scene) -> int:
        return _task_of(scene).max_steps

    def states(self, scene: rewardlang.Scene) -> Mapping[str, int]:
        _task_of(scene)
        return {str(split): number for split, number in COUNTS.items()}

    def open(self, scene: rewardlang.Scene) -> LiberoSimulation:
        task = _task_of(scene)
        with _translated():
            replayer = self._replayers.setdefault(task, Replayer(task))
            return LiberoSimulation(Simulation(task), replayer)

    def recordings(self, path: Path, scene: rewardlang.Scene) -> Sequence[Recording]:
        with _translated():
            task, recordings = read_recordings(path, self._replayers)
        if task.id != scene.id:
            raise rewardlang.OtherSceneError(
                f"{path} holds episodes of {task.id}, but the program is for {scene.id}"
            )
        return recordings


class LiberoSimulation:
    """One task, live."""

    def __init__(self, simulation: Simulation, replayer: Replayer):
        self._simulation = simulation
        self._native = rewardlang.native_success(simulation.scene).bind(simulation.model)
        self._replayer = replayer

    @property
    def scene(self) -> rewardlang.Scene:
        return self._simulation.scene

    def reset(self, split: str, index: int) -> None:
        with _translated():
            self._simulation.reset(self._state(split, index))

    def step(self, action: Sequence[float]) -> None:
        with _translated():
            self._simulation.step(np.asarray(action, np.float64))

    def play(self, script: rewardlang.Script, split: str, index: int, max_steps: int) -> Recording:
        """An episode ends early where the physics diverges: at the last state before."""
        simulation = self._simulation
        with _translated():
            initial = self._state(split, index)
            simulation.reset(initial)
            acting = controller(simulation, script)
            actions: list[np.ndarray] = []
            states = [simulation.state_vector()]
            while len(actions) < max_steps and not self._native(simulation.data):
                action = np.clip(acting.act(), -1.0, 1.0)
                try:
                    simulation.step(action)
                except UnstablePhysicsError:
                    break
                actions.append(action)
                states.append(simulation.state_vector())
        demo = Demo(
            name=f"{script}, {split} state {index}",
            actions=np.array(actions).reshape(-1, ACTION_DIM),
            states=np.array(states[:-1]).reshape(-1, len(states[0])),
            final_state=states[-1],
            solved=self._native(simulation.data),
            model_file="",
            fixtures=initial.fixtures,
        )
        return Recording(Path(simulation.task.id), demo, self._replayer, frames=None)

    def mover(self) -> Obeying:
        return Obeying(self._simulation)

    def _state(self, split: str, index: int) -> InitialState:
        """Raises SimulatorError where there is none."""
        task = self._simulation.task
        known = {str(name): name for name in get_args(Split)}
        if split not in known or not 0 <= index < COUNTS[known[split]]:
            states = ", ".join(f"{name} 0 to {number - 1}" for name, number in COUNTS.items())
            raise rewardlang.SimulatorError(
                f"{task.id} has no initial state {index} of split {split!r}; there are {states}"
            )
        return load_states(task, known[split])[index]

    def reader(self, requirements: rewardlang.Requirements) -> Callable[[], rewardlang.Snapshot]:
        simulation = self._simulation
        reader = rewardlang.SnapshotReader(simulation.model, simulation.scene, requirements)
        return lambda: reader.read(simulation.data)

    def native_success(self) -> bool:
        return self._native(self._simulation.data)

    def close(self) -> None:
        self._simulation.close()
        self._replayer.release()


def _task_of(scene: rewardlang.Scene) -> Task:
    try:
        return find_task(scene.id)
    except UnknownTaskError as error:
        raise rewardlang.SimulatorError(
            f"{scene.id} is none of LIBERO's own tasks, and only they have initial states: {error}"
        ) from error
    except LiberoMissingError as error:
        raise rewardlang.SimulatorError(str(error)) from error


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except _MISTAKES as error:
        raise rewardlang.SimulatorError(str(error)) from error
