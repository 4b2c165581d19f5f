"""What a skill of the demonstrator is: one atom of a goal, brought about by closed-loop control."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import numpy as np

import rewardlang
from tgrpo.simulation.envs import Simulation
from tgrpo.trajectory import Observation


class Phase(StrEnum):
    """What a skill is doing: a name for people, decided anew in every control step."""

    APPROACH = "approach"
    CLOSE = "close"
    CARRY = "carry"
    RELEASE = "release"


class Skill(Protocol):
    """One atom of the goal. What it does next follows from the state; it remembers hysteresis."""

    phase: Phase

    @property
    def engaged(self) -> bool:
        """The hand holds something, or has not yet left what it let go of: not to be left off."""
        ...

    def holds(self) -> bool:
        """The atom holds in the simulation's present state."""
        ...

    def act(self, observation: Observation) -> np.ndarray:
        """The action (7,) in [-1, 1] for what the simulation shows now."""
        ...

    def reset(self) -> None:
        """Forget what was."""
        ...


def atom_test(simulation: Simulation, atom: tuple[str, ...]) -> Callable[[], bool]:
    """The benchmark's own test of one atom, on the simulation's present state."""
    alone = simulation.scene.model_copy(update={"goal": (atom,)})
    test = rewardlang.native_success(alone).bind(simulation.model)
    return lambda: test(simulation.data)
