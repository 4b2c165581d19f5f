"""Stages for putting things into and onto places: from above, or through a mouth.

Heights come from the scene's geometry; a comment says which, so that whoever edits the program
sees what a number stands for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rewardlang.fittings import mouth_of
from rewardlang.planning.heights import floor, foot, opening, rim, stands, wall
from rewardlang.planning.steps import Atom, Step
from rewardlang.planning.wording import LET_GO, cm, comment, placed, say
from rewardlang.scene import Object, Region, Scene

CLEARANCE = 0.02  # m between an object's underside and what it is carried over
LEAST_LIFT = 0.05  # m: below this, "lifted" could be a push or a tilt


@dataclass(frozen=True)
class Lift:
    """How high to lift, m, and why."""

    height: float
    reason: str


def stages(scene: Scene, step: Step, aliases: Mapping[str, str], *, last: bool) -> Iterator[str]:
    """Five stages up to LIBERO's goal, and letting go unless nothing is left to do after it."""
    relation, thing, place = step.verb, aliases[step.thing], aliases[step.atom[2]]
    goal = f"{relation}({thing}, {place})"
    lift = _lift(scene, step.atom, aliases)
    yield f"stage reach weight 1 {{ until near(gripper, {thing}) }}"
    yield from comment(
        "Three steps, because contacts flicker; a gripper that has left has to reach again."
    )
    yield f"stage grasp weight 2 {{ until grasped({thing}) for 3 steps"
    yield f"while near(gripper, {thing}, {LET_GO}) }}"
    yield from comment(lift.reason)
    yield f"stage lift weight 1 {{ until lifted({thing}, {cm(lift.height)})"
    yield f"while grasped({thing}) }}"
    yield from _carry_and_set_down(scene, step, aliases, last=last)
    if not last:
        yield f"stage release weight 1 {{ until released({thing}) while {goal} }}"


def obstacle(scene: Scene, step: Step) -> str:
    """Why a placement cannot be planned; "" where it can."""
    place = step.atom[2]
    if _is_roofed(_target(scene, place)) and mouth_of(scene, place) is None:
        return f"{place} is roofed, and where its mouth is is not known"
    return ""


def _carry_and_set_down(
    scene: Scene, step: Step, aliases: Mapping[str, str], *, last: bool
) -> Iterator[str]:
    relation, thing, place = step.verb, aliases[step.thing], aliases[step.atom[2]]
    goal, held = f"{relation}({thing}, {place})", f"while grasped({thing})"
    target = _target(scene, step.atom[2])
    before = "at_mouth" if _has_mouth(scene, target) else "above"
    yield from comment(_carry_note(scene, target, place))
    yield f"stage carry weight 3 {{ until {before}({thing}, {place}) {held} }}"
    yield from comment(_goal_note(placed(relation, thing, place, target), last=last))
    if _is_roofed(target):
        yield f"stage insert weight 2 {{ until {goal} {held} }}"
    else:
        yield f"stage lower weight 2 {{ until {goal} while over({thing}, {place}) }}"


def _carry_note(scene: Scene, target: Object | Region, place: str) -> str:
    if isinstance(target, Object):
        return f"Anywhere over the {say(place)} will do here; lowering has to centre."
    if not _has_mouth(scene, target):
        return ""
    if not target.roofed:
        return f"The walls are close: over the opening of the {say(place)}, without a margin."
    low, high = opening(scene, target.name, stands(scene.initial))
    return f"The way in is from the front, between {round(low * 100)} and {cm(high)} up."


def _goal_note(goal: str, *, last: bool) -> str:
    """What LIBERO asks for, where its words and the instruction's differ."""
    if not last:
        return f"LIBERO's goal: {goal}."
    return f"LIBERO's goal, held or not: {goal}. The episode ends there, before any release."


def _target(scene: Scene, place: str) -> Object | Region:
    region = scene.regions_by_name.get(place)
    return scene.object(place) if region is None else region


def _has_mouth(scene: Scene, target: Object | Region) -> bool:
    return isinstance(target, Region) and mouth_of(scene, target.name) is not None


def _is_roofed(target: Object | Region) -> bool:
    return isinstance(target, Region) and target.roofed


# --- heights ----------------------------------------------------------------------------------


def _lift(scene: Scene, atom: Atom, aliases: Mapping[str, str]) -> Lift:
    """Enough for the object's underside to clear the way in, and the container it starts in."""
    _, thing, place = atom
    at_reset = stands(scene.initial)
    at_the_end = {**at_reset, **stands(scene.goal)}
    target = _target(scene, place)
    base = foot(scene, thing, at_reset)
    edge = (floor if _is_roofed(target) else rim)(scene, place, at_the_end) - base
    own = wall(scene, thing, at_reset) - base
    least = max(edge + CLEARANCE, own + CLEARANCE, LEAST_LIFT)
    height = math.ceil(round(least * 100, 6)) / 100
    cleared = _Cleared(say(aliases[thing]), say(aliases[place]), cm(height), edge, own)
    return Lift(height, _reason(cleared, target, is_least=least == LEAST_LIFT))


@dataclass(frozen=True)
class _Cleared:
    """What a lift has to clear, m above the thing's underside, and the lift itself in words."""

    thing: str
    place: str
    lift: str
    edge: float  # of the place
    own: float  # of what the thing starts in


def _reason(lift: _Cleared, target: Object | Region, *, is_least: bool) -> str:
    thing, edge, height = lift.thing, cm(lift.edge), lift.lift
    roofed = _is_roofed(target)
    place = f"floor of the {lift.place}" if roofed else lift.place
    if is_least and isinstance(target, Region) and target.owner_is_surface:
        return f"{height} tell a lift from a push."
    if is_least and lift.edge > 0.005:
        is_high = "up" if roofed else "high"
        return f"The {place} is {edge} {is_high}; {height} clear it and tell a lift from a tilt."
    if is_least:
        return f"The {place} is no higher than where the {thing} starts; {height} set it free."
    if lift.own > lift.edge:
        return f"What the {thing} starts in is {cm(lift.own)} deep: {height} bring it out."
    cleared = place if roofed else f"{place}'s rim"
    return f"The {cleared} is {edge} above the {thing}'s underside: {height} clear it."
