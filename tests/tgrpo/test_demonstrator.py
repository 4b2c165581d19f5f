"""The scripted controller in the simulator: few episodes here, all tasks under `full`."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest

import rewardlang
from tgrpo.recorded.demonstrations import read_demonstrations
from tgrpo.scripted import (
    controller,
    demonstrator,
    dragging,
    grasps,
    handles,
    joints,
    moving,
    obstacles,
    placements,
    placing,
    planner,
    repertoire,
    servo,
)
from tgrpo.scripted.controller import Demonstrator
from tgrpo.scripted.demonstrator import DemonstratorError, demonstrate, run_episode
from tgrpo.scripted.skill import Phase
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import load_states
from tgrpo.tasks import find_task, suite_tasks

CHEESE = find_task("libero_object/pick_up_the_cream_cheese_and_place_it_in_the_basket")
SOUP = find_task("libero_object/pick_up_the_alphabet_soup_and_place_it_in_the_basket")
CENTRE = find_task(
    "libero_spatial/pick_up_the_black_bowl_from_table_center_and_place_it_on_the_plate"
)
ALL = [task for suite in ("libero_object", "libero_spatial") for task in suite_tasks(suite)]
HELD_OUT = "validation"  # constants were chosen on training states


@pytest.fixture(scope="module")
def cheese():
    return Simulation(CHEESE)


@pytest.fixture(scope="module")
def bowl():
    return Simulation(CENTRE)


@pytest.fixture(scope="module")
def episode(cheese):
    return run_episode(cheese, load_states(CHEESE, HELD_OUT)[3])


def test_it_knows_neither_tasks_nor_programs():
    skills = (dragging, handles, joints, moving, placements, placing, planner, repertoire)
    for module in (controller, demonstrator, grasps, obstacles, servo, *skills):
        source = inspect.getsource(module)
        assert "analyze(" not in source
        assert not any(task.name in source or task.suite in source for task in ALL)


@pytest.mark.sim
@pytest.mark.parametrize(("name", "limit"), [("cheese", 90), ("bowl", 90)])
def test_it_solves_held_out_states_quickly(name, limit, request):
    simulation = request.getfixturevalue(name)
    for state in load_states(simulation.task, HELD_OUT)[:3]:
        episode = run_episode(simulation, state)
        assert episode.success, f"{simulation.task.id}, {HELD_OUT} state {state.index}"
        assert len(episode) <= limit


@pytest.mark.sim
@pytest.mark.parametrize(
    "name",
    [
        "LIVING_ROOM_SCENE5_put_the_white_mug_on_the_left_plate_and_put_the_yellow_and_white_mug_"
        "on_the_right_plate",
        "KITCHEN_SCENE8_put_both_moka_pots_on_the_stove",
        "STUDY_SCENE1_pick_up_the_book_and_place_it_in_the_back_compartment_of_the_caddy",
    ],
    ids=["mugs", "pots", "book"],
)
def test_it_holds_mugs_pots_and_books(name):
    task = find_task(f"libero_10/{name}")
    simulation = Simulation(task)
    for state in load_states(task, HELD_OUT)[:2]:
        assert run_episode(simulation, state).success, f"{task.id}, {HELD_OUT} state {state.index}"


@pytest.mark.sim
def test_an_episode_records_what_was_before_each_action(cheese, episode):
    length = len(episode)
    assert episode.task == CHEESE
    assert episode.robot.shape == (length, 9)
    assert episode.objects.shape == (length, len(cheese.context.object_names), 7)
    assert episode.actions.shape == (length, 7)
    assert episode.states.shape == (length, 1 + cheese.model.nq + cheese.model.nv)
    first = cheese.reset(episode.state)
    assert np.array_equal(episode.robot[0], first.robot)
    assert np.array_equal(episode.states[0], cheese.state_vector())
    second = cheese.step(episode.actions[0])
    assert np.array_equal(episode.robot[1], second.robot)
    assert np.array_equal(episode.objects[1], second.objects)


@pytest.mark.sim
def test_actions_are_in_range_and_the_hand_is_not_turned_without_need(episode):
    assert np.abs(episode.actions).max() <= 1.0
    assert set(np.unique(episode.actions[:, 6])) == {-1.0, 1.0}
    assert not episode.actions[:, 3:6].any()  # exactly zero: the arm keeps its orientation


@pytest.mark.sim
def test_the_fingers_close_and_open_once_where_nothing_goes_wrong(episode):
    changes = np.flatnonzero(np.diff(episode.actions[:, 6]))
    assert len(changes) <= 2
    assert episode.actions[0, 6] == -1.0


@pytest.mark.sim
def test_equal_states_give_equal_episodes(cheese, episode):
    again = run_episode(cheese, episode.state)
    assert np.array_equal(again.actions, episode.actions)
    assert np.array_equal(again.states, episode.states)


@pytest.mark.sim
def test_the_state_decides_about_the_fingers_not_the_memory():
    """A controller that has seen nothing of the episode opens and closes them alike."""
    simulation = Simulation(SOUP)
    observation = simulation.reset(load_states(SOUP, HELD_OUT)[0])
    steady = Demonstrator(simulation)
    succeeded = rewardlang.native_success(simulation.scene).bind(simulation.model)
    agreed, phases = [], set()
    while not succeeded(simulation.data) and len(agreed) < 120:
        action = steady.act(observation)
        agreed.append(Demonstrator(simulation).act(observation)[6] == action[6])
        phases.add(steady.phase)
        observation = simulation.step(action)
    assert np.mean(agreed) >= 0.97
    assert phases >= {Phase.APPROACH, Phase.CLOSE, Phase.CARRY}


@pytest.mark.sim
def test_it_picks_up_again_what_it_loses(cheese):
    observation = cheese.reset(load_states(CHEESE, HELD_OUT)[1])
    controller_ = Demonstrator(cheese)
    succeeded = rewardlang.native_success(cheese.scene).bind(cheese.model)
    steps = dropped = 0
    while not succeeded(cheese.data) and steps < 200:
        action = controller_.act(observation)
        if controller_.phase is Phase.CARRY and dropped < 12:
            action[6] = -1.0  # somebody else opens the fingers
            dropped += 1
        observation = cheese.step(action)
        steps += 1
    assert dropped == 12
    assert succeeded(cheese.data)


@pytest.mark.sim
def test_noise_disturbs_what_is_executed_not_what_is_recorded(cheese):
    state = load_states(CHEESE, HELD_OUT)[2]
    one, same, other = (
        run_episode(cheese, state, noise=0.3, generator=np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one.states, same.states)
    assert not np.array_equal(one.states[:20], other.states[:20])
    assert one.success
    cheese.reset(state)
    clean = Demonstrator(cheese).act()
    assert np.array_equal(one.actions[0], clean)
    with pytest.raises(ValueError, match="noise needs a generator"):
        run_episode(cheese, state, noise=0.3)


@pytest.mark.sim
def test_demonstrate_writes_what_it_reports(tmp_path):
    heard = []
    out = tmp_path / "cheese.hdf5"
    made = demonstrate(CHEESE, count=2, out=out, on_episode=heard.append)
    read = read_demonstrations(out)
    assert made.path == out
    assert made.lengths == tuple(len(item) for item in read)
    assert len(heard) == len(made.lengths) + len(made.failed)
    assert [item.state.index for item in heard] == list(range(len(heard)))


@pytest.mark.sim
def test_too_few_solved_states_are_an_error_and_leave_no_file(tmp_path, monkeypatch):
    failing = SimpleNamespace(success=False)
    state = SimpleNamespace(index=0)
    monkeypatch.setattr(demonstrator, "run_episode", lambda *_, **__: failing)
    monkeypatch.setattr(demonstrator, "load_states", lambda *_: [state] * 3)
    out = tmp_path / "new" / "cheese.hdf5"
    with pytest.raises(DemonstratorError, match=r"solved 0 of 3 train states, 2 demonstrations"):
        demonstrate(CHEESE, count=2, out=out)
    assert not out.parent.exists()


@pytest.mark.sim
@pytest.mark.full
@pytest.mark.parametrize("task", ALL, ids=lambda task: task.name[:60])
def test_it_solves_nine_of_ten_held_out_states_of_every_task(task):
    simulation = Simulation(task)
    episodes = [run_episode(simulation, state) for state in load_states(task, HELD_OUT)[:10]]
    failed = [episode.state.index for episode in episodes if not episode.success]
    assert len(failed) <= 1, f"{HELD_OUT} states {failed}"
