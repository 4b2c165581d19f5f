"""Where hand, objects and handles are now: what the scripted exploits see. Lengths in m."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import rewardlang
from rewardlang import Fact, FactKind
from tgrpo.scripted import servo
from tgrpo.scripted.grasps import Box
from tgrpo.simulation.envs import Simulation
from tgrpo.trajectory import ACTION_DIM


@dataclass(frozen=True, slots=True)
class Sight:
    """Where things are now."""

    simulation: Simulation

    @property
    def hand(self) -> np.ndarray:
        """The grip site (3,)."""
        return self.simulation.observe().robot[:3].astype(np.float64)

    def box(self, name: str) -> Box:
        """Around an object, or a region's own. Raises rewardlang.UnsupportedScriptError."""
        scene, data = self.simulation.scene, self.simulation.data
        if name in scene.regions_by_name:
            site = data.site(name)
            half = np.array(scene.region(name).half_extents)
            return Box(site.xpos.copy(), site.xmat.reshape(3, 3).copy(), half)
        if name not in scene.kinds:
            raise rewardlang.UnsupportedScriptError(f"there is no `{name}` in {scene.id}")
        thing = scene.object(name)
        body = data.body(thing.body)
        return Box.of(thing, np.concatenate([body.xpos, body.xquat]))

    def held_by(self, name: str) -> Callable[[], Box]:
        """What a hand would take hold of: a part's handle, or the thing itself."""
        simulation = self.simulation
        scene = simulation.scene
        if name not in scene.kinds or rewardlang.handle_of(scene, name) is None:
            return lambda: self.box(name)
        handle = rewardlang.Requirements((Fact(FactKind.HANDLE, (name,)),))
        read = rewardlang.SnapshotReader(simulation.model, scene, handle).read
        return lambda: _box_of_frame(np.array(read(simulation.data).values))

    def towards(self, point: np.ndarray, fingers: float) -> np.ndarray:
        """The action (7,) of a hand that goes straight to `point` (3,), its turn kept."""
        return action_of(servo.translation(point - self.hand), fingers)


def _box_of_frame(numbers: np.ndarray) -> Box:
    """Of the 18 floats of a frame (`rewardlang.FactKind`)."""
    axes = numbers[3:12].reshape(3, 3)
    return Box(numbers[:3] + axes @ numbers[12:15], axes, numbers[15:18])


def action_of(translation: np.ndarray, fingers: float) -> np.ndarray:
    """The action (7,) of a hand that does not turn; fingers -1 open, 1 closed."""
    action = np.zeros(ACTION_DIM)
    action[:3], action[6] = translation, fingers
    return action
