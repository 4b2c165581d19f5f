"""The functions of `geometry` over the lanes of arrays: the same names, the same arguments.

`v[a : a + 3]` is a vector per lane, (3, L), `_rotation(v, a)` a matrix, (3, 3, L). What
depends on the snapshots alone is worked out once for all conditions and degrees that ask for it.
"""

from __future__ import annotations

import functools

from rewardlang.runtime.arrays import Array
from rewardlang.runtime.geometry import (
    IN_REGION_BELOW,
    ON_OBJECT_REACH,
    ON_REGION_ABOVE,
    ON_REGION_BELOW,
)
from rewardlang.runtime.lanes import Rows, once


@once
def in_region(v: Rows, item: int, region: int) -> Array:
    spot, centre, half = v[item : item + 3], v[region : region + 3], _world_half(v, region)
    low, high = centre - half, centre + half
    low[2] -= IN_REGION_BELOW
    return ((low < spot) & (spot < high)).all(0)


@once
def in_region_gap(v: Rows, item: int, region: int) -> Array:
    away, half = v[item : item + 3] - v[region : region + 3], _world_half(v, region)
    (x, y, z), (ex, ey, ez) = away, half
    return _length(
        v,
        _beyond(v, x, ex),
        _beyond(v, y, ey),
        _largest(v, z - ez, -z - ez - IN_REGION_BELOW),
    )


@once
def on_region(v: Rows, item: int, region: int) -> Array:
    x, y, z = _turned(v, item, region)
    top_ = v[region + 17]
    inside = (abs(x) < v[region + 15]) & (abs(y) < v[region + 16])
    return (top_ - ON_REGION_BELOW < z) & (z < top_ + ON_REGION_ABOVE) & inside


@once
def on_region_gap(v: Rows, item: int, region: int) -> Array:
    x, y, z = _turned(v, item, region)
    top_ = v[region + 17]
    return _length(
        v,
        _beyond(v, x, v[region + 15]),
        _beyond(v, y, v[region + 16]),
        _largest(v, z - top_ - ON_REGION_ABOVE, top_ - ON_REGION_BELOW - z),
    )


@once
def on_object(v: Rows, item: int, support: int) -> Array:
    return (v[support + 2] <= v[item + 2]) & (_aside(v, item, support) < ON_OBJECT_REACH)


@once
def on_object_gap(v: Rows, item: int, support: int) -> Array:
    height = _largest(v, bottom(v, item) - top(v, support), v[support + 2] - v[item + 2])
    return _length(v, _largest(v, _aside(v, item, support) - ON_OBJECT_REACH), height)


@once
def gap(v: Rows, a: int, b: int) -> Array:
    x, y, z = _centre(v, a)
    return _box_gap(v, x, y, z, b)


@once
def point_gap(v: Rows, x: Array, y: Array, z: Array, b: int) -> Array:
    return _box_gap(v, x, y, z, b)


def _box_gap(v: Rows, x: Array, y: Array, z: Array, b: int) -> Array:
    first, second, third = _rotation(v, b)
    own = first * (x - v[b]) + second * (y - v[b + 1]) + third * (z - v[b + 2])
    beyond = _beyond(v, own - v[b + 12 : b + 15], v[b + 15 : b + 18])
    return v.arrays.sqrt((beyond * beyond).sum(0))


@once
def side_gap(v: Rows, a: int, b: int) -> Array:
    x, y, _ = _centre(v, a) - _centre(v, b)
    along_x, along_y = _sideways(v, b)
    beside = _beyond(v, along_x * x + along_y * y, v[b + 15 : b + 18])
    first, second, third = beside * beside
    where, (last_up, second_up) = v.arrays.where, _upright(v, b)
    one = where(last_up | second_up, first, second)
    return v.arrays.sqrt(one + where(last_up, second, third))


@once
def _sideways(v: Rows, a: int) -> tuple[Array, Array]:
    """Horizontal unit vectors (3, L) along the three axes of the box.

    Not a number along an upright axis, which has no horizontal extent: nothing is beyond that.
    """
    x, y = v[a + 3 : a + 6], v[a + 6 : a + 9]
    length = v.arrays.sqrt(x * x + y * y)
    return x / length, y / length


@once
def _upright(v: Rows, a: int) -> tuple[Array, Array]:
    """Where the last axis of the box is the steepest, and where the second is before the first."""
    first, second, third = abs(v[a + 9 : a + 12])
    return (third >= first) & (third >= second), second >= first


