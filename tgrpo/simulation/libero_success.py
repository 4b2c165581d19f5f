"""LIBERO's own success test, asked about the data of our simulation.

Only its Python runs: the environment is built once, its own model and data are let go, and what it
reads is ours, which holds everything that its predicates look at under the same names.
"""

from __future__ import annotations

import gc
from typing import Any

from tgrpo.libero_package import make_environment
from tgrpo.simulation.envs import Simulation


class LiberoSuccess:
    """`_check_success` of `simulation`'s task on `simulation.data`; building it takes seconds."""

    def __init__(self, simulation: Simulation):
        environment = make_environment(simulation.task.bddl_file)
        self._task: Any = environment.env
        sim = self._task.sim
        sim.model = type(sim.model)(simulation.model)
        sim.data._model, sim.data._data = sim.model, simulation.data
        gc.collect()  # LIBERO's own model, textures included, is held by reference cycles

    def __call__(self) -> bool:
        return bool(self._task._check_success())
