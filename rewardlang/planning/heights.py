"""Which level is what, before anything moves: sums of the catalogue's boxes. Units: m.

Levels count from the table or floor that everything stands on in the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rewardlang.scene import Scene

Stands = Mapping[str, tuple[str, str]]  # object -> ("on" | "in", what it stands on or in)


def stands(atoms: Sequence[tuple[str, ...]]) -> dict[str, tuple[str, str]]:
    """What stands where, from the `in` and `on` atoms of a goal or initial state."""
    return {atom[1]: (atom[0], atom[2]) for atom in atoms if atom[0] in ("in", "on")}


def circle(scene: Scene, where: Stands) -> tuple[str, ...]:
    """Objects each of which stands on or in the next, the last on or in the first; or ()."""
    for name in where:
        seen: list[str] = []
        while name in where and name not in seen:
            seen.append(name)
            support = where[name][1]
            region = scene.regions_by_name.get(support)
            name = support if region is None else region.owner
        if name in seen:
            return tuple(seen[seen.index(name) :])
    return ()


def foot(scene: Scene, name: str, where: Stands) -> float:
    """Level of an object's underside."""
    relation, support = where.get(name, ("on", ""))
    return _level(scene, relation, support, where)


def rim(scene: Scene, place: str, where: Stands) -> float:
    """The highest edge on the way into `place`: its own, or of the container it stands in."""
    return max(_level(scene, "on", place, where), wall(scene, place, where))


def floor(scene: Scene, place: str, where: Stands) -> float:
    """The level of the ground inside a region."""
    return _level(scene, "in", place, where)


def opening(scene: Scene, region: str, where: Stands) -> tuple[float, float]:
    """Bottom and top of the way into a roofed region, from the front."""
    return max(0.0, floor(scene, region, where)), _level(scene, "on", region, where)


def wall(scene: Scene, name: str, where: Stands) -> float:
    """Top of the container that an object stands in; 0 where it stands in none."""
    relation, support = where.get(name, ("on", ""))
    return _level(scene, "on", support, where) if relation == "in" else 0.0


def _level(scene: Scene, relation: str, support: str, where: Stands) -> float:
    """Level of the underside of something in or on `support`."""
    region = scene.regions_by_name.get(support)
    if region is not None:
        if region.levels is None:  # a zone of the table or floor itself
            return 0.0
        return foot(scene, region.owner, where) + region.levels[0 if relation == "in" else 1]
    if support not in scene.kinds:  # the table or floor
        return 0.0
    return foot(scene, support, where) + scene.object(support).height
