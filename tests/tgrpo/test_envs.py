import dataclasses

import mujoco
import numpy as np
import pytest

from tgrpo.files import replace_file
from tgrpo.simulation.envs import Simulation, UnstablePhysicsError
from tgrpo.simulation.initial_states import THROWN, load_states
from tgrpo.simulation.model_cache import compiled_task
from tgrpo.tasks import find_task, suite_tasks

SOUP = find_task("libero_object/pick_up_the_alphabet_soup_and_place_it_in_the_basket")
RAMEKIN = find_task(
    "libero_spatial/pick_up_the_black_bowl_on_the_ramekin_and_place_it_on_the_plate"
)
pytestmark = pytest.mark.sim


@pytest.fixture(scope="module", params=[SOUP, RAMEKIN], ids=["object", "spatial"])
def simulation(request):
    return Simulation(request.param)


def _episode(simulation, state, steps=30, seed=0):
    """Bytes of everything that follows a reset: states, observations, contacts."""
    rng = np.random.default_rng(seed)
    seen = [simulation.reset(state)]
    trace = [simulation.state_vector()]
    for _ in range(steps):
        seen.append(simulation.step(rng.uniform(-1, 1, 7)))
        trace += [simulation.state_vector(), [simulation.data.ncon], simulation.data.ctrl.copy()]
    parts = [*trace, *(o.robot for o in seen), *(o.objects for o in seen)]
    return b"".join(np.asarray(part).tobytes() for part in parts)


def test_an_episode_is_bitwise_the_same_whatever_ran_before(simulation):
    states = load_states(simulation.task, "train")
    first = _episode(simulation, states[5])
    _episode(simulation, states[6], steps=45, seed=1)  # other fixtures, gripper, goal, warm start
    simulation.data.qfrc_applied[:] = 3.0
    simulation.data.xfrc_applied[:] = 1.0
    simulation.data.ctrl[:] = 7.0
    assert _episode(simulation, states[5]) == first
    assert _episode(Simulation(simulation.task), states[5]) == first
    assert _episode(simulation, states[6]) != first


def test_an_episode_is_the_same_after_the_physics_diverged(simulation):
    state = load_states(simulation.task, "train")[5]
    first = _episode(simulation, state)
    simulation.data.qvel[:] = 1e30
    with pytest.raises(UnstablePhysicsError, match="physics diverged"):
        simulation.step(np.zeros(7))
    assert _episode(simulation, state) == first


