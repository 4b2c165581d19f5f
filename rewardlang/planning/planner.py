"""The offline planner: LIBERO's goal -> a program with explicit stages, deterministically.

It plans placing: goals made of `in` and `on`. Heights come from the scene's geometry; a comment
says which, so that whoever edits the program sees what a number stands for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rewardlang.planning.aliases import choose_aliases, described_in, look_alikes, noun, start_of
from rewardlang.planning.heights import foot, rim, stands, wall
from rewardlang.scene import Object, Region, Scene
from rewardlang.source import Source
from rewardlang.syntax.formatter import format_program
from rewardlang.syntax.parser import parse

CLEARANCE = 0.02  # m between an object's underside and what it is carried over
LEAST_LIFT = 0.05  # m: below this, "lifted" could be a push or a tilt
LET_GO = "8 cm"  # gripper this far from the object: it has left, reach again
COMMENT_WIDTH = 86

Atom = tuple[str, ...]


class PlannerError(ValueError):
    """A goal that this planner cannot plan. `reasons`: one sentence per atom or obstacle."""

    def __init__(self, scene_id: str, reasons: Sequence[str]):
        listed = "\n".join(f"  - {reason}" for reason in reasons)
        super().__init__(f"no plan for {scene_id}:\n{listed}")
        self.scene_id = scene_id
        self.reasons = tuple(reasons)


def plan(scene: Scene) -> str:
    """The program for a scene's own goal, in canonical layout.

    Raises PlannerError, with all reasons at once, where the goal asks for more than placing
    things from above.
    """
    reasons = tuple(_obstacles(scene))
    if reasons:
        raise PlannerError(scene.id, reasons)
    parsed = parse(Source("\n".join(_program(scene)), f"{scene.id}.rl"))
    assert parsed.tree is not None, parsed.diagnostics
    return format_program(parsed.tree)


# --- what cannot be planned -------------------------------------------------------------------


def _obstacles(scene: Scene) -> Iterator[str]:
    if not scene.goal:
        yield "the goal is empty"
    if scene.instruction.startswith("push "):
        yield "the instruction says to push; this planner picks up and places"
    for atom in scene.goal:
        if atom[0] not in ("in", "on"):
            yield f"`{_spell(atom)}`: only goals made of `in` and `on` can be planned yet"
        else:
            yield from _unreachable(scene, atom)
    if scene.goal and not _ordered(scene.goal):
        yield "the goal stacks objects in a circle"


def _unreachable(scene: Scene, atom: Atom) -> Iterator[str]:
    """Why the place of an `in` or `on` atom cannot be entered from above."""
    region = scene.regions_by_name.get(atom[2])
    if region is None:
        return
    where = f"`{_spell(atom)}`: {region.name} is"
    if region.openable and ("open", region.name) not in scene.initial:
        yield f"{where} shut at reset, and opening it cannot be planned yet"
    if region.roofed:
        yield f"{where} roofed, and only entering from above can be planned yet"


def _spell(atom: Atom) -> str:
    return f"{atom[0]}({', '.join(atom[1:])})"


# --- the program ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Placement:
    """One goal atom with everything its stages need."""

    relation: str  # "in" or "on"
    thing: str  # aliases
    place: str
    lift: Lift
    target: Object | Region
    last: bool  # nothing is left to do after it

    @property
    def name(self) -> str:
        return f"{self.thing}_{self.relation}"


@dataclass(frozen=True)
class Lift:
    """How high to lift, m, and why."""

    height: float
    reason: str


def _program(scene: Scene) -> Iterator[str]:
    order = _ordered(scene.goal)
    names = list(dict.fromkeys(name for atom in order for name in atom[1:]))
    aliases = choose_aliases(scene, names)
    yield "rewardlang 1"
    yield f'task "{scene.instruction}"'
    yield f'scene "{scene.id}"'
    yield ""
    for name, alias in aliases.items():
        yield from _comment(_which(scene, name, moved=any(atom[1] == name for atom in order)))
        yield f"object {alias} = {name}"
    yield ""
    yield from _root(scene, order, aliases)
    yield ""
    yield "success bddl"


def _root(scene: Scene, order: Sequence[Atom], aliases: Mapping[str, str]) -> Iterator[str]:
    chained = _is_chained(order)
    placements = [
        _placement(scene, atom, aliases, last=atom is order[-1] and (chained or len(order) == 1))
        for atom in order
    ]
    if len(placements) == 1:
        yield from _comment(
            "A weight is a stage's share of the reward before success; success outranks them all."
        )
        yield "seq {"
        yield from _stages(placements[0])
        yield "}"
        return
    yield from _comment(
        "What stands below comes first."
        if chained
        else "The instruction fixes no order, so the goals stand side by side."
    )
    yield "seq {" if chained else "all {"
    for placement in placements:
        yield f"seq {placement.name} {{"
        yield from _stages(placement)
        yield "}"
    yield "}"


def _stages(step: Placement) -> Iterator[str]:
    thing, place = step.thing, step.place
    goal = f"{step.relation}({thing}, {place})"
    held = f"while grasped({thing})"
    yield f"stage reach weight 1 {{ until near(gripper, {thing}) }}"
    yield from _comment(
        "Three steps, because contacts flicker; a gripper that has left has to reach again."
    )
    yield f"stage grasp weight 2 {{ until grasped({thing}) for 3 steps"
    yield f"while near(gripper, {thing}, {LET_GO}) }}"
    yield from _comment(step.lift.reason)
    yield f"stage lift weight 1 {{ until lifted({thing}, {_cm(step.lift.height)}) {held} }}"
    if isinstance(step.target, Object):
        yield from _comment(
            f"Anywhere over the {_say(place)} will do here; lowering has to centre."
        )
    yield f"stage carry weight 3 {{ until above({thing}, {place}) {held} }}"
    yield from _comment(_goal_note(step))
    yield f"stage lower weight 2 {{ until {goal} while over({thing}, {place}) }}"
    if not step.last:
        yield f"stage release weight 1 {{ until released({thing}) while {goal} }}"


def _goal_note(step: Placement) -> str:
    """What LIBERO asks for, where its words and the instruction's differ."""
    thing, place = _say(step.thing), _say(step.place)
    match step.target:
        case Region() if step.relation == "in":
            goal = f"the {thing}'s centre is inside the {place}"
        case Region(owner_is_surface=True):
            goal = f"the {thing} is over the zone, less than 10 cm up, even in the air"
        case Region():
            goal = f"the {thing} touches, its centre within the edges of the {place}"
        case _:
            goal = f"the {thing} touches the {place}, their centres less than 3 cm apart"
    if not step.last:
        return f"LIBERO's goal: {goal}."
    return f"LIBERO's goal, held or not: {goal}. The episode ends there, before any release."


