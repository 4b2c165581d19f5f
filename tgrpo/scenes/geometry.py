"""Boxes and levels of LIBERO's objects and regions, from the compiled model. Units: m.

Everything is measured at zero joint angles (drawers and doors shut) and given either in the frame
of an object's root body or along the vertical as the object stands at reset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

import rewardlang
from rewardlang import Joint

DIGITS = 9  # of every number in the catalogue

Vector = tuple[float, float, float]


class GeometryError(ValueError):
    """A body without collision geoms."""


@dataclass(frozen=True)
class Standing:
    """An object in a model at zero joint angles. `up` (3,): the vertical at reset, body frame."""

    model: Any
    data: Any
    body: int
    up: np.ndarray

    @property
    def rotation(self) -> np.ndarray:
        return np.asarray(self.data.xmat[self.body].reshape(3, 3))

    def local(self, position: np.ndarray) -> np.ndarray:
        """A world position in the body's frame."""
        return np.asarray(self.rotation.T @ (position - self.data.xpos[self.body]))

    def geoms(self) -> list[int]:
        """Ids of the collision geoms of the body and everything attached to it."""
        found = [
            geom
            for geom in range(self.model.ngeom)
            if _collides(self.model, geom) and self._holds(int(self.model.geom_bodyid[geom]))
        ]
        if not found:
            raise GeometryError(f"{self.model.body(self.body).name} has no collision geoms")
        return found

    def _holds(self, body: int) -> bool:
        while body not in (0, self.body):
            body = int(self.model.body_parentid[body])
        return body == self.body


def collision_box(item: Standing) -> rewardlang.Box:
    """In the body frame. Raises GeometryError."""
    frame = rewardlang.body_frame(item.data, item.body)
    return rewardlang.box_around(item.model, item.data, item.geoms(), frame)


def height(item: Standing) -> float:
    """Vertical extent of the collision box as the object stands at reset."""
    return 2 * collision_box(item).reach(item.up)


def region_levels(item: Standing, site: int) -> tuple[float, float]:
    """Bottom and top of a site of `item` above the lowest point of the item's box."""
    box = collision_box(item)
    lowest = item.up @ box.centre - box.reach(item.up)
    turned = item.rotation.T @ item.data.site_xmat[site].reshape(3, 3)
    reach = np.abs(item.up @ turned) @ item.model.site_size[site]
    level = item.up @ item.local(item.data.site_xpos[site]) - lowest
    return rounded(level - reach), rounded(level + reach)


def is_roofed(item: Standing, site: int, joints: tuple[Joint, ...]) -> bool:
    """Whether something of `item` lies over the site, with `joints` at their open threshold.

    Decided on the vertical through the site's centre. A centre inside the material (a burner's, a
    table top's) belongs to a surface, which nothing covers.
    """
    data = mujoco.MjData(item.model)
    for joint in joints:
        data.joint(joint.name).qpos[0] = joint.on_at
    mujoco.mj_kinematics(item.model, data)
    centre, upwards = data.site_xpos[site].copy(), item.rotation @ item.up
    over, under = (
        {geom for geom in item.geoms() if _ray(item.model, data, geom, centre, way) >= 0}
        for way in (upwards, -upwards)
    )
    return bool(over) and not over & under  # a geom met both ways holds the centre


def _ray(model: Any, data: Any, geom: int, origin: np.ndarray, direction: np.ndarray) -> float:
    """Distance to the geom along the ray, -1 where it misses."""
    if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_MESH:
        return float(mujoco.mj_rayMesh(model, data, geom, origin, direction))
    return float(
        mujoco.mju_rayGeom(
            data.geom_xpos[geom],
            data.geom_xmat[geom],
            model.geom_size[geom],
            origin,
            direction,
            int(model.geom_type[geom]),
        )
    )


def _collides(model: Any, geom: int) -> bool:
    return bool(model.geom_contype[geom] or model.geom_conaffinity[geom])


def triple(values: Any) -> Vector:
    """Three numbers as a tuple, rounded for the catalogue."""
    x, y, z = (rounded(value) for value in values)
    return x, y, z


def rounded(value: float) -> float:
    """A number as the catalogue keeps it; never a negative zero."""
    return round(float(value), DIGITS) + 0.0
