"""One control step of LIBERO's arm: 25 substeps of 2 ms with robosuite's OSC_POSE in between.

Per substep robosuite runs `mj_forward` once or twice, its controller in Python, and `mj_step`,
which computes the forward pass yet again. `mj_forward` leaves state and warm start alone, so one
`mj_step1`, the controller, and one `mj_step2` give the same trajectory. All 25 run in one
compiled function on arrays bound once. (An internal error of MuJoCo there, such as exhausted
memory, ends the process: only its Python bindings can turn it into an exception.)

Units: m, rad, s, N m. Rotation matrices are row-major (3, 3), world frame.
"""

# numba, not mypy, knows the types of its functions' arguments.
# mypy: disallow-untyped-defs=False

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import mujoco
import numba
import numpy as np
from llvmlite import binding as llvm
from numba import types

SUBSTEPS = 25  # control at 20 Hz, physics at 500 Hz
GLIMPSE = 23  # of them are over when LIBERO's cameras look: see tgrpo/simulation/rendering.py
ARM_JOINTS = tuple(f"robot0_joint{number}" for number in range(1, 8))
ARM_ACTUATORS = tuple(f"robot0_torq_j{number}" for number in range(1, 8))
FINGER_JOINTS = ("gripper0_finger_joint1", "gripper0_finger_joint2")
FINGER_ACTUATORS = ("gripper0_gripper_finger_joint1", "gripper0_gripper_finger_joint2")
GRIP_SITE = "gripper0_grip_site"

# robosuite/controllers/config/osc_pose.json and gripper/null-space constants in its classes.
KP = 150.0
KD = 2.0 * math.sqrt(KP)
NULL_KP = 10.0
NULL_KD = 2.0 * math.sqrt(NULL_KP)
POSITION_SCALE = 0.05  # m per unit of action
ROTATION_SCALE = 0.5  # rad per unit of action
GRIPPER_SPEED = 0.01  # of the gripper's command, per substep
SINGULAR = 1e-15  # relative; the threshold of robosuite's pseudo-inverse


def _mujoco_library() -> str:
    """MuJoCo's shared library inside its Python package, the one already loaded."""
    folder = Path(mujoco.__file__).parent
    for pattern in ("libmujoco.so*", "libmujoco*.dylib", "mujoco.dll"):
        for path in folder.glob(pattern):
            return str(path)
    raise ImportError(f"no MuJoCo library in {folder}; reinstall it: pip install mujoco==3.3.7")


# Compiled code calls MuJoCo by symbol, so that 25 substeps run without Python and without the GIL.
llvm.load_library_permanently(_mujoco_library())
_POINTERS = types.void(types.uintp, types.uintp)  # mjModel*, mjData*
mj_step1 = types.ExternalFunction("mj_step1", _POINTERS)
mj_step2 = types.ExternalFunction("mj_step2", _POINTERS)


class UnstablePhysicsError(RuntimeError):
    """The simulation diverged: MuJoCo reported it, or the state is not finite."""


@dataclass(frozen=True)
class ArmIds:
    """Addresses of the arm in one model. M and J are of the seven arm joints, in order."""

    qpos: np.ndarray  # (7,)
    dof: np.ndarray  # (7,)
    mass: np.ndarray  # (7, 7) index into data.qM of M[i, j]
    ctrl: np.ndarray  # (7,)
    finger_ctrl: np.ndarray  # (2,)
    finger_qpos: np.ndarray  # (2,)
    site: int
    site_body: int
    root: int  # body whose `subtree_com` the motion axes `cdof` refer to

    @classmethod
    def of(cls, model: mujoco.MjModel) -> ArmIds:
        joints = [model.joint(name) for name in ARM_JOINTS]
        dof = np.array([joint.dofadr[0] for joint in joints])
        site = model.site(GRIP_SITE).id
        body = int(model.site_bodyid[site])
        return cls(
            qpos=np.array([joint.qposadr[0] for joint in joints]),
            dof=dof,
            mass=_mass_indices(model, dof),
            ctrl=np.array([model.actuator(name).id for name in ARM_ACTUATORS]),
            finger_ctrl=np.array([model.actuator(name).id for name in FINGER_ACTUATORS]),
            finger_qpos=np.array([model.joint(name).qposadr[0] for name in FINGER_JOINTS]),
            site=site,
            site_body=body,
            root=int(model.body_rootid[body]),
        )


