"""Files of demonstrations: what is written, what is read back, what is said of bad files."""

import json
from dataclasses import replace
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from tgrpo.recorded import demonstrations
from tgrpo.recorded.demonstrations import (
    DemonstrationFileError,
    read_demonstrations,
    write_demonstrations,
)
from tgrpo.recorded.libero_hdf5 import fixtures_in, place_fixtures
from tgrpo.scripted.demonstrator import run_episode
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import load_states
from tgrpo.simulation.model_cache import compiled_task
from tgrpo.tasks import find_task

pytestmark = pytest.mark.sim

CENTRE = find_task(
    "libero_spatial/pick_up_the_black_bowl_from_table_center_and_place_it_on_the_plate"
)


@pytest.fixture(scope="module")
def simulation():
    return Simulation(CENTRE)


@pytest.fixture(scope="module")
def episodes(simulation):
    states = load_states(CENTRE, "train")
    return [run_episode(simulation, states[index]) for index in (4, 9)]


@pytest.fixture(scope="module")
def written(episodes, tmp_path_factory):
    path = tmp_path_factory.mktemp("demos") / "sub" / "bowl.hdf5"
    write_demonstrations(path, CENTRE, episodes)
    return path


@pytest.fixture
def changed(written, tmp_path):
    """A function that copies the written file and lets its argument change the copy."""

    def change(how, name="changed.hdf5"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(written.read_bytes())
        with h5py.File(path, "r+") as file:
            how(file)
        return path

    return change


def message(path):
    with pytest.raises(DemonstrationFileError) as caught:
        read_demonstrations(path)
    return str(caught.value)


def test_what_is_written_is_read_back(written, episodes):
    read = read_demonstrations(written)
    assert [len(item) for item in read] == [len(item) for item in episodes]
    for item, episode in zip(read, episodes, strict=True):
        assert item.task == CENTRE
        assert np.array_equal(item.actions, episode.actions)
        assert np.array_equal(item.states, episode.states)


def test_observations_are_recomputed_from_the_states(written, episodes, simulation):
    """LIBERO reports poses that are one substep old: half a millimetre in motion, no more."""
    for item, episode in zip(read_demonstrations(written), episodes, strict=True):
        assert item.context == simulation.context
        assert item.robot.shape == episode.robot.shape
        assert item.robot.dtype == item.objects.dtype == np.float32
        assert np.abs(item.robot[:, :3] - episode.robot[:, :3]).max() < 2e-3
        assert np.abs(item.robot[:, 3:] - episode.robot[:, 3:]).max() < 1e-2
        assert np.abs(item.objects - episode.objects)[..., :3].max() < 5e-3
        assert np.allclose(item.robot[0], episode.robot[0], atol=1e-4)  # nearly at rest
        fixtures = [row for row, name in enumerate(item.context.object_names) if "cab" in name]
        assert np.array_equal(item.objects[:, fixtures], episode.objects[:, fixtures])


def test_fixtures_stand_where_each_episode_has_them(written, episodes):
    first, second = read_demonstrations(written)
    row = first.context.object_names.index("wooden_cabinet_1")
    assert not np.array_equal(first.objects[0, row], second.objects[0, row])
    pose = episodes[1].state.fixtures["wooden_cabinet_1_main"]
    assert np.allclose(second.objects[0, row], pose, atol=1e-6)


def test_the_file_has_libero_s_layout(written, episodes):
    with h5py.File(written) as file:
        data = file["data"]
        assert data.attrs["num_demos"] == 2
        assert data.attrs["total"] == sum(len(episode) for episode in episodes)
        assert data.attrs["bddl_file_content"] == CENTRE.bddl_file.read_text()
        problem = json.loads(data.attrs["problem_info"])
        assert problem["problem_name"] == "libero_tabletop_manipulation"
        kwargs = json.loads(data.attrs["env_args"])["env_kwargs"]
        assert kwargs["controller_configs"]["type"] == "OSC_POSE"
        demo, length = data["demo_0"], len(episodes[0])
        assert demo.attrs["num_samples"] == length
        assert np.array_equal(demo.attrs["init_state"], episodes[0].states[0])
        shapes = {name: demo[name].shape for name in ("actions", "robot_states", "rewards")}
        assert shapes == {"actions": (length, 7), "robot_states": (length, 9), "rewards": (length,)}
        assert demo["rewards"][()].tolist() == [0] * (length - 1) + [1]
        assert demo["dones"][()].tolist() == [0] * (length - 1) + [1]
        columns = {name: item.shape[1] for name, item in demo["obs"].items()}
        assert columns == {
            "ee_pos": 3,
            "ee_ori": 3,
            "ee_states": 6,
            "gripper_states": 2,
            "joint_states": 7,
        }


def test_robot_states_are_libero_s_own(simulation, episodes, tmp_path):
    """Fingers, position, quaternion xyzw: the figures LIBERO reports at a reset without noise."""
    qpos = episodes[0].state.qpos.copy()
    qpos[:7] = compiled_task(CENTRE).initial_arm
    resting = run_episode(simulation, replace(episodes[0].state, qpos=qpos), max_steps=1)
    path = tmp_path / "resting.hdf5"
    write_demonstrations(path, CENTRE, [resting])
    with h5py.File(path) as file:
        row = file["data/demo_0/robot_states"][0]
        joints = file["data/demo_0/obs/joint_states"][0]
        angles = file["data/demo_0/obs/ee_ori"][0]
    assert np.allclose(row[:2], [0.0387, -0.0387], atol=1e-3)
    assert np.allclose(row[2:5], [-0.2085, 0.0, 1.1733], atol=1e-3)
    assert np.allclose(np.abs(row[5:9]), [0.9996, 0.0002, 0.0284, 0.0], atol=1e-3)
    assert np.linalg.norm(row[5:9]) == pytest.approx(1.0)
    assert np.allclose(joints, [0, -0.161, 0, -2.445, 0, 2.227, 0.785], atol=5e-3)
    assert np.linalg.norm(angles) == pytest.approx(np.pi, abs=0.01)


def test_an_episode_that_failed_earns_nothing(tmp_path, episodes):
    path = tmp_path / "failed.hdf5"
    fields = ("state", "actions", "states", "final_state", "images")
    failed = SimpleNamespace(success=False, **{name: getattr(episodes[0], name) for name in fields})
    write_demonstrations(path, CENTRE, [failed])
    with h5py.File(path) as file:
        assert not file["data/demo_0/rewards"][()].any()
    assert len(read_demonstrations(path)) == 1


def test_an_interrupted_write_leaves_what_was_there(tmp_path, episodes, monkeypatch):
    path = tmp_path / "bowl.hdf5"
    path.write_text("precious")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(demonstrations, "_write_episode", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_demonstrations(path, CENTRE, episodes)
    assert [item.name for item in tmp_path.iterdir()] == ["bowl.hdf5"]
    assert path.read_text() == "precious"


def test_an_episode_without_actions_is_refused(tmp_path, episodes):
    empty = SimpleNamespace(
        success=True, state=episodes[0].state, actions=np.zeros((0, 7)), states=np.zeros((0, 92))
    )
    with pytest.raises(ValueError, match="without a single action"):
        write_demonstrations(tmp_path / "empty.hdf5", CENTRE, [empty])
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name",
    [
        "/data/someone/LIBERO/libero/bddl_files/libero_spatial/{}.bddl",
        "C:\\LIBERO\\bddl_files\\libero_spatial\\{}.bddl",
        "{}.bddl",
    ],
)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_the_task_is_found_by_its_bddl_file_of_another_machine(changed, name, as_bytes):
    def rename(file):
        value = name.replace("{}", CENTRE.name)
        file["data"].attrs["bddl_file_name"] = np.bytes_(value) if as_bytes else value

    assert read_demonstrations(changed(rename))[0].task == CENTRE


def test_the_task_is_found_by_the_file_s_name(changed):
    path = changed(
        lambda file: file["data"].attrs.__delitem__("bddl_file_name"), f"{CENTRE.name}_demo.hdf5"
    )
    assert read_demonstrations(path)[0].task == CENTRE


def test_numbers_order_the_demonstrations(changed):
    def add(file):
        data = file["data"]
        for number in (10, 2):
            data.copy("demo_0", f"demo_{number}")
        data["demo_10/actions"][...] = 0.5

    read = read_demonstrations(changed(add))
    assert [bool((item.actions == 0.5).all()) for item in read] == [False, False, False, True]


def test_no_file_and_a_folder(tmp_path):
    assert message(tmp_path / "none.hdf5") == f"{tmp_path / 'none.hdf5'}: no such file"
    assert message(tmp_path) == f"{tmp_path}: a folder, not a demonstration file"


def test_a_file_that_is_not_hdf5(tmp_path):
    path = tmp_path / "text.hdf5"
    path.write_text("hello")
    said = message(path)
    assert said.startswith(f"{path} is not a demonstration file:\n  - not an HDF5 file")
    assert said.endswith("the attribute model_file (XML).")


def test_a_file_of_something_else(tmp_path):
    path = tmp_path / "other.hdf5"
    with h5py.File(path, "w") as file:
        file["weights"] = np.zeros(3)
    assert "  - no group 'data'; it holds weights\n" in message(path)


def test_a_file_without_episodes(changed):
    def empty(file):
        del file["data/demo_0"], file["data/demo_1"]

    assert "  - no group demo_… in 'data'\n" in message(changed(empty))


def test_an_unknown_task_gets_a_suggestion(changed):
    def rename(file):
        file["data"].attrs["bddl_file_name"] = f"libero_spatial/{CENTRE.name[:-2]}.bddl"

    said = message(changed(rename))
    assert f"unknown task '{CENTRE.name[:-2]}' (attribute bddl_file_name of 'data')" in said
    assert f"did you mean {CENTRE.name}?" in said


def test_everything_wrong_is_said_at_once(changed):
    def spoil(file):
        data = file["data"]
        del data["demo_0/actions"]
        data["demo_0"].attrs["model_file"] = "<mujoco"
        states = data["demo_1/states"][()]
        del data["demo_1/states"]
        data["demo_1/states"] = states[:, :-1]
        del data["demo_1"].attrs["model_file"]
        data.copy("demo_1", "demo_2")

    said = message(changed(spoil))
    columns = 1 + 48 + 43
    for problem in (
        "demo_0: no dataset 'actions' of numbers",
        "demo_0: attribute 'model_file' is not XML",
        f"demo_1, demo_2: 'states' has shape ({{}}, {columns - 1}), not (T, {columns})",
        "demo_1, demo_2: no attribute 'model_file', which says where the fixtures stand",
    ):
        start, _, end = problem.partition("{}")
        assert f"  - {start}" in said
        assert end in said
    assert said.count("\n  - ") == 4


def test_lengths_and_numbers_are_checked(changed):
    def spoil(file):
        data = file["data"]
        actions = data["demo_0/actions"][()]
        del data["demo_0/actions"]
        data["demo_0/actions"] = actions[:-1]
        data["demo_1/states"][3, 5] = np.nan

    said = message(changed(spoil))
    assert "there is one state before each action" in said
    assert "demo_1: 'states' holds values that are not finite" in said


def test_a_missing_fixture_is_named(changed):
    def spoil(file):
        xml = file["data/demo_0"].attrs["model_file"]
        file["data/demo_0"].attrs["model_file"] = xml.replace("flat_stove_1_main", "oven_main")

    said = message(changed(spoil))
    assert "demo_0: attribute 'model_file' has no body 'flat_stove_1_main' with a pose" in said


def test_fixture_poses_survive_the_xml_to_the_last_bit():
    poses = {"a_main": np.array([0.1, -1 / 3, 1e-17, 0.1, 0.2, 0.3, 0.9])}
    xml = '<m><worldbody><body name="a_main"/><body name="b_main" pos="1 2 3"/></worldbody></m>'
    fixtures = tuple(SimpleNamespace(body=name) for name in ("a_main", "b_main"))
    found, problems = fixtures_in(place_fixtures(xml, poses), SimpleNamespace(fixtures=fixtures))
    assert problems == []
    assert np.array_equal(found["a_main"], poses["a_main"])
    assert found["b_main"].tolist() == [1, 2, 3, 1, 0, 0, 0]
