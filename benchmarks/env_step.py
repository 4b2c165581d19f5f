"""What one control step costs: LIBERO's `env.step`, ours, and the floor of 25 bare `mj_step`.

All three start from the same states in the same run, warm, without cameras, LIBERO with its
default observables. The floor steps LIBERO's full model under the last torques; ours steps the
state-only model, which saves sensors and unseen geoms, so a ratio above 1 is possible. Steps are
timed in CPU time of the one thread that computes, equal to wall time on an idle machine and not
distorted by a busy one.

    python benchmarks/env_step.py [--suites libero_object ...] [--tasks 2] [--steps 150]

Prints a table and, as the last line, JSON; `--json` prints that alone.
"""

from __future__ import annotations

import argparse
import functools
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import mujoco
import numpy as np

from tgrpo.libero_package import import_libero, libero_path, versions
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import InitialState
from tgrpo.simulation.model_cache import compiled_task
from tgrpo.simulation.stepper import SUBSTEPS
from tgrpo.tasks import Task, suite_tasks, suites


@dataclass(frozen=True)
class Cost:
    """Medians over a run. Milliseconds per control step; seconds for the rest."""

    task: str
    libero_ms: float
    ours_ms: float
    floor_ms: float
    restore_ms: float  # of a stored state, without settling
    reset_s: float  # with the ten settling steps
    libero_reset_s: float
    construction_s: float
    libero_construction_s: float

    @property
    def speedup(self) -> float:
        return self.libero_ms / self.ours_ms

    @property
    def share_of_floor(self) -> float:
        return self.floor_ms / self.ours_ms


Clock = Callable[[], float]


def seconds(function: Callable[[], object], clock: Clock = time.perf_counter) -> float:
    start = clock()
    function()
    return clock() - start


def fixed_state(task: Task, simulation: Simulation) -> InitialState:
    """LIBERO's first fixed initial state; fixtures as they stand in `simulation`."""
    path = libero_path("init_states") / task.suite / f"{task.name}.pruned_init"
    vector = import_libero("benchmark").load_initial_states(path)[0]
    nq = simulation.model.nq
    qpos, qvel = vector[1 : nq + 1], vector[nq + 1 :]
    return InitialState("test", 0, qpos, qvel, simulation.fixtures(), 0)


def measure(task: Task, steps: int) -> Cost:
    compiled_task(task)  # fills the cache
    made: dict[str, Simulation] = {}
    libero_construction = seconds(lambda: made.update(libero=Simulation(task, stepper="libero")))
    construction = seconds(lambda: made.update(ours=Simulation(task)))
    theirs, ours = made["libero"], made["ours"]
    environment = theirs._stepper.environment  # type: ignore[attr-defined]
    environment.seed(0)
    environment.env.deterministic_reset = False
    environment.env.reset()
    environment.env.deterministic_reset = True
    state = fixed_state(task, theirs)
    ours.reset(state)  # loads compiled code
    restores = [seconds(lambda: ours.restore(state)) for _ in range(50)]
    resets = [seconds(lambda: ours.reset(state)) for _ in range(5)]
    theirs.reset(state)
    times = _step_times(theirs, ours, steps)
    environment.env.hard_reset, environment.env.deterministic_reset = True, False
    environment.env.reset()
    libero_reset = seconds(environment.env.reset)
    theirs.close()
    libero_ms, ours_ms, floor_ms = (1e3 * np.median(times, axis=0)).tolist()
    return Cost(
        task=task.id,
        libero_ms=libero_ms,
        ours_ms=ours_ms,
        floor_ms=floor_ms,
        restore_ms=1e3 * float(np.median(restores)),
        reset_s=float(np.median(resets)),
        libero_reset_s=libero_reset,
        construction_s=construction,
        libero_construction_s=libero_construction,
    )


def _step_times(theirs: Simulation, ours: Simulation, steps: int) -> np.ndarray:
    """CPU seconds (steps, 3) of LIBERO's step, ours, and the floor, each from the same state."""
    rng = np.random.default_rng(0)
    bare = mujoco.MjData(theirs.model)
    times = np.zeros((steps, 3))
    for row in times:
        action = np.append(rng.uniform(-0.5, 0.5, 6), rng.choice([-1.0, 1.0]))
        for data in (theirs.data, bare):
            for field in ("qpos", "qvel", "qacc_warmstart", "ctrl"):
                getattr(data, field)[:] = getattr(ours.data, field)
        runs: tuple[Callable[[], object], ...] = (
            functools.partial(theirs.step, action),
            functools.partial(ours.step, action),
            lambda: [mujoco.mj_step(theirs.model, bare) for _ in range(SUBSTEPS)],
        )
        row[:] = [seconds(run, time.thread_time) for run in runs]
    return times


def line(cost: Cost) -> str:
    return (
        f"{cost.task[:52]:52} {1e3 / cost.libero_ms:8.0f} {1e3 / cost.ours_ms:8.0f} "
        f"{1e3 / cost.floor_ms:8.0f} {cost.speedup:8.1f} {cost.share_of_floor:8.2f} "
        f"{cost.restore_ms:10.2f} {cost.reset_s:9.3f} {cost.libero_reset_s:9.2f} "
        f"{cost.construction_s:9.3f} {cost.libero_construction_s:9.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", nargs="+", default=list(suites()), choices=suites())
    parser.add_argument("--tasks", type=int, default=2, help="tasks of each suite")
    parser.add_argument("--steps", type=int, default=150, help="control steps of each task")
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    arguments = parser.parse_args()
    say = (lambda _: None) if arguments.json else functools.partial(print, flush=True)
    say(
        f"{'task (control steps per second; seconds)':52} {'LIBERO':>8} {'ours':>8} {'floor':>8} "
        f"{'speed-up':>8} {'of floor':>8} {'restore ms':>10} {'reset':>9} {'LIBERO':>9} "
        f"{'construct':>9} {'LIBERO':>9}"
    )
    costs = []
    for suite in arguments.suites:
        for task in suite_tasks(suite)[: arguments.tasks]:
            costs.append(measure(task, arguments.steps))
            say(line(costs[-1]))
    mean = {
        "speedup": float(np.mean([cost.speedup for cost in costs])),
        "share_of_floor": float(np.mean([cost.share_of_floor for cost in costs])),
    }
    print(json.dumps({"versions": versions(), "mean": mean, "tasks": [asdict(c) for c in costs]}))


if __name__ == "__main__":
    main()
