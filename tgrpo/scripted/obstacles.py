"""What stands around a hand or a held object: boxes around collision geoms, as arrays.

Lengths in m, world frame. Boxes are taken as upright: of their three axes, the one nearest to the
vertical gives the height, the other two the footprint.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import mujoco

_ROBOT = ("robot0_", "gripper0_", "mount0_")  # prefixes of its bodies
_ANGLES = np.arange(24) * (np.pi / 12)
_ROUND = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_WAYS_OUT = np.concatenate(  # m, (K, 2): ever longer
    [np.zeros((1, 2)), *(distance * _ROUND for distance in np.arange(0.01, 0.2, 0.01))]
)
_SIDES = np.array([[1, 2], [0, 2], [0, 1]])  # the other two axes


@dataclass(frozen=True, slots=True)
class Obstacles:
    """M boxes seen from above.

    `centres` (M, 2), `bottoms` and `tops` (M,); `axes` (M, 2, 2), rows the footprint's axes;
    `half` (M, 2) half extents along them.
    """

    centres: np.ndarray
    bottoms: np.ndarray
    tops: np.ndarray
    axes: np.ndarray
    half: np.ndarray

    @classmethod
    def from_boxes(cls, centres: np.ndarray, rotations: np.ndarray, half: np.ndarray) -> Obstacles:
        """From centres (M, 3), rotations (M, 3, 3) with columns the axes, half extents (M, 3)."""
        row = np.arange(len(centres))
        vertical = np.abs(rotations[:, 2, :])
        sides = _SIDES[vertical.argmax(axis=1)]
        axes = np.stack([rotations[row, :2, sides[:, side]] for side in (0, 1)], axis=1)
        high = (vertical * half).sum(axis=1)
        bottoms, tops = centres[:, 2] - high, centres[:, 2] + high
        return cls(centres[:, :2], bottoms, tops, axes, half[row[:, None], sides])

    def __len__(self) -> int:
        return len(self.tops)

    def higher_than(self, height: float) -> Obstacles:
        """Those whose top is above `height`."""
        return self._only(self.tops > height)

    def hangs_over(self, point: np.ndarray, height: float, radius: float) -> bool:
        """One of them has its bottom above `height` and touches a circle around `point` (2,)."""
        return bool(((self.bottoms > height) & (self.gaps(point[None])[0] < radius)).any())

    def _only(self, keep: np.ndarray) -> Obstacles:
        return Obstacles(
            self.centres[keep],
            self.bottoms[keep],
            self.tops[keep],
            self.axes[keep],
            self.half[keep],
        )

    def gaps(self, points: np.ndarray) -> np.ndarray:
        """Horizontal distances (K, M) of points (K, 2) from the footprints; 0 inside."""
        delta = points[:, None, :] - self.centres
        local = np.einsum("mij,kmj->kmi", self.axes, delta)
        outside = np.maximum(np.abs(local) - self.half, 0.0)
        gaps: np.ndarray = np.hypot(outside[..., 0], outside[..., 1])
        return gaps

    def least_heights(self, points: np.ndarray, radius: float, slope: float) -> np.ndarray:
        """Heights (K,) that something of `radius` needs at `points` (K, 2) to stay clear.

        Each box asks for its top where the circle touches its footprint, and for `slope` times
        the distance less elsewhere: a landscape of cones. -inf where there are no boxes.
        """
        gaps = np.maximum(self.gaps(points) - radius, 0.0)
        heights: np.ndarray = np.max(self.tops - slope * gaps, axis=-1, initial=-np.inf)
        return heights

    def surface_at(self, point: np.ndarray, ceiling: float) -> float:
        """Height of the highest top over or under `point` (2,) that is not above `ceiling`.

        -inf where there is none.
        """
        below = (self.gaps(point[None])[0] == 0.0) & (self.tops <= ceiling)
        return float(self.tops[below].max(initial=-np.inf))

    def way_out(self, point: np.ndarray, radius: float) -> np.ndarray:
        """Shortest motion (2,) after which a circle around `point` (2,) touches none of them.

        Of those in `_WAYS_OUT`; zero where none does.
        """
        free = (self.gaps(point + _WAYS_OUT) > radius).all(axis=1)
        way: np.ndarray = _WAYS_OUT[free.argmax()] if free.any() else np.zeros(2)
        return way

    def room(self, centre: np.ndarray, axes: np.ndarray, half: np.ndarray) -> float:
        """Gap between a rectangle (`axes` (2, 2) rows, `half` (2,)) and the nearest footprint.

        Negative: overlap; infinite without boxes. By separating axes: of each pair the largest
        gap over both rectangles' axes.
        """
        if not len(self):
            return np.inf
        delta = self.centres - centre
        crossed = np.abs(np.einsum("ij,mkj->mik", axes, self.axes))
        own = np.abs(delta @ axes.T) - half - np.einsum("mik,mk->mi", crossed, self.half)
        theirs = np.abs(np.einsum("mkj,mj->mk", self.axes, delta)) - self.half
        theirs -= np.einsum("mik,i->mk", crossed, half)
        return float(np.concatenate([own, theirs], axis=1).max(axis=1).min())


class ObstacleReader:
    """Reads the obstacles of a live model: everything that collides except the robot.

    Geoms of the trees rooted in bodies of `ignored` names are left out as well.
    """

    def __init__(self, model: mujoco.MjModel, ignored: Collection[str] = ()):
        roots = {model.body(name).rootid[0] for name in ignored}
        self._geoms = np.array(
            [
                geom
                for geom in range(model.ngeom)
                if (model.geom_contype[geom] or model.geom_conaffinity[geom])
                and (body := model.geom_bodyid[geom]) != 0  # the world's own: the floor
                and model.body_rootid[body] not in roots
                and not model.body(body).name.startswith(_ROBOT)
            ],
            dtype=np.intp,
        )
        boxes = model.geom_aabb[self._geoms].reshape(-1, 6)
        self._offset, self._half = boxes[:, :3].copy(), boxes[:, 3:].copy()

    def read(self, data: mujoco.MjData) -> Obstacles:
        """Where they are now."""
        rotations = data.geom_xmat[self._geoms].reshape(-1, 3, 3)
        shift = np.einsum("mij,mj->mi", rotations, self._offset)
        return Obstacles.from_boxes(data.geom_xpos[self._geoms] + shift, rotations, self._half)
