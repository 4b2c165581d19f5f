"""The functions of `geometry` over the lanes of arrays: the same names, the same arguments.

`v[a : a + 3]` is a vector per lane, (3, N), `_rotation(v, a)` a matrix per lane, (3, 3, N). What
depends on the snapshots alone is worked out once for all conditions and degrees that ask for it.
"""

from __future__ import annotations

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
    height = v.arrays.larger(z - ez, -z - ez - IN_REGION_BELOW)
    return _length(v, _beyond(v, x, ex), _beyond(v, y, ey), v.arrays.larger(height, 0.0))


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
    height = v.arrays.larger(z - top_ - ON_REGION_ABOVE, top_ - ON_REGION_BELOW - z)
    return _length(
        v,
        _beyond(v, x, v[region + 15]),
        _beyond(v, y, v[region + 16]),
        v.arrays.larger(height, 0.0),
    )


@once
def on_object(v: Rows, item: int, support: int) -> Array:
    return (v[support + 2] <= v[item + 2]) & (_aside(v, item, support) < ON_OBJECT_REACH)


@once
def on_object_gap(v: Rows, item: int, support: int) -> Array:
    larger = v.arrays.larger
    height = larger(bottom(v, item) - top(v, support), v[support + 2] - v[item + 2])
    aside = _aside(v, item, support) - ON_OBJECT_REACH
    return _length(v, larger(aside, 0.0), larger(height, 0.0))


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
    where = v.arrays.where
    x, y, _ = _centre(v, a) - _centre(v, b)
    along_x, along_y = v[b + 3 : b + 6], v[b + 6 : b + 9]  # of the three axes of the box
    length = v.arrays.sqrt(along_x * along_x + along_y * along_y)
    flat = length != 0.0  # an upright axis has no horizontal extent
    along = (along_x * x + along_y * y) / where(flat, length, 1.0)
    beside = where(flat, _beyond(v, along, v[b + 15 : b + 18]), 0.0)
    first, second, third = beside * beside
    tilt_x, tilt_y, tilt_z = abs(v[b + 9 : b + 12])
    last_up = (tilt_z >= tilt_x) & (tilt_z >= tilt_y)
    first_up = ~last_up & ~(tilt_y >= tilt_x)
    rest = where(last_up, first + second, where(first_up, second + third, first + third))
    return v.arrays.sqrt(rest)


@once
def rest_gap(v: Rows, item: int, support: int) -> Array:
    above = v.arrays.larger(bottom(v, item) - top(v, support), 0.0)
    return _length(v, side_gap(v, item, support), above)


@once
def mouth_gap(v: Rows, item: int, region: int, mouth: int, within: float) -> Array:
    where, larger = v.arrays.where, v.arrays.larger
    axes, half, out = _rotation(v, region), v[region + 15 : region + 18], v[mouth : mouth + 3]
    away = _centre(v, item) - v[region : region + 3]
    along = (axes * away[:, None]).sum(0)
    open_ = out != 0.0
    aside = where(open_, 0.0, _beyond(v, along, half))
    outward = where(open_, out * along - half, 0.0).sum(0)
    both = (_rotation(v, item)[:, :, None] * axes[:, None]).sum(0)  # [axis of item, of region]
    reach = (abs(both) * v[item + 15 : item + 18][:, None]).sum(0)
    near_side = outward - where(open_, reach, 0.0).sum(0) - within
    before = larger(larger(near_side, -outward), 0.0)
    return v.arrays.sqrt((aside * aside).sum(0) + before * before)


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
    return v.arrays.arccos(v.arrays.larger(v.arrays.smaller(cosine, 1.0), -1.0))


def _rotation(v: Rows, a: int) -> Array:
    return v[a + 3 : a + 12].reshape(3, 3, -1)


@once
def _centre(v: Rows, a: int) -> Array:
    """Centre of the bounding box in the world's frame, (3, N)."""
    return v[a : a + 3] + (_rotation(v, a) * v[a + 12 : a + 15]).sum(1)


@once
def _world_half(v: Rows, region: int) -> Array:
    """LIBERO's `abs(R @ size)`, (3, N)."""
    return abs((_rotation(v, region) * v[region + 15 : region + 18]).sum(1))


@once
def _turned(v: Rows, item: int, region: int) -> Array:
    """LIBERO's `R @ (p - c)`, (3, N)."""
    return (_rotation(v, region) * (v[item : item + 3] - v[region : region + 3])).sum(1)


@once
def _aside(v: Rows, item: int, support: int) -> Array:
    return _length(v, v[support] - v[item], v[support + 1] - v[item + 1])


@once
def _reach(v: Rows, a: int) -> Array:
    return (abs(v[a + 9 : a + 12]) * v[a + 15 : a + 18]).sum(0)


def _beyond(v: Rows, distance: Array, half_extent: Array) -> Array:
    return v.arrays.larger(abs(distance) - half_extent, 0.0)


def _length(v: Rows, *components: Array) -> Array:
    total = components[0] * components[0]
    for component in components[1:]:
        total = total + component * component
    return v.arrays.sqrt(total)
