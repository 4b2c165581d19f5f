"""What has to be done for a goal, what has to come before it, and what waits for what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from rewardlang.planning.heights import stands
from rewardlang.scene import Scene

Atom = tuple[str, ...]

PLACEMENTS = ("in", "on")
PARTS = ("open", "close", "turnon", "turnoff")


class Cause(Enum):
    """Why one step comes before another."""

    SUPPORT = "it puts in place what the other one stands on"
    OPENING = "it opens what the other one reaches into"
    FILLING = "it reaches into what the other one closes"


@dataclass(frozen=True)
class Step:
    """One thing to bring about. `asked`: the goal says so; otherwise something else needs it."""

    atom: Atom
    asked: bool = True

    @property
    def verb(self) -> str:
        return self.atom[0]

    @property
    def thing(self) -> str:
        """What is moved, opened, closed or turned."""
        return self.atom[1]

    @property
    def names(self) -> tuple[str, ...]:
        return self.atom[1:]

    @property
    def is_placement(self) -> bool:
        return self.verb in PLACEMENTS


Layers = tuple[tuple[Step, ...], ...]
"""Steps one after the other, those of one layer side by side."""


def kept(scene: Scene) -> tuple[Atom, ...]:
    """The atoms of the goal that hold at reset: there is nothing to do but to leave them."""
    return tuple(scene.goal[index] for index in scene.goal_true_at_reset)


def steps(scene: Scene) -> tuple[Step, ...]:
    """What has to be done, in the goal's order, each after the openings that it needs."""
    asked = [Step(atom) for atom in dict.fromkeys(scene.goal) if atom not in kept(scene)]
    opened = {step.thing for step in asked if step.verb == "open"}
    opened |= {atom[1] for atom in scene.initial if atom[0] == "open"}
    found: list[Step] = []
    for step in asked:
        for part in doors(scene, step):
            if part not in opened:
                found.append(Step(("open", part), asked=False))
                opened.add(part)
        found.append(step)
    return tuple(found)


def doors(scene: Scene, step: Step) -> tuple[str, ...]:
    """The parts that must be open for a placement: around its place, and where its thing starts."""
    if not step.is_placement:
        return ()
    start = stands(scene.initial).get(step.thing, ("", ""))[1]
    around = (_door(scene, place) for place in (start, step.atom[2]))
    return tuple(dict.fromkeys(part for part in around if part))


def _door(scene: Scene, place: str) -> str:
    """The part that shuts a place off: the drawer itself, the door before an inside; or ""."""
    region = scene.regions_by_name.get(place)
    if region is None or region.owner_is_surface:
        return ""
    if region.openable:
        return region.name
    return region.owner if region.roofed and scene.object(region.owner).openable else ""


def cause(scene: Scene, earlier: Step, later: Step) -> Cause | None:
    """Why `earlier` has to come before `later`; None where it need not."""
    if later.is_placement and earlier.is_placement and earlier.thing in _supports(scene, later):
        return Cause.SUPPORT
    if earlier.verb == "open" and earlier.thing in doors(scene, later):
        return Cause.OPENING
    if later.verb == "close" and later.thing in doors(scene, earlier):
        return Cause.FILLING
    return None


def _supports(scene: Scene, step: Step) -> tuple[str, ...]:
    place = step.atom[2]
    region = scene.regions_by_name.get(place)
    return (place,) if region is None else (place, region.owner)


def order(scene: Scene, todo: Sequence[Step]) -> tuple[Layers, ...] | None:
    """Branches that have nothing to do with each other, each in layers; None in a circle."""
    branches = []
    for branch in _branches(scene, todo):
        layers = _layers(scene, branch)
        if layers is None:
            return None
        branches.append(layers)
    return tuple(branches)


def _branches(scene: Scene, todo: Iterable[Step]) -> list[list[Step]]:
    """The steps, together where one waits for the other."""
    branches: list[list[Step]] = []
    for step in todo:
        related = [b for b in branches if any(_related(scene, step, other) for other in b)]
        joined = [other for branch in related for other in branch]
        branches = [branch for branch in branches if branch not in related]
        branches.append([*joined, step])
    return branches


def _related(scene: Scene, a: Step, b: Step) -> bool:
    return cause(scene, a, b) is not None or cause(scene, b, a) is not None


def _layers(scene: Scene, branch: Sequence[Step]) -> Layers | None:
    waiting, layers = list(branch), []
    while waiting:
        layer = tuple(_ready(scene, waiting))
        if not layer:
            return None
        layers.append(layer)
        waiting = [step for step in waiting if step not in layer]
    return tuple(layers)


def _ready(scene: Scene, waiting: Sequence[Step]) -> Iterator[Step]:
    """The steps that wait for none of the others."""
    for step in waiting:
        if all(cause(scene, other, step) is None for other in waiting):
            yield step
