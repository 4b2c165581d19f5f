"""States of a goal atom, as data: where its object or joints may be, and ways to a threshold.

Knows the shape of LIBERO's tests, so that a fair part of what it draws is true, but not their
answers: `tgrpo.parity.comparison` asks for those, and follows a way until the answer changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rewardlang import Joint, Object, Scene

Floats = NDArray[np.float64]

NEAR = 0.01  # m: a state so close to one with the other answer is near the threshold
NEAR_SHARE = 0.02  # the same for a joint, of the range between open and closed
FINEST = 1e-4  # the closest that states come to a threshold, as a share of what is near
THINNEST = 1e-3  # m: half the least width of a box in which states are drawn
REACH = 0.6  # m: how far a way is followed
ALWAYS = (0.0, -0.14)  # joint values that LIBERO's own thresholds and rest positions make delicate


@dataclass(frozen=True)
class Sample:
    """What one state of an atom writes.

    An object: `names` are the object and what it is put in or on, `numbers` (3,) its position from
    there in m, along the world's axes, `quaternion` (4,) its attitude, w first. Joints: their
    names, their values in m or rad, no quaternion.
    """

    names: tuple[str, ...]
    numbers: Floats
    quaternion: Floats | None = None

    def along(self, way: Floats, distance: float) -> Sample:
        """The same, `distance` further along `way`."""
        return replace(self, numbers=self.numbers + distance * way)


@dataclass(frozen=True)
class Space:
    """The states of an atom, where things stand as they do.

    draw   a state, true or false
    way    a unit vector along which to look for a threshold
    near   how far from a threshold still counts as near to it, m or rad
    reach  how far to follow a way, m or rad
    exact  states that are to be looked at whatever is drawn
    """

    draw: Callable[[np.random.Generator], Sample]
    way: Callable[[np.random.Generator], Floats]
    near: float
    reach: float
    exact: tuple[Sample, ...] = ()


def space_of(scene: Scene, atom: tuple[str, ...], rotation: Callable[[str], Floats]) -> Space:
    """The states of `atom`; `rotation` gives the attitude (3, 3) of a region or object."""
    match atom:
        case ("in", item, region):
            draw = _inside(scene.region(region).half_extents, rotation(region))
            return _of_object(item, region, draw, rotation(region))
        case ("on", item, support) if support in scene.regions_by_name:
            half = scene.region(support).half_extents
            draw = _upon_region(half, rotation(support), _below_origin(scene.object(item)))
            return _of_object(item, support, draw, rotation(support))
        case ("on", item, support):
            draw = _upon_object(scene.object(support), _below_origin(scene.object(item)))
            return _of_object(item, support, draw, rotation(support))
        case (_, part):
            return _of_joints((scene.regions_by_name.get(part) or scene.object(part)).joints)
    raise ValueError(f"no states are known for the goal {atom}")


# --- objects -------------------------------------------------------------------------------------

Draw = Callable[[np.random.Generator], Floats]


def _of_object(item: str, support: str, offset: Draw, rotation: Floats) -> Space:
    def draw(rng: np.random.Generator) -> Sample:
        return Sample((item, support), offset(rng), _attitude(rng))

    return Space(draw, lambda rng: _way(rng, rotation), NEAR, REACH)


def _way(rng: np.random.Generator, rotation: Floats) -> Floats:
    """Along an axis of the world, of the support as LIBERO turns it, or anywhere."""
    axis = rng.choice([-1.0, 1.0]) * np.eye(3)[rng.integers(3)]
    match rng.integers(3):
        case 0:
            return axis
        case 1:
            return rotation.T @ axis
        case _:
            way = rng.normal(size=3)
            return way / np.linalg.norm(way)


def _attitude(rng: np.random.Generator) -> Floats:
    """Upright and turned, or, one time in three, tilted anyhow."""
    if rng.integers(3) == 0:
        quaternion = rng.normal(size=4)
        return quaternion / np.linalg.norm(quaternion)
    return turn(rng.uniform(-math.pi, math.pi))


def turn(angle: float) -> Floats:
    """The quaternion, w first, of a turn about the vertical."""
    return np.array([math.cos(angle / 2), 0.0, 0.0, math.sin(angle / 2)])


def _inside(half_extents: tuple[float, float, float], rotation: Floats) -> Draw:
    """Around LIBERO's box, `abs(R @ size)`, and around the region itself, which is another one.

    LIBERO's box of a region turned by 45 degrees is 1e-17 m wide, and which points are within is
    a matter of rounding; no state is drawn there.
    """
    size = np.array(half_extents)
    boxes = np.maximum(np.abs(rotation @ size), THINNEST), np.abs(rotation) @ size
    return lambda rng: rng.uniform(-1.3, 1.3, 3) * boxes[rng.integers(2)]


def _upon_region(half_extents: tuple[float, float, float], rotation: Floats, below: float) -> Draw:
    """Around LIBERO's box above the region, half of it at the height where the object touches."""
    size = np.array(half_extents)
    ways = rotation.T, rotation  # LIBERO turns by the one; the other is the region's own frame

    def draw(rng: np.random.Generator) -> Floats:
        aside = rng.uniform(-1.2, 1.2, 2) * size[:2]
        offset = np.append(aside, size[2] + _height(rng, below, rng.uniform(-0.02, 0.12)))
        return ways[rng.integers(2)] @ offset

    return draw


def _upon_object(support: Object, below: float) -> Draw:
    """Up to 5 cm beside its origin: LIBERO's threshold is at 3 cm, and at its height."""
    top = support.centre[2] + support.half_extents[2]

    def draw(rng: np.random.Generator) -> Floats:
        aside, angle = rng.uniform(0.0, 0.05), rng.uniform(-math.pi, math.pi)
        height = _height(rng, top + below, rng.uniform(-0.02, max(top, 0.0) + 0.05))
        return np.array([aside * math.cos(angle), aside * math.sin(angle), height])

    return draw


def _height(rng: np.random.Generator, touching: float, other: float) -> float:
    """Half of the time a little below the height at which the object touches."""
    return touching + rng.uniform(-0.02, 0.003) if rng.integers(2) else other


def _below_origin(item: Object) -> float:
    """How far an upright object reaches below its origin, m."""
    return item.half_extents[2] - item.centre[2]


# --- joints --------------------------------------------------------------------------------------


def _of_joints(joints: tuple[Joint, ...]) -> Space:
    names = tuple(joint.name for joint in joints)
    ends = np.array([(joint.on_at, joint.off_at) for joint in joints])
    low, high = ends.min(axis=1), ends.max(axis=1)
    between = float((high - low).min())

    def draw(rng: np.random.Generator) -> Sample:
        return Sample(names, low + rng.uniform(-0.3, 1.3, len(names)) * (high - low))

    def way(rng: np.random.Generator) -> Floats:
        return rng.choice([-1.0, 1.0]) * np.eye(len(names))[rng.integers(len(names))]

    exact = (*ends.T, *(np.full(len(names), value) for value in ALWAYS))
    samples = tuple(Sample(names, values) for values in exact)
    return Space(draw, way, NEAR_SHARE * between, 2.0 * between, samples)
