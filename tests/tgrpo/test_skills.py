"""The demonstrator's skills beside placing: parts that move, and things that are dragged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgrpo.scripted.demonstrator import run_episode
from tgrpo.scripted.moving import Moving
from tgrpo.scripted.obstacles import Obstacles
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import load_states
from tgrpo.tasks import find_task

HELD_OUT = "validation"  # constants were chosen on training states
KITCHEN = "libero_10/KITCHEN_SCENE"
BOWL = "4_put_the_black_bowl_in_the_bottom_drawer_of_the_cabinet_and_close_it"
MUG = "6_put_the_yellow_and_white_mug_in_the_microwave_and_close_it"
MIDDLE, BOTTOM = (f"white_cabinet_1_{end}_region" for end in ("middle", "bottom"))
STOVE = "libero_goal/turn_on_the_stove"


@pytest.mark.sim
@pytest.mark.parametrize(
    ("task", "limit"),
    [
        ("open_the_middle_drawer_of_the_cabinet", 90),
        ("turn_on_the_stove", 130),
        ("push_the_plate_to_the_front_of_the_stove", 160),
        ("put_the_wine_bottle_on_the_rack", 110),
        ("put_the_bowl_on_top_of_the_cabinet", 110),
    ],
)
def test_it_solves_held_out_states_of_every_kind(task, limit):
    simulation = Simulation(find_task(f"libero_goal/{task}"))
    episodes = [
        run_episode(simulation, state) for state in load_states(simulation.task, HELD_OUT)[:3]
    ]
    simulation.close()
    assert [episode.state.index for episode in episodes if not episode.success] == []
    assert max(map(len, episodes)) <= limit


@pytest.mark.sim
@pytest.mark.parametrize(
    ("task", "atoms"),
    [
        (KITCHEN + BOWL, [("close", BOTTOM), ("open", BOTTOM), ("open", MIDDLE)]),
        (KITCHEN + MUG, [("close", "microwave_1")]),
        (STOVE, [("turnon", "flat_stove_1")]),
    ],
)
def test_parts_are_moved_either_way_and_left(task, atoms):
    simulation = Simulation(find_task(task))
    observation = simulation.reset(load_states(simulation.task, HELD_OUT)[0])
    for atom in atoms:
        skill = Moving(simulation, atom)
        assert not skill.holds()
        steps = 0
        while not (skill.holds() and not skill.engaged):
            observation = simulation.step(skill.act(observation))
            steps += 1
            assert steps < 200, f"{atom} after {steps} control steps: {skill.phase}"
    simulation.close()


@pytest.mark.sim
def test_what_is_shut_again_is_opened_again():
    simulation = Simulation(find_task("libero_goal/open_the_middle_drawer_of_the_cabinet"))
    observation = simulation.reset(load_states(simulation.task, HELD_OUT)[0])
    skill = Moving(simulation, ("open", "wooden_cabinet_1_middle_region"))
    joint = simulation.data.joint("wooden_cabinet_1_middle_level")
    shut = False
    for _ in range(200):
        observation = simulation.step(skill.act(observation))
        if joint.qpos[0] < -0.1 and not shut:
            joint.qpos[0], shut = 0.0, True  # somebody else
        if skill.holds():
            break
    assert shut
    assert skill.holds()


boxes = st.tuples(
    st.floats(-0.1, 0.1), st.floats(-0.1, 0.1), st.floats(0.0, 0.3)
)  # within reach of a way out


def around(*corners):
    """Boxes of 4 × 4 × 2 cm, with the middle of their lower sides here."""
    centres = np.array(corners).reshape(-1, 3) + np.array([0.0, 0.0, 0.01])
    axes = np.tile(np.eye(3), (len(centres), 1, 1))
    return Obstacles.from_boxes(centres, axes, np.tile([0.02, 0.02, 0.01], (len(centres), 1)))


@given(st.lists(boxes, max_size=3), st.floats(0.02, 0.06))
def test_the_way_out_leads_where_nothing_is(corners, radius):
    obstacles = around(*corners)
    way = obstacles.way_out(np.zeros(2), radius)
    assert (obstacles.gaps(way[None]) > radius).all()
    if way.any():
        assert (obstacles.gaps(np.zeros((1, 2))) <= radius).any()


def test_only_what_is_above_hangs_over():
    point, radius = np.zeros(2), 0.05
    assert around((0.03, 0.0, 0.2)).hangs_over(point, 0.1, radius)
    assert not around((0.03, 0.0, 0.0)).hangs_over(point, 0.1, radius)
    assert not around((0.08, 0.0, 0.2)).hangs_over(point, 0.1, radius)
    assert not around().hangs_over(point, 0.1, radius)
