"""A scene of the catalogue as a card: all that a program about it can speak of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rewardlang.checking.library import GOAL_PREDICATES
from rewardlang.checking.names import nearest
from rewardlang.datatypes import kind_words
from rewardlang.inspecting.page import filled
from rewardlang.scene import Object, Region, Scene, UnknownSceneError, load, suites, task_names


@dataclass(frozen=True)
class Sentence:
    """What else the task's file calls it. where: its name, or its `:language` line."""

    where: str
    said: str


@dataclass(frozen=True)
class Goal:
    """An atom of LIBERO's goal in the language's spelling."""

    atom: str
    true_at_reset: bool


@dataclass(frozen=True)
class Movable:
    """An object to be moved. size: its box, width × depth × height, cm, as it stands in its model.

    starts: where it stands at reset, "" where the task does not say.
    """

    name: str
    size: tuple[float, float, float]
    starts: str


@dataclass(frozen=True)
class Place:
    """A region. size: cm, as for `Movable`; what: its kinds and what is special about it."""

    name: str
    what: str
    size: tuple[float, float, float]


@dataclass(frozen=True)
class Fixture:
    """What stands fixed, with its regions. what: its kinds."""

    name: str
    what: str
    regions: tuple[Place, ...]


@dataclass(frozen=True)
class Card:
    """What there is in a scene, what is asked for, and what holds at reset."""

    id: str
    instruction: str
    also: tuple[Sentence, ...]
    goal: tuple[Goal, ...]
    at_reset: tuple[str, ...]
    movables: tuple[Movable, ...]
    fixtures: tuple[Fixture, ...]
    zones: tuple[Place, ...]  # regions of table, floor and movable objects
    openable: tuple[str, ...]
    switchable: tuple[str, ...]
    look_alikes: tuple[tuple[str, ...], ...]

    def as_json(self) -> dict[str, Any]:
        """The card as plain data."""
        return asdict(self)


def find_scene(scene_id: str) -> Scene:
    """The scene `suite/task`, or of a `.bddl` file.

    Raises SceneFileError, and UnknownSceneError whose `known` holds the nearest ids only.
    """
    try:
        return load(scene_id)
    except UnknownSceneError:
        suite, _, _ = scene_id.partition("/")
        meant = [suite] if suite in suites() else nearest(suite, suites()) or suites()
        ids = [f"{name}/{task}" for name in meant for task in task_names(name)]
        raise UnknownSceneError(scene_id, tuple(nearest(scene_id, ids, spread=0.05))) from None


def card(scene: Scene) -> Card:
    """The card of a scene."""
    kinds = {name: kind_words(kind) for name, kind in scene.kinds.items()}
    fixtures = [item for item in scene.objects if item.fixture]
    fixed = {item.name for item in fixtures}
    said = [region for region in scene.regions if not region.placement_only]
    return Card(
        id=scene.id,
        instruction=scene.instruction,
        also=tuple(_also(scene)),
        goal=tuple(
            Goal(_spelt(atom), index in scene.goal_true_at_reset)
            for index, atom in enumerate(scene.goal)
        ),
        at_reset=tuple(_spelt(atom) for atom in scene.initial if _can_be_said(atom, scene)),
        movables=tuple(_movable(item, scene) for item in scene.objects if not item.fixture),
        fixtures=tuple(_fixture(item, said, kinds) for item in fixtures),
        zones=tuple(_place(region, kinds) for region in said if region.owner not in fixed),
        openable=tuple(name for name, words in kinds.items() if "openable" in words.split(", ")),
        switchable=tuple(item.name for item in scene.objects if item.switchable),
        look_alikes=_look_alikes(scene),
    )


def text(shown: Card) -> str:
    """The card as plain text."""
    return filled("scene.txt.jinja", card=shown)


def markdown(shown: Card) -> str:
    """The card as a Markdown page."""
    return filled("scene.md.jinja", card=shown)


def prompt(shown: Card) -> str:
    """The card in few words, for the prompt of a language model."""
    return filled("scene.prompt.jinja", card=shown)


def _also(scene: Scene) -> Iterator[Sentence]:
    for said in dict.fromkeys((*scene.other_instructions, scene.language)):
        if said and said != scene.instruction:
            yield Sentence(":language" if said == scene.language else "file name", said)


def _spelt(atom: Sequence[str]) -> str:
    """LIBERO's atom as a program says it."""
    predicate, *things = atom
    return f"{GOAL_PREDICATES.get(predicate, predicate)}({', '.join(things)})"


def _can_be_said(atom: Sequence[str], scene: Scene) -> bool:
    """Whether a program can say it: not of fixtures, nor of zones that only place things."""
    return all(
        name in scene.kinds and not _only_places(name, scene) and not _stands_fixed(atom, scene)
        for name in atom[1:]
    )


def _only_places(name: str, scene: Scene) -> bool:
    region = scene.regions_by_name.get(name)
    return region is not None and region.placement_only


def _stands_fixed(atom: Sequence[str], scene: Scene) -> bool:
    """Whether it says where a fixture stands."""
    items = {item.name: item for item in scene.objects}
    return len(atom) == 3 and atom[1] in items and items[atom[1]].fixture


def _movable(item: Object, scene: Scene) -> Movable:
    atom = next((atom for atom in scene.initial if len(atom) == 3 and atom[1] == item.name), None)
    return Movable(item.name, _size(item.half_extents), _start(atom, scene) if atom else "")


def _start(atom: Sequence[str], scene: Scene) -> str:
    """`on plate_1`; a zone that only places things is described, for no program can name it."""
    relation, _, place = atom
    if not _only_places(place, scene):
        return f"{relation} {place}"
    owner = scene.region(place).owner
    words = place.removeprefix(f"{owner}_").removesuffix("_region").replace("_", " ")
    return f'in the zone "{words}" of {owner}'


def _fixture(item: Object, said: Sequence[Region], kinds: dict[str, str]) -> Fixture:
    regions = tuple(_place(region, kinds) for region in said if region.owner == item.name)
    return Fixture(item.name, kinds[item.name], regions)


def _place(region: Region, kinds: dict[str, str]) -> Place:
    roofed = ", roofed: no way in from above" if region.roofed else ""
    return Place(region.name, kinds[region.name] + roofed, _size(region.half_extents))


def _size(half_extents: tuple[float, float, float]) -> tuple[float, float, float]:
    """Metres of half a box -> cm of the whole, to a millimetre."""
    x, y, z = (round(200 * half, 1) for half in half_extents)
    return x, y, z


def _look_alikes(scene: Scene) -> tuple[tuple[str, ...], ...]:
    """Objects of one category, where there are several."""
    alike: dict[str, list[str]] = defaultdict(list)
    for item in scene.objects:
        alike[item.category].append(item.name)
    return tuple(tuple(names) for names in alike.values() if len(names) > 1)
