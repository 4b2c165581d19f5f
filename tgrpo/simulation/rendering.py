"""What a task's cameras see, bitwise the pixels of LIBERO's observation on the same GL stack.

An image of `env.step` is not of the step's end. robosuite's observables look once in a control
step, and under LIBERO's protocol (reset, `set_init_state`, steps) that is after substep 24 of 25,
when MuJoCo's poses are those before its integration: the cameras see `qpos` after 23 substeps,
4 ms before the step's end. Lamps are switched after a step, by the knob at its end, so that an
image shows them as the step before left them. The image of `set_init_state` is of its state.

Rows run from bottom to top, as robosuite's convention "opengl" has them: `image[::-1]` is upright.
"""

from __future__ import annotations

import importlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from tgrpo.gl_libraries import DEVICE, GL, loaded_backend, see_libraries
from tgrpo.simulation.drawn_model import DrawnModel, drawn_model
from tgrpo.tasks import Task
from tgrpo.trajectory import Camera, Images

_MOST_GEOMS = 1000  # in a scene, as robosuite has it


class RenderingError(RuntimeError):
    """Nothing can be drawn here; the text says with which backend, why, and what mends it."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What decides on an image besides the task: poses and knobs of the state-only model."""

    qpos: np.ndarray  # (nq,) when the cameras look
    knobs: np.ndarray  # (nq,) when the lamps were switched
    body_pos: np.ndarray  # (nbody, 3) of the model, fixtures where they stand
    body_quat: np.ndarray  # (nbody, 4)


class Renderer:
    """Draws any task with one GL context. Make one per process, inside the process that draws.

    A task is loaded, some 0.5 GB with textures, from its first `acquire` to its last `release`.
    The context is created with the first; nothing is before.
    """

    def __init__(self) -> None:
        self._gl: Any = None
        self._drawn: dict[Task, _DrawnTask] = {}
        self._users: Counter[Task] = Counter()

    def acquire(self, task: Task) -> None:
        """Keep `task` loaded. Raises RenderingError."""
        if task not in self._drawn:
            self._make_current()
            self._drawn[task] = _DrawnTask(drawn_model(task))
        self._users[task] += 1

    def release(self, task: Task) -> None:
        self._users[task] -= 1
        if self._users[task] == 0:
            self._make_current()
            self._drawn.pop(task).free()

    def draw(self, task: Task, glimpse: Glimpse, cameras: Sequence[Camera]) -> Images:
        """The image of each camera. Raises ValueError for a camera that the task lacks."""
        self._make_current()  # LIBERO's own renderer may have taken its place
        return self._drawn[task].draw(glimpse, cameras)

    def close(self) -> None:
        """Free everything. Safe to call twice."""
        if self._gl is None:
            return
        self._gl.make_current()
        for drawn in self._drawn.values():
            drawn.free()
        self._drawn.clear()
        self._users.clear()
        self._gl.free()
        self._gl = None

    def _make_current(self) -> None:
        if self._gl is None:
            self._gl = _gl_context()
        self._gl.make_current()


class _DrawnTask:
    """A task's full model, and what GL keeps of it, in the context that is current."""

    def __init__(self, drawn: DrawnModel):
        self._model, self._lamps = drawn.model, drawn.lamps
        self._data = mujoco.MjData(self._model)
        self._hidden_sites = self._model.site_rgba.copy()
        self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_150)
        self._scene = mujoco.MjvScene(self._model, maxgeom=_MOST_GEOMS)
        self._options = mujoco.MjvOption()
        self._options.geomgroup[0] = 0  # what collides
        self._perturbation = mujoco.MjvPerturb()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED

    def draw(self, glimpse: Glimpse, cameras: Sequence[Camera]) -> Images:
        self._pose(glimpse)
        return {camera.name: self._image(camera) for camera in cameras}

    def free(self) -> None:
        self._context.free()

    def _pose(self, glimpse: Glimpse) -> None:
        model, data = self._model, self._data
        model.body_pos[:], model.body_quat[:] = glimpse.body_pos, glimpse.body_quat
        data.qpos[:] = glimpse.qpos
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_camlight(model, data)
        for lamp in self._lamps:
            site = model.site(lamp.site).id
            knobs = (glimpse.knobs[model.joint(name).qposadr[0]] for name in lamp.joints)
            lit, alpha = any(knob >= lamp.on_at for knob in knobs), self._hidden_sites[site, 3]
            model.site_rgba[site, 3] = 1 - alpha if lit else alpha  # as LIBERO computes it

    def _image(self, camera: Camera) -> np.ndarray:
        model, scene, context = self._model, self._scene, self._context
        number = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, camera.name)
        if number < 0:
            known = ", ".join(model.cam(index).name for index in range(model.ncam))
            raise ValueError(f"there is no camera {camera.name!r} in this task; there are {known}")
        self._make_room(camera)
        self._camera.fixedcamid = number
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(
            model, self._data, self._options, self._perturbation, self._camera, everything, scene
        )
        # Each task has a buffer of its own in the one GL context; the last one used is bound.
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, context)
        viewport = mujoco.MjrRect(0, 0, camera.width, camera.height)
        mujoco.mjr_render(viewport, scene, context)
        image = np.empty(camera.shape, np.uint8)
        mujoco.mjr_readPixels(image, None, viewport, context)
        return image

    def _make_room(self, camera: Camera) -> None:
        context = self._context
        if camera.width > context.offWidth or camera.height > context.offHeight:
            width, height = (
                max(camera.width, context.offWidth),
                max(camera.height, context.offHeight),
            )
            mujoco.mjr_resizeOffscreen(width, height, context)


def _gl_context() -> Any:
    """A context of the backend that MUJOCO_GL chooses: EGL, where nothing is chosen.

    EGL takes the device MUJOCO_EGL_DEVICE_ID, in EGL's own numbers, which are not CUDA's, or the
    first that works.
    """
    chosen = os.environ.get(GL, "").lower().strip()
    backend = chosen if chosen in ("glfw", "glx") else loaded_backend(os.environ)
    module = "glfw" if backend == "glx" else backend
    try:
        # Sizes are of a window, which only GLFW has; images are drawn beside it.
        return importlib.import_module(f"mujoco.{module}").GLContext(1, 1)
    except Exception as error:  # each library has errors of its own, or none
        told = os.environ.get(DEVICE)
        fix = f"unset {DEVICE}" if told else see_libraries().instead_of(backend)
        raise RenderingError(
            f"images are asked for, and {backend} draws none ({error}); try: {fix} "
            "(`tgrpo doctor` tries every backend)"
        ) from error
