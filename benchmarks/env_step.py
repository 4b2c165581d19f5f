"""What one control step costs: LIBERO's `env.step`, ours, and the floor of 25 bare `mj_step`.

All start from the same states in the same run, warm, without cameras, LIBERO with its default
observables. The floor steps LIBERO's full model under the last torques; ours steps the state-only
model, which saves sensors and unseen geoms, so a ratio above 1 is possible: the floor on our own
model stands beside it. Everything is timed in CPU time of the one thread that computes, equal to
wall time on an idle machine and not distorted by a busy one.

`fresh`: construction in a new process, from the cache; loading Python's modules is apart.

    python benchmarks/env_step.py [--suites libero_object ...] [--tasks 2] [--steps 150]

Prints a table and, as the last line, JSON; `--json` prints that alone.
"""

from __future__ import annotations

import argparse
import functools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import mujoco
import numpy as np

from tgrpo.files import write_json
from tgrpo.libero_package import import_libero, libero_path, versions
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import InitialState
from tgrpo.simulation.model_cache import compiled_task
from tgrpo.simulation.stepper import SUBSTEPS
from tgrpo.tasks import Task, suite_tasks, suites

SUITES = ("libero_spatial", "libero_object", "libero_goal", "libero_10")


@dataclass(frozen=True)
class Cost:
    """Medians over a run. Milliseconds per control step; seconds for the rest."""

    task: str
    libero_ms: float
    ours_ms: float
    floor_ms: float  # on LIBERO's model
    own_floor_ms: float  # on the state-only model
    restore_ms: float  # of a stored state, without settling
    reset_s: float  # with the ten settling steps
    libero_reset_s: float
    construction_s: float  # from the cache
    fresh_construction_s: float  # likewise, the first one of a process
    imports_s: float  # of that process, before
    libero_construction_s: float

    @property
    def suite(self) -> str:
        return self.task.partition("/")[0]

    @property
    def ratios(self) -> dict[str, float]:
        return {
            "speedup": self.libero_ms / self.ours_ms,
            "share_of_floor": self.floor_ms / self.ours_ms,
            "share_of_own_floor": self.own_floor_ms / self.ours_ms,
        }


Clock = Callable[[], float]


def seconds(function: Callable[[], object], clock: Clock = time.thread_time) -> float:
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


_FRESH = """
import time
start = time.thread_time()
from tgrpo.simulation.envs import Simulation
from tgrpo.tasks import find_task
task = find_task({task!r})
imported = time.thread_time()
Simulation(task)
print(imported - start, time.thread_time() - imported)
"""


