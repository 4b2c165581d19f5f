"""The joint of a drawer, door or knob: how far it is, and which way its handle goes."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

import rewardlang
from tgrpo.simulation.envs import Simulation


@dataclass(frozen=True, slots=True)
class MovingPart:
    """A part's joint in a simulation. Lengths in m, angles in rad, world frame."""

    simulation: Simulation
    known: rewardlang.Joint

    @property
    def share(self) -> float:
        """Of the way from the benchmark's threshold of closed (off) to that of open (on)."""
        known = self.known
        value = float(self.simulation.data.joint(known.name).qpos[0])
        return (value - known.off_at) / (known.on_at - known.off_at)

    @property
    def slides(self) -> bool:
        """It goes straight, as a drawer does, and does not turn."""
        return self._anchor is None

    def distance(self, point: np.ndarray) -> float:
        """Horizontal, of a point (3,) from the axis of a hinge; infinite for a slide."""
        anchor = self._anchor
        return np.inf if anchor is None else float(np.linalg.norm((point - anchor)[:2]))

    def way(self, point: np.ndarray) -> np.ndarray:
        """Horizontal unit vector (3,) in which `point` (3,) moves as the part opens."""
        anchor = self._anchor
        axis = self.simulation.data.joint(self.known.name).xaxis * self.known.direction
        way = axis.copy() if anchor is None else np.cross(axis, point - anchor)
        way[2] = 0.0
        unit: np.ndarray = way / np.linalg.norm(way)
        return unit

    @property
    def _anchor(self) -> np.ndarray | None:
        simulation, name = self.simulation, self.known.name
        if simulation.model.joint(name).type[0] != mujoco.mjtJoint.mjJNT_HINGE:
            return None
        anchor: np.ndarray = simulation.data.joint(name).xanchor
        return anchor
