"""Images of demonstrations: what the cameras saw, kept, read back, or drawn from the states."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from tgrpo.recorded.demonstrations import read_demonstrations, write_demonstrations
from tgrpo.scripted.demonstrator import Episode, demonstrate, run_episode
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import load_states
from tgrpo.simulation.rendering import Renderer
from tgrpo.tasks import find_task
from tgrpo.trajectory import Camera

pytestmark = pytest.mark.sim

STOVE = find_task("libero_goal/turn_on_the_stove")
CAMERAS = (Camera("agentview", 32, 32), Camera("robot0_eye_in_hand", 32, 32))
STEPS = 4


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    renderer = Renderer()
    simulation = Simulation(STOVE, renderer=renderer)
    yield simulation
    simulation.close()
    renderer.close()


@pytest.fixture(scope="module")
def episode(simulation: Simulation) -> Episode:
    state = load_states(STOVE, "train")[2]
    return run_episode(simulation, state, max_steps=STEPS, cameras=CAMERAS)


@pytest.fixture(scope="module")
def written(episode: Episode, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("images") / "stove.hdf5"
    write_demonstrations(path, STOVE, [episode])
    return path


def test_cameras_look_before_each_action(simulation: Simulation, episode: Episode) -> None:
    assert {name: frames.shape for name, frames in episode.images.items()} == {
        "agentview": (STEPS, 32, 32, 3),
        "robot0_eye_in_hand": (STEPS, 32, 32, 3),
    }
    simulation.reset(episode.state)
    for step, action in enumerate(episode.actions):
        for name, image in simulation.look(CAMERAS).items():
            assert np.array_equal(image, episode.images[name][step]), (name, step)
        simulation.step(action)


def test_they_stand_in_the_file_under_libero_s_names(written: Path, episode: Episode) -> None:
    with h5py.File(written) as file:
        observations = file["data/demo_0/obs"]
        for name, camera in (("agentview_rgb", 0), ("eye_in_hand_rgb", 1)):
            frames = episode.images[CAMERAS[camera].name]
            assert np.array_equal(observations[name][()], frames)
            assert observations[name].id.get_storage_size() < frames.nbytes
        arguments = json.loads(file["data"].attrs["env_args"])["env_kwargs"]
    assert arguments["use_camera_obs"] is True
    assert arguments["camera_names"] == ["agentview", "robot0_eye_in_hand"]
    assert arguments["camera_heights"] == arguments["camera_widths"] == [32, 32]


def test_what_is_asked_for_is_read_back(written: Path, episode: Episode) -> None:
    assert read_demonstrations(written)[0].images == {}
    (read,) = read_demonstrations(written, CAMERAS[1:])
    assert set(read.images) == {"robot0_eye_in_hand"}
    assert np.array_equal(read.images["robot0_eye_in_hand"], episode.images["robot0_eye_in_hand"])


def test_what_the_file_lacks_is_drawn_from_its_states(written: Path, episode: Episode) -> None:
    """Another camera, another size: nearly what was seen then, which is 4 ms older."""
    wide = Camera("agentview", 32, 48)
    (read,) = read_demonstrations(written, (wide, CAMERAS[1]))
    assert read.images["agentview"].shape == (STEPS, 32, 48, 3)
    assert np.array_equal(read.images["robot0_eye_in_hand"], episode.images["robot0_eye_in_hand"])
    middle = read.images["agentview"][:, :, 8:-8].astype(int)
    assert np.abs(middle - episode.images["agentview"]).mean() < 3


def test_images_of_official_files_are_a_step_too_young_to_be_taken(
    written: Path, episode: Episode, tmp_path: Path
) -> None:
    path = tmp_path / "official.hdf5"
    path.write_bytes(written.read_bytes())
    with h5py.File(path, "r+") as file:
        del file["data/demo_0"].attrs["final_state"]
        file["data/demo_0/obs/agentview_rgb"][...] = 0
    (read,) = read_demonstrations(path, CAMERAS)
    for name, frames in episode.images.items():
        drawn = read.images[name].astype(int)
        assert np.abs(drawn - frames).mean() < 5, name


def test_a_camera_that_the_task_lacks_is_answered_with_those_it_has(written: Path) -> None:
    with pytest.raises(ValueError, match="no camera 'kitchenview' in this task; there are"):
        read_demonstrations(written, (Camera("kitchenview", 32, 32),))


@pytest.mark.full
def test_demonstrations_of_a_task_come_with_images(tmp_path: Path) -> None:
    made = demonstrate(STOVE, count=1, out=tmp_path / "stove.hdf5", cameras=CAMERAS[:1])
    (read,) = read_demonstrations(made.path, CAMERAS[:1])
    assert read.images["agentview"].shape == (made.lengths[0], 32, 32, 3)
    assert np.ptp(read.images["agentview"][0]) > 100
