"""Which spot of a place that has room to spare an object gets. Lengths in m, world frame. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tgrpo.scripted.grasps import Box, room_around
from tgrpo.scripted.obstacles import Obstacles
from tgrpo.scripted.placements import Placement

_WANTED_ROOM = 0.015  # around the object, and around the hand that lets go of it
_COST_OF_LEAVING_MIDDLE = 0.1  # m per m, where lacking room costs 1
_LOOKED_AT = 12  # cheapest spots for the object among which is chosen for the hand
_AXES = np.eye(2)
_GRID = np.linspace(-1.0, 1.0, 9)


@dataclass(frozen=True, slots=True)
class Spots:
    """Where the middle of the object's box may go.

    `beside` (S, 2): relative to the place's point; `costs` (S,): of the object there, m. `move`
    (3,): of the object from where it is to the place's point. `obstacles`: what the hand may meet.
    """

    beside: np.ndarray
    costs: np.ndarray
    move: np.ndarray
    obstacles: Obstacles

    @classmethod
    def of(cls, placement: Placement, sharing: int, box: Box, obstacles: Obstacles) -> Spots:
        """For an object that is now in `box`, `sharing`: of how many things that belong there.

        What shares its place leaves room for the others; else the middle is best, unless one of
        the `obstacles` is too near.
        """
        in_the_way = obstacles.higher_than(placement.release)
        beside = np.array(list(_beside(placement.spare, sharing, box)))
        room = [in_the_way.room(placement.point + off, _AXES, box.reach[:2]) for off in beside]
        costs = _lack(np.array(room))
        costs += _COST_OF_LEAVING_MIDDLE * np.linalg.norm(beside, axis=1)
        keep = np.argsort(costs, kind="stable")[:_LOOKED_AT]
        move = np.array([*(placement.point - box.centre[:2]), placement.release - box.bottom])
        return cls(beside[keep], costs[keep], move, obstacles)

    def costs_of(self, grip: np.ndarray, yaw: float) -> np.ndarray:
        """Costs (S,), m, of letting go there of what is now held at `grip` (3,), the hand at `yaw`.

        Without a choice nothing costs anything.
        """
        if len(self.beside) == 1:
            return np.zeros(1)
        at_goal = grip + self.move
        room = [
            room_around(at_goal + np.append(off, 0.0), yaw, self.obstacles) for off in self.beside
        ]
        costs: np.ndarray = np.maximum(self.costs, _lack(np.array(room)))
        return costs

    def best(self, grip: np.ndarray, yaw: float) -> np.ndarray:
        """The cheapest spot (2,), relative to the place's point."""
        best: np.ndarray = self.beside[np.argmin(self.costs_of(grip, yaw))]
        return best


def _lack(room: np.ndarray) -> np.ndarray:
    lack: np.ndarray = np.maximum(0.0, _WANTED_ROOM - room)
    return lack


def _beside(spare: np.ndarray, sharing: int, box: Box) -> Iterator[np.ndarray]:
    """Relative to the place's point (2,): side by side where they share it, else on a grid."""
    if not spare.any():
        yield np.zeros(2)
    elif sharing > 1:
        side = int(np.argmax(spare - box.reach[:2]))
        for share in np.linspace(1.0, -1.0, sharing):
            yield share * spare * _AXES[side]
    else:
        for across in _GRID:
            for along in _GRID:
                yield spare * [across, along]
