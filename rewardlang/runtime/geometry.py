"""Geometry on the flat floats of a snapshot: what the predicates of the language are made of.

`v` is `Snapshot.values`; `a`, `b`, `item`, `region` are indices of FRAME facts in it (18 floats:
position, rotation matrix row by row, centre and half extents of the bounding box in the own
frame). Lengths are metres, angles radians. Everything is plain floats: these functions run some
ten times per control step, where a numpy call would cost more than all of them together.

The functions named after LIBERO follow its own arithmetic, traps included (`site_object.py`,
`base_object_states.py`): `abs(R @ size)` is not the box of a turned region, and `R @ (p - c)` is
not a point in the region's frame unless the region stands straight.
"""

from __future__ import annotations

from math import acos, hypot

Values = list[float]

ON_OBJECT_REACH = 0.03  # m, LIBERO's `On(x, y)`: largest horizontal distance
ON_REGION_BELOW = 0.005  # m, LIBERO's `On(x, region)`: how far below the top still counts
ON_REGION_ABOVE = 0.10  # m, and how far above
IN_REGION_BELOW = 0.01  # m, LIBERO's `In`: how much the box reaches further down


def in_region(v: Values, item: int, region: int) -> bool:
    """LIBERO's `In(x, region)`: the body's origin strictly inside c ± abs(R @ size)."""
    cx, cy, cz, r0, r1, r2, r3, r4, r5, r6, r7, r8, _, _, _, sx, sy, sz = v[region : region + 18]
    ex = abs(r0 * sx + r1 * sy + r2 * sz)
    if not cx - ex < v[item] < cx + ex:
        return False
    ey = abs(r3 * sx + r4 * sy + r5 * sz)
    if not cy - ey < v[item + 1] < cy + ey:
        return False
    ez = abs(r6 * sx + r7 * sy + r8 * sz)
    return (cz - ez) - IN_REGION_BELOW < v[item + 2] < cz + ez


def in_region_gap(v: Values, item: int, region: int) -> float:
    """Distance of the body's origin to the box of `in_region`; 0 inside."""
    sx, sy, sz = v[region + 15], v[region + 16], v[region + 17]
    ex = abs(v[region + 3] * sx + v[region + 4] * sy + v[region + 5] * sz)
    ey = abs(v[region + 6] * sx + v[region + 7] * sy + v[region + 8] * sz)
    ez = abs(v[region + 9] * sx + v[region + 10] * sy + v[region + 11] * sz)
    z = v[item + 2] - v[region + 2]
    return hypot(
        _beyond(v[item] - v[region], ex),
        _beyond(v[item + 1] - v[region + 1], ey),
        max(0.0, z - ez, -z - ez - IN_REGION_BELOW),
    )


def _turned(v: Values, item: int, region: int) -> tuple[float, float, float]:
    """LIBERO's `R @ (p - c)`."""
    x, y, z = v[item] - v[region], v[item + 1] - v[region + 1], v[item + 2] - v[region + 2]
    return (
        v[region + 3] * x + v[region + 4] * y + v[region + 5] * z,
        v[region + 6] * x + v[region + 7] * y + v[region + 8] * z,
        v[region + 9] * x + v[region + 10] * y + v[region + 11] * z,
    )


def on_region(v: Values, item: int, region: int) -> bool:
    """LIBERO's `under`, the geometric part of `On(x, region)`."""
    x, y, z = _turned(v, item, region)
    top = v[region + 17]
    return (
        top - ON_REGION_BELOW < z < top + ON_REGION_ABOVE
        and abs(x) < v[region + 15]
        and abs(y) < v[region + 16]
    )


def on_region_gap(v: Values, item: int, region: int) -> float:
    """Distance of the body's origin to the box of `on_region`; 0 inside."""
    x, y, z = _turned(v, item, region)
    top = v[region + 17]
    return hypot(
        _beyond(x, v[region + 15]),
        _beyond(y, v[region + 16]),
        max(0.0, z - top - ON_REGION_ABOVE, top - ON_REGION_BELOW - z),
    )


