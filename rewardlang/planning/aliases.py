"""Names worth reading for what a scene calls `akita_black_bowl_1`, and where things start."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rewardlang.scene import Object, Region, Scene

# Suffixes of LIBERO's region names -> what a person calls the place.
_NOT_A_NAME = {"region", "contain", "init"}
_BURNER = "cook_region"
_TOP = "top_side"
_FLOORS = {"top": "upper", "bottom": "lower"}  # of a shelf, whose top is where things stand on it


def choose_aliases(scene: Scene, names: Sequence[str]) -> dict[str, str]:
    """Scene name -> alias, distinct, in the order of `names`: the shortest one that is unique.

    `alphabet_soup_1` -> `soup`; two sauces -> `bbq_sauce`, `tomato_sauce`; two plates, even where
    only one is used -> the side on which each starts, `left_plate`; failing that, the scene name.
    """
    names = list(dict.fromkeys(names))
    choices = {name: _candidates(scene, name) for name in names}
    longest = max((len(words) for words in choices.values()), default=0)
    chosen: dict[str, str] = {}
    for rank in range(longest):
        at_rank = {name: words[min(rank, len(words) - 1)] for name, words in choices.items()}
        for name, alias in at_rank.items():
            taken = [*chosen.values(), *(at_rank[other] for other in names if other not in chosen)]
            if name not in chosen and taken.count(alias) == 1 and alias not in scene.kinds:
                chosen[name] = alias
    return {name: chosen.get(name, name) for name in names}


def noun(scene: Scene, name: str) -> str:
    """The one word for an object's category, or a place's phrase: `bowl`, `drawer`."""
    region = scene.regions_by_name.get(name)
    return _words(scene.object(name))[0] if region is None else _place_names(scene, region)[0]


def look_alikes(scene: Scene, name: str) -> tuple[Object, ...]:
    """The other objects of the same category; a place has none."""
    if name in scene.regions_by_name:
        return ()
    category = scene.object(name).category
    return tuple(item for item in scene.objects if item.category == category and item.name != name)


def start_of(scene: Scene, name: str) -> str:
    """Where an object is at reset, in words: `on plate_1`, `in the zone "next to box"`."""
    atom = next((atom for atom in scene.initial if len(atom) == 3 and atom[1] == name), None)
    if atom is None:
        return "somewhere the task does not say"
    relation, _, place = atom
    zone = scene.regions_by_name.get(place)
    if zone is None or not zone.owner_is_surface:
        return f"{relation} {place}"
    category = scene.object(name).category.split("_")
    words = [word for word in _zone_words(zone) if word not in category] or _zone_words(zone)
    return f'in the zone "{" ".join(words)}"'


def described_in(instruction: str, thing: str) -> str | None:
    """The instruction's words for the object to pick up, where they tell it from its look-alikes.

    `pick up the black bowl next to the plate and place it on the plate` -> `the black bowl next
    to the plate`.
    """
    picked = re.fullmatch(rf"pick up (the .*?\b{thing} .+?) and (?:place|put) it .+", instruction)
    return picked.group(1) if picked else None


def _candidates(scene: Scene, name: str) -> list[str]:
    """Aliases for a name, shortest first."""
    region = scene.regions_by_name.get(name)
    if region is not None:
        return _place_names(scene, region)
    item = scene.object(name)
    words, side = _words(item), _side(scene, item)
    if not side:
        return words
    sided = f"{side}_{words[0]}"
    return [sided, *words] if _are_told_apart(scene, item) else [*words, sided]


def _are_told_apart(scene: Scene, item: Object) -> bool:
    """Whether the instruction tells an object and its look-alikes by their sides."""
    alike = look_alikes(scene, item.name)
    sides = {_side(scene, other) for other in (item, *alike)}
    return bool(alike) and not sides.isdisjoint(scene.instruction.split())


def _words(item: Object) -> list[str]:
    """`soup`, `alphabet_soup`; none begins with a digit."""
    words = item.category.split("_")
    return ["_".join(words[-n:]) for n in range(1, len(words) + 1) if words[-n][0].isalpha()]


def _side(scene: Scene, item: Object) -> str:
    """`left` for a plate that starts in the zone `plate_left_region`; "" where nothing is said."""
    place = next((atom[2] for atom in scene.initial if len(atom) == 3 and atom[1] == item.name), "")
    zone = scene.regions_by_name.get(place)
    if zone is None or not zone.owner_is_surface:
        return ""
    return "_".join(word for word in _zone_words(zone) if word not in item.category.split("_"))


def _place_names(scene: Scene, region: Region) -> list[str]:
    suffix = region.name.removeprefix(f"{region.owner}_")
    words = [word for word in suffix.split("_") if word not in _NOT_A_NAME]
    if region.owner_is_surface:
        return ["_".join(words) or "zone"]
    owner = noun(scene, region.owner)
    if region.openable:
        return ["drawer", "_".join([*words, "drawer"])]
    if suffix == _BURNER:
        return ["burner"]
    if suffix == _TOP:
        return [f"{owner}_top"]
    if region.roofed and scene.object(region.owner).openable:
        return [f"{owner}_interior"]
    if region.roofed:
        return ["_".join([*(_FLOORS.get(word, word) for word in words), owner])]
    if "contain" in suffix and words:
        return ["_".join([*words, "compartment"])]
    return [owner, "_".join([*words, owner])]


def _zone_words(zone: Region) -> list[str]:
    suffix = zone.name.removeprefix(f"{zone.owner}_")
    return [word for word in suffix.split("_") if word not in _NOT_A_NAME]
