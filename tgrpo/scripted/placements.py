"""Where the BDDL goal wants an object: a point, and the height at which to let go."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

import rewardlang
from tgrpo.scripted.grasps import Box, yaw_of
from tgrpo.scripted.obstacles import Obstacles

if TYPE_CHECKING:
    import mujoco

_INTO_CONTAINER = 0.02  # m, below its rim, before the fingers open
_INTO_REGION = 0.012  # m, of the object's position below the region's ceiling
_ABOVE_SURFACE = 0.008  # m
_NEAR = (0.008, 0.03)  # m, least and most that `Placement.near` can be
_ABOVE_FLOOR = 0.02  # m, of a drawer: things are dropped into it
_SUNK = 0.03  # m, of a region below the surface that it stands for
_SPARE = 0.65  # of a region's half extents: where in it things are put down
_OVER_RIM = 0.02  # m, above the height of release, until over the middle


@dataclass(frozen=True, slots=True)
class Placement:
    """`point` (2,): where the middle of the object's box belongs. `release`: height of the box's
    bottom at which to let go. `rim`: how much higher it stays until it is over the point. `spare`
    (2,): how far beside the point, along x and y, will do as well. `near`: from which distance of
    the point on it may go down. `turn`: what is left to turn around the vertical until it fits in,
    rad; `None`: it fits in as it is.
    """

    point: np.ndarray
    release: float
    rim: float
    spare: np.ndarray = field(default_factory=lambda: np.zeros(2))
    near: float = _NEAR[1]
    turn: float | None = None

    def on_surface(self, spot: np.ndarray, obstacles: Obstacles) -> Placement:
        """With the height of what really lies below `spot` (2,): a region may be drawn too low."""
        if not self.spare.any():
            return self
        surface = obstacles.surface_at(spot, self.release + _SUNK) + _ABOVE_SURFACE
        return replace(self, release=max(self.release, surface))


@dataclass(frozen=True, slots=True)
class Goal:
    """One `In` or `On` of the goal: the movable object and where it belongs."""

    predicate: str
    item: str
    target: str

    def sharing(self, scene: rewardlang.Scene) -> int:
        """How many things the scene's goal wants there; at least this one."""
        atoms = {(self.predicate, self.item, self.target), *scene.goal}
        return sum((atom[0], atom[-1]) == (self.predicate, self.target) for atom in atoms)

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
            release = onto.bottom + _ABOVE_SURFACE
            return Placement(onto.centre[:2], release, max(_OVER_RIM, onto.top - release + 0.01))
        region = scene.region(self.target)
        site = data.site(self.target)
        reach = np.abs(site.xmat.reshape(3, 3)) @ np.array(region.half_extents)
        ceiling = float(site.xpos[2] + reach[2])
        if self.predicate == "on":
            point, release = site.xpos[:2].copy(), ceiling + _ABOVE_SURFACE
            return Placement(point, release, _OVER_RIM, _SPARE * reach[:2])
        inside = ceiling - _INTO_REGION - drop
        release = min(boxes[region.owner].top - _INTO_CONTAINER, inside)
        if region.openable:
            floor = float(site.xpos[2] - reach[2]) + _ABOVE_FLOOR
            spare = _SPARE * reach[:2]
            return Placement(site.xpos[:2].copy(), floor, 0.0, spare, near=_NEAR[0])
        hollow = Box(site.xpos, site.xmat.reshape(3, 3), np.array(region.half_extents))
        near, turn = _fit(boxes[self.item], hollow)
        return Placement(site.xpos[:2].copy(), release, 0.0, near=near, turn=turn)


def _fit(item: Box, hollow: Box) -> tuple[float, float | None]:
    """How near to its middle the item must be to go in, and what is left to turn (see above)."""
    (long, wide), (length, width) = _sides(item), _sides(hollow)
    if item.half[long] < hollow.half[width]:
        return _NEAR[1], None
    slack = min(hollow.half[length] - item.half[long], hollow.half[width] - item.half[wide])
    turn = yaw_of(hollow.axes[:, length]) - yaw_of(item.axes[:, long])
    return float(np.clip(slack, *_NEAR)), (turn + np.pi / 2) % np.pi - np.pi / 2


def _sides(box: Box) -> tuple[int, int]:
    """The longer and the shorter one of the footprint's axes."""
    wide, long = sorted(box.sides, key=lambda side: float(box.half[side]))
    return long, wide