def on_object(v: Values, item: int, support: int) -> bool:
    """The geometric part of LIBERO's `On(x, y)`: y no higher than x, origins < 3 cm apart."""
    aside = hypot(v[support] - v[item], v[support + 1] - v[item + 1])
    return v[support + 2] <= v[item + 2] and aside < ON_OBJECT_REACH


def on_object_gap(v: Values, item: int, support: int) -> float:
    """How far x is from standing on y: origins beyond 3 cm, and x's bottom above y's top."""
    aside = hypot(v[support] - v[item], v[support + 1] - v[item + 1]) - ON_OBJECT_REACH
    height = max(0.0, bottom(v, item) - top(v, support), v[support + 2] - v[item + 2])
    return hypot(max(0.0, aside), height)


def gap(v: Values, a: int, b: int) -> float:
    """Distance between the centre of `a` and the bounding box of `b`; 0 inside."""
    return point_gap(v, *_centre(v, a), b)


def point_gap(v: Values, x: float, y: float, z: float, b: int) -> float:
    """Distance between a point and the bounding box of `b`; 0 inside."""
    # one slice and one unpacking cost half of eighteen look-ups
    px, py, pz, r0, r1, r2, r3, r4, r5, r6, r7, r8, cx, cy, cz, hx, hy, hz = v[b : b + 18]
    x, y, z = x - px, y - py, z - pz
    dx = abs(r0 * x + r3 * y + r6 * z - cx) - hx
    dy = abs(r1 * x + r4 * y + r7 * z - cy) - hy
    dz = abs(r2 * x + r5 * y + r8 * z - cz) - hz
    return hypot(dx if dx > 0.0 else 0.0, dy if dy > 0.0 else 0.0, dz if dz > 0.0 else 0.0)


def side_gap(v: Values, a: int, b: int) -> float:
    """Horizontal distance between the centre of `a` and the footprint of `b`; 0 above it.

    The footprint is spanned by the two axes of the box that lie flattest: a region may be built
    lying on its side (LIBERO's drawers), and height must not leak into it when `b` tilts a little.
    """
    px, py, _, r0, r1, r2, r3, r4, r5, _, _, _, cx, cy, cz = v[a : a + 15]
    x, y = px + r0 * cx + r1 * cy + r2 * cz, py + r3 * cx + r4 * cy + r5 * cz
    px, py, _, r0, r1, r2, r3, r4, r5, r6, r7, r8, cx, cy, cz, hx, hy, hz = v[b : b + 18]
    x -= px + r0 * cx + r1 * cy + r2 * cz
    y -= py + r3 * cx + r4 * cy + r5 * cz
    lean_x, lean_y, lean_z = abs(r6), abs(r7), abs(r8)
    if lean_z >= lean_x and lean_z >= lean_y:
        ax, ay, ah, bx, by, bh = r0, r3, hx, r1, r4, hy
    elif lean_y >= lean_x:
        ax, ay, ah, bx, by, bh = r0, r3, hx, r2, r5, hz
    else:
        ax, ay, ah, bx, by, bh = r1, r4, hy, r2, r5, hz
    length, width = hypot(ax, ay), hypot(bx, by)
    # an upright axis has no horizontal extent
    ahead = abs((ax * x + ay * y) / length) - ah if length else 0.0
    aside = abs((bx * x + by * y) / width) - bh if width else 0.0
    return hypot(ahead if ahead > 0.0 else 0.0, aside if aside > 0.0 else 0.0)


def rest_gap(v: Values, item: int, support: int) -> float:
    """How far x is from lying on y: beside its footprint, and x's bottom above y's top."""
    return hypot(side_gap(v, item, support), max(0.0, bottom(v, item) - top(v, support)))