def _which(scene: Scene, name: str, *, moved: bool) -> str:
    """Which of several look-alikes a name stands for; "" where there is only one."""
    if name in scene.regions_by_name or not (others := look_alikes(scene, name)):
        return ""
    thing = noun(scene, name)
    said = described_in(scene.instruction, thing) if moved else None
    this = f'is "{said}"' if said else f"starts {start_of(scene, name)}"
    rest = "; ".join(f"{other.name} starts {start_of(scene, other.name)}" for other in others)
    count = {2: "Two", 3: "Three", 4: "Four"}.get(len(others) + 1, str(len(others) + 1))
    return f"{count} {thing}s look alike. This one {this}; {rest}."


def _comment(text: str) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > COMMENT_WIDTH:
            yield f"# {line}"
            line = word
        else:
            line = f"{line} {word}".strip()
    if line:
        yield f"# {line}"


def _say(alias: str) -> str:
    return alias.replace("_", " ")


def _cm(metres: float) -> str:
    return f"{round(metres * 100)} cm"


# --- order ------------------------------------------------------------------------------------


def _ordered(goal: Sequence[Atom]) -> tuple[Atom, ...]:
    """The atoms, each after those that put its own support in place; () where that is circular."""
    waiting, done = list(goal), []
    while waiting:
        moving = {atom[1] for atom in waiting}
        ready = [atom for atom in waiting if moving.isdisjoint(atom[2:])]
        if not ready:
            return ()
        done.append(ready[0])
        waiting.remove(ready[0])
    return tuple(done)


def _is_chained(order: Sequence[Atom]) -> bool:
    moved = {atom[1] for atom in order}
    return any(not moved.isdisjoint(atom[2:]) for atom in order)


# --- heights ----------------------------------------------------------------------------------


def _placement(scene: Scene, atom: Atom, aliases: Mapping[str, str], *, last: bool) -> Placement:
    relation, thing, place = atom
    region = scene.regions_by_name.get(place)
    return Placement(
        relation=relation,
        thing=aliases[thing],
        place=aliases[place],
        lift=_lift(scene, atom, aliases),
        target=scene.object(place) if region is None else region,
        last=last,
    )


def _lift(scene: Scene, atom: Atom, aliases: Mapping[str, str]) -> Lift:
    """Enough for the object's underside to clear the target, and the container it starts in."""
    _, thing, place = atom
    at_reset = stands(scene.initial)
    base = foot(scene, thing, at_reset)
    edge = rim(scene, place, {**at_reset, **stands(scene.goal)}) - base
    own = wall(scene, thing, at_reset) - base
    least = max(edge + CLEARANCE, own + CLEARANCE, LEAST_LIFT)
    height = math.ceil(round(least * 100, 6)) / 100
    zone = scene.regions_by_name.get(place)
    name, target, cm = _say(aliases[thing]), _say(aliases[place]), _cm(height)
    if zone is not None and zone.owner_is_surface and least == LEAST_LIFT:
        why = f"{cm} tell a lift from a push."
    elif least == LEAST_LIFT and edge > 0.005:
        why = f"The {target} is {_cm(edge)} high; {cm} clear it and tell a lift from a tilt."
    elif least == LEAST_LIFT:
        why = f"The {target} is no higher than where the {name} starts; {cm} set it free."
    elif own > edge:
        why = f"What the {name} starts in is {_cm(own)} deep: {cm} bring it out."
    else:
        why = f"The {target}'s rim is {_cm(edge)} above the {name}'s underside: {cm} clear it."
    return Lift(height, why)
