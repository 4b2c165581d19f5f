"""Which skill brings about which step of a plan."""

from __future__ import annotations

from typing import assert_never

import rewardlang
from tgrpo.scripted.dragging import Dragging
from tgrpo.scripted.moving import Moving
from tgrpo.scripted.placements import Goal
from tgrpo.scripted.placing import Placing
from tgrpo.scripted.planner import Kind, Step
from tgrpo.scripted.skill import Skill
from tgrpo.simulation.envs import Simulation

_DRAGGED = frozenset({"plate"})  # categories that are wider than the hand and lie flat


def skill_for(simulation: Simulation, step: Step) -> Skill:
    """The skill for one step, at its beginning."""
    match step.kind:
        case Kind.PLACE:
            goal = Goal(*step.atom)
            return (Dragging if _is_dragged(simulation.scene, goal) else Placing)(simulation, goal)
        case Kind.OPEN | Kind.CLOSE | Kind.SWITCH:
            return Moving(simulation, step.atom)
        case kind:
            assert_never(kind)


def _is_dragged(scene: rewardlang.Scene, goal: Goal) -> bool:
    """Something flat that belongs on the table itself."""
    region = scene.regions_by_name.get(goal.target)
    on_table = region is not None and region.owner_is_surface
    return on_table and scene.object(goal.item).category in _DRAGGED
