"""LIBERO's own `env.step` behind the fast stepper's interface: the reference, and the rival."""

from __future__ import annotations

from typing import Any

import numpy as np

from tgrpo.libero_package import make_environment
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

    def step(self, action: np.ndarray) -> None:
        """`env.step`, with its observables and both of its success tests."""
        self.environment.step(action)

    def success(self) -> bool:
        """LIBERO's goal in the present data."""
        return bool(self.environment.check_success())

    def close(self) -> None:
        self.environment.close()
