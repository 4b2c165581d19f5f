import logging

import numpy as np
import pytest

from tgrpo.libero_package import import_libero, libero_path, make_environment
from tgrpo.simulation import initial_states
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import (
    COUNTS,
    FIRST_SEED,
    SPLITS,
    InitialStatesError,
    _Sampler,
    generate_states,
    load_states,
)
from tgrpo.simulation.state_files import SHIPPED
from tgrpo.tasks import find_task, suite_tasks

SHIPPED_TASKS = [*suite_tasks("libero_object"), *suite_tasks("libero_spatial")]
DRAWER = "pick_up_the_black_bowl_in_the_top_drawer_of_the_wooden_cabinet_and_place_it_on_the_plate"
every_shipped_task = pytest.mark.parametrize("task", SHIPPED_TASKS, ids=lambda task: task.name)


@pytest.fixture
def fresh_cache(monkeypatch, tmp_path):
    """No shipped files, an empty cache folder."""
    monkeypatch.setattr("tgrpo.simulation.state_files.SHIPPED", tmp_path / "shipped")
    monkeypatch.setenv("TGRPO_CACHE", str(tmp_path / "cache"))
    load_states.cache_clear()
    yield tmp_path / "cache" / "initial_states"
    load_states.cache_clear()


@every_shipped_task
def test_a_shipped_task_has_150_50_and_50_numbered_states(task):
    for split in SPLITS:
        states = load_states(task, split)
        assert [state.index for state in states] == list(range(COUNTS[split]))
        assert {state.split for state in states} == {split}


@every_shipped_task
def test_every_seed_is_a_state_or_recorded_as_rejected(task):
    with np.load(SHIPPED / task.suite / f"{task.name}.npz") as file:
        rejected = file["rejected_seeds"].tolist()
    for split in ("train", "validation"):
        seeds = [state.seed for state in load_states(task, split)]
        last = seeds[-1]
        passed_over = [seed for seed in rejected if FIRST_SEED[split] <= seed < last]
        assert sorted(seeds + passed_over) == list(range(FIRST_SEED[split], last + 1))
    assert len(rejected) < 50


@every_shipped_task
def test_no_state_occurs_twice_in_the_three_sets(task):
    states = [state for split in SPLITS for state in load_states(task, split)]
    assert len({state.qpos.tobytes() for state in states}) == 250


@every_shipped_task
def test_test_states_are_liberos_own_vectors_under_one_set_of_fixture_poses(task):
    path = libero_path("init_states") / task.suite / f"{task.name}.pruned_init"
    theirs = import_libero("benchmark").load_initial_states(path)
    ours = [np.concatenate([[s.time], s.qpos, s.qvel]) for s in load_states(task, "test")]
    np.testing.assert_array_equal(ours, theirs)
    first, *others = (state.fixtures for state in load_states(task, "test"))
    for fixtures in others:
        assert all(np.array_equal(fixtures[name], first[name]) for name in first)


@every_shipped_task
def test_fixtures_are_those_of_the_scene_with_unit_quaternions(task):
    bodies = {item.body for item in task.scene.objects if item.fixture}
    for split in SPLITS:
        for state in load_states(task, split):
            assert set(state.fixtures) == bodies
            for pose in state.fixtures.values():
                assert np.linalg.norm(pose[3:]) == pytest.approx(1.0, abs=1e-9)


@every_shipped_task
def test_sampled_fixtures_differ_from_state_to_state(task):
    for name in load_states(task, "train")[0].fixtures:
        poses = {state.fixtures[name].tobytes() for state in load_states(task, "train")}
        assert len(poses) == 150


@every_shipped_task
def test_files_are_small_and_hold_no_pickle(task):
    path = SHIPPED / task.suite / f"{task.name}.npz"
    assert path.stat().st_size < 100_000
    with np.load(path, allow_pickle=False) as file:
        assert all(file[key].dtype.kind != "O" for key in file.files)


def test_states_cannot_be_changed_by_their_users():
    state = load_states(SHIPPED_TASKS[-1], "train")[0]
    for array in (state.qpos, state.qvel, *state.fixtures.values()):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_an_unknown_split_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match="unknown split 'dev'; there are train, validation, test"):
        load_states(SHIPPED_TASKS[0], "dev")


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_named_with_the_remedy(fresh_cache, content):
    task = find_task("libero_goal", "turn_on_the_stove")
    path = fresh_cache / task.suite / f"{task.name}.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(InitialStatesError, match="delete it and it will be generated anew") as e:
        load_states(task, "test")
    assert str(path) in str(e.value)


@pytest.mark.usefixtures("fresh_cache")
def test_other_suites_are_generated_once_into_the_cache(monkeypatch, caplog):
    task = find_task("libero_goal", "turn_on_the_stove")
    shipped = SHIPPED / SHIPPED_TASKS[0].suite / f"{SHIPPED_TASKS[0].name}.npz"
    calls = []

    def generate(task, path):
        calls.append(task.id)
        path.parent.mkdir(parents=True)
        path.write_bytes(shipped.read_bytes())

    monkeypatch.setattr(initial_states, "generate_states", generate)
    with caplog.at_level(logging.INFO):
        assert len(load_states(task, "train")) == 150
        assert len(load_states(task, "test")) == 50
    assert calls == [task.id]
    assert f"generating initial states of {task.id} once" in caplog.text


