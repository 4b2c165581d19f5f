"""A LIBERO environment whose state is written by hand, and whose own tests can be forbidden."""

from __future__ import annotations

import contextlib
import gc
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from rewardlang import Scene
from tgrpo.libero_package import import_libero, make_environment
from tgrpo.parity.states import Floats, Sample, turn

ASIDE = np.array([0.021, -0.017, 0.0])  # m: where fixtures and supports that are moved go
FIXTURES_TURNED = 0.25  # rad
SUPPORTS_TURNED = (0.0, 0.35, np.pi / 4, 1.1, -2.0)  # rad
_STATE_TESTS = (
    "check_contact",
    "check_contain",
    "check_ontop",
    "is_open",
    "is_close",
    "turn_on",
    "turn_off",
)


@dataclass(frozen=True)
class Stand:
    """How everything else stands.

    `moved`: every fixture is elsewhere, turned, with its drawers and doors half open.
    `supports`: rad, how far the objects that others are put in or on are turned; 0: left alone.
    """

    moved: bool
    supports: float


STANDS = {moved: tuple(Stand(moved, angle) for angle in SUPPORTS_TURNED) for moved in (False, True)}


class ForbiddenError(AssertionError):
    """A test of LIBERO was asked while it was forbidden."""


class LiberoTests:
    """LIBERO's predicates, so wrapped that they can be made to raise ForbiddenError."""

    def __init__(self) -> None:
        self._forbidden = False

    @contextlib.contextmanager
    def forbidden(self) -> Iterator[None]:
        """Within it, every predicate raises."""
        self._forbidden = True
        try:
            yield
        finally:
            self._forbidden = False

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Wraps every predicate and what they ask of objects; puts the originals back."""
        predicates = import_libero("envs.predicates").VALIDATE_PREDICATE_FN_DICT
        states = import_libero("envs.object_states.base_object_states")
        with contextlib.ExitStack() as undo:
            undo.callback(predicates.update, dict(predicates))
            predicates.update({name: self._guard(test) for name, test in predicates.items()})
            for state in (states.ObjectState, states.SiteObjectState):
                for name in (test for test in _STATE_TESTS if test in vars(state)):
                    undo.callback(setattr, state, name, vars(state)[name])
                    setattr(state, name, self._guard(vars(state)[name]))
            yield

    def _guard(self, test: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*arguments: Any) -> Any:
            if self._forbidden:
                raise ForbiddenError("a test of LIBERO was asked while ours ran")
            return test(*arguments)

        return ask


class ParityWorld:
    """One environment. `supports`: the movable objects that a stand turns."""

    def __init__(self, scene: Scene, bddl_file: Path, supports: Sequence[str]) -> None:
        self.scene = scene
        self.tests = LiberoTests()
        self._supports = tuple(supports)
        self._env = make_environment(bddl_file)
        self._env.seed(0)
        self._env.reset()
        self._task = self._env.env
        sim = self._task.sim
        self.model: mujoco.MjModel = sim.model._model
        self.data: mujoco.MjData = sim.data._data
        self._at_reset = self._arrays()
        self._stands: dict[Stand, tuple[Floats, ...]] = {}

    def close(self) -> None:
        self._env.close()
        gc.collect()  # an environment holds 1-2 GB in reference cycles

    def holds(self, atom: tuple[str, ...]) -> bool:
        """LIBERO's answer about one atom."""
        return bool(self._task._eval_predicate(list(atom)))

    def success(self) -> bool:
        """LIBERO's `_check_success`."""
        return bool(self._task._check_success())

    def write(self, stand: Stand, samples: Sequence[Sample]) -> None:
        """Lets everything stand as `stand` says, writes the samples, and computes what follows.

        An object goes to where its support then is: joints come first, and supports before what
        they carry.
        """
        self._restore(self._stand(stand))
        carried = {sample.names[0] for sample in samples}
        for sample in sorted(samples, key=lambda item: self._turn_of(item, carried)):
            self._write(sample)
        mujoco.mj_forward(self.model, self.data)

    def rotation(self, stand: Stand, name: str) -> Floats:
        """The attitude (3, 3) of a region or object."""
        self._restore(self._stand(stand))
        mujoco.mj_kinematics(self.model, self.data)
        return self._frame(name)[1]

    def _turn_of(self, sample: Sample, carried: set[str]) -> int:
        if sample.quaternion is None:
            return 0
        region = self.scene.regions_by_name.get(sample.names[1])
        return 1 + ((region.owner if region else sample.names[1]) in carried)

    def _write(self, sample: Sample) -> None:
        if sample.quaternion is None:
            for name, value in zip(sample.names, sample.numbers, strict=True):
                self._set_joint(name, value)
            return
        mujoco.mj_kinematics(self.model, self.data)
        item, support = sample.names
        self._put(item, self._frame(support)[0] + sample.numbers, sample.quaternion)

    def _frame(self, name: str) -> tuple[Floats, Floats]:
        """Position and attitude of a region or object, as the last kinematics left them."""
        if name in self.scene.regions_by_name:
            site = self.data.site(name)
            return site.xpos.copy(), site.xmat.reshape(3, 3).copy()
        body = self.data.body(self.scene.object(name).body)
        return body.xpos.copy(), body.xmat.reshape(3, 3).copy()

    # --- how everything else stands --------------------------------------------------------------

    def _stand(self, stand: Stand) -> tuple[Floats, ...]:
        if stand not in self._stands:
            self._restore(self._at_reset)
            mujoco.mj_kinematics(self.model, self.data)
            self._arrange(stand)
            self._stands[stand] = self._arrays()
        return self._stands[stand]

    def _arrange(self, stand: Stand) -> None:
        if stand.moved:
            self._move_fixtures()
        for name in self._supports if stand.supports else ():
            self._displace(name, stand.supports)

    def _move_fixtures(self) -> None:
        scene = self.scene
        for item in scene.objects:
            if item.fixture:
                self._displace(item.name, FIXTURES_TURNED)
        joints = [
            *(item.joints for item in scene.objects),
            *(part.joints for part in scene.regions),
        ]
        for joint in itertools.chain.from_iterable(joints):
            self._set_joint(joint.name, (joint.on_at + joint.off_at) / 2)

    def _displace(self, name: str, angle: float) -> None:
        """Moves an object aside and turns it about the vertical through its origin."""
        body = self.data.body(self.scene.object(name).body)
        quaternion = np.empty(4)
        mujoco.mju_mulQuat(quaternion, turn(angle), body.xquat)
        self._put(name, body.xpos + ASIDE, quaternion)

    def _arrays(self) -> tuple[Floats, ...]:
        return self.data.qpos.copy(), self.model.body_pos.copy(), self.model.body_quat.copy()

    def _restore(self, arrays: tuple[Floats, ...]) -> None:
        self.data.qpos[:], self.model.body_pos[:], self.model.body_quat[:] = arrays

    def _put(self, name: str, position: Floats, quaternion: Floats) -> None:
        """Moves an object's root body, by its free joint or, for a fixture, in the model."""
        item = self.scene.object(name)
        body = self.model.body(item.body)
        if item.fixture:
            self.model.body_pos[body.id], self.model.body_quat[body.id] = position, quaternion
            return
        start = self.model.jnt_qposadr[body.jntadr[0]]
        self.data.qpos[start : start + 7] = (*position, *quaternion)

    def _set_joint(self, name: str, value: float) -> None:
        self.data.qpos[self.model.jnt_qposadr[self.model.joint(name).id]] = value
