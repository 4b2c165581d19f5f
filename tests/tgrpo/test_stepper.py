"""The fast stepper against robosuite: its parts by formula, its control steps in the simulator."""

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tgrpo.libero_package import import_libero, libero_path
from tgrpo.simulation import stepper
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import InitialState
from tgrpo.simulation.stepper import ARM_JOINTS, Constants, FastStepper, Memory
from tgrpo.tasks import SETTLING_ACTION, find_task

FAMILIES = {
    "floor": "libero_object/pick_up_the_alphabet_soup_and_place_it_in_the_basket",
    "table": "libero_spatial/pick_up_the_black_bowl_on_the_ramekin_and_place_it_on_the_plate",
    "goal": "libero_goal/open_the_middle_drawer_of_the_cabinet",
    "kitchen": "libero_10/KITCHEN_SCENE3_turn_on_the_stove_and_put_the_moka_pot_on_it",
    "living room": (
        "libero_10/LIVING_ROOM_SCENE2_put_both_the_alphabet_soup_and_the_tomato_sauce_in_the_basket"
    ),
    "study": (
        "libero_10/STUDY_SCENE1_pick_up_the_book_and_place_it_in_the_back_compartment_of_the_caddy"
    ),
}
TOLERANCE = 1e-6  # rad or m in qpos after one control step

unit = st.floats(-1, 1, allow_nan=False)
vectors = st.lists(unit, min_size=3, max_size=3).map(np.array)


def _spd(seed, n, spread):
    """A random symmetric positive matrix with condition number about 10^spread."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.normal(size=(n, n)))
    return basis @ np.diag(10.0 ** rng.uniform(-spread, 0, n)) @ basis.T


@given(st.integers(0, 10**6), st.sampled_from([(0, 3), (3, 6), (0, 6)]), st.floats(0, 4))
@settings(max_examples=60)
def test_solve_inverts_the_block_and_leaves_the_rest(seed, block, spread):
    start, stop = block
    A = _spd(seed, 6, spread)
    x = np.random.default_rng(seed).normal(size=6)
    solved = x.copy()
    stepper.solve(A, start, stop, solved)
    inside = slice(start, stop)
    np.testing.assert_allclose(solved[inside], np.linalg.solve(A[inside, inside], x[inside]), 1e-8)
    outside = np.r_[0:start, stop:6]
    np.testing.assert_array_equal(solved[outside], x[outside])


def test_solve_gives_zero_where_the_matrix_is_singular():
    x = np.array([2.0, 3.0, 4.0])
    stepper.solve(np.diag([2.0, 0.0, 4.0]), 0, 3, x)
    np.testing.assert_allclose(x, [1.0, 0.0, 1.0], rtol=1e-12)


@given(vectors.filter(lambda v: np.linalg.norm(v) > 1e-6))
@settings(max_examples=60)
def test_rotations_are_robosuites_to_its_single_precision(turn):
    import_libero("envs.env_wrapper")
    from robosuite.utils import transform_utils

    ours = np.empty((3, 3))
    stepper.rotation_matrix(turn, ours)
    theirs = transform_utils.quat2mat(transform_utils.axisangle2quat(turn))
    np.testing.assert_allclose(ours, theirs, atol=2e-7)


@given(vectors, vectors)
@settings(max_examples=60)
def test_the_goal_is_5_cm_and_half_a_radian_per_unit(move, turn):
    goal, goal_rotation = np.zeros(3), np.full((3, 3), 7.0)
    position, rotation = np.array([0.1, 0.2, 0.3]), np.eye(3).ravel()
    action = np.concatenate([3 * move, turn, [0.0]])
    stepper.set_goal(action, position, rotation, goal, goal_rotation)
    np.testing.assert_allclose(goal, position + 0.05 * np.clip(3 * move, -1, 1), atol=1e-12)
    if turn.any():
        angle = np.arccos(np.clip((np.trace(goal_rotation) - 1) / 2, -1, 1))
        assert angle == pytest.approx(0.5 * np.linalg.norm(turn), abs=1e-3)
    else:
        np.testing.assert_array_equal(goal_rotation, np.full((3, 3), 7.0))


@pytest.mark.parametrize("command", [-1.0, -0.2, 0.0, 0.4, 1.0])
def test_the_gripper_moves_by_a_hundredth_per_substep_and_stops_at_one(command):
    constants = Constants(
        *(np.zeros(7, dtype=int), np.zeros(7, dtype=int), np.zeros((7, 7), dtype=int)),
        *(np.arange(7), np.array([0, 1]), np.zeros(7), np.zeros((7, 2))),
        *(np.array([0.02, -0.02]), np.array([0.02, 0.02])),
    )
    memory = Memory(np.zeros(3), np.eye(3), np.zeros(2), np.zeros(1, dtype=bool))
    ctrl = np.zeros(2)
    for count in (1, 2, 150):
        memory.gripper[...] = 0.0
        for _ in range(count):
            stepper.move_gripper(command, constants, memory, ctrl)
        expected = np.sign(command) * min(0.01 * count, 1.0)
        np.testing.assert_allclose(memory.gripper, [-expected, expected], atol=1e-12)
        np.testing.assert_allclose(
            ctrl, [0.02 - 0.02 * expected, -0.02 + 0.02 * expected], atol=1e-12
        )


@pytest.fixture(scope="module", params=FAMILIES, ids=str)
def pair(request):
    """Both steppers on one task, and a state: LIBERO's first fixed one, fixtures drawn anew."""
    task = find_task(FAMILIES[request.param])
    theirs = Simulation(task, stepper="libero")
    inner = theirs._stepper.environment.env
    theirs._stepper.environment.seed(0)
    inner.deterministic_reset = False
    inner.reset()
    inner.deterministic_reset = True
    path = libero_path("init_states") / task.suite / f"{task.name}.pruned_init"
    time, vector = np.split(import_libero("benchmark").load_initial_states(path)[0], [1])
    qpos, qvel = np.split(vector, [theirs.model.nq])
    state = InitialState("test", 0, qpos, qvel, theirs.fixtures(), 0, float(time[0]))
    ours = Simulation(task)
    yield ours, theirs, state
    ours.close()
    theirs.close()


