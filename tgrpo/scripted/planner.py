"""From a BDDL goal to steps in an order that works. Pure: knows the scene, not its state.

A goal is a conjunction, in no particular order. Parts are opened and switched first, while both
hand and way are free; what others are put on is placed before them; what is to be closed is closed
last. A thing that goes into a drawer or a microwave needs it open meanwhile, which no goal says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import rewardlang

Atom = tuple[str, ...]


class UnsupportedGoalError(ValueError):
    """The demonstrator has no skill for a part of the goal; the message names all such parts."""


class Kind(IntEnum):
    """Of a step, in the order of their turns."""

    OPEN = 0
    SWITCH = 1
    PLACE = 2
    CLOSE = 3


@dataclass(frozen=True, slots=True)
class Step:
    """`atom` is to hold. `serves`: the atom of the goal that needs it; empty: the goal itself."""

    kind: Kind
    atom: Atom
    serves: Atom = ()


def plan(scene: rewardlang.Scene) -> tuple[Step, ...]:
    """Steps for the scene's goal, in order. Raises UnsupportedGoalError."""
    check_skills([scene])
    asked = [Step(kind, atom) for atom in scene.goal if (kind := _kind(scene, atom)) is not None]
    opened = {step.atom[1] for step in asked if step.kind is Kind.OPEN}
    implied = [
        Step(Kind.OPEN, ("open", part), step.atom)
        for step in asked
        if (part := _part_around(scene, step.atom)) and part not in opened
    ]
    return tuple(sorted([*implied, *asked], key=lambda step: (step.kind, _depth(step, asked))))


def check_skills(scenes: Iterable[rewardlang.Scene]) -> None:
    """Raises UnsupportedGoalError, naming all of them, for goals that no skill brings about."""
    beyond = [
        f"  {scene.id}: {', '.join(atoms) or 'an empty goal'}"
        for scene in scenes
        if (atoms := [f"({' '.join(a)})" for a in scene.goal if _kind(scene, a) is None])
        or not scene.goal
    ]
    if beyond:
        raise UnsupportedGoalError(
            "the demonstrator places movable objects in containers and on things, and opens, "
            "closes and switches parts whose handle is known; it has no skill for\n"
            + "\n".join(beyond)
            + "\nwith recorded demonstrations these can be trained: --demos FILE.hdf5"
        )


def step_towards(scene: rewardlang.Scene, atom: Atom) -> Step | None:
    """The step that brings about an atom, asked for by the scene's goal or not; None: none does."""
    kind = _kind(scene, atom)
    return None if kind is None else Step(kind, atom)


def _kind(scene: rewardlang.Scene, atom: Atom) -> Kind | None:
    """What brings the atom about; None: nothing does."""
    match atom:
        case ("in", str(item), str(target)):
            owned = {region.name for region in scene.regions if not region.owner_is_surface}
            return Kind.PLACE if _movable(scene, item) and target in owned else None
        case ("on", str(item), _):
            return Kind.PLACE if _movable(scene, item) else None
        case ("open", str(part)) if _opens(scene, part):
            return Kind.OPEN
        case ("close", str(part)) if _opens(scene, part):
            return Kind.CLOSE
        case ("turnon" | "turnoff", str(thing)) if _switches(scene, thing):
            return Kind.SWITCH
        case _:
            return None


def _part_around(scene: rewardlang.Scene, atom: Atom) -> str | None:
    """The drawer or door that must be open for a thing to get where the atom wants it."""
    region = scene.regions_by_name.get(atom[2]) if atom[0] == "in" else None
    names = (region.name, region.owner) if region else ()
    return next((name for name in names if _opens(scene, name)), None)


def _depth(step: Step, steps: list[Step]) -> int:
    """How many things of the goal are placed below the one that this step places."""
    below = {other.atom[1]: other.atom[2] for other in steps if other.kind is Kind.PLACE}
    name, seen = step.atom[-1], {step.atom[1]}
    while name in below and name not in seen:
        seen.add(name)
        name = below[name]
    return len(seen)


def _movable(scene: rewardlang.Scene, name: str) -> bool:
    return any(thing.name == name and not thing.fixture for thing in scene.objects)


def _opens(scene: rewardlang.Scene, name: str) -> bool:
    region = scene.regions_by_name.get(name)
    doors = [thing.name for thing in scene.objects if thing.openable]
    return (name in doors or (region is not None and region.openable)) and rewardlang.handle_of(
        scene, name
    ) is not None


def _switches(scene: rewardlang.Scene, name: str) -> bool:
    switches = any(thing.name == name and thing.switchable for thing in scene.objects)
    return switches and rewardlang.handle_of(scene, name) is not None