def _mass_indices(model: mujoco.MjModel, dof: np.ndarray) -> np.ndarray:
    """Where M[i, j] of the given dofs, a chain, lies in the sparse `data.qM`."""
    index = {}
    for row in dof:
        address, column = int(model.dof_Madr[row]), int(row)
        while column >= 0:
            index[int(row), column] = index[column, int(row)] = address
            address, column = address + 1, int(model.dof_parentid[column])
    return np.array([[index[int(i), int(j)] for j in dof] for i in dof])


class ArmView(NamedTuple):
    """What the controller reads of one `MjData`, as live arrays."""

    qpos: np.ndarray
    qvel: np.ndarray
    qM: np.ndarray
    cdof: np.ndarray
    com: np.ndarray  # (3,)
    site: np.ndarray  # (3,)
    rotation: np.ndarray  # (9,)

    @classmethod
    def of(cls, data: mujoco.MjData, ids: ArmIds) -> ArmView:
        com, site = data.subtree_com[ids.root], data.site_xpos[ids.site]
        rotation = data.site_xmat[ids.site]
        return cls(data.qpos, data.qvel, data.qM, data.cdof, com, site, rotation)


class Memory(NamedTuple):
    """What the controller keeps from step to step."""

    goal: np.ndarray  # (3,)
    goal_rotation: np.ndarray  # (3, 3)
    gripper: np.ndarray  # (2,) command in [-1, 1]
    stale: np.ndarray  # (1,) bool: no substep since the reset


class Constants(NamedTuple):
    """What never changes."""

    qpos: np.ndarray
    dof: np.ndarray
    mass: np.ndarray
    ctrl: np.ndarray
    finger_ctrl: np.ndarray
    initial_arm: np.ndarray  # (7,)
    limits: np.ndarray  # (7, 2)
    finger_bias: np.ndarray  # (2,)
    finger_weight: np.ndarray  # (2,)


class FastStepper:
    """Steps `data` by control steps.

    robosuite's controller reads the arm's state when it is created, at the robot's rest pose, and
    keeps that reading for the whole first substep after a reset, although the episode's state was
    set in between; only the bias forces are current. So does this one.
    """

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData, initial_arm: np.ndarray):
        self.model, self.data = model, data
        ids = ArmIds.of(model)
        finger_range = model.actuator_ctrlrange[ids.finger_ctrl]
        self._constants = Constants(
            qpos=ids.qpos,
            dof=ids.dof,
            mass=ids.mass,
            ctrl=ids.ctrl,
            finger_ctrl=ids.finger_ctrl,
            initial_arm=np.array(initial_arm, dtype=np.float64),
            limits=model.actuator_ctrlrange[ids.ctrl].copy(),
            finger_bias=finger_range.mean(axis=1),
            finger_weight=0.5 * (finger_range[:, 1] - finger_range[:, 0]),
        )
        self.memory = Memory(np.zeros(3), np.eye(3), np.zeros(2), np.zeros(1, dtype=np.bool_))
        self._rest = _at_rest(model, ids, self._constants.initial_arm)
        self._live = ArmView.of(data, ids)
        self.reset()

    def reset(self) -> None:
        """Forget the goal and the gripper's command, as a robosuite reset does."""
        self.memory.stale[0] = True
        self.memory.goal_rotation[...] = self._rest.rotation.reshape(3, 3)
        self.memory.gripper[...] = 0.0

    def step(self, action: np.ndarray, glimpse: np.ndarray | None = None) -> None:
        """One control step with `action` (7,). Afterwards positions derived from `data` are those
        before the last integration, as after LIBERO's `env.step`.

        `glimpse` (nq,) is filled with qpos as LIBERO's cameras see it, after `GLIMPSE` substeps.
        """
        if glimpse is None:
            self._substeps(action, 0, SUBSTEPS)
            return
        self._substeps(action, 0, GLIMPSE)
        glimpse[:] = self.data.qpos
        self._substeps(action, GLIMPSE, SUBSTEPS)

    def _substeps(self, action: np.ndarray, first: int, stop: int) -> None:
        control_step(
            first,
            stop,
            self.model._address,
            self.data._address,
            action,
            self._live,
            self._rest,
            self.data.qfrc_bias,
            self.data.ctrl,
            self._constants,
            self.memory,
        )

    def close(self) -> None:
        """Nothing to release."""