def mouth_gap(v: Values, item: int, region: int, mouth: int, within: float) -> float:
    """How far x is from standing before a region's opening; 0 there.

    There: the middle of x within the outline of the opening, outside of the region, and the near
    side of x at most `within` off. `mouth` is the index of a MOUTH fact.
    """
    x, y, z = _centre(v, item)
    x, y, z = x - v[region], y - v[region + 1], z - v[region + 2]
    outward, aside, reach = 0.0, 0.0, 0.0
    for axis in range(3):
        rx, ry, rz = v[region + 3 + axis], v[region + 6 + axis], v[region + 9 + axis]
        along, half, out = rx * x + ry * y + rz * z, v[region + 15 + axis], v[mouth + axis]
        if out == 0.0:
            aside = hypot(aside, _beyond(along, half))
        else:
            outward, reach = out * along - half, _reach_along(v, item, rx, ry, rz)
    return hypot(aside, max(0.0, outward - reach - within, -outward))


def past(v: Values, item: int, support: int, axis: int, sign: float) -> float:
    """How far the middle of x is beyond the outline of y, along an axis of the world.

    `axis` 0 or 1, `sign` 1.0 or -1.0 for the way along it; negative before the outline's edge.
    """
    ahead = sign * (_centre(v, item)[axis] - _centre(v, support)[axis])
    return ahead - _reach_along(v, support, float(axis == 0), float(axis == 1), 0.0)


def top(v: Values, a: int) -> float:
    """Height of the highest point of the bounding box."""
    middle, reach = _upright(v, a)
    return middle + reach


def bottom(v: Values, a: int) -> float:
    """Height of the lowest point of the bounding box."""
    middle, reach = _upright(v, a)
    return middle - reach


def apart(v: Values, a: int, x: float, y: float, z: float) -> float:
    """Distance of the origin of `a` from a point."""
    return hypot(v[a] - x, v[a + 1] - y, v[a + 2] - z)


def tilt(v: Values, a: int, ux: float, uy: float, uz: float) -> float:
    """Angle in [0, pi] between the vertical and the axis of `a` that was vertical at reset.

    (ux, uy, uz) is that axis in the body's frame: the third row of the rotation matrix at reset.
    """
    cosine = v[a + 9] * ux + v[a + 10] * uy + v[a + 11] * uz
    return acos(max(-1.0, min(1.0, cosine)))


def _beyond(distance: float, half_extent: float) -> float:
    outside = abs(distance) - half_extent
    return outside if outside > 0.0 else 0.0


def _centre(v: Values, a: int) -> tuple[float, float, float]:
    """Centre of the bounding box, in the world's frame."""
    x, y, z, r0, r1, r2, r3, r4, r5, r6, r7, r8, cx, cy, cz = v[a : a + 15]
    return (
        x + r0 * cx + r1 * cy + r2 * cz,
        y + r3 * cx + r4 * cy + r5 * cz,
        z + r6 * cx + r7 * cy + r8 * cz,
    )


def _upright(v: Values, a: int) -> tuple[float, float]:
    """Height of the bounding box's centre, and half of its vertical extent."""
    r6, r7, r8, cx, cy, cz, hx, hy, hz = v[a + 9 : a + 18]
    middle = v[a + 2] + r6 * cx + r7 * cy + r8 * cz
    return middle, abs(r6) * hx + abs(r7) * hy + abs(r8) * hz


def _reach_along(v: Values, a: int, x: float, y: float, z: float) -> float:
    """Half the extent of the bounding box along a unit vector of the world."""
    r0, r1, r2, r3, r4, r5, r6, r7, r8, _, _, _, hx, hy, hz = v[a + 3 : a + 18]
    first, second = x * r0 + y * r3 + z * r6, x * r1 + y * r4 + z * r7
    return abs(first) * hx + abs(second) * hy + abs(x * r2 + y * r5 + z * r8) * hz
