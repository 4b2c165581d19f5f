"""Scene catalogue: what exists in each LIBERO task, asked of LIBERO's own classes.

Writes `rewardlang/scenes/<suite>.json`, which the language reads without a simulator. Each task's
environment is built once, without a renderer; names, joints and region sizes come from LIBERO's
objects, thresholds from calling their own tests, boxes from the compiled model.

    python -m tgrpo.scenes.catalogue --out rewardlang/scenes
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from rewardlang import Object, Region, Scene, SuiteCatalogue
from tgrpo.libero_package import make_environment, versions
from tgrpo.scenes.geometry import (
    Standing,
    collision_box,
    height,
    is_roofed,
    region_levels,
    rounded,
    triple,
)
from tgrpo.scenes.thresholds import answers, joint_thresholds
from tgrpo.tasks import SETTLING_ACTION, SETTLING_STEPS, Task, suite_tasks
from tgrpo.tasks import suites as all_suites

RESETS = 3  # an atom counts as true at reset if LIBERO says so after each of these

logger = logging.getLogger(__name__)


def write_catalogue(
    out: Path,
    suites: Iterable[str] | None = None,
    *,
    report: Callable[[str], None] = logger.info,
) -> tuple[Path, ...]:
    """Generate `<out>/<suite>.json` for each suite (default: all); returns the files written.

    About 2 s per task. A file is replaced once it is complete. Raises UnknownTaskError,
    LiberoMissingError, and GeometryError or ThresholdError where LIBERO's classes answer
    something that the catalogue's format cannot hold.
    """
    out.mkdir(parents=True, exist_ok=True)
    return tuple(_write_suite(out, suite, report) for suite in suites or all_suites())


def read_scene(task: Task) -> Scene:
    """The scene of one task, from a freshly built environment that is closed again."""
    with _environment(task) as env:
        problem = env.parsed_problem
        _reset(env, seed=0)
        standing = _standing(env)
        return Scene(
            suite=task.suite,
            task=task.name,
            instruction=task.instruction,
            language=" ".join(problem["language_instruction"]),
            problem=problem["problem_name"],
            goal=_atoms(problem["goal_state"]),
            initial=_atoms(problem["initial_state"]),
            objects_of_interest=tuple(problem["obj_of_interest"]),
            objects=tuple(_objects(env, standing)),
            regions=tuple(_regions(env, standing)),
            goal_true_at_reset=_goal_true_at_reset(env),
        )


def render(catalogue: SuiteCatalogue) -> str:
    """The catalogue as JSON with one object or region per line: compact, and diffs stay readable.

    Defaults are left out.
    """
    fields = catalogue.model_dump(mode="json", exclude={"scenes"})
    head = ",\n".join(f" {_dump(key)}: {_dump(value)}" for key, value in fields.items())
    scenes = ",\n".join(_render_scene(scene) for scene in catalogue.scenes)
    return f'{{\n{head},\n "scenes": [\n{scenes}\n ]\n}}\n'


def _render_scene(scene: Scene) -> str:
    lines = []
    for key, value in scene.model_dump(mode="json", exclude_defaults=True).items():
        if key in ("objects", "regions"):
            items = ",\n".join(f"    {_dump(item)}" for item in value)
            lines.append(f"   {_dump(key)}: [\n{items}\n   ]")
        else:
            lines.append(f"   {_dump(key)}: {_dump(value)}")
    return "  {\n" + ",\n".join(lines) + "\n  }"


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write_suite(out: Path, suite: str, report: Callable[[str], None]) -> Path:
    tasks = suite_tasks(suite)
    scenes = []
    for number, task in enumerate(tasks, 1):
        report(f"{suite} {number}/{len(tasks)}: {task.instruction}")
        scenes.append(read_scene(task))
    return write_suite(out, suite, scenes)


def write_suite(out: Path, suite: str, scenes: Iterable[Scene]) -> Path:
    """Write `<out>/<suite>.json`, whole or not at all; returns its path."""
    catalogue = SuiteCatalogue(suite=suite, generated_with=versions(), scenes=tuple(scenes))
    path = out / f"{suite}.json"
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(render(catalogue), encoding="utf-8")
    temporary.replace(path)
    return path


@contextlib.contextmanager
def _environment(task: Task) -> Iterator[Any]:
    """LIBERO's environment (`BDDLBaseDomain`); resets keep the model and sample placements."""
    control = make_environment(task.bddl_file, hard_reset=False)
    try:
        yield control.env
    finally:
        control.close()
        gc.collect()  # an environment holds 1-2 GB in reference cycles


def _reset(env: Any, *, seed: int) -> None:
    from robosuite.utils.errors import RandomizationError

    np.random.seed(seed)  # noqa: NPY002 - LIBERO's samplers draw from the global generator
    while True:  # LIBERO's own answer to a placement without room: draw again
        try:
            env.reset()
        except RandomizationError:
            continue
        return