class Prodder:
    """Actions that push and grasp about: towards one object after another, with noise."""

    def __init__(self, simulation, seed):
        self.simulation, self.rng = simulation, np.random.default_rng(seed)
        self.grip, self.target = -1.0, 0

    def act(self, step):
        if step % 15 == 0:
            self.target = self.rng.integers(len(self.simulation.context.object_names))
            self.grip = self.rng.choice([-1.0, 1.0])
        seen = self.simulation.observe()
        move = 8 * (seen.objects[self.target, :3] - seen.robot[:3]) + self.rng.normal(0, 0.2, 3)
        turn = self.rng.uniform(-0.5, 0.5, 3) * (self.rng.random() < 0.5)
        return np.concatenate([np.clip(move, -1.2, 1.2), turn, [self.grip]])


_STATE = ("qpos", "qvel", "qacc_warmstart", "ctrl")


def _snapshot(simulation):
    arrays = [getattr(simulation.data, field) for field in _STATE]
    return [array.copy() for array in (*arrays, *simulation._stepper.memory)]


def _put_back(simulation, snapshot):
    arrays = [getattr(simulation.data, field) for field in _STATE]
    for array, value in zip((*arrays, *simulation._stepper.memory), snapshot, strict=True):
        array[...] = value


def _is_chaotic(simulation, before, action):
    """Whether rounding errors of the arm's velocities grow ten-million-fold within this step.

    Where the hand is pressed hard into an object, MuJoCo's contact points jump on a change of
    one bit; there LIBERO disagrees with itself as much as with us.
    """
    rng = np.random.default_rng(0)
    ends = []
    for nudge in [np.zeros(7), *rng.integers(-2, 3, (8, 7))]:
        _put_back(simulation, before)
        simulation.data.qvel[simulation._stepper._constants.dof] *= 1 + nudge * np.finfo(float).eps
        simulation.step(action)
        ends.append(simulation.data.qpos.copy())
    return np.ptp(ends, axis=0).max() > 1e-9


def _disagreements(ours, theirs, state, *, steps, seed):
    """Differences in qpos (steps,) after control steps from equal states; how many touched."""
    ours.restore(state)
    theirs.restore(state)
    prodder = Prodder(ours, seed)
    differences, touched = np.zeros(steps), 0
    for step in range(steps):
        action = SETTLING_ACTION if step < 5 else prodder.act(step)
        for field in ("qpos", "qvel", "qacc_warmstart"):
            getattr(theirs.data, field)[:] = getattr(ours.data, field)
        before = _snapshot(ours)
        ours.step(action)
        theirs.step(action)
        differences[step] = np.abs(ours.data.qpos - theirs.data.qpos).max()
        touched += _touches_arm(ours)
        if differences[step] > TOLERANCE:
            after = _snapshot(ours)
            assert _is_chaotic(ours, before, action), f"step {step}: {differences[step]:.1e}"
            _put_back(ours, after)
    return differences, touched


