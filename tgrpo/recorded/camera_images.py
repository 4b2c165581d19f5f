"""Images of demonstrations, in LIBERO's layout: `obs/agentview_rgb`, `obs/eye_in_hand_rgb`.

Images are large and smooth: gzip leaves about a third of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from tgrpo.recorded.libero_hdf5 import Demo
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import InitialState
from tgrpo.trajectory import Camera, Images

LIBERO_CAMERAS = ("agentview", "robot0_eye_in_hand")  # those that official files have


def write_images(observations: h5py.Group, images: Images) -> None:
    """One dataset (T, H, W, 3) uint8 per camera, rows from bottom to top as LIBERO's."""
    for camera, frames in images.items():
        observations.create_dataset(
            _dataset(camera), data=frames, chunks=(1, *frames.shape[1:]), compression="gzip"
        )


def stored_images(path: Path, demo: Demo, cameras: Sequence[Camera]) -> dict[str, np.ndarray]:
    """Those of `cameras` that the file has of `demo`, at their size and before each action.

    Official files have each image one control step later, of after the action: theirs are none.
    """
    if demo.final_state is None:
        return {}
    with h5py.File(path, "r") as file:
        observations = file["data"][demo.name].get("obs", {})
        found = {camera: observations.get(_dataset(camera.name)) for camera in cameras}
        return {
            camera.name: dataset[()]
            for camera, dataset in found.items()
            if isinstance(dataset, h5py.Dataset)
            and dataset.dtype == np.uint8
            and dataset.shape == (len(demo.states), *camera.shape)
        }


def drawn_images(simulation: Simulation, demo: Demo, cameras: Sequence[Camera]) -> Images:
    """What `cameras` see in the states of `demo`. `simulation` has a renderer.

    An image of an episode is 4 ms older than its state, and shows lamps a step late; one drawn from
    the state alone is neither. Raises RenderingError, ValueError for a camera that the task lacks.
    """
    images = {
        camera.name: np.empty((len(demo.states), *camera.shape), np.uint8) for camera in cameras
    }
    nq = simulation.model.nq
    for step, state in enumerate(demo.states):
        qpos, qvel = state[1 : nq + 1], state[nq + 1 :]
        simulation.restore(InitialState("train", 0, qpos, qvel, demo.fixtures, seed=0))
        for name, image in simulation.look(cameras).items():
            images[name][step] = image
    return images


def _dataset(camera: str) -> str:
    return f"{camera.removeprefix('robot0_')}_rgb"
