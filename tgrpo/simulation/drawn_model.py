"""LIBERO's full model of a task, as its cameras see it: textures, materials, lights, lamps.

The state-only model of `model_cache` has none of these. Compiling the full one from XML takes
2.2 s of CPU and leaves 0.9 GB with the process; its binary, 220 to 290 MB, loads in 0.4 s and
leaves 0.3. So the binary is written at the first use, as an entry of the cache of its own.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import mujoco
import numpy as np

from tgrpo.files import replace_file, write_text
from tgrpo.libero_package import import_libero
from tgrpo.simulation.cached_files import being_made, make_room, mark_used
from tgrpo.simulation.model_cache import (
    CompiledTask,
    ObjectEntry,
    compiled_task,
    entry_stem,
    libero_xml,
    with_suffix,
)
from tgrpo.tasks import Task

logger = logging.getLogger(__name__)

_ROBOT = "robot0_base"


@dataclass(frozen=True)
class Lamp:
    """A site that LIBERO shows while one of `joints` is at `on_at` or beyond: a stove's burner."""

    site: str
    joints: tuple[str, ...]
    on_at: float


@dataclass(frozen=True)
class DrawnModel:
    """`model` looks as after a reset of LIBERO: sites hidden, lamps out."""

    model: mujoco.MjModel
    lamps: tuple[Lamp, ...]


def drawn_model(task: Task) -> DrawnModel:
    """The full model of `task`, from the cache or compiled for it. Never shared.

    Raises CacheLimitError.
    """
    stem = entry_stem(task, "drawn")
    try:
        return _read(stem)
    except FileNotFoundError:
        logger.info("compiling what is drawn of %s once, into %s", task.id, stem.parent)
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s cannot be read (%s); compiling it anew", stem, error)
    with being_made(stem):
        try:
            return _read(stem)  # another process has made it meanwhile
        except (OSError, ValueError, KeyError, TypeError):
            _write(task, stem)
            make_room(keep=stem)
            return _read(stem)


def _read(stem: Path) -> DrawnModel:
    known = with_suffix(stem, ".json")
    lamps = json.loads(known.read_text())["lamps"]
    binary = with_suffix(stem, ".mjb")
    if not binary.is_file():
        raise FileNotFoundError(binary)
    drawn = DrawnModel(
        mujoco.MjModel.from_binary_path(str(binary)),
        tuple(Lamp(item["site"], tuple(item["joints"]), item["on_at"]) for item in lamps),
    )
    mark_used(known)
    return drawn


def _write(task: Task, stem: Path) -> None:
    """Both files, each complete or absent; the JSON last, since readers look for it first."""
    compiled = compiled_task(task)
    model = mujoco.MjModel.from_xml_string(libero_xml(task))
    _hide_sites(model, compiled)
    replace_file(
        with_suffix(stem, ".mjb"),
        lambda path: mujoco.mj_saveModel(model, str(path)),
        size=mujoco.mj_sizeModel(model),
    )
    lamps = [asdict(lamp) for lamp in _lamps(compiled.objects)]
    write_text(with_suffix(stem, ".json"), json.dumps({"lamps": lamps}))


def _hide_sites(model: mujoco.MjModel, compiled: CompiledTask) -> None:
    """As `visualize` does in a reset of robosuite: a hidden site has its alpha negated.

    It concerns sites of the robot and of objects; those of tables, which mark regions, stay.
    """
    roots = [model.body(name).id for name in (_ROBOT, *(item.body for item in compiled.objects))]
    hidden = np.isin(model.body_rootid[model.site_bodyid], roots)
    model.site_rgba[hidden, 3] = -np.abs(model.site_rgba[hidden, 3])


def _lamps(objects: tuple[ObjectEntry, ...]) -> Iterator[Lamp]:
    """Told by LIBERO's own classes of fixtures that change their looks."""
    import_libero("envs.objects")
    changing = import_libero("envs.base_object").VISUAL_CHANGE_OBJECTS_DICT
    for entry in objects:
        if not entry.fixture or entry.category not in changing:
            continue
        item = changing[entry.category](name=entry.name, joints=None)  # as LIBERO makes fixtures
        on_at = min(item.object_properties["articulation"]["default_turnon_ranges"])
        for site, _ in item.object_properties["vis_site_names"].values():
            yield Lamp(site, tuple(item.joints), on_at)
