"""Recorded episodes read what the live run read, and `rewardlang score` says so."""

from __future__ import annotations

import gc
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from weakref import ref

import h5py
import mujoco
import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

import rewardlang
from rewardlang.cli import app
from rewardlang.scoring.score import score_episodes
from rewardlang.simulator import find
from tgrpo.recorded.demonstrations import write_demonstrations
from tgrpo.recorded.recordings import Replayer, as_after_steps
from tgrpo.scripted.demonstrator import Demonstrator
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import InitialState, load_states
from tgrpo.simulation.libero_success import LiberoSuccess
from tgrpo.simulator import LiberoSimulator
from tgrpo.tasks import find_task
from tgrpo.trajectory import Images

pytestmark = pytest.mark.sim

CENTRE = find_task(
    "libero_spatial/pick_up_the_black_bowl_from_table_center_and_place_it_on_the_plate"
)
TEXT = f"""\
rewardlang 1
task "{CENTRE.instruction}"
scene "{CENTRE.id}"

object bowl = akita_black_bowl_1
object plate = plate_1

seq {{
  stage reach {{ until near(gripper, bowl) }}
  stage grasp {{ until grasped(bowl) for 3 steps while near(gripper, bowl, 8 cm) }}
  stage lift {{ until lifted(bowl, 5 cm) while grasped(bowl) }}
  stage carry weight 2 {{ until above(bowl, plate) while grasped(bowl) }}
  stage lower {{ until on(bowl, plate) while over(bowl, plate) }}
}}

success bddl
"""
PROGRAM = rewardlang.analyze(TEXT).program
assert PROGRAM is not None
EVALUATOR = rewardlang.compile(PROGRAM)
# Poses of a replay are the live run's to rounding: a step back along qvel, and forth again.
ROUNDING = 1e-9
CAMERA = (24, 32)


@dataclass(frozen=True)
class Live:
    """An episode as it was lived: what is recorded of it, and what was read and paid meanwhile."""

    state: InitialState
    actions: np.ndarray
    states: np.ndarray
    final_state: np.ndarray
    success: bool
    snapshots: list[list[float]]
    steps: list[rewardlang.RewardStep]
    native: list[bool]
    phi_at_reset: float
    images: Images = field(default_factory=dict)


def lived(simulation: Simulation, state: InitialState, act, limit: int) -> Live:
    observation = simulation.reset(state)
    reward_fn = EVALUATOR.bind(simulation.model, simulation.scene, max_steps=CENTRE.max_steps)
    succeeded = rewardlang.native_success(simulation.scene).bind(simulation.model)
    memory = reward_fn.reset(simulation.data)
    phi_at_reset = memory.phi
    snapshots = [reward_fn.read(simulation.data).values]
    actions, states, steps, native = [], [], [], [succeeded(simulation.data)]
    while len(actions) < limit and not native[-1]:
        states.append(simulation.state_vector())
        actions.append(act(observation))
        observation = simulation.step(actions[-1])
        step, memory = reward_fn(simulation.data, memory)
        snapshots.append(reward_fn.read(simulation.data).values)
        steps.append(step)
        native.append(succeeded(simulation.data))
    return Live(
        state,
        np.array(actions),
        np.array(states),
        simulation.state_vector(),
        native[-1],
        snapshots,
        steps,
        native,
        phi_at_reset,
    )


@pytest.fixture(scope="module")
def lives() -> list[Live]:
    """A demonstration, and a wild ride that pushes things about, in two placements."""
    simulation = Simulation(CENTRE)
    first, second = (load_states(CENTRE, "train")[index] for index in (4, 9))
    simulation.reset(first)
    rng = np.random.default_rng(0)

    def wild(_):
        down = np.array([0.0, 0.0, -0.4, 0.0, 0.0, 0.0, rng.choice([-1.0, 1.0])])
        return np.clip(down + rng.normal(0.0, 0.6, 7), -1.0, 1.0)

    demonstrated = lived(simulation, first, Demonstrator(simulation).act, 220)
    return [demonstrated, lived(simulation, second, wild, 80)]


