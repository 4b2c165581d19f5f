"""LIBERO's own `env.step` behind the fast stepper's interface: the reference, and the rival."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tgrpo.libero_package import make_environment
from tgrpo.simulation.stepper import GLIMPSE
from tgrpo.tasks import Task


class LiberoStepper:
    """Steps LIBERO's environment; `model` and `data` are its own, full model included."""

    def __init__(self, task: Task):
        self.environment: Any = make_environment(task.bddl_file, hard_reset=False)
        inner = self.environment.env
        inner.deterministic_reset = True  # nothing is drawn: the caller sets the state
        self.model = inner.sim.model._model
        self.data = inner.sim.data._data

    def reset(self) -> None:
        """A new controller at the robot's rest pose and cleared data. Set the state afterwards."""
        self.environment.env.reset()
        gripper = self.environment.robots[0].gripper
        gripper.current_action = np.zeros(gripper.dof)  # a robosuite reset forgets this

    def step(self, action: np.ndarray, glimpse: np.ndarray | None = None) -> None:
        """`env.step`, with its observables and both of its success tests.

        `glimpse` (nq,) is filled with qpos as LIBERO's cameras see it, after `GLIMPSE` substeps.
        """
        if glimpse is None:
            self.environment.step(action)
            return
        sim, over = self.environment.env.sim, itertools.count()
        substep = sim.step

        def watched() -> None:
            if next(over) == GLIMPSE:
                glimpse[:] = self.data.qpos
            substep()

        sim.step = watched
        try:
            self.environment.step(action)
        finally:
            del sim.step

    def success(self) -> bool:
        """LIBERO's goal in the present data."""
        return bool(self.environment.check_success())

    def close(self) -> None:
        self.environment.close()
