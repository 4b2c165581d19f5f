"""Bounding boxes of bodies and sites of a MuJoCo model. Units: m.

A box is a centre and half extents in a frame of the caller's choice. Boxes are as tight as the
shapes allow: a mesh by its vertices, other geoms by their support function.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import mujoco
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Geom: TypeAlias = mujoco.mjtGeom

_DIGITS = 9  # behind the point, of every length
_BOXED = frozenset(
    (
        Geom.mjGEOM_SPHERE,
        Geom.mjGEOM_CAPSULE,
        Geom.mjGEOM_ELLIPSOID,
        Geom.mjGEOM_CYLINDER,
        Geom.mjGEOM_BOX,
        Geom.mjGEOM_MESH,
    )
)


@dataclass(frozen=True)
class Box:
    """Centre and half extents, each (3,)."""

    centre: Floats
    half_extents: Floats

    def reach(self, direction: Floats) -> float:
        """Half the box's extent along a unit vector of its own frame."""
        return float(np.abs(direction) @ self.half_extents)


@dataclass(frozen=True)
class Frame:
    """Position (3,) and rotation (3, 3), in the world."""

    position: Floats
    rotation: Floats

    @property
    def up(self) -> Floats:
        """The vertical, in this frame."""
        return self.rotation[2]

    def level(self, point: Floats) -> float:
        """Height in the world of a point given in this frame."""
        return float(self.position[2] + self.up @ point)


def body_frame(data: mujoco.MjData, body: int) -> Frame:
    return Frame(data.xpos[body].copy(), data.xmat[body].reshape(3, 3).copy())


def site_frame(data: mujoco.MjData, site: int) -> Frame:
    return Frame(data.site_xpos[site].copy(), data.site_xmat[site].reshape(3, 3).copy())


def bodies_below(model: mujoco.MjModel, body: int) -> frozenset[int]:
    """Ids of a body and of everything that hangs on it."""
    inside = {body}
    for child in range(body + 1, model.nbody):  # parents come before their children
        if int(model.body_parentid[child]) in inside:
            inside.add(child)
    return frozenset(inside)


def collision_geoms(model: mujoco.MjModel, body: int) -> list[int]:
    """Ids of the geoms of a body, and of everything that hangs on it, that have a box and collide.

    They are of group 0, whose contacts a snapshot reads. Planes and height fields have no box.
    """
    inside = bodies_below(model, body)
    return [
        geom
        for geom in range(model.ngeom)
        if int(model.geom_bodyid[geom]) in inside
        and model.geom_group[geom] == 0
        and (model.geom_contype[geom] or model.geom_conaffinity[geom])
        and Geom(model.geom_type[geom]) in _BOXED
    ]


def box_around(
    model: mujoco.MjModel, data: mujoco.MjData, geoms: Iterable[int], frame: Frame
) -> Box:
    """The box, in `frame`, around geoms that have one; at least one."""
    spans = np.array([_span(model, data, geom, frame) for geom in geoms])
    low, high = spans[:, 0].min(axis=0), spans[:, 1].max(axis=0)
    return Box((low + high) / 2, (high - low) / 2)


def site_half_extents(model: mujoco.MjModel, site: int) -> Floats:
    """Half extents (3,) of a site in its own frame."""
    kind, size = Geom(model.site_type[site]), model.site_size[site]
    return _reach(kind, size, np.eye(3))


def triple(values: Floats) -> tuple[float, float, float]:
    """Three lengths as a tuple, rounded."""
    x, y, z = (rounded(value) for value in values)
    return x, y, z


def rounded(length: float) -> float:
    """A length without the noise of arithmetic; never a negative zero."""
    return round(float(length), _DIGITS) + 0.0


def _span(model: mujoco.MjModel, data: mujoco.MjData, geom: int, frame: Frame) -> Floats:
    """(2, 3): a geom's smallest and largest coordinates in a frame."""
    turned = frame.rotation.T @ data.geom_xmat[geom].reshape(3, 3)
    centre = frame.rotation.T @ (data.geom_xpos[geom] - frame.position)
    kind = Geom(model.geom_type[geom])
    if kind == Geom.mjGEOM_MESH:
        corners = _vertices(model, int(model.geom_dataid[geom])) @ turned.T
        return np.array([centre + corners.min(axis=0), centre + corners.max(axis=0)])
    reach = _reach(kind, model.geom_size[geom], turned)
    return np.array([centre - reach, centre + reach])


def _reach(kind: Geom, size: Floats, turned: Floats) -> Floats:
    """(3,): how far a simple shape reaches from its middle; `turned` is its rotation."""
    along = np.abs(turned[:, 2])
    match kind:
        case Geom.mjGEOM_SPHERE:
            return np.full(3, size[0])
        case Geom.mjGEOM_CAPSULE:
            return size[0] + along * size[1]
        case Geom.mjGEOM_CYLINDER:
            return size[0] * np.sqrt(np.maximum(0.0, 1.0 - along**2)) + along * size[1]
        case Geom.mjGEOM_ELLIPSOID:
            return np.sqrt(np.square(turned * size).sum(axis=1))
        case Geom.mjGEOM_BOX:
            return np.abs(turned) @ size
        case other:
            raise ValueError(f"there is no box around a geom of type {other.name}")


def _vertices(model: mujoco.MjModel, mesh: int) -> Floats:
    start, count = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
    return np.asarray(model.mesh_vert[start : start + count], dtype=np.float64)