@once
def rest_gap(v: Rows, item: int, support: int) -> Array:
    above = bottom(v, item) - top(v, support)
    return _length(v, side_gap(v, item, support), _largest(v, above))


@once
def mouth_gap(v: Rows, item: int, region: int, mouth: int, within: float) -> Array:
    where = v.arrays.where
    axes, half, out = _rotation(v, region), v[region + 15 : region + 18], v[mouth : mouth + 3]
    away = _centre(v, item) - v[region : region + 3]
    along = (axes * away[:, None]).sum(0)
    open_ = out != 0.0
    aside = where(open_, 0.0, _beyond(v, along, half))
    outward = _opened(v, open_, out * along - half)
    both = (_rotation(v, item)[:, :, None] * axes[:, None]).sum(0)  # [axis of item, of region]
    reach = (abs(both) * v[item + 15 : item + 18][:, None]).sum(0)
    near_side = outward - _opened(v, open_, reach) - within
    before = _largest(v, near_side, -outward)
    return v.arrays.sqrt((aside * aside).sum(0) + before * before)


def _opened(v: Rows, open_: Array, quantities: Array) -> Array:
    """The quantity along the axis of an opening: the last one of those marked, else 0."""
    chosen = 0.0
    for marked, quantity in zip(open_, quantities, strict=True):
        chosen = v.arrays.where(marked, quantity, chosen)
    return chosen


@once
def past(v: Rows, item: int, support: int, axis: int, sign: float) -> Array:
    ahead = sign * (_centre(v, item)[axis] - _centre(v, support)[axis])
    axes = _rotation(v, support)[axis]
    return ahead - (abs(axes) * v[support + 15 : support + 18]).sum(0)


@once
def top(v: Rows, a: int) -> Array:
    return _centre(v, a)[2] + _reach(v, a)


@once
def bottom(v: Rows, a: int) -> Array:
    return _centre(v, a)[2] - _reach(v, a)


def apart(v: Rows, a: int, x: Array, y: Array, z: Array) -> Array:
    return _length(v, v[a] - x, v[a + 1] - y, v[a + 2] - z)


def tilt(v: Rows, a: int, ux: Array, uy: Array, uz: Array) -> Array:
    cosine = v[a + 9] * ux + v[a + 10] * uy + v[a + 11] * uz
    return v.arrays.arccos(v.arrays.larger(-1.0, v.arrays.smaller(1.0, cosine)))


def _rotation(v: Rows, a: int) -> Array:
    return v[a + 3 : a + 12].reshape(3, 3, -1)


def _times(matrix: Array, vector: Array) -> Array:
    """Matrix times vector, (3, L)."""
    x, y, z = vector
    return matrix[:, 0] * x + matrix[:, 1] * y + matrix[:, 2] * z


@once
def _centre(v: Rows, a: int) -> Array:
    """Centre of the bounding box in the world's frame, (3, L)."""
    return v[a : a + 3] + _times(_rotation(v, a), v[a + 12 : a + 15])


@once
def _world_half(v: Rows, region: int) -> Array:
    """LIBERO's `abs(R @ size)`, (3, L)."""
    return abs(_times(_rotation(v, region), v[region + 15 : region + 18]))


@once
def _turned(v: Rows, item: int, region: int) -> Array:
    """LIBERO's `R @ (p - c)`, (3, L)."""
    return _times(_rotation(v, region), v[item : item + 3] - v[region : region + 3])


@once
def _aside(v: Rows, item: int, support: int) -> Array:
    return _length(v, v[support] - v[item], v[support + 1] - v[item + 1])


@once
def _reach(v: Rows, a: int) -> Array:
    return (abs(v[a + 9 : a + 12]) * v[a + 15 : a + 18]).sum(0)


def _beyond(v: Rows, distance: Array, half_extent: Array) -> Array:
    return v.arrays.larger(0.0, abs(distance) - half_extent)


def _largest(v: Rows, *quantities: Array) -> Array:
    """Of quantities and 0, as `max(0.0, ...)`."""
    return functools.reduce(v.arrays.larger, quantities, 0.0)


def _length(v: Rows, *components: Array) -> Array:
    total = components[0] * components[0]
    for component in components[1:]:
        total = total + component * component
    return v.arrays.sqrt(total)
