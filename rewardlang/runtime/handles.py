"""Where a hand takes hold of what opens or turns: LIBERO's models name no handle, so a table does.

One row per category of fixture and joint: centre and half extents of the handle's box, in the
frame of the body that the joint moves. Read off the collision geoms of LIBERO's articulated
objects (metres); drawers of the two cabinets differ in nothing but height.
"""

from __future__ import annotations

from dataclasses import dataclass

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Handle:
    """A box in the frame of the moving body. Units: m."""

    centre: Vector
    half_extents: Vector


def _drawer(height: float) -> Handle:
    return Handle(centre=(-0.0028, -0.1016, height), half_extents=(0.0445, 0.0082, 0.0077))


_CABINET = {
    "top_level": _drawer(0.1839),
    "middle_level": _drawer(0.1104),
    "bottom_level": _drawer(0.0411),
}

_HANDLES: dict[str, dict[str, Handle]] = {
    "wooden_cabinet": _CABINET,
    "white_cabinet": _CABINET,
    "yellow_cabinet": _CABINET,
    "microwave": {"microjoint": Handle((0.2375, -0.054, 0.0), (0.01, 0.01, 0.075))},
    "flat_stove": {"button": Handle((0.0012, 0.0033, 0.0248), (0.0243, 0.0486, 0.0131))},
    "yellow_stove": {"button": Handle((0.0012, 0.0033, 0.0248), (0.0243, 0.0486, 0.0131))},
}


def handle_of(category: str, joint: str) -> Handle | None:
    """The handle of a fixture's joint (`wooden_cabinet_1_top_level`); None: no row for it."""
    rows = _HANDLES.get(category, {})
    return next((row for suffix, row in rows.items() if joint.endswith(f"_{suffix}")), None)
