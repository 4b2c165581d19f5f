"""What a reward costs per control step: snapshot and a ten-stage program, beside what it replaces.

    python benchmarks/reward_step.py [--steps 60] [--repeat 40]

Plays random actions in a real LIBERO environment of two placements and times, in every state that
comes up and in turn: our snapshot, our whole reward step, our native success alone, LIBERO's
`_check_success`, robosuite's `_check_grasp` and `check_contact`. Prints medians in microseconds;
the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable

import mujoco
import numpy as np
from made_up_states import SCENE, TEN_STAGES

import rewardlang
from tgrpo.libero_package import libero_path, make_environment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=60, help="control steps to play")
    parser.add_argument("--repeat", type=int, default=40, help="calls of each function per step")
    arguments = parser.parse_args()

    scene = rewardlang.load_scene(SCENE)
    program = rewardlang.analyze(TEN_STAGES).program
    assert program is not None
    env = make_environment(libero_path("bddl_files") / scene.suite / f"{scene.task}.bddl")
    try:
        env.seed(0)
        env.reset()
        results, contacts = measure(env, scene, program, arguments.steps, arguments.repeat)
    finally:
        env.close()
    report(results, contacts, arguments)


def measure(
    env, scene: rewardlang.Scene, program, steps: int, repeat: int
) -> tuple[dict[str, list[float]], list[int]]:
    """Microseconds per call, one mean per control step and function; contacts per step."""
    inner = env.env
    model, data = inner.sim.model._model, inner.sim.data._data
    reward = rewardlang.compile(program).bind(model, scene, max_steps=10_000)
    native = rewardlang.native_success(scene).bind(model)
    memory = reward.reset(data)
    gripper = inner.robots[0].gripper
    soup, basket = inner.get_object("alphabet_soup_1"), inner.get_object("basket_1")
    functions: dict[str, Callable[[], object]] = {
        "snapshot": lambda: reward.read(data),
        "reward_step": lambda: reward(data, memory),
        "native_success": lambda: native(data),
        "libero_check_success": inner._check_success,
        "robosuite_check_grasp": lambda: inner._check_grasp(gripper, soup),
        "robosuite_check_contact": lambda: inner.check_contact(soup, basket),
    }
    times: dict[str, list[float]] = {name: [] for name in functions}
    contacts = []
    rng = np.random.default_rng(0)
    for _ in range(steps):
        env.step(rng.uniform(-1.0, 1.0, 7))
        _, memory = reward(data, memory)
        contacts.append(int(data.ncon))
        for name, function in functions.items():
            start = time.perf_counter_ns()
            for _ in range(repeat):
                function()
            times[name].append((time.perf_counter_ns() - start) / repeat / 1000)
    return times, contacts


def report(times: dict[str, list[float]], contacts: list[int], arguments) -> None:
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{arguments.steps} states, {statistics.median(contacts):.0f} contacts in the median one")
    print(f"{'':<26} {'median':>9}  {'fastest':>9}   µs per call")
    for name, values in times.items():
        print(f"{name:<26} {medians[name]:>9.1f}  {min(values):>9.1f}")
    print(
        json.dumps(
            {
                "benchmark": "reward_step",
                "stages": 10,
                "median_us": {name: round(value, 2) for name, value in medians.items()},
                "fastest_us": {name: round(min(values), 2) for name, values in times.items()},
                "median_contacts": statistics.median(contacts),
                "python": platform.python_version(),
                "mujoco": mujoco.__version__,
                "platform": sys.platform,
            }
        )
    )


if __name__ == "__main__":
    main()
