"""Whether what a scene says fits together: its names, its goal, its joints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rewardlang.datatypes import Kind, kind_phrase
from rewardlang.scene.model import GOAL_KINDS, Joint, Object, Region, Scene


def contradictions(scene: Scene) -> Iterator[str]:
    """A sentence for each; none of a scene that everything else can work with."""
    things = _things(scene)
    for name, count in Counter(thing.name for thing in things).items():
        if count > 1:
            yield f"`{name}` is the name of {count} things"
    for region in scene.regions:
        if not region.owner_is_surface and region.owner not in {o.name for o in scene.objects}:
            yield f"`{region.name}` belongs to `{region.owner}`, which is no object"
    for thing in things:
        for joint in thing.joints:
            yield from _of_joint(joint)
    yield from _of_handles(scene)
    yield from _of_goal(scene)
    for atom in scene.initial:
        yield from _of_count(atom, f"`initial` holds `{_spelt(atom)}`")


def _things(scene: Scene) -> tuple[Object | Region, ...]:
    return (*scene.objects, *scene.regions)


def _of_joint(joint: Joint) -> Iterator[str]:
    if (joint.on_at - joint.off_at) * joint.direction <= 0:
        way = "above" if joint.direction > 0 else "below"
        yield (
            f"joint `{joint.name}` opens at {joint.on_at:g}, which is not {way} {joint.off_at:g}, "
            f"where it closes: its direction is {joint.direction}"
        )


def _of_handles(scene: Scene) -> Iterator[str]:
    joints = {thing.name: thing.joints for thing in _things(scene)}
    for box in scene.handles:
        if box.joint not in {joint.name for joint in joints.get(box.part, ())}:
            yield f"a handle is of joint `{box.joint}`, which is none of `{box.part}`"


def _of_goal(scene: Scene) -> Iterator[str]:
    for atom in scene.goal:
        said = f"the goal holds `{_spelt(atom)}`"
        if not atom or atom[0] not in GOAL_KINDS:
            yield f"{said}; it can say {', '.join(GOAL_KINDS)}"
            continue
        yield from _of_count(atom, said)
        for name, kind in zip(atom[1:], GOAL_KINDS[atom[0]], strict=False):
            yield from _of_argument(name, kind, scene.kinds, said)
    for index in scene.goal_true_at_reset:
        if not 0 <= index < len(scene.goal):
            yield f"`goal_true_at_reset` holds {index}; the goal has {len(scene.goal)} parts"


def _of_count(atom: Sequence[str], said: str) -> Iterator[str]:
    count = len(GOAL_KINDS[atom[0]]) if atom and atom[0] in GOAL_KINDS else None
    if count is None and len(atom) < 2:
        yield f"{said}; an atom is a predicate and what it is about"
    elif count is not None and len(atom) != count + 1:
        yield f"{said}; `{atom[0]}` is about {count} thing{'' if count == 1 else 's'}"


def _of_argument(name: str, kind: Kind, kinds: Mapping[str, Kind], said: str) -> Iterator[str]:
    if name not in kinds:
        yield f"{said}; there is no `{name}`"
    elif not kinds[name] & kind:
        found, wanted = kind_phrase(kinds[name], "and"), kind_phrase(kind, "or")
        yield f"{said}; `{name}` is {found}, not {wanted}"


def _spelt(atom: Sequence[str]) -> str:
    return f"({' '.join(atom)})"
