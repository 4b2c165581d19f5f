"""Stages for an instruction that says to push: the object stays down on what it slides on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rewardlang.planning.steps import Step
from rewardlang.planning.wording import LET_GO, comment, placed
from rewardlang.scene import Scene


def is_push(scene: Scene, step: Step) -> bool:
    """Whether a placement is a push: the instruction says so, and a zone is where it ends."""
    zone = scene.regions_by_name.get(step.atom[-1])
    pushed = scene.instruction.startswith("push ")
    return pushed and step.verb == "on" and zone is not None and zone.owner_is_surface


def stages(scene: Scene, step: Step, aliases: Mapping[str, str]) -> Iterator[str]:
    """Reach for the object, touch it, push it."""
    thing, zone = aliases[step.thing], aliases[step.atom[2]]
    goal = placed("on", thing, zone, scene.region(step.atom[2]))
    yield f"stage reach weight 1 {{ until near(gripper, {thing}) }}"
    yield f"stage touch weight 1 {{ until touching(gripper, {thing})"
    yield f"while near(gripper, {thing}, {LET_GO}) }}"
    yield from comment(f"LIBERO's goal: {goal}. A gripper that has left has to reach again.")
    yield f"stage push weight 3 {{ until on({thing}, {zone})"
    yield f"while near(gripper, {thing}, {LET_GO}) }}"
