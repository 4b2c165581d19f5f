"""Which bodies of a MuJoCo model are objects of a scene, and what programs call them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import mujoco

from rewardlang.runtime.model_boxes import Box, Frame, body_frame, box_around, collision_geoms

_COUNTS = {"body": "nbody", "joint": "njnt", "geom": "ngeom", "site": "nsite"}


@dataclass(frozen=True)
class Thing:
    """A body that is an object of the scene; `box` is in its frame."""

    name: str
    body: int
    body_name: str
    fixture: bool
    frame: Frame
    box: Box

    @property
    def lowest(self) -> float:
        """Height in the world of the lowest point of the box."""
        return self.frame.level(self.box.centre) - self.box.reach(self.frame.up)


class ModelIndex:
    """A model at its `qpos0`, looked up by name; what is not there is noted in `problems`."""

    def __init__(self, model: mujoco.MjModel, robot: tuple[str, ...]) -> None:
        self.model = model
        self.data = mujoco.MjData(model)
        self.problems: list[str] = []
        self._robot = robot
        mujoco.mj_kinematics(model, self.data)

    def id(self, what: str, name: str) -> int | None:
        """The id of a body, joint, geom or site; None: a problem."""
        try:
            return int(getattr(self.model, what)(name).id)
        except KeyError:
            self.problems.append(f"the model has no {what} `{name}`: {listed(self.names(what))}")
            return None

    def names(self, what: str) -> list[str]:
        """The names of all bodies, joints, geoms or sites but the robot's and the world's."""
        named, count = getattr(self.model, what), getattr(self.model, _COUNTS[what])
        names = (named(number).name for number in range(count))
        return [name for name in names if name not in ("", "world") and not self._is_robots(name)]

    def _is_robots(self, name: str) -> bool:
        return name.startswith(self._robot)


def things(index: ModelIndex, given: Mapping[str, str] | None, *, fixture: bool) -> list[Thing]:
    """The bodies that are given by the names for programs, or else all that stand on the world."""
    pairs = _standing(index, fixture) if given is None else given.items()
    found = (_thing(index, name, body, fixture) for name, body in pairs)
    return [thing for thing in found if thing is not None]


def _standing(index: ModelIndex, fixture: bool) -> Iterable[tuple[str, str]]:
    model = index.model
    for name in index.names("body"):
        body = int(model.body(name).id)
        stands = int(model.body_parentid[body]) == 0 and _is_free(model, body) is not fixture
        if stands and collision_geoms(model, body):
            yield in_programs(name), name


def in_programs(body_name: str) -> str:
    """What programs call a body for want of a better name: `cube_a` for `cubeA_main`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", body_name.removesuffix("_main"))
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def _thing(index: ModelIndex, name: str, body_name: str, fixture: bool) -> Thing | None:
    body = index.id("body", body_name)
    if body is None:
        return None
    if _is_free(index.model, body) is fixture:
        says = "has a free joint and is no fixture" if fixture else "has no free joint to move by"
        index.problems.append(f"body `{body_name}` {says}")
    geoms = collision_geoms(index.model, body)
    if not geoms:
        says = "has no collision geom in group 0: nothing can touch it"
        index.problems.append(f"body `{body_name}` {says}")
        return None
    frame = body_frame(index.data, body)
    return Thing(
        name, body, body_name, fixture, frame, box_around(index.model, index.data, geoms, frame)
    )


def _is_free(model: mujoco.MjModel, body: int) -> bool:
    first = int(model.body_jntadr[body])
    return first >= 0 and model.jnt_type[first] == mujoco.mjtJoint.mjJNT_FREE


def listed(names: Iterable[str]) -> str:
    """The names that there are, for a message."""
    return f"there is {', '.join(names) or 'none'}"
