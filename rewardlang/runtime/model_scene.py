"""A scene read from a compiled MuJoCo model, for simulators without a catalogue of tasks.

What a model says is read: what moves freely, how large bodies are, how high they stand. What no
model says is an argument: where a joint counts as open, which site is a region, what is a handle.
Such a scene has no goal of its own; its programs end in `success when ...`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from rewardlang.checking.library import RESERVED
from rewardlang.runtime.model_boxes import (
    Box,
    bodies_below,
    body_frame,
    box_around,
    rounded,
    site_frame,
    site_half_extents,
    triple,
)
from rewardlang.runtime.model_things import ModelIndex, Thing, listed, things
from rewardlang.scene import HandleBox, Joint, Object, Region, Scene
from rewardlang.state import BindError
from rewardlang.syntax.parser import is_name

ROBOT = ("robot0_", "gripper0_", "mount0_")
"""How the names of a robosuite robot's bodies begin."""

Thresholds = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class RegionSite:
    """What makes a site of the model a region of the scene; the two have the same name.

    owner         the movable or fixture that the site belongs to
    half_extents  m, in the site's frame; None: the site's own size
    joints        those that open this region rather than its owner (a drawer's slide)
    roofed        the owner reaches over it, a drawer pulled out: no way in from above
    """

    owner: str
    half_extents: tuple[float, float, float] | None = None
    joints: tuple[str, ...] = ()
    roofed: bool = False


def scene_of(
    model: mujoco.MjModel,
    *,
    name: str,
    instruction: str,
    movables: Mapping[str, str] | None = None,
    fixtures: Mapping[str, str] | None = None,
    openable: Thresholds | None = None,
    switchable: Thresholds | None = None,
    handles: Mapping[str, Sequence[str]] | None = None,
    regions: Mapping[str, RegionSite] | None = None,
    robot: tuple[str, ...] = ROBOT,
) -> Scene:
    """The scene of a model, with boxes and heights as things stand at the model's `qpos0`.

    name        "suite/task": what the `scene` line of a program says
    movables    name in programs -> body; by default every body with a free joint, called `cube_a`
                where the body is `cubeA_main`
    fixtures    the same of bodies that stay; by default all others that stand on the world
    openable    joint -> its positions (m or rad) beyond which it is closed and open, in this
                order: 0 % and 100 % of its openness
    switchable  joint -> its positions for off and on
    handles     joint -> geoms that a hand takes hold of to move it
    regions     site -> `RegionSite`
    robot       beginnings of names of what is the robot's, and nothing of the scene's

    Bodies that nothing can touch, for want of a collision geom in group 0, are left out of the
    defaults. Raises BindError with everything that does not fit, and the names that the model has.
    """
    index = ModelIndex(model, robot)
    found = [*things(index, movables, fixture=False), *things(index, fixtures, fixture=True)]
    sites = regions or {}
    opening, turning = _joints(index, openable or {}), _joints(index, switchable or {})
    parts = _parts(index, [*opening, *turning], found, sites)
    read_regions = list(_regions(index, sites, found, opening))
    read_handles = list(_handles(index, handles or {}, parts))
    index.problems += _misnamed(name, [*(thing.name for thing in found), *sites])
    if index.problems:
        raise BindError(f"scene {name}", index.problems)
    suite, _, task = name.partition("/")
    return Scene(
        suite=suite,
        task=task,
        instruction=instruction,
        language=instruction,
        problem=suite,
        goal=(),
        initial=(),
        objects=tuple(_object(thing, parts, opening, turning) for thing in found),
        regions=tuple(read_regions),
        handles=tuple(read_handles),
    )


def _misnamed(scene: str, names: Sequence[str]) -> Iterable[str]:
    """What is wrong with the names that programs are to use."""
    if not all(scene.partition("/")):
        yield f'a scene is called "suite/task", not "{scene}"'
    for name, count in Counter(names).items():
        if count > 1:
            yield f"`{name}` would be {count} things: give `movables` or `fixtures` other names"
        if not _is_sayable(name):
            yield f"`{name}` cannot be said in a program: words of a-z, 0-9 and _, none reserved"


def _is_sayable(name: str) -> bool:
    return is_name(name) and name not in RESERVED


def _object(
    thing: Thing,
    parts: Mapping[str, str],
    opening: Mapping[str, Joint],
    turning: Mapping[str, Joint],
) -> Object:
    opens = [joint for name, joint in opening.items() if parts[name] == thing.name]
    turns = [joint for name, joint in turning.items() if parts[name] == thing.name]
    return Object(
        name=thing.name,
        category=re.sub(r"_\d+$", "", thing.name),
        body=thing.body_name,
        fixture=thing.fixture,
        half_extents=triple(thing.box.half_extents),
        centre=triple(thing.box.centre),
        height=rounded(2 * thing.box.reach(thing.frame.up)),
        joints=(*opens, *turns),
        openable=bool(opens),
        switchable=bool(turns),
    )


# --- joints --------------------------------------------------------------------------------------