def test_diverging_physics_names_task_and_time_and_writes_no_file(
    simulation, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    simulation.reset(load_states(simulation.task, "test")[0])
    simulation.data.qpos[-1] = np.nan
    with pytest.raises(UnstablePhysicsError) as caught:
        simulation.step(np.zeros(7))
    assert str(caught.value) == (
        f"{simulation.task.id}: physics diverged in the control step from t = 0.50 s"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("action", [[0.0] * 6, [0.0] * 8, [np.nan] * 7, [[0.0] * 7], []])
def test_a_malformed_action_is_refused(simulation, action):
    with pytest.raises(ValueError, match="an action is 7 finite numbers"):
        simulation.step(np.array(action))


def test_a_state_of_another_task_is_refused_with_both_sizes(simulation):
    other = RAMEKIN if simulation.task is SOUP else SOUP
    with pytest.raises(ValueError, match=f"not one of {simulation.task.id}") as caught:
        simulation.reset(load_states(other, "test")[0])
    assert str((simulation.model.nq, simulation.model.nv)) in str(caught.value)


def test_an_unknown_fixture_is_named(simulation):
    state = load_states(simulation.task, "test")[0]
    moved = dataclasses.replace(state, fixtures={"kitchen_sink": np.zeros(7)})
    with pytest.raises(ValueError, match="fixtures unknown to the task: kitchen_sink"):
        simulation.reset(moved)


def test_an_unknown_stepper_is_named():
    with pytest.raises(ValueError, match="unknown stepper 'slow'; there are 'fast' and 'libero'"):
        Simulation(SOUP, stepper="slow")


def test_observations_are_poses_of_the_scenes_objects(simulation):
    seen = simulation.reset(load_states(simulation.task, "test")[3])
    context, scene, data = simulation.context, simulation.scene, simulation.data
    assert seen.robot.shape == (9,)
    assert seen.objects.shape == (len(context.object_names), 7)
    assert seen.robot.dtype == seen.objects.dtype == np.float32
    assert set(context.object_names) == {item.name for item in scene.objects}
    for name, category, row in zip(
        context.object_names, context.object_categories, seen.objects, strict=True
    ):
        body = data.body(scene.object(name).body)
        assert scene.object(name).category == category
        np.testing.assert_array_equal(row, np.concatenate([body.xpos, body.xquat], dtype="f4"))
    rotation = np.empty(9)
    mujoco.mju_quat2Mat(rotation, seen.robot[3:7].astype(float))
    site = data.site("gripper0_grip_site")
    np.testing.assert_allclose(rotation, site.xmat, atol=1e-6)
    np.testing.assert_allclose(seen.robot[:3], site.xpos, atol=1e-6)


def test_movables_come_before_fixtures(simulation):
    fixture = [simulation.scene.object(name).fixture for name in simulation.context.object_names]
    assert fixture == sorted(fixture)


def test_fixtures_stand_where_the_state_says(simulation):
    for state in load_states(simulation.task, "train")[:3]:
        simulation.reset(state)
        for name, pose in state.fixtures.items():
            body = simulation.data.body(name)
            np.testing.assert_allclose(np.concatenate([body.xpos, body.xquat]), pose, atol=1e-9)


def test_the_state_vector_is_liberos(simulation):
    state = load_states(simulation.task, "test")[0]
    simulation.restore(state)
    np.testing.assert_array_equal(
        simulation.state_vector(), np.concatenate([[state.time], state.qpos, state.qvel])
    )
    simulation.step(np.zeros(7))
    assert simulation.state_vector()[0] == pytest.approx(state.time + 0.05)


def test_positions_lag_one_substep_behind_the_state_as_liberos(simulation):
    simulation.reset(load_states(simulation.task, "test")[0])
    simulation.step(np.array([1.0, 0, 0, 0, 0, 0, -1]))
    before = simulation.observe().robot[:3]
    mujoco.mj_forward(simulation.model, simulation.data)
    after = simulation.observe().robot[:3]
    assert 0 < np.abs(after - before).max() < 1e-3


def test_the_models_xml_compiles_to_the_model_with_its_fixtures_in_place(simulation):
    state = load_states(simulation.task, "train")[1]
    simulation.reset(state)
    model = mujoco.MjModel.from_xml_string(simulation.model_xml())
    assert (model.nq, model.nv, model.nu) == (
        simulation.model.nq,
        simulation.model.nv,
        simulation.model.nu,
    )
    assert model.ncam > 0  # LIBERO's own model, not the state-only one
    for name, pose in state.fixtures.items():
        body = model.body(name)
        np.testing.assert_allclose(np.concatenate([body.pos, body.quat]), pose, atol=1e-12)


def test_success_after_settling_agrees_with_the_record(simulation):
    reference = Simulation(simulation.task, stepper="libero")
    for state in load_states(simulation.task, "validation")[:2]:
        reference.reset(state)
        assert reference._stepper.success() == state.success_at_reset
    reference.close()


def test_a_compiled_model_holds_nothing_that_is_only_seen():
    model = compiled_task(SOUP).model
    assert mujoco.mj_sizeModel(model) < 10e6
    assert (model.ntex, model.nmat, model.ncam, model.nsensor) == (0, 0, 0, 0)
    assert ((model.geom_contype != 0) | (model.geom_conaffinity != 0)).all()


def test_two_compiled_models_of_a_task_share_nothing():
    one, two = compiled_task(RAMEKIN).model, compiled_task(RAMEKIN).model
    one.body_pos[:] += 1.0
    assert not np.shares_memory(one.body_pos, two.body_pos)
    assert (two.body_pos != one.body_pos).all()


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    target = tmp_path / "model.mjb"
    target.write_text("old")

    def write(path):
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        replace_file(target, write)
    assert [path.name for path in tmp_path.iterdir()] == ["model.mjb"]
    assert target.read_text() == "old"


@pytest.mark.full
@pytest.mark.parametrize(
    "task", [*suite_tasks("libero_object"), *suite_tasks("libero_spatial")], ids=lambda t: t.name
)
def test_every_shipped_state_settles_where_it_was_put(task):
    simulation = Simulation(task)
    movable = [not simulation.scene.object(n).fixture for n in simulation.context.object_names]
    for split in ("train", "validation", "test"):
        for state in load_states(task, split):
            simulation.restore(state)
            before = simulation.observe().objects[movable, :2]
            after = simulation.reset(state).objects[movable, :2]
            assert np.abs(after - before).max() < THROWN, (split, state.index)
