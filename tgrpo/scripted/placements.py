"""Where the BDDL goal wants an object: a point, and the height at which to let go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import rewardlang
from tgrpo.scripted.grasps import Box

if TYPE_CHECKING:
    import mujoco

_INTO_CONTAINER = 0.02  # m, below its rim, before the fingers open
_INTO_REGION = 0.012  # m, of the object's position below the region's ceiling
_ABOVE_SURFACE = 0.008  # m
_OVER_RIM = 0.02  # m, above the height of release, until over the middle


class UnsupportedGoalError(ValueError):
    """The demonstrator has no skill for a part of the goal; the message names all such parts."""


@dataclass(frozen=True, slots=True)
class Placement:
    """`point` (2,): where the middle of the object's box belongs. `release`: height of the box's
    bottom at which to let go. `rim`: how much higher it stays until it is over the point.
    """

    point: np.ndarray
    release: float
    rim: float


@dataclass(frozen=True, slots=True)
class Goal:
    """One `In` or `On` of the goal: the movable object and where it belongs."""

    predicate: str
    item: str
    target: str

    def ignored(self, scene: rewardlang.Scene) -> set[str]:
        """Root bodies that are no obstacles: the item's, and that of an object it goes onto."""
        onto = {self.target} if self.predicate == "on" else set()
        return {thing.body for thing in scene.objects if thing.name in {self.item, *onto}}

    def placement(
        self,
        scene: rewardlang.Scene,
        data: mujoco.MjData,
        boxes: dict[str, Box],
        drop: float,
    ) -> Placement:
        """Where the item belongs now. `drop`: its position's height above its box's bottom."""
        if self.target in boxes:
            onto = boxes[self.target]
            return Placement(onto.centre[:2], onto.bottom + _ABOVE_SURFACE, _OVER_RIM)
        region = scene.region(self.target)
        site = data.site(self.target)
        reach = np.abs(site.xmat.reshape(3, 3)) @ np.array(region.half_extents)
        ceiling = float(site.xpos[2] + reach[2])
        if self.predicate == "on":
            return Placement(site.xpos[:2].copy(), ceiling + _ABOVE_SURFACE, _OVER_RIM)
        inside = ceiling - _INTO_REGION - drop
        return Placement(
            site.xpos[:2].copy(), min(boxes[region.owner].top - _INTO_CONTAINER, inside), 0.0
        )


def goals_of(scene: rewardlang.Scene) -> tuple[Goal, ...]:
    """The scene's goal as placements, in its order. Raises UnsupportedGoalError."""
    check_skills([scene])
    return tuple(Goal(predicate, item, target) for predicate, item, target in scene.goal)


def check_skills(scenes: Iterable[rewardlang.Scene]) -> None:
    """Raises UnsupportedGoalError, naming all of them, for goals that are no placements."""
    beyond = [
        f"  {scene.id}: {', '.join(atoms) or 'an empty goal'}"
        for scene in scenes
        if (atoms := [f"({' '.join(a)})" for a in scene.goal if not _is_placement(scene, a)])
        or not scene.goal
    ]
    if beyond:
        raise UnsupportedGoalError(
            "the demonstrator places movable objects in containers and on things; it has no "
            "skill for\n" + "\n".join(beyond) + "\nwith recorded demonstrations these can be "
            "trained: --demos FILE.hdf5"
        )


def _is_placement(scene: rewardlang.Scene, atom: tuple[str, ...]) -> bool:
    match atom:
        case ("in", str(item), str(target)):
            owned = {region.name for region in scene.regions if not region.owner_is_surface}
            return _movable(scene, item) and target in owned
        case ("on", str(item), _):
            return _movable(scene, item)
        case _:
            return False


def _movable(scene: rewardlang.Scene, name: str) -> bool:
    return any(thing.name == name and not thing.fixture for thing in scene.objects)
