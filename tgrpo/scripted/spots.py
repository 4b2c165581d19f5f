"""Which spot of a place that has room to spare an object gets. Lengths in m, world frame. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tgrpo.scripted.grasps import Box, Grasp, room_around
from tgrpo.scripted.obstacles import Obstacles
from tgrpo.scripted.placements import Placement

_WANTED_ROOM = 0.015  # around the object, and around the hand that lets go of it
_COST_OF_LEAVING_MIDDLE = 0.1  # m per m, where lacking room costs 1


def choose_spot(
    placement: Placement,
    sharing: int,
    position: np.ndarray,
    box: Box,
    grasp: Grasp,
    obstacles: Obstacles,
) -> np.ndarray:
    """Where the middle of the object's box is to go, relative to the place's point (2,).

    `position` (3,) and `box` of the object now, `sharing`: of the things that belong there. What
    shares its place leaves room for the others; else the middle, unless the object there, or the
    hand that holds it by `grasp`, would come too near to one of the `obstacles`.
    """
    rise = placement.release - box.bottom
    in_the_way = obstacles.higher_than(placement.release)
    grip = position + grasp.offset - [*box.centre[:2], -rise]

    def cost(beside: np.ndarray) -> float:
        spot = placement.point + beside
        room = min(
            in_the_way.room(spot, np.eye(2), box.reach[:2]),
            room_around(grip + np.append(spot, 0.0), grasp.yaw, obstacles),
        )
        off = float(np.linalg.norm(beside))
        return max(0.0, _WANTED_ROOM - room) + _COST_OF_LEAVING_MIDDLE * off

    return min(_spots(placement.spare, sharing, box), key=cost)


def _spots(spare: np.ndarray, sharing: int, box: Box) -> Iterator[np.ndarray]:
    """Relative to the place's point (2,): side by side where they share it, else on a grid."""
    if not spare.any():
        yield np.zeros(2)
    elif sharing > 1:
        side = int(np.argmax(spare - box.reach[:2]))
        for share in np.linspace(1.0, -1.0, sharing):
            yield share * spare * np.eye(2)[side]
    else:
        for across in np.linspace(-1.0, 1.0, 5):
            for along in np.linspace(-1.0, 1.0, 5):
                yield spare * [across, along]