def _at_rest(model: mujoco.MjModel, ids: ArmIds, initial_arm: np.ndarray) -> ArmView:
    """The arm as robosuite's controller first sees it. Nothing else reaches these quantities."""
    data = mujoco.MjData(model)
    data.qpos[ids.qpos] = initial_arm
    mujoco.mj_forward(model, data)
    return ArmView(*(array.copy() for array in ArmView.of(data, ids)))


@numba.njit(cache=True, nogil=True)
def control_step(first, stop, model, data, action, live, rest, bias, ctrl, constants, memory):
    """Substeps [`first`, `stop`) of 25, of the `mjModel` and `mjData` at two addresses."""
    for substep in range(first, stop):
        mj_step1(model, data)
        arm = rest if memory.stale[0] else live
        if substep == 0:
            set_goal(action, arm.site, arm.rotation, memory.goal, memory.goal_rotation)
        memory.stale[0] = False
        osc_torques(arm, bias, constants, memory, ctrl)
        move_gripper(action[6], constants, memory, ctrl)
        mj_step2(model, data)


@numba.njit(cache=True)
def move_gripper(direction, constants, memory, ctrl):
    """Gripper command towards -1 (open) or 1 (closed), into `ctrl`."""
    change = GRIPPER_SPEED * np.sign(direction)
    memory.gripper[0] = min(max(memory.gripper[0] - change, -1.0), 1.0)
    memory.gripper[1] = min(max(memory.gripper[1] + change, -1.0), 1.0)
    for i in range(2):
        ctrl[constants.finger_ctrl[i]] = (
            constants.finger_bias[i] + constants.finger_weight[i] * memory.gripper[i]
        )


@numba.njit(cache=True)
def set_goal(action, position, rotation, goal_position, goal_rotation):
    """Goal of the controller from `action` (7,) and the site's pose, as robosuite's `set_goal`.

    An exactly zero rotation command leaves the goal's orientation as it was.
    """
    turn, delta = np.empty(3), np.empty((3, 3))
    for axis in range(3):
        goal_position[axis] = position[axis] + POSITION_SCALE * min(max(action[axis], -1.0), 1.0)
        turn[axis] = ROTATION_SCALE * min(max(action[3 + axis], -1.0), 1.0)
    if turn[0] == 0.0 and turn[1] == 0.0 and turn[2] == 0.0:
        return
    rotation_matrix(turn, delta)
    for i in range(3):
        for j in range(3):
            goal_rotation[i, j] = 0.0
            for k in range(3):
                goal_rotation[i, j] += delta[i, k] * rotation[3 * k + j]


@numba.njit(cache=True)
def rotation_matrix(turn, out):
    """Rotation (3, 3) of an axis-angle vector, into `out`.

    Rounded to float32 where robosuite's `quat2mat` does it, which moves a goal by up to 1e-7 rad.
    """
    angle = math.sqrt(turn[0] * turn[0] + turn[1] * turn[1] + turn[2] * turn[2])
    q = np.empty(4, dtype=np.float32)  # w x y z
    q[0] = math.cos(angle / 2.0)
    for i in range(3):  # the square of a turn below 1e-162 is 0, and so is what it turns by
        q[1 + i] = turn[i] / angle * math.sin(angle / 2.0) if angle > 0.0 else 0.0
    square = 0.0
    for i in range(4):
        square += q[i] * q[i]
    scale = math.sqrt(2.0 / np.float32(square))
    for i in range(4):
        q[i] = q[i] * scale
    w, x, y, z = q[0], q[1], q[2], q[3]
    out[0, 0], out[0, 1], out[0, 2] = 1.0 - y * y - z * z, x * y - z * w, x * z + y * w
    out[1, 0], out[1, 1], out[1, 2] = x * y + z * w, 1.0 - x * x - z * z, y * z - x * w
    out[2, 0], out[2, 1], out[2, 2] = x * z - y * w, y * z + x * w, 1.0 - x * x - y * y


