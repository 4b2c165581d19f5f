"""Simulation: one LIBERO task that can be reset to a stored state, stepped and looked at.

Poses in an observation are those LIBERO reports: derived quantities (`site_xpos`, `xpos`, contacts)
are one substep, 2 ms, older than `qpos`, because LIBERO does not recompute them after the last
integration. Success tests and rewards read the same `data`, so they agree with LIBERO's. Images are
drawn on demand, by a renderer that several simulations share.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal, Protocol
from xml.etree import ElementTree

import mujoco
import numpy as np

import rewardlang
from tgrpo.simulation.initial_states import InitialState
from tgrpo.simulation.libero_stepper import LiberoStepper
from tgrpo.simulation.model_cache import CompiledTask, LoadedModels, compiled_task, libero_xml
from tgrpo.simulation.rendering import Glimpse, Renderer
from tgrpo.simulation.stepper import ArmIds, FastStepper, UnstablePhysicsError
from tgrpo.tasks import SETTLING_ACTION, SETTLING_STEPS, Task
from tgrpo.trajectory import ACTION_DIM, Camera, Images, Observation, TaskContext

logger = logging.getLogger(__name__)

__all__ = ["Simulation", "UnstablePhysicsError"]

_DIVERGED = (
    mujoco.mjtWarning.mjWARN_BADQPOS,
    mujoco.mjtWarning.mjWARN_BADQVEL,
    mujoco.mjtWarning.mjWARN_BADQACC,
)


class Stepper(Protocol):
    """Advances a model's data by control steps."""

    model: mujoco.MjModel
    data: mujoco.MjData

    def reset(self) -> None: ...
    def step(self, action: np.ndarray, glimpse: np.ndarray | None = None) -> None: ...
    def close(self) -> None: ...


