"""Which geoms a camera can see. The others are not drawn, which changes no pixel.

Without a GPU the time of a frame goes to vertices, and half of LIBERO's belong to an arm that the
camera in its hand does not see. A geom is seen where its bounding sphere touches the camera's
pyramid, or where its mirror image does, in the part that a reflecting geom covers.
"""

from __future__ import annotations

import math

import mujoco
import numpy as np

from tgrpo.trajectory import Camera

_NOT_DRAWN = mujoco.mjNGROUP - 1  # a group of geoms that is hidden by default
_MARGIN = 1e-3  # m, beyond what rounding moves an edge
_REFLECTING = (mujoco.mjtGeom.mjGEOM_PLANE, mujoco.mjtGeom.mjGEOM_BOX)  # MuJoCo mirrors in no other


class Culling:
    """Hides geoms of `model` by their group; lights must cast no shadow, or nothing is hidden."""

    def __init__(self, model: mujoco.MjModel):
        self._model = model
        self._groups = model.geom_group.copy()
        self._endless = model.geom_rbound == 0.0  # planes
        self._radius = model.geom_rbound + _MARGIN
        self._off = bool(model.light_castshadow.any())
        drawn = self._groups == 1
        material = np.where(model.geom_matid >= 0, model.geom_matid, 0)
        reflects = (model.geom_matid >= 0) & (model.mat_reflectance[material] > 0)
        self._mirrors = np.flatnonzero(
            drawn & reflects & np.isin(model.geom_type, [int(kind) for kind in _REFLECTING])
        )

    def apply(self, data: mujoco.MjData, number: int, camera: Camera) -> None:
        """Hide what `camera`, the model's camera `number`, cannot see in `data`."""
        if self._off:
            return
        axes = data.cam_xmat[number].reshape(3, 3)
        half = math.radians(self._model.cam_fovy[number]) / 2
        halves = (math.atan(math.tan(half) * camera.width / camera.height), half)
        at = (data.geom_xpos - data.cam_xpos[number]) @ axes
        seen = self._endless | _in_pyramid(at, self._radius, halves)
        shown = seen.copy()
        for mirror in self._mirrors[seen[self._mirrors]]:
            shown |= self._mirrored(data, mirror, number, axes, halves)
        self._model.geom_group[:] = np.where(shown, self._groups, _NOT_DRAWN)

    def _mirrored(
        self,
        data: mujoco.MjData,
        mirror: int,
        number: int,
        axes: np.ndarray,
        halves: tuple[float, float],
    ) -> np.ndarray:
        """Which geoms (ngeom,) may be seen in the geom `mirror`."""
        eye, normal = data.cam_xpos[number], data.geom_xmat[mirror].reshape(3, 3)[:, 2]
        is_box = self._model.geom_type[mirror] == mujoco.mjtGeom.mjGEOM_BOX
        height = self._model.geom_size[mirror, 2] if is_box else 0.0
        surface = data.geom_xpos[mirror] + height * normal
        offset = data.geom_xpos - surface
        image = data.geom_xpos - 2.0 * np.outer(offset @ normal, normal)
        visible = _in_pyramid((image - eye) @ axes, self._radius, halves)
        if self._endless[mirror]:
            return visible
        return visible & _in_cone(
            image - eye, self._radius, data.geom_xpos[mirror] - eye, self._radius[mirror]
        )


def _in_pyramid(at: np.ndarray, radius: np.ndarray, halves: tuple[float, float]) -> np.ndarray:
    """Which spheres at `at` (n, 3), in a camera's axes, touch its pyramid; it looks along -z."""
    depth = -at[:, 2]
    inside = depth > -radius
    for axis, half in enumerate(halves):
        inside &= np.abs(at[:, axis]) * math.cos(half) - depth * math.sin(half) <= radius
    return inside


def _in_cone(at: np.ndarray, radius: np.ndarray, axis: np.ndarray, width: float) -> np.ndarray:
    """Which spheres at `at` (n, 3) touch the cone from the origin around a sphere at `axis`."""
    far, distance = np.linalg.norm(at, axis=1), float(np.linalg.norm(axis))
    if distance <= width:
        return np.ones(len(at), dtype=bool)
    around = far <= radius
    angle = np.arccos(np.clip(at @ axis / np.maximum(far * distance, 1e-12), -1.0, 1.0))
    opening = math.asin(width / distance) + np.arcsin(
        np.clip(radius / np.maximum(far, 1e-12), 0, 1)
    )
    return around | (angle <= opening)
