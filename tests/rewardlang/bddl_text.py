"""A scene as a BDDL text, the way LIBERO's files are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rewardlang.scene import Object, Region, Scene


def bddl_text(scene: Scene) -> str:
    """A text whose scene `scene` is, as far as BDDL can say it."""
    surface = next(region.owner for region in scene.regions if region.owner_is_surface)
    sections = [
        f"(problem {scene.problem.upper()})",
        "(:domain robosuite)",
        f"(:language {scene.language})",
        _section("regions", map(_region, scene.regions)),
        _section("fixtures", [f"{surface} - {surface}", *_rows(scene.objects, fixture=True)]),
        _section("objects", _rows(scene.objects, fixture=False)),
        _section("obj_of_interest", scene.objects_of_interest),
        _section("init", map(_atom, scene.initial)),
        f"(:goal (And {' '.join(map(_atom, scene.goal))}))",
    ]
    return "(define " + "\n  ".join(sections) + "\n)\n"


def _section(name: str, lines: Iterable[str]) -> str:
    return f"(:{name}\n    " + "\n    ".join(lines) + "\n  )"


def _rows(objects: Sequence[Object], *, fixture: bool) -> list[str]:
    """`a b - category`, one row for each category."""
    names: dict[str, list[str]] = {}
    for item in objects:
        if item.fixture == fixture:
            names.setdefault(item.category, []).append(item.name)
    return [f"{' '.join(of)} - {category}" for category, of in names.items()]


def _region(region: Region) -> str:
    name = region.name.removeprefix(f"{region.owner}_")
    ranges = f" (:ranges (({' '.join(map(str, region.ranges))})))" if region.ranges else ""
    return f"({name} (:target {region.owner}){ranges})"


def _atom(atom: Sequence[str]) -> str:
    return f"({' '.join(atom)})"
