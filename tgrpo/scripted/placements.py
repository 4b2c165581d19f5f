"""Where the BDDL goal wants an object: a point, and the height at which to let go."""

from __future__ import annotations

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
            release = onto.bottom + _ABOVE_SURFACE
            return Placement(onto.centre[:2], release, max(_OVER_RIM, onto.top - release + 0.01))
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