@numba.njit(cache=True)
def osc_torques(arm, bias, constants, memory, ctrl):
    """Joint torques (7,) of operational space control, into `ctrl`.

    tau = J^T [L_p F; L_o T] + bias + N^T M a,  a = null_kp (q0 - q) - null_kd dq,
    A = J M^-1 J^T,  L_p = A_pp^-1,  L_o = A_oo^-1,  N^T M a = M a - J^T A^-1 J a.
    """
    J = np.empty((6, 7))
    M = np.empty((7, 7))
    jacobian(arm, constants.dof, J)
    dq, a = np.empty(7), np.empty(7)
    for j in range(7):
        for i in range(7):
            M[i, j] = arm.qM[constants.mass[i, j]]
        dq[j] = arm.qvel[constants.dof[j]]
        lag = constants.initial_arm[j] - arm.qpos[constants.qpos[j]]
        a[j] = NULL_KP * lag - NULL_KD * dq[j]
    A = np.empty((6, 6))
    inverse_inertia(M, J, A)
    wrench = pose_error(memory.goal, memory.goal_rotation, arm.site, arm.rotation)
    toward_rest = np.zeros(6)
    for i in range(6):
        wrench[i] *= KP
        for j in range(7):
            wrench[i] -= KD * J[i, j] * dq[j]
            toward_rest[i] += J[i, j] * a[j]
    solve(A, 0, 3, wrench)
    solve(A, 3, 6, wrench)
    solve(A, 0, 6, toward_rest)
    for j in range(7):
        torque = bias[constants.dof[j]]
        for i in range(6):
            torque += J[i, j] * (wrench[i] - toward_rest[i])
        for i in range(7):
            torque += M[i, j] * a[i]
        ctrl[constants.ctrl[j]] = min(max(torque, constants.limits[j, 0]), constants.limits[j, 1])


@numba.njit(cache=True)
def jacobian(arm, dof, J):
    """Jacobian (6, 7) of the grip site, translation then rotation, as `mj_jacSite`, into `J`."""
    for j in range(7):
        axis = arm.cdof[dof[j]]
        for i in range(3):
            k, m = (i + 1) % 3, (i + 2) % 3
            arm_k, arm_m = arm.site[k] - arm.com[k], arm.site[m] - arm.com[m]
            J[i, j] = axis[3 + i] + axis[k] * arm_m - axis[m] * arm_k
            J[3 + i, j] = axis[i]


@numba.njit(cache=True)
def inverse_inertia(M, J, A):
    """J M^-1 J^T (6, 6), the inverse inertia seen at the site, into `A`."""
    column = np.empty(7)
    for i in range(6):
        for j in range(7):
            column[j] = J[i, j]
        solve(M, 0, 7, column)
        for k in range(6):
            total = 0.0
            for j in range(7):
                total += J[k, j] * column[j]
            A[k, i] = total


@numba.njit(cache=True)
def pose_error(goal, goal_rotation, site, site_rotation):
    """Position and orientation error (6,); orientation: half the sum of column cross products."""
    error = np.zeros(6)
    for i in range(3):
        error[i] = goal[i] - site[i]
        k, m = (i + 1) % 3, (i + 2) % 3
        for column in range(3):
            error[3 + i] += 0.5 * (
                site_rotation[3 * k + column] * goal_rotation[m, column]
                - site_rotation[3 * m + column] * goal_rotation[k, column]
            )
    return error


@numba.njit(cache=True)
def solve(A, start, stop, x):
    """Replace x[start:stop] by B^-1 x[start:stop], B the positive block A[start:stop, start:stop].

    By Cholesky's B = L L^T. Directions in which B is singular to rounding get zero (robosuite's
    pseudo-inverse has the same threshold).
    """
    L = np.zeros((7, 7))
    for j in range(start, stop):
        pivot = A[j, j]
        for k in range(start, j):
            pivot -= L[j, k] * L[j, k]
        if not pivot > SINGULAR * A[j, j]:
            continue
        L[j, j] = math.sqrt(pivot)
        for i in range(j + 1, stop):
            total = A[i, j]
            for k in range(start, j):
                total -= L[i, k] * L[j, k]
            L[i, j] = total / L[j, j]
    for i in range(start, stop):
        for k in range(start, i):
            x[i] -= L[i, k] * x[k]
        x[i] = x[i] / L[i, i] if L[i, i] > 0.0 else 0.0
    for i in range(stop - 1, start - 1, -1):
        for k in range(i + 1, stop):
            x[i] -= L[k, i] * x[k]
        x[i] = x[i] / L[i, i] if L[i, i] > 0.0 else 0.0
