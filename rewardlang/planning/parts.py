"""Stages for what opens, closes and turns: drawers, doors and knobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rewardlang.checking.library import GOAL_PREDICATES
from rewardlang.fittings import handle_of
from rewardlang.planning.steps import Step
from rewardlang.planning.wording import LET_GO, comment, moved_far, say
from rewardlang.scene import Scene

_STATES = {"open": "open", "close": "closed", "turnon": "on", "turnoff": "off"}
_MOTIONS = {"open": "pull", "close": "push", "turnon": "turn", "turnoff": "turn"}
BESIDE = "15 cm"  # from the handle: a push may land anywhere on a drawer's or door's front


def state_name(verb: str, alias: str) -> str:
    """What a group or `keep` is called: `drawer_open`, `stove_on`."""
    return f"{alias}_{_STATES[verb]}"


def obstacle(scene: Scene, step: Step) -> str:
    """Why a part cannot be moved; "" where it can."""
    known = handle_of(scene, step.thing) is not None
    return "" if known else f"where to take hold of {step.thing} is not known"


def stages(scene: Scene, step: Step, aliases: Mapping[str, str]) -> Iterator[str]:
    """Reach for the handle, then move it."""
    alias = aliases[step.thing]
    goal = f"{GOAL_PREDICATES[step.verb]}({alias})"
    yield from comment(_knob_note(step.verb, alias))
    yield f"stage reach weight 1 {{ until near(gripper, handle({alias})) }}"
    yield from comment(
        f"{_goal_note(scene, step, alias)} A gripper that has left has to reach again."
    )
    yield f"stage {_MOTIONS[step.verb]} weight 3 {{ until {goal}"
    near = BESIDE if step.verb == "close" else LET_GO
    yield f"while near(gripper, handle({alias}), {near}) }}"


def _knob_note(verb: str, alias: str) -> str:
    return f"The {say(alias)}'s handle is its knob." if verb in ("turnon", "turnoff") else ""


def _goal_note(scene: Scene, step: Step, alias: str) -> str:
    found = handle_of(scene, step.thing)
    assert found is not None, "an obstacle"
    is_drawer = step.thing in scene.regions_by_name
    far = moved_far(step.verb, say(alias), found[0], slides=is_drawer)
    return f"LIBERO's goal: {far}." if step.asked else f"Open as LIBERO means it: {far}."