def _touches_arm(simulation):
    model, contacts = simulation.model, simulation.data.contact
    return any(
        any(model.body(model.geom_bodyid[g]).name.startswith(("robot0", "gripper0")) for g in pair)
        for pair in contacts.geom
    )


@pytest.mark.sim
def test_a_control_step_agrees_with_liberos(pair):
    differences, touched = _disagreements(*pair, steps=60, seed=1)
    assert np.median(differences) < 1e-12
    assert np.quantile(differences, 0.95) < TOLERANCE
    assert touched >= 5


@pytest.mark.sim
@pytest.mark.full
def test_three_hundred_control_steps_of_each_family_agree_with_liberos(pair):
    runs = [_disagreements(*pair, steps=100, seed=seed) for seed in range(2, 5)]
    differences = np.concatenate([run[0] for run in runs])
    assert np.median(differences) < 1e-12
    assert np.quantile(differences, 0.97) < TOLERANCE
    assert sum(run[1] for run in runs) >= 30


@pytest.mark.sim
def test_the_first_step_after_a_reset_agrees_although_the_controller_is_stale(pair):
    ours, theirs, state = pair
    for action in (SETTLING_ACTION, np.array([0.5, -0.5, 1.0, 0.2, -0.1, 0.3, 1.0])):
        ours.restore(state)
        theirs.restore(state)
        ours.step(action)
        theirs.step(action)
        assert np.abs(ours.data.qpos - theirs.data.qpos).max() < TOLERANCE


@pytest.mark.sim
def test_settled_states_and_observations_agree_with_liberos(pair):
    ours, theirs, state = pair
    seen, reference = ours.reset(state), theirs.reset(state)
    np.testing.assert_allclose(ours.state_vector(), theirs.state_vector(), atol=TOLERANCE)
    np.testing.assert_allclose(seen.robot, reference.robot, atol=TOLERANCE)
    np.testing.assert_allclose(seen.objects, reference.objects, atol=TOLERANCE)
    observables = theirs._stepper.environment.env._get_observations()
    np.testing.assert_allclose(seen.robot[:3], observables["robot0_eef_pos"], atol=1e-6)
    np.testing.assert_allclose(seen.robot[7:], observables["robot0_gripper_qpos"], atol=1e-6)
    for name, pose in zip(ours.context.object_names, seen.objects, strict=True):
        if f"{name}_pos" in observables:
            np.testing.assert_allclose(pose[:3], observables[f"{name}_pos"], atol=1e-6)
            np.testing.assert_allclose(
                pose[3:], observables[f"{name}_quat"][[3, 0, 1, 2]], atol=1e-6
            )


@pytest.mark.sim
def test_the_state_only_model_moves_bitwise_as_the_full_one(pair):
    ours, theirs, state = pair
    ours.reset(state)
    theirs.restore(state)
    for field in ("qpos", "qvel", "qacc_warmstart", "ctrl"):
        getattr(theirs.data, field)[:] = getattr(ours.data, field)
    assert ours.model.ngeom < theirs.model.ngeom
    rng = np.random.default_rng(0)
    for _ in range(300):
        ours.data.ctrl[:] = theirs.data.ctrl[:] = rng.normal(0, 5, ours.model.nu)
        mujoco.mj_step(ours.model, ours.data)
        mujoco.mj_step(theirs.model, theirs.data)
        assert ours.data.qpos.tobytes() == theirs.data.qpos.tobytes()
        assert ours.data.ncon == theirs.data.ncon


@pytest.mark.sim
def test_jacobian_and_inertia_are_mujocos(pair):
    ours, _, state = pair
    ours.reset(state)
    model, data = ours.model, ours.data
    mujoco.mj_forward(model, data)
    fast = ours._stepper
    assert isinstance(fast, FastStepper)
    dof, site = fast._constants.dof, model.site(stepper.GRIP_SITE).id
    assert [model.joint(model.dof_jntid[d]).name for d in dof] == list(ARM_JOINTS)
    J, J_pos, J_rot = np.empty((6, 7)), np.zeros((3, model.nv)), np.zeros((3, model.nv))
    stepper.jacobian(fast._live, dof, J)
    mujoco.mj_jacSite(model, data, J_pos, J_rot, site)
    np.testing.assert_allclose(J, np.vstack([J_pos, J_rot])[:, dof], atol=1e-12)
    full = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, full, data.qM)
    np.testing.assert_array_equal(data.qM[fast._constants.mass], full[np.ix_(dof, dof)])
