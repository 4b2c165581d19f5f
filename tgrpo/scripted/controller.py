"""The scripted demonstrator: plans from the BDDL goal and plays one skill after the other.

It acts only through the seven action values, sees privileged simulator state, and knows constants
per category of object, none per task or state; it never reads a reward program. Which skill's turn
it is follows from the state: it is the first whose atom does not hold. So whatever is undone is
done again, and only a hand that is engaged finishes what it began.
"""

from __future__ import annotations

import numpy as np

from tgrpo.scripted.planner import Atom, plan
from tgrpo.scripted.repertoire import skill_for
from tgrpo.scripted.skill import Phase
from tgrpo.simulation.envs import Simulation
from tgrpo.trajectory import Observation


class Demonstrator:
    """One controller per episode (or `reset` between two).

    Raises UnsupportedGoalError for a goal that it has no skill for.
    """

    def __init__(self, simulation: Simulation):
        self._simulation = simulation
        self._steps = plan(simulation.scene)
        self._skills = [skill_for(simulation, step) for step in self._steps]
        self._of_atom = dict(zip((step.atom for step in self._steps), self._skills, strict=True))
        self._turn = 0

    def reset(self) -> None:
        """Forget the episode."""
        self._turn = 0
        for skill in self._skills:
            skill.reset()

    @property
    def atom(self) -> Atom:
        """What is being worked on."""
        return self._steps[self._turn].atom

    @property
    def phase(self) -> Phase:
        """What the skill whose turn it is does."""
        return self._skills[self._turn].phase

    def act(self, observation: Observation | None = None) -> np.ndarray:
        """The action (7,) in [-1, 1] for what the simulation shows now."""
        turn = self._next()
        if turn != self._turn:
            self._turn = turn
            self._skills[turn].reset()
        return self._skills[turn].act(observation or self._simulation.observe())

    def _next(self) -> int:
        """Whose turn it is; the present one's where nothing is left to do."""
        if self._skills[self._turn].engaged:
            return self._turn
        open_ = (row for row in range(len(self._steps)) if self._is_open(row))
        return next(open_, self._turn)

    def _is_open(self, row: int) -> bool:
        """It does not hold, and what needs it, if it is not of the goal, does not hold either."""
        serves = self._steps[row].serves
        needed = not serves or not self._of_atom[serves].holds()
        return needed and not self._skills[row].holds()