def _joints(index: ModelIndex, thresholds: Thresholds) -> dict[str, Joint]:
    """The joints that can be had, by name."""
    found = {name: _joint(index, name, *at) for name, at in thresholds.items()}
    return {name: joint for name, joint in found.items() if joint is not None}


def _joint(index: ModelIndex, name: str, off_at: float, on_at: float) -> Joint | None:
    number = index.id("joint", name)
    if number is None:
        return None
    index.problems += _unfit(index.model, number, off_at, on_at)
    return Joint(name=name, on_at=on_at, off_at=off_at, direction=1 if on_at > off_at else -1)


def _unfit(model: mujoco.MjModel, joint: int, off_at: float, on_at: float) -> Iterable[str]:
    name = model.joint(joint).name
    low, high = map(float, model.jnt_range[joint])
    if model.jnt_type[joint] not in (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE):
        yield f"joint `{name}` is neither a hinge nor a slide"
    elif on_at == off_at:
        yield f"joint `{name}` has one position, {on_at:g}, for both ends"
    elif model.jnt_limited[joint] and not low <= on_at <= high:
        yield f"joint `{name}` moves between {low:g} and {high:g}, and never gets to {on_at:g}"


def _parts(
    index: ModelIndex,
    joints: Sequence[str],
    found: Sequence[Thing],
    sites: Mapping[str, RegionSite],
) -> dict[str, str]:
    """Joint -> the region that claims it, or the innermost object that it moves or is part of."""
    index.problems += (
        f"joint `{name}` is both in `openable` and in `switchable`"
        for name, count in Counter(joints).items()
        if count > 1
    )
    claimed = {joint: name for name, site in sites.items() for joint in site.joints}
    parts = {name: claimed.get(name) or _carrier(index.model, name, found) for name in joints}
    index.problems += (
        f"joint `{name}` belongs to no object of the scene: name its body in `fixtures`"
        for name, part in parts.items()
        if part is None
    )
    return {name: part or "" for name, part in parts.items()}


def _carrier(model: mujoco.MjModel, joint: str, found: Sequence[Thing]) -> str | None:
    names = {thing.body: thing.name for thing in found}
    body = int(model.jnt_bodyid[model.joint(joint).id])
    while body and body not in names:
        body = int(model.body_parentid[body])
    return names.get(body)


def _handles(
    index: ModelIndex, handles: Mapping[str, Sequence[str]], parts: Mapping[str, str]
) -> Iterable[HandleBox]:
    """A box for each joint that has a handle."""
    for joint, names in handles.items():
        geoms = [geom for name in names if (geom := index.id("geom", name)) is not None]
        if joint not in parts:
            says = "is neither in `openable` nor in `switchable`"
            index.problems.append(f"joint `{joint}` has a handle, but {says}")
        elif geoms:
            box = _handle(index, joint, geoms)
            centre, half_extents = triple(box.centre), triple(box.half_extents)
            yield HandleBox(
                part=parts[joint], joint=joint, centre=centre, half_extents=half_extents
            )


def _handle(index: ModelIndex, joint: str, geoms: Sequence[int]) -> Box:
    model = index.model
    body = int(model.jnt_bodyid[model.joint(joint).id])
    moving = bodies_below(model, body)
    index.problems += (
        f"geom `{model.geom(geom).name}` is no handle of joint `{joint}`: it does not move with it"
        for geom in geoms
        if int(model.geom_bodyid[geom]) not in moving
    )
    return box_around(model, index.data, geoms, body_frame(index.data, body))


# --- regions -------------------------------------------------------------------------------------


def _regions(
    index: ModelIndex,
    sites: Mapping[str, RegionSite],
    found: Sequence[Thing],
    opening: Mapping[str, Joint],
) -> Iterable[Region]:
    """The regions that can be had."""
    owners = {thing.name: thing for thing in found}
    for name, site in sites.items():
        index.problems += (
            f"region `{name}`: joint `{joint}` is not in `openable`"
            for joint in site.joints
            if joint not in opening
        )
        number = index.id("site", name)
        if site.owner not in owners:
            known = listed(owners)
            index.problems.append(f"region `{name}`: no object is called `{site.owner}`: {known}")
        elif number is not None:
            joints = tuple(opening[joint] for joint in site.joints if joint in opening)
            yield _region(index, number, site, owners[site.owner], joints)


def _region(
    index: ModelIndex, number: int, site: RegionSite, owner: Thing, joints: tuple[Joint, ...]
) -> Region:
    frame = site_frame(index.data, number)
    half_extents = site.half_extents or triple(site_half_extents(index.model, number))
    reach = Box(frame.position, np.array(half_extents)).reach(frame.up)
    level = float(frame.position[2]) - owner.lowest
    return Region(
        name=index.model.site(number).name,
        owner=owner.name,
        owner_is_surface=False,
        half_extents=half_extents,
        levels=(rounded(level - reach), rounded(level + reach)),
        roofed=site.roofed,
        joints=joints,
        openable=bool(joints),
        is_surface=True,
    )
