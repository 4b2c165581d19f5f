"""Handles and mouths: what LIBERO's models have and do not name, by category of fixture.

Read off the collision geoms of LIBERO's articulated objects and shelves, and compared with them by
a test marked `sim`. Units: m.
"""

from __future__ import annotations

from dataclasses import dataclass

from rewardlang.scene import Joint, Scene

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Handle:
    """What a hand takes hold of: a box in the frame of the body that the joint moves."""

    centre: Vector
    half_extents: Vector


def _drawer(height: float) -> Handle:
    return Handle(centre=(-0.0028, -0.1016, height), half_extents=(0.0445, 0.0077, 0.0082))


_CABINET = {  # the drawers of both cabinets differ in nothing but height
    "top_level": _drawer(0.1839),
    "middle_level": _drawer(0.1104),
    "bottom_level": _drawer(0.0411),
}

_HANDLES: dict[str, dict[str, Handle]] = {  # category -> end of the joint's name -> handle
    "wooden_cabinet": _CABINET,
    "white_cabinet": _CABINET,
    "microwave": {"microjoint": Handle((0.2375, -0.054, 0.0), (0.01, 0.01, 0.075))},
    "flat_stove": {"button": Handle((0.0013, 0.0057, 0.0253), (0.0124, 0.0463, 0.0247))},
}

_FRONT = (0.0, -1.0, 0.0)
_UP = (0.0, 0.0, -1.0)  # these regions are built upside down

_MOUTHS: dict[str, dict[str, Vector]] = {  # category -> end of the region's name -> way out
    "microwave": {"heating_region": _FRONT},
    "wooden_two_layer_shelf": {"top_region": _FRONT, "bottom_region": _FRONT},
    "desk_caddy": {
        "back_contain_region": _UP,
        "left_contain_region": _UP,
        "right_contain_region": _UP,
        "front_contain_region": (0.0, -1.0, 0.0),  # upwards too: this one is built on its side
    },
}


def handle_of(scene: Scene, name: str) -> tuple[Joint, Handle] | None:
    """The joint of an openable or switchable thing and its handle; None: no row knows one.

    The scene's own boxes come before the table. KeyError where the scene has no such thing.
    """
    region = scene.regions_by_name.get(name)
    thing = region or scene.object(name)
    own = {box.joint: box for box in scene.handles if box.part == name}
    for joint in thing.joints:
        if box := own.get(joint.name):
            return joint, Handle(box.centre, box.half_extents)
    owner = region.owner if region else name
    if owner not in scene.kinds:  # a zone of the table or floor
        return None
    rows = _HANDLES.get(scene.object(owner).category, {})
    found = (
        (joint, handle)
        for joint in thing.joints
        for end, handle in rows.items()
        if joint.name.endswith(f"_{end}")
    )
    return next(found, None)


def mouth_of(scene: Scene, name: str) -> Vector | None:
    """The way out of a region that is not simply entered from above: a unit vector in its frame.

    None: no row knows a mouth of it. KeyError where the scene has no such region.
    """
    region = scene.region(name)
    if region.owner not in scene.kinds:
        return None
    rows = _MOUTHS.get(scene.object(region.owner).category, {})
    return rows.get(region.name.removeprefix(f"{region.owner}_"))