class Simulation:
    """One task. `model` and `data` are live: read them after `reset` or `step`.

    `stepper="libero"` steps LIBERO's own environment (slow; the reference). Given the `models` of a
    process, it moves on the one that the others of this task move on too: `model` then has the
    fixtures of whoever moved last. `look` draws with `renderer`, which remains the caller's.
    """

    def __init__(
        self,
        task: Task,
        *,
        stepper: Literal["fast", "libero"] = "fast",
        models: LoadedModels | None = None,
        renderer: Renderer | None = None,
    ):
        _log_mujocos_warnings()
        compiled = compiled_task(task) if models is None else models.compiled(task)
        self.task = task
        self._compiled = compiled
        self._stepper = _make_stepper(stepper, task, compiled)
        self.model, self.data = self._stepper.model, self._stepper.data
        self._arm = ArmIds.of(self.model)
        self._bodies = np.array([self.model.body(entry.body).id for entry in compiled.objects])
        self._shares_model = models is not None and self.model is compiled.model
        self._fixtures = {
            entry.body: number for number, entry in enumerate(compiled.fixtures)
        }  # name of the body -> row of its pose
        self._fixture_ids = np.array([self.model.body(name).id for name in self._fixtures], int)
        self._fixture_poses = compiled.fixture_poses.copy()
        self._knobs = self.data.qpos.copy()  # at the end of the step before
        self._glimpse: np.ndarray | None = None  # qpos as the cameras see it
        self.renderer = renderer
        if renderer is not None:
            self._glimpse = self.data.qpos.copy()
            renderer.acquire(task)
        self.context = TaskContext(
            suite=task.suite,
            task=task.name,
            instruction=task.instruction,
            object_names=tuple(entry.name for entry in compiled.objects),
            object_categories=tuple(entry.category for entry in compiled.objects),
        )

    @property
    def scene(self) -> rewardlang.Scene:
        return self.task.scene

    def fixtures(self) -> dict[str, np.ndarray]:
        """Pose (7,) of every fixture's root body in the model, position and quaternion wxyz."""
        self._take_model()
        bodies = [self.model.body(name) for name in self._fixtures]
        return {body.name: np.concatenate([body.pos, body.quat]) for body in bodies}

    def reset(self, state: InitialState) -> Observation:
        """Restore `state` completely and let it settle for 10 steps.

        What follows is bitwise the same whatever was simulated before. Raises ValueError where
        `state` belongs to another task.
        """
        self.restore(state)
        for _ in range(SETTLING_STEPS):
            self._advance(SETTLING_ACTION)
        return self.observe()

    def restore(self, state: InitialState) -> None:
        """Restore `state` without settling."""
        model, data = self.model, self.data
        self._check_fits(state)
        self._fixture_poses[:] = self._compiled.fixture_poses
        for name, pose in state.fixtures.items():
            self._fixture_poses[self._fixtures[name]] = pose
        self._place_fixtures()
        self._stepper.reset()
        mujoco.mj_resetData(model, data)
        data.qpos[:] = state.qpos
        data.qvel[:] = state.qvel
        data.time = state.time
        mujoco.mj_forward(model, data)
        if self._glimpse is not None:
            self._glimpse[:] = self._knobs[:] = state.qpos

    def _take_model(self) -> None:
        """Others may have moved their fixtures on the same model."""
        if self._shares_model:
            self._place_fixtures()

    def _place_fixtures(self) -> None:
        self.model.body_pos[self._fixture_ids] = self._fixture_poses[:, :3]
        self.model.body_quat[self._fixture_ids] = self._fixture_poses[:, 3:]

    def _check_fits(self, state: InitialState) -> None:
        wanted, given = (self.model.nq, self.model.nv), (len(state.qpos), len(state.qvel))
        unknown = sorted(set(state.fixtures) - set(self._fixtures))
        if wanted != given or unknown:
            raise ValueError(
                f"this initial state is not one of {self.task.id}: it has (nq, nv) = {given}, the "
                f"task {wanted}; fixtures unknown to the task: {', '.join(unknown) or 'none'}"
            )

    def step(self, action: np.ndarray) -> Observation:
        """One control step (0.05 s) with `action` (7,) in [-1, 1].

        Raises UnstablePhysicsError where the physics diverged, ValueError for a malformed action.
        """
        values = np.asarray(action, dtype=np.float64)
        if values.shape != (ACTION_DIM,) or not np.isfinite(values).all():
            raise ValueError(f"an action is {ACTION_DIM} finite numbers, not {action!r}")
        self._advance(values)
        return self.observe()

    def _advance(self, action: np.ndarray) -> None:
        began = self.data.time
        self._take_model()
        if self._glimpse is not None:
            self._knobs[:] = self.data.qpos
        self._stepper.step(action, self._glimpse)
        self._check_stable(began)

    def _check_stable(self, began: float) -> None:
        data = self.data
        if any(data.warning[kind].number for kind in _DIVERGED) or not (
            np.isfinite(data.qpos).all() and np.isfinite(data.qvel).all()
        ):
            raise UnstablePhysicsError(
                f"{self.task.id}: physics diverged in the control step from t = {began:.2f} s"
            )

    def look(self, cameras: Sequence[Camera]) -> Images:
        """LIBERO's image of each camera for the step that was taken last, or the state restored.

        Raises ValueError for a camera that the task lacks.
        """
        assert self.renderer is not None
        assert self._glimpse is not None
        self._take_model()
        glimpse = Glimpse(self._glimpse, self._knobs, self.model.body_pos, self.model.body_quat)
        return self.renderer.draw(self.task, glimpse, cameras)

    def observe(self) -> Observation:
        """The state that a policy may see now; images are `look`'s."""
        data, arm = self.data, self._arm
        rotation = np.empty(4)
        mujoco.mju_mulQuat(rotation, data.xquat[arm.site_body], self.model.site_quat[arm.site])
        robot = np.concatenate([data.site_xpos[arm.site], rotation, data.qpos[arm.finger_qpos]])
        objects = np.concatenate([data.xpos[self._bodies], data.xquat[self._bodies]], axis=1)
        return Observation(robot.astype(np.float32), objects.astype(np.float32))

    def state_vector(self) -> np.ndarray:
        """LIBERO's flattened state: time, qpos, qvel."""
        return np.concatenate([[self.data.time], self.data.qpos, self.data.qvel])

    def model_xml(self) -> str:
        """LIBERO's own model as XML, textures included, with the fixtures where they stand now."""
        root = ElementTree.fromstring(libero_xml(self.task))
        for name, pose in self.fixtures().items():
            body = root.find(f".//body[@name='{name}']")
            assert body is not None, name
            body.set("pos", " ".join(map(repr, pose[:3].tolist())))
            body.set("quat", " ".join(map(repr, pose[3:].tolist())))
        return ElementTree.tostring(root, encoding="unicode")

    def close(self) -> None:
        """Release what the stepper and the renderer hold; nothing else may be called afterwards."""
        self._stepper.close()
        if self.renderer is not None:
            self.renderer.release(self.task)


def _log_mujocos_warnings() -> None:
    """Send MuJoCo's warnings to the log; by itself it writes a file into the working folder."""
    if mujoco.get_mju_user_warning() is None:
        mujoco.set_mju_user_warning(lambda message: logger.debug("MuJoCo: %s", message))


def _make_stepper(kind: Literal["fast", "libero"], task: Task, compiled: CompiledTask) -> Stepper:
    match kind:
        case "fast":
            data = mujoco.MjData(compiled.model)
            return FastStepper(compiled.model, data, np.array(compiled.initial_arm))
        case "libero":
            return LiberoStepper(task)
        case _:
            raise ValueError(f"unknown stepper {kind!r}; there are 'fast' and 'libero'")