@pytest.fixture(scope="module")
def written(lives, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("demos") / f"{CENTRE.name}_demo.hdf5"
    write_demonstrations(path, CENTRE, lives)
    return path


@pytest.fixture
def changed(written, tmp_path):
    """A function that copies the written file and lets its argument change the copy."""

    def change(how, name="changed.hdf5"):
        path = tmp_path / name
        path.write_bytes(written.read_bytes())
        with h5py.File(path, "r+") as file:
            how(file["data"])
        return path

    return change


@pytest.fixture
def program(tmp_path) -> Path:
    path = tmp_path / "bowl.rl"
    path.write_text(TEXT)
    return path


def recordings(path: Path):
    return LiberoSimulator().recordings(path, CENTRE.scene)


# --- replaying -----------------------------------------------------------------------------------


def test_a_replay_reads_what_the_live_run_read(written, lives):
    requirements = EVALUATOR.requirements(CENTRE.scene)
    for recorded, live in zip(recordings(written), lives, strict=True):
        replay = recorded.replay(requirements)
        values = np.array([snapshot.values for snapshot in replay.snapshots])
        assert values.shape == (len(live.actions) + 1, requirements.width)
        assert np.abs(values - np.array(live.snapshots)).max() < ROUNDING
        assert list(replay.native_success) == live.native


def test_libero_s_own_test_is_asked_about_recorded_states_without_ours(written, lives, monkeypatch):
    """Nothing that is compiled has a part in it, and LIBERO's environment is let go afterwards."""
    source = LiberoSimulator()
    recorded = source.recordings(written, CENTRE.scene)
    simulation = source.open(CENTRE.scene)
    monkeypatch.setattr(rewardlang, "native_success", None)
    asked = [item.benchmark_success() for item in recorded]
    assert asked == [tuple(live.native) for live in lives]
    assert asked[0][-1]
    (environment,) = (ref(o) for o in gc.get_objects() if isinstance(o, LiberoSuccess))
    simulation.close()
    assert environment() is None


def test_the_score_of_a_recording_is_that_of_the_live_run(written, lives):
    scores = score_episodes(PROGRAM, CENTRE.scene, recordings(written), max_steps=CENTRE.max_steps)
    for item, live in zip(scores, lives, strict=True):
        assert item.rewards == pytest.approx([step.reward for step in live.steps], abs=ROUNDING)
        phi = [live.phi_at_reset, *(step.phi for step in live.steps)]
        assert item.phi == pytest.approx(phi, abs=ROUNDING)
        assert list(item.working[1:]) == [step.stages for step in live.steps[:-1]]
    demonstrated, wild = scores
    assert demonstrated.success == demonstrated.native_success == demonstrated.steps
    assert list(demonstrated.finished) == ["reach", "grasp", "lift", "carry", "lower"]
    assert (demonstrated.solved, wild.solved) == (True, False)
    assert wild.success is None


def test_contacts_and_poses_are_those_of_the_last_substep_s_beginning(lives):
    """Not of `qpos`, from which they differ by what moves within 2 ms."""
    live, replay = Simulation(CENTRE), Replayer(CENTRE).simulation
    wild = lives[1]
    live.reset(wild.state)
    states = np.vstack([wild.states, wild.final_state])
    moved, hand = 0.0, replay.model.body("robot0_right_hand").id
    for number, data in enumerate(as_after_steps(replay, states, wild.state.fixtures)):
        if number:
            live.step(wild.actions[number - 1])
        there = live.data
        assert sorted(map(tuple, data.contact.geom)) == sorted(map(tuple, there.contact.geom))
        for name in ("xpos", "xmat", "site_xpos", "site_xmat"):
            assert np.abs(getattr(data, name) - getattr(there, name)).max() < ROUNDING
        assert np.array_equal(data.qpos, there.qpos)
        before = data.xpos[hand].copy()
        mujoco.mj_kinematics(replay.model, data)
        moved = max(moved, float(np.abs(data.xpos[hand] - before).max()))
    assert moved > 1e-4


def test_a_file_without_the_last_state_ends_one_step_earlier(changed, lives):
    """As LIBERO's own files do, which record the state before each action alone."""

    def forget(data):
        for demo in data.values():
            del demo.attrs["final_state"]

    scores = score_episodes(
        PROGRAM, CENTRE.scene, recordings(changed(forget)), max_steps=CENTRE.max_steps
    )
    assert [item.steps for item in scores] == [len(live.actions) - 1 for live in lives]
    assert [item.ends_early for item in scores] == [True, False]
    for item, live in zip(scores, lives, strict=True):
        rewards = [step.reward for step in live.steps[:-1]]
        assert item.rewards == pytest.approx(rewards, abs=ROUNDING)


# --- files ---------------------------------------------------------------------------------------


def test_a_last_state_that_does_not_fit_is_reported(changed):
    def spoil(data):
        data["demo_0"].attrs["final_state"] = np.zeros(3)
        data["demo_1"].attrs["final_state"] = np.full(92, np.nan)

    with pytest.raises(rewardlang.SimulatorError) as caught:
        recordings(changed(spoil))
    assert "demo_0: attribute 'final_state' is not 92 numbers" in str(caught.value)
    assert "demo_1: attribute 'final_state' holds values that are not finite" in str(caught.value)


def test_another_scene_s_file_is_named_with_both_scenes(written):
    other = rewardlang.load_scene("libero_goal/put_the_bowl_on_the_plate")
    with pytest.raises(rewardlang.OtherSceneError) as caught:
        LiberoSimulator().recordings(written, other)
    assert str(caught.value) == (
        f"{written} holds episodes of {CENTRE.id}, but the program is for {other.id}"
    )


def filmed(data, convention="opengl"):
    """Pictures whose first stored row is bright and whose red is the frame's number."""
    data.attrs["macros_image_convention"] = convention
    demo = data["demo_0"]
    frames = np.zeros((len(demo["actions"]), *CAMERA, 3), np.uint8)
    frames[..., 0] = np.arange(len(frames))[:, None, None]
    frames[:, 0, :, 1] = 255
    demo["obs"].create_dataset("agentview_rgb", data=frames)


@pytest.mark.parametrize(("convention", "bright"), [("opengl", -1), ("opencv", 0)])
def test_frames_are_shown_upright(changed, convention, bright):
    first, second = recordings(changed(lambda data: filmed(data, convention)))
    assert second.frames is None
    assert first.frames is not None
    count = len(first.frames)
    shown = first.frames.read([0, count - 1])
    assert [image.shape for image in shown] == [(*CAMERA, 3)] * 2
    assert [int(image[0, 0, 0]) for image in shown] == [0, count - 1]
    for image in shown:
        assert (image[bright, :, 1] == 255).all()
        assert (image[:, :, 1] == 255).sum() == CAMERA[1]


# --- the simulator, live -------------------------------------------------------------------------


def test_the_installed_simulator_is_libero_s():
    simulator = find()
    assert isinstance(simulator, LiberoSimulator)
    assert simulator.max_steps(CENTRE.scene) == 220
    assert simulator.states(CENTRE.scene) == {"train": 150, "validation": 50, "test": 50}


def test_a_live_simulation_reads_what_the_trainer_s_does(lives):
    live = lives[0]
    simulation = LiberoSimulator().open(CENTRE.scene)
    assert simulation.scene == CENTRE.scene
    read = simulation.reader(EVALUATOR.requirements(CENTRE.scene))
    simulation.reset("train", 4)
    assert read().values == live.snapshots[0]
    for action, snapshot, success in zip(
        live.actions, live.snapshots[1:], live.native[1:], strict=True
    ):
        simulation.step(action.tolist())
        assert read().values == snapshot
        assert simulation.native_success() == success
    simulation.close()


@pytest.mark.parametrize(("split", "index"), [("train", 150), ("exam", 0), ("test", -1)])
def test_an_unknown_initial_state_is_named(split, index):
    simulation = LiberoSimulator().open(CENTRE.scene)
    with pytest.raises(rewardlang.SimulatorError) as caught:
        simulation.reset(split, index)
    assert str(caught.value) == (
        f"{CENTRE.id} has no initial state {index} of split '{split}'; there are train 0 to 149, "
        "validation 0 to 49, test 0 to 49"
    )


def test_a_scene_that_libero_does_not_have():
    scene = CENTRE.scene.model_copy(update={"task": "fold_the_laundry"})
    with pytest.raises(rewardlang.SimulatorError, match="unknown task of libero_spatial"):
        LiberoSimulator().open(scene)
    by_path = CENTRE.scene.model_copy(update={"path": "/tasks/fold_the_laundry.bddl"})
    with pytest.raises(rewardlang.SimulatorError, match="only they have initial states"):
        LiberoSimulator().max_steps(by_path)


# --- the command ---------------------------------------------------------------------------------


def score(*args: object) -> Result:
    return CliRunner().invoke(app, ["score", *map(str, args)])


class Headings(HTMLParser):
    """The texts of a page's second-level headings, and its images."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.images = 0
        self._inside = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, _attrs):
        self._inside = tag == "h2"
        self.images += tag == "img"

    def handle_data(self, data):
        if self._inside and data.strip():
            self.texts.append(data.strip())


def test_score_prints_tables_and_writes_what_is_asked_for(changed, program, tmp_path, lives):
    path = changed(filmed)
    out = {name: tmp_path / f"out.{name}" for name in ("json", "png", "html")}
    done = score(program, path, "--json", out["json"], "--plot", out["png"], "--html", out["html"])
    assert done.exit_code == 0, done.output
    length = len(lives[0].actions)
    assert f"demo_0       {length}" in done.output
    assert f"2 episodes, {length + 80} steps; success 50% by the program, 50% by LIBERO" in (
        done.output
    )
    data = json.loads(out["json"].read_text())
    assert [item["success"] for item in data["episodes"]] == [length, None]
    assert data["max_steps"] == 220
    with Image.open(out["png"]) as image:
        assert image.format == "PNG"
    page = Headings(out["html"].read_text())
    assert page.texts == ["demo_0", "demo_1"]
    assert page.images == 1
    assert "The file has no camera frames of this episode." in out["html"].read_text()
    again = score(program, path, "--json", "-", "--max-steps", 100)
    assert json.loads(again.stdout)["max_steps"] == 100


def test_score_says_which_file_is_of_another_task(written, tmp_path):
    other = tmp_path / "other.rl"
    other.write_text(
        TEXT.replace(CENTRE.id, "libero_goal/put_the_bowl_on_the_plate").replace(
            CENTRE.instruction, "put the bowl on the plate"
        )
    )
    done = score(other, written, "--json", tmp_path / "out.json")
    assert done.exit_code == 1
    assert done.stderr == (
        f"error: {written} holds episodes of {CENTRE.id}, but the program is for "
        "libero_goal/put_the_bowl_on_the_plate\n"
    )
    assert not (tmp_path / "out.json").exists()


def test_score_of_what_is_no_demonstration_file(program, written, tmp_path):
    (tmp_path / "text.hdf5").write_text("hello")
    done = score(program, tmp_path / "text.hdf5", tmp_path / "none.hdf5", written)
    assert done.exit_code == 1
    assert f"{tmp_path / 'text.hdf5'} is not a demonstration file:\n  - not an HDF5" in done.stderr
    assert f"{tmp_path / 'none.hdf5'}: no such file" in done.stderr
    assert "Traceback" not in done.output


def test_score_of_a_program_with_errors_shows_them(written, tmp_path):
    broken = tmp_path / "broken.rl"
    broken.write_text(TEXT.replace("akita_black_bowl_1", "akita_bowl"))
    done = score(broken, written)
    assert done.exit_code == 1
    assert "error[unknown-object]: `akita_bowl` is not in this scene" in done.stderr


def test_a_picture_s_name_says_its_format(program, written, tmp_path):
    done = score(program, written, "--plot", tmp_path / "phi.bmp")
    assert done.exit_code == 2
    assert "a picture ends in .png, .svg, .pdf" in " ".join(done.output.replace("│", "").split())
    assert not (tmp_path / "phi.bmp").exists()