def fresh_process(task: Task) -> tuple[float, float]:
    """Seconds that a new process takes to import, and then to construct from the cache."""
    command = [sys.executable, "-c", _FRESH.format(task=task.id)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    imports, construction = map(float, said.split())
    return imports, construction


def measure(task: Task, steps: int) -> Cost:
    compiled_task(task)  # fills the cache
    made: dict[str, Simulation] = {}
    libero_construction = seconds(lambda: made.update(libero=Simulation(task, stepper="libero")))
    construction = seconds(lambda: made.update(ours=Simulation(task)))
    theirs, ours = made["libero"], made["ours"]
    environment = theirs._stepper.environment
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
    libero_ms, ours_ms, floor_ms, own_floor_ms = (1e3 * np.median(times, axis=0)).tolist()
    imports, fresh_construction = fresh_process(task)
    return Cost(
        task=task.id,
        libero_ms=libero_ms,
        ours_ms=ours_ms,
        floor_ms=floor_ms,
        own_floor_ms=own_floor_ms,
        restore_ms=1e3 * float(np.median(restores)),
        reset_s=float(np.median(resets)),
        libero_reset_s=libero_reset,
        construction_s=construction,
        fresh_construction_s=fresh_construction,
        imports_s=imports,
        libero_construction_s=libero_construction,
    )


def _step_times(theirs: Simulation, ours: Simulation, steps: int) -> np.ndarray:
    """CPU seconds (steps, 4) of LIBERO's step, ours, both floors, each from the same state."""
    rng = np.random.default_rng(0)
    bare, own_bare = mujoco.MjData(theirs.model), mujoco.MjData(ours.model)
    times = np.zeros((steps, 4))
    for row in times:
        action = np.append(rng.uniform(-0.5, 0.5, 6), rng.choice([-1.0, 1.0]))
        for data in (theirs.data, bare, own_bare):
            for field in ("qpos", "qvel", "qacc_warmstart", "ctrl"):
                getattr(data, field)[:] = getattr(ours.data, field)
        runs: tuple[Callable[[], object], ...] = (
            functools.partial(theirs.step, action),
            functools.partial(ours.step, action),
            functools.partial(mujoco.mj_step, theirs.model, bare, SUBSTEPS),
            functools.partial(mujoco.mj_step, ours.model, own_bare, SUBSTEPS),
        )
        row[:] = [seconds(run) for run in runs]
    return times


COLUMNS = (
    ("LIBERO/s", 8, 0, lambda c: 1e3 / c["libero_ms"]),
    ("ours/s", 8, 0, lambda c: 1e3 / c["ours_ms"]),
    ("floor/s", 8, 0, lambda c: 1e3 / c["floor_ms"]),
    ("speed-up", 8, 1, lambda c: c["speedup"]),
    ("of floor", 8, 2, lambda c: c["share_of_floor"]),
    ("of own", 7, 2, lambda c: c["share_of_own_floor"]),
    ("restore ms", 10, 2, lambda c: c["restore_ms"]),
    ("reset s", 8, 3, lambda c: c["reset_s"]),
    ("LIBERO's", 8, 2, lambda c: c["libero_reset_s"]),
    ("construct s", 11, 3, lambda c: c["construction_s"]),
    ("fresh", 6, 2, lambda c: c["fresh_construction_s"]),
    ("imports", 7, 2, lambda c: c["imports_s"]),
    ("LIBERO's", 8, 2, lambda c: c["libero_construction_s"]),
)
_NAME_WIDTH = 44


def head() -> str:
    names = " ".join(f"{name:>{width}}" for name, width, _, _ in COLUMNS)
    return f"{'control steps per second; CPU seconds':{_NAME_WIDTH}} {names}"


def line(name: str, values: dict[str, float]) -> str:
    cells = " ".join(f"{of(values):{width}.{digits}f}" for _, width, digits, of in COLUMNS)
    return f"{name[:_NAME_WIDTH]:{_NAME_WIDTH}} {cells}"


def values_of(cost: Cost) -> dict[str, float]:
    return {name: value for name, value in asdict(cost).items() if name != "task"} | cost.ratios


def medians(costs: Sequence[Cost]) -> dict[str, float]:
    """Over tasks, of every measurement and of every ratio."""
    rows = [values_of(cost) for cost in costs]
    return {name: float(np.median([row[name] for row in rows])) for name in rows[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", nargs="+", default=list(SUITES), choices=suites())
    parser.add_argument("--tasks", type=int, default=2, help="tasks of each suite")
    parser.add_argument("--steps", type=int, default=150, help="control steps of each task")
    parser.add_argument("--out", type=Path, help="write the JSON here, too")
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    arguments = parser.parse_args()
    say = (lambda _: None) if arguments.json else functools.partial(print, flush=True)
    say(head())
    costs = []
    for task in (t for suite in arguments.suites for t in suite_tasks(suite)[: arguments.tasks]):
        costs.append(measure(task, arguments.steps))
        say(line(costs[-1].task, values_of(costs[-1])))
    by_suite = {
        suite: medians([cost for cost in costs if cost.suite == suite])
        for suite in arguments.suites
    }
    for suite, values in by_suite.items():
        say(line(f"{suite} (median)", values))
    document = {
        "versions": versions(),
        "suites": by_suite,
        "tasks": [asdict(cost) for cost in costs],
    }
    if arguments.out is not None:
        write_json(arguments.out, document)
    print(json.dumps(document))


if __name__ == "__main__":
    main()
