"""A model without anything that cannot act on its motion: *state-only*.

What collides, moves or names a place is kept. Textures, materials, cameras, lights, sensors and
geoms that touch nothing are dropped (270 MB become 3); inertias and every other quantity of bodies,
joints and actuators are LIBERO's to the last bit, so the physics is bitwise that of LIBERO's model.
"""

from __future__ import annotations

import mujoco
import numpy as np

# Arrays of the model that describe the same things with and without the dropped elements.
_KEPT_WHOLE = ("body_", "jnt_", "dof_", "actuator_", "site_", "qpos", "B_", "M_", "map")
_NOT_THOSE = {
    *("body_geomadr", "body_geomnum", "body_bvhadr", "body_bvhnum"),  # indices into what went
    *("body_pos", "body_quat"),  # the environment has moved its fixtures
}


def state_only(full: mujoco.MjModel, xml: str) -> mujoco.MjModel:
    """`full`, compiled from `xml`, without anything that cannot act on its motion."""
    spec = mujoco.MjSpec.from_string(xml)
    _fix_inertias(spec, full)
    _drop_unseen(spec, full)
    slim = spec.compile()
    _copy_exactly(full, slim)
    return slim


def _fix_inertias(spec: mujoco.MjSpec, full: mujoco.MjModel) -> None:
    """Inertias that the compiler would infer from geoms, among them those about to go."""
    for index, body in enumerate(spec.bodies):
        if body.name != full.body(index).name:
            raise ValueError(f"body {index} is {body.name!r}, not {full.body(index).name!r}")
        if index == 0:  # the world has none
            continue
        body.explicitinertial = True
        body.mass = full.body_mass[index]
        body.ipos = full.body_ipos[index]
        body.iquat = full.body_iquat[index]
        body.inertia = full.body_inertia[index]
        body.fullinertia = [np.nan] * 6


def _drop_unseen(spec: mujoco.MjSpec, full: mujoco.MjModel) -> None:
    meshes = set()
    for geom, kept in zip(list(spec.geoms), _collides(full), strict=True):
        if kept:
            geom.material = ""
            meshes.add(geom.meshname)
        else:
            spec.delete(geom)
    for site in spec.sites:
        site.material = ""
    for kind in ("materials", "textures", "skins", "sensors", "cameras", "lights"):
        for element in list(getattr(spec, kind)):
            spec.delete(element)
    for mesh in list(spec.meshes):
        if mesh.name not in meshes:
            spec.delete(mesh)


def _collides(model: mujoco.MjModel) -> np.ndarray:
    """Which geoms (ngeom,) may touch another."""
    return (model.geom_contype != 0) | (model.geom_conaffinity != 0)


def _copy_exactly(full: mujoco.MjModel, slim: mujoco.MjModel) -> None:
    """Overwrite derived constants, so that recompilation cannot have changed a bit of them."""
    for field in dir(full):
        if field.startswith(_KEPT_WHOLE) and field not in _NOT_THOSE:
            getattr(slim, field)[...] = getattr(full, field)
    slim.stat.meaninertia = full.stat.meaninertia
    kept = np.flatnonzero(_collides(full))
    for field in ("geom_pos", "geom_quat", "geom_size", "geom_aabb", "geom_rbound"):
        getattr(slim, field)[...] = getattr(full, field)[kept]
