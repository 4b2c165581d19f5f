"""What every object of a category has in common, learnt from scenes that a simulator wrote.

LIBERO builds an object from its category alone, so that sizes, joints and regions are the same in
every scene but for the object's name, which bodies and joints begin with; a test holds the
catalogue to it. A BDDL file names categories: this is where the rest comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rewardlang.scene.model import Joint, Object, Region, Scene


@dataclass(frozen=True, eq=False)
class Categories:
    """What is known.

    objects: category -> an object of it; regions: category -> name behind the object's -> a region
    of such an object; zones: problem class -> a zone of its table or floor.
    """

    objects: Mapping[str, Object]
    regions: Mapping[str, Mapping[str, Region]]
    zones: Mapping[str, Region]


def learn(scenes: Iterable[Scene]) -> Categories:
    """The categories of all `scenes`; where they disagree, the first counts."""
    objects: dict[str, Object] = {}
    regions: dict[str, dict[str, Region]] = {}
    zones: dict[str, Region] = {}
    for scene in scenes:
        category = {item.name: item.category for item in scene.objects}
        for item in scene.objects:
            objects.setdefault(item.category, item)
        for region in scene.regions:
            if region.owner_is_surface:
                zones.setdefault(scene.problem, region)
            elif region.owner in category:
                of_category = regions.setdefault(category[region.owner], {})
                of_category.setdefault(region.name.removeprefix(f"{region.owner}_"), region)
    return Categories(objects, regions, zones)


def object_like(known: Object, name: str, fixture: bool) -> Object:
    """An object of the same category under another name."""
    return known.model_copy(
        update={
            "name": name,
            "body": _renamed(known.body, known.name, name),
            "fixture": fixture,
            "joints": _joints(known.joints, known.name, name),
        }
    )


def region_like(known: Region, owner: str) -> Region:
    """The same region of another object of the category."""
    return known.model_copy(
        update={
            "name": _renamed(known.name, known.owner, owner),
            "owner": owner,
            "joints": _joints(known.joints, known.owner, owner),
        }
    )


def _joints(joints: tuple[Joint, ...], old: str, new: str) -> tuple[Joint, ...]:
    return tuple(
        joint.model_copy(update={"name": _renamed(joint.name, old, new)}) for joint in joints
    )


def _renamed(text: str, old: str, new: str) -> str:
    return new + text.removeprefix(old) if text.startswith(old) else text
