"""Which skill brings about which step of a plan."""

from __future__ import annotations

from typing import assert_never

from tgrpo.scripted.moving import Moving
from tgrpo.scripted.placements import Goal
from tgrpo.scripted.placing import Placing
from tgrpo.scripted.planner import Kind, Step
from tgrpo.scripted.skill import Skill
from tgrpo.simulation.envs import Simulation


def skill_for(simulation: Simulation, step: Step) -> Skill:
    """The skill for one step, at its beginning."""
    match step.kind:
        case Kind.PLACE:
            predicate, item, target = step.atom
            return Placing(simulation, Goal(predicate, item, target))
        case Kind.OPEN | Kind.CLOSE | Kind.SWITCH:
            return Moving(simulation, step.atom)
        case kind:
            assert_never(kind)
