"""Key poses of recorded demonstrations are what happened in the live runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from rewardlang import SnapshotReader
from rewardlang.cli import app
from rewardlang.codegen.atoms import spell
from rewardlang.generation.measuring import measure, things
from rewardlang.runtime.readings import Readings
from tgrpo.recorded.demonstrations import write_demonstrations
from tgrpo.scripted.demonstrator import run_episode
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import load_states
from tgrpo.simulator import LiberoSimulator
from tgrpo.tasks import find_task

pytestmark = pytest.mark.sim

CENTRE = find_task(
    "libero_spatial/pick_up_the_black_bowl_from_table_center_and_place_it_on_the_plate"
)
BOWL, PLATE = "akita_black_bowl_1", "plate_1"
MILLIMETRE = 1e-3


class Watched(Simulation):
    """`heights`: of each moment of each episode, how high the bowl and the hand are (m)."""

    def __init__(self, task):
        super().__init__(task)
        self._hand = self.model.site("gripper0_grip_site").id
        self.heights: list[list[tuple[float, float]]] = []

    def reset(self, state):
        self.heights.append([])
        observation = super().reset(state)
        del self.heights[-1][:-1]  # what was before settling
        return observation

    def step(self, action):
        observation = super().step(action)
        bowl = self.data.body(f"{BOWL}_main").xpos[2]
        self.heights[-1].append((float(bowl), float(self.data.site_xpos[self._hand][2])))
        return observation


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> tuple[Path, list[list[tuple[float, float]]]]:
    """A file of two demonstrations, and what was seen of them."""
    simulation = Watched(CENTRE)
    episodes = [run_episode(simulation, load_states(CENTRE, "train")[index]) for index in (4, 9)]
    assert all(episode.success for episode in episodes)
    path = tmp_path_factory.mktemp("demos") / f"{CENTRE.name}_demo.hdf5"
    write_demonstrations(path, CENTRE, episodes)
    return path, simulation.heights


def ranges_of(recorded):
    measured = measure(CENTRE.scene, LiberoSimulator().recordings(recorded[0], CENTRE.scene))
    assert (measured.episodes, measured.failed) == (2, 0)
    return {(str(pose.moment), pose.quantity): span for pose, span in measured.ranges.items()}


def test_heights_are_those_of_the_live_run(recorded):
    spans, (_, heights) = ranges_of(recorded), recorded
    risen = [max(bowl for bowl, _ in moments) - moments[0][0] for moments in heights]
    span = spans["largest while grasped", f"height({BOWL})"]
    assert span.low == pytest.approx(min(risen), abs=MILLIMETRE)
    assert span.high == pytest.approx(max(risen), abs=MILLIMETRE)
    ends = [moments[-1][0] - moments[0][0] for moments in heights]
    span = spans["at success", f"height({BOWL})"]
    assert (span.low, span.high) == pytest.approx((min(ends), max(ends)), abs=MILLIMETRE)


def test_the_grasp_is_as_deep_as_in_the_live_run(recorded):
    """The bowl stands upright, and the hand is as deep in it when it leaves the table."""
    spans, (_, heights) = ranges_of(recorded), recorded
    bowl = CENTRE.scene.object(BOWL)
    below = bowl.half_extents[2] - bowl.centre[2]  # of its origin
    leaving = [
        next((up, hand) for up, hand in moments if up - moments[0][0] > MILLIMETRE)
        for moments in heights
    ]
    depths = [hand - up + below for up, hand in leaving]
    span = spans["when first grasped", f"the gripper above the lowest point of {BOWL}"]
    assert span.low == pytest.approx(min(depths), abs=5 * MILLIMETRE)
    assert span.high == pytest.approx(max(depths), abs=5 * MILLIMETRE)
    reach = spans["when first grasped", f"dist(gripper, {BOWL})"]
    assert 0.0 <= reach.low <= reach.high < 0.03  # the default of `near`


def test_the_order_of_an_episode_shows_in_the_heights(recorded):
    spans = ranges_of(recorded)
    largest = spans["largest while grasped", f"height({BOWL})"]
    over = spans["when first carried over", f"height({BOWL})"]
    end = spans["at success", f"height({BOWL})"]
    assert 0.0 < over.low <= over.high <= largest.high
    assert end.high < largest.low
    assert spans["at success", f"dist_xy({BOWL}, {PLATE})"].high == 0.0
    # LIBERO's `On` asks for less than 3 cm between the origins; the bowl's middle is near its own
    assert spans["at success", f"dist({BOWL}, {PLATE})"].high < 0.05


def test_generate_puts_them_in_the_prompt(recorded):
    path = recorded[0]
    done = CliRunner().invoke(
        app, ["generate", CENTRE.instruction, "--demos", str(path), "--show-prompt"]
    )
    assert done.exit_code == 0, done.output
    assert f"From 2 episodes:\n- {BOWL}: when first grasped dist(gripper, {BOWL}) " in done.stdout
    assert f"dist_xy({BOWL}, {PLATE}) 0 cm" in done.stdout


def test_demonstrations_of_another_task_are_named(recorded):
    done = CliRunner().invoke(
        app,
        [
            *("generate", "turn on the stove", "--scene", "libero_goal/turn_on_the_stove"),
            *("--demos", str(recorded[0]), "--show-prompt"),
        ],
    )
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"{recorded[0]} holds episodes of {CENTRE.id}, but" in done.stderr


@pytest.mark.parametrize(
    "task",
    [
        "libero_10/KITCHEN_SCENE6_put_the_yellow_and_white_mug_in_the_microwave_and_close_it",
        "libero_goal/open_the_middle_drawer_of_the_cabinet",
    ],
)
def test_everything_that_is_measured_is_known_to_the_model(task):
    """No name fails to bind, handles and knobs included."""
    simulation = Simulation(find_task(task))
    simulation.reset(load_states(simulation.task, "train")[0])
    moved = things(simulation.scene)
    readings = Readings([reading for thing in moved for reading in thing.readings])
    read = SnapshotReader(simulation.model, simulation.scene, readings.requirements).read
    values = readings.read([read(simulation.data)])
    by_name = {spell(reading): numbers for reading, numbers in values.items()}
    for name, (number,) in by_name.items():
        if name.startswith(("height", "tilt", "grasped")):
            assert number == pytest.approx(0.0, abs=1e-6), name
        if name.startswith(("openness", "knob")):
            assert 0.0 <= number <= 1.0, name
    assert any("handle(" in name for name in by_name)