def _goal_true_at_reset(env: Any) -> tuple[int, ...]:
    """Indices of the goal atoms that LIBERO finds true after each of `RESETS` settled resets."""
    goal = env.parsed_problem["goal_state"]
    true = set(range(len(goal)))
    for seed in range(RESETS):
        _reset(env, seed=seed)
        for _ in range(SETTLING_STEPS):
            env.step(SETTLING_ACTION)
        true = {index for index in true if env._eval_predicate(goal[index])}
    return tuple(sorted(true))


def _atoms(groups: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(atom) for atom in groups)


def _standing(env: Any) -> dict[str, Standing]:
    """Every object and fixture, movables first, in LIBERO's order. Call right after a reset."""
    model = env.sim.model._model
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    return {
        name: Standing(model, data, body, up=env.sim.data._data.xmat[body][6:9].copy())
        for name, item in {**env.objects_dict, **env.fixtures_dict}.items()
        for body in (model.body(item.root_body).id,)
    }


def _objects(env: Any, standing: dict[str, Standing]) -> Iterator[Object]:
    categories = _categories(env.parsed_problem)
    of_parts = {joint for site in env.object_sites_dict.values() for joint in site.joints or ()}
    for name, body in standing.items():
        item, fixture = env.get_object(name), name in env.fixtures_dict
        joints = _own_joints(item, of_parts) if fixture else ()
        openable = bool(joints) and answers(item, "is_open")
        switchable = bool(joints) and answers(item, "turn_on")
        box = collision_box(body)
        yield Object(
            name=name,
            category=categories[name],
            body=item.root_body,
            fixture=fixture,
            half_extents=triple(box.half_extents),
            centre=triple(box.centre),
            height=rounded(height(body)),
            joints=joint_thresholds(item, joints) if openable or switchable else (),
            openable=openable,
            switchable=switchable,
        )


def _categories(problem: Any) -> dict[str, str]:
    """BDDL's category of each name: LIBERO's classes spell some differently."""
    return {
        name: category
        for section in ("objects", "fixtures")
        for category, names in problem[section].items()
        for name in names
    }


def _own_joints(item: Any, of_parts: set[str]) -> tuple[str, ...]:
    """The joint of a fixture that opens or switches as a whole: a microwave's, a stove's.

    A cabinet has one per drawer: there the drawers' regions are openable, not the cabinet.
    """
    joints = tuple(item.joints)
    return joints if len(joints) == 1 and joints[0] not in of_parts else ()


def _regions(env: Any, standing: dict[str, Standing]) -> Iterator[Region]:
    """LIBERO's regions. It drops those whose target is not in the scene; so do we."""
    for name, site in env.object_sites_dict.items():
        if env.get_object(site.parent_name) is None:
            yield _zone(env.parsed_problem, name, site)
        else:
            yield _part(env, name, site, standing[site.parent_name])


def _zone(problem: Any, name: str, site: Any) -> Region:
    """A zone of table or floor."""
    x0, y0, x1, y1 = problem["regions"][name]["ranges"][0]  # LIBERO reads the first only
    used_at_reset = any(name in atom[1:] for atom in problem["initial_state"])
    used_in_goal = any(name in atom[1:] for atom in problem["goal_state"])
    return Region(
        name=name,
        owner=problem["regions"][name]["target"],
        owner_is_surface=True,
        half_extents=triple(site.size),
        is_surface=hasattr(site, "under"),
        placement_only=used_at_reset and not used_in_goal,
        ranges=(rounded(x0), rounded(y0), rounded(x1), rounded(y1)),
    )


def _part(env: Any, name: str, site: Any, owner: Standing) -> Region:
    """A container, surface or drawer of an object or fixture."""
    item = env.get_object(site.parent_name)
    openable = bool(site.joints) and answers(item, "is_open")
    joints = joint_thresholds(item, site.joints) if openable else ()
    site_id = owner.model.site(name).id
    return Region(
        name=name,
        owner=site.parent_name,
        owner_is_surface=False,
        half_extents=triple(site.size),
        levels=region_levels(owner, site_id),
        roofed=is_roofed(owner, site_id, joints),
        joints=joints,
        openable=openable,
        is_surface=hasattr(site, "under"),
    )


def main() -> None:
    """Command line: regenerate the catalogue."""
    parser = argparse.ArgumentParser(description="Write the scene catalogue from LIBERO's classes.")
    parser.add_argument("--out", type=Path, default=Path("rewardlang/scenes"))
    parser.add_argument("--suite", action="append", choices=all_suites(), help="default: all five")
    arguments = parser.parse_args()
    for path in write_catalogue(arguments.out, arguments.suite, report=print):
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