def test_writing_and_reading_keeps_every_bit(tmp_path):
    stored = [state for split in SPLITS for state in load_states(SHIPPED_TASKS[-1], split)]
    initial_states._write(tmp_path / "again.npz", stored, [1000004])
    for before, after in zip(stored, initial_states._read(tmp_path / "again.npz"), strict=True):
        assert (before.split, before.index, before.seed) == (after.split, after.index, after.seed)
        assert before.qpos.tobytes() == after.qpos.tobytes()
        assert before.qvel.tobytes() == after.qvel.tobytes()
        assert before.fixtures.keys() == after.fixtures.keys()
        for name in before.fixtures:
            assert before.fixtures[name].tobytes() == after.fixtures[name].tobytes()


def _assert_equal(drawn, stored):
    np.testing.assert_array_equal(drawn.qpos, stored.qpos)
    np.testing.assert_array_equal(drawn.qvel, stored.qvel)
    assert drawn.fixtures.keys() == stored.fixtures.keys()
    for name, pose in stored.fixtures.items():
        np.testing.assert_array_equal(drawn.fixtures[name], pose)


@pytest.mark.sim
def test_a_seed_gives_its_state_whatever_was_drawn_before():
    task = find_task("libero_spatial", DRAWER)
    environment = make_environment(task.bddl_file, arm_noise=True)
    sampler = _Sampler(environment)
    fixtures = sampler.fixtures_of_fresh_process(FIRST_SEED["test"])
    for name, pose in load_states(task, "test")[0].fixtures.items():
        np.testing.assert_array_equal(fixtures[name], pose)
    for split, index in [("validation", 7), ("train", 149), ("train", 0)]:
        stored = load_states(task, split)[index]
        _assert_equal(sampler.sample(split, index, stored.seed), stored)
    environment.close()


def _assert_hard_reset_gives(stored, task):
    """Each sampler of joint positions once, as in the first reset of an environment."""
    environment = make_environment(task.bddl_file, arm_noise=True)
    environment.env.object_property_initializers.clear()
    environment.seed(stored.seed)
    environment.env.reset()
    np.testing.assert_array_equal(environment.sim.data.qpos, stored.qpos)
    for name, pose in stored.fixtures.items():
        body = environment.sim.model._model.body(name)
        np.testing.assert_array_equal(np.concatenate([body.pos, body.quat]), pose)
    environment.close()


@pytest.mark.sim
def test_a_state_is_what_a_hard_reset_of_liberos_environment_draws():
    task = find_task("libero_spatial", DRAWER)
    _assert_hard_reset_gives(load_states(task, "train")[40], task)


@pytest.mark.sim
@pytest.mark.full
@every_shipped_task
def test_every_shipped_task_has_the_states_of_hard_resets(task):
    _assert_hard_reset_gives(load_states(task, "validation")[3], task)


@pytest.mark.sim
@pytest.mark.full
@pytest.mark.parametrize(
    "task_id",
    [
        "libero_goal/open_the_middle_drawer_of_the_cabinet",
        "libero_10/KITCHEN_SCENE6_put_the_yellow_and_white_mug_in_the_microwave_and_close_it",
    ],
)
def test_states_of_a_suite_that_is_not_shipped_can_be_generated(fresh_cache, task_id):
    task = find_task(task_id)
    generate_states(task, fresh_cache / task.suite / f"{task.name}.npz")
    assert [len(load_states(task, split)) for split in SPLITS] == [150, 50, 50]


@pytest.mark.sim
@pytest.mark.usefixtures("fresh_cache")
def test_a_perturbed_suite_has_liberos_test_states_and_no_others():
    name = "pick_up_the_orange_juice_and_place_it_in_the_basket"
    perturbed = find_task("libero_object_swap", name)
    states = load_states(perturbed, "test")
    theirs = import_libero("benchmark").load_initial_states(
        libero_path("init_states") / "libero_object_swap" / f"{name}.pruned_init"
    )
    assert np.array_equal([state.qpos for state in states], theirs[:, 1 : 1 + len(states[0].qpos)])
    assert not any(state.success_at_reset for state in states)
    simulation = Simulation(perturbed)
    original = Simulation(find_task("libero_object", name))
    moved = (
        simulation.reset(states[0]).objects
        - original.reset(load_states(original.task, "test")[0]).objects
    )
    row = simulation.context.object_names.index("orange_juice_1")
    assert np.linalg.norm(moved[row, :2]) > 0.05  # m
    with pytest.raises(InitialStatesError, match="it has test states, no validation states"):
        load_states(perturbed, "validation")
