"""Compiled models on disk: the first use of a task builds LIBERO's environment, later ones do not.

The model kept is *state-only*: what collides, moves or names a place. Textures, materials,
cameras, lights, sensors and geoms that touch nothing are dropped (270 MB become 3), inertias and
every other quantity of bodies, joints and actuators are LIBERO's to the last bit, so the physics
is bitwise that of LIBERO's model.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from tgrpo.files import replace_file
from tgrpo.libero_package import cache_folder, make_environment, versions
from tgrpo.tasks import Task

logger = logging.getLogger(__name__)

CACHE_FORMAT = 2

# Arrays of the model that describe the same things with and without the dropped elements.
_KEPT_WHOLE = ("body_", "jnt_", "dof_", "actuator_", "site_", "qpos", "B_", "M_", "map")
_NOT_THOSE = {
    *("body_geomadr", "body_geomnum", "body_bvhadr", "body_bvhnum"),  # indices into what went
    *("body_pos", "body_quat"),  # the environment has moved its fixtures
}


@dataclass(frozen=True)
class ObjectEntry:
    """One movable object or fixture: its name in BDDL, its category, its root body's name."""

    name: str
    category: str
    body: str
    fixture: bool


@dataclass(frozen=True)
class CompiledTask:
    """A state-only model with what LIBERO's Python side knows about it.

    `initial_arm` are the arm's joint positions (7,) rad at a reset, which the controller keeps as
    its null-space target.
    """

    model: mujoco.MjModel
    objects: tuple[ObjectEntry, ...]  # movables, then fixtures, in BDDL order
    initial_arm: tuple[float, ...]
    xml: Path  # LIBERO's own model, gzipped XML

    @property
    def fixtures(self) -> tuple[ObjectEntry, ...]:
        return tuple(entry for entry in self.objects if entry.fixture)


def compiled_task(task: Task) -> CompiledTask:
    """The compiled model of `task`, from the cache or (seconds) from LIBERO. Never shared."""
    stem = _stem(task)
    try:
        return _read(stem)
    except FileNotFoundError:
        logger.info("compiling the model of %s once, into %s", task.id, stem.parent)
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s cannot be read (%s); compiling the model anew", stem, error)
    environment = make_environment(task.bddl_file)
    try:
        _write(stem, environment)
    finally:
        environment.close()
    return _read(stem)


def environment_objects(environment: Any) -> tuple[ObjectEntry, ...]:
    """Movables, then fixtures, of a LIBERO environment in its own (BDDL) order."""
    inner = environment.env
    return tuple(
        ObjectEntry(name, item.category_name, item.root_body, fixture)
        for table, fixture in ((inner.objects_dict, False), (inner.fixtures_dict, True))
        for name, item in table.items()
    )


def _stem(task: Task) -> Path:
    """Path without suffix; holds everything the model depends on."""
    digest = hashlib.sha256(task.bddl_file.read_bytes())
    digest.update(json.dumps([CACHE_FORMAT, versions()], sort_keys=True).encode())
    return cache_folder() / "models" / task.suite / f"{task.name}-{digest.hexdigest()[:16]}"


def _with_suffix(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)


def _read(stem: Path) -> CompiledTask:
    known = json.loads(_with_suffix(stem, ".json").read_text())
    binary = _with_suffix(stem, ".mjb")
    if not binary.is_file():
        raise FileNotFoundError(binary)
    return CompiledTask(
        model=mujoco.MjModel.from_binary_path(str(binary)),
        objects=tuple(ObjectEntry(**entry) for entry in known["objects"]),
        initial_arm=tuple(known["initial_arm"]),
        xml=_with_suffix(stem, ".xml.gz"),
    )


def _write(stem: Path, environment: Any) -> None:
    """All files, each complete or absent; the JSON last, since readers look for it first."""
    xml = environment.env.model.get_xml()
    model = state_only(environment.sim.model._model, xml)
    known = {
        "objects": [asdict(entry) for entry in environment_objects(environment)],
        "initial_arm": [float(q) for q in environment.robots[0].init_qpos],
        "versions": versions(),
    }
    stem.parent.mkdir(parents=True, exist_ok=True)
    compressed = gzip.compress(xml.encode(), mtime=0)
    replace_file(_with_suffix(stem, ".xml.gz"), lambda path: path.write_bytes(compressed))
    replace_file(_with_suffix(stem, ".mjb"), lambda path: mujoco.mj_saveModel(model, str(path)))
    text = json.dumps(known, indent=1)
    replace_file(_with_suffix(stem, ".json"), lambda path: path.write_text(text))


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
