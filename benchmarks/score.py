"""Scoring recorded episodes again, beside simulating them again.

    python benchmarks/score.py [--demonstrations 5] [--episodes 100]

Lets the scripted demonstrator record a few episodes of one task, takes them over and over until
there are `--episodes`, and times their way through the shipped program: opening the file, states
to snapshots, snapshots to scores. The rival steps the recorded actions in the fast simulator.
CPU seconds, because wall time on a shared machine says little; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import mujoco

import rewardlang
from rewardlang.scoring.score import score, scorer
from tgrpo.recorded.demonstrations import read_demonstrations
from tgrpo.scripted.demonstrator import demonstrate
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import load_states
from tgrpo.simulator import LiberoSimulator
from tgrpo.tasks import find_task

TASK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
Result = TypeVar("Result")
PROGRAM = Path(__file__).parent.parent / "tasks" / f"{TASK}.rl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--demonstrations", type=int, default=5, help="episodes to record")
    parser.add_argument("--episodes", type=int, default=100, help="episodes to score")
    arguments = parser.parse_args()
    program = rewardlang.analyze(PROGRAM.read_text("utf-8"), name=PROGRAM.name).program
    assert program is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo.hdf5"
        demonstrate(find_task(TASK), count=arguments.demonstrations, out=path)
        report(arguments.episodes, *measure(program, path, arguments.episodes))


def measure(program: rewardlang.Program, path: Path, episodes: int) -> tuple[int, dict[str, float]]:
    """The number of states, and the CPU seconds of each part for all episodes."""
    simulator, scene = LiberoSimulator(), rewardlang.load_scene(TASK)
    reward_fn = scorer(program, scene, max_steps=simulator.max_steps(scene))
    requirements = reward_fn.evaluator.requirements(scene)
    opening, recorded = timed(lambda: simulator.recordings(path, scene))
    chosen = [recorded[number % len(recorded)] for number in range(episodes)]
    chosen[0].replay(requirements)  # builds the model and binds the names: once per session
    replaying, replays = timed(lambda: [item.replay(requirements) for item in chosen])
    scoring, _ = timed(lambda: [score(reward_fn, item, file="", name="") for item in replays])
    simulating = resimulated(program, path)
    seconds = {
        "opening": opening * episodes / len(recorded),
        "replaying": replaying,
        "scoring": scoring,
        "simulating": simulating * episodes / len(recorded),
    }
    return sum(len(item.snapshots) for item in replays), seconds


def resimulated(program: rewardlang.Program, path: Path) -> float:
    """CPU seconds for stepping the actions of each episode of the file once, with the reward."""
    task = find_task(TASK)
    simulation, state = Simulation(task), load_states(task, "train")[0]
    reward_fn = rewardlang.compile(program).bind(
        simulation.model, simulation.scene, max_steps=task.max_steps
    )
    simulation.reset(state)  # the stepper is compiled, or read from its cache, on first use
    episodes = read_demonstrations(path)

    def run() -> None:
        for episode in episodes:
            simulation.reset(state)
            memory = reward_fn.reset(simulation.data)
            for action in episode.actions:
                simulation.step(action)
                _, memory = reward_fn(simulation.data, memory)

    return timed(run)[0]


def timed(function: Callable[[], Result]) -> tuple[float, Result]:
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def report(episodes: int, states: int, seconds: dict[str, float]) -> None:
    ours = sum(seconds[part] for part in ("opening", "replaying", "scoring"))
    print(f"{episodes} episodes, {states} states; CPU seconds and µs per state")
    for part in ("opening", "replaying", "scoring"):
        print(f"  {part:<22} {seconds[part]:>7.2f}  {seconds[part] / states * 1e6:>8.1f}")
    print(f"{'scored again':<24} {ours:>7.2f}  {ours / states * 1e6:>8.1f}")
    rival = seconds["simulating"]
    print(f"{'simulated again':<24} {rival:>7.2f}  {rival / states * 1e6:>8.1f}")
    print(
        json.dumps(
            {
                "benchmark": "score",
                "episodes": episodes,
                "states": states,
                "states_per_second": round(states / ours),
                "seconds": {part: round(value, 3) for part, value in seconds.items()},
                "times_faster_than_simulating": round(rival / ours, 1),
                "python": platform.python_version(),
                "mujoco": mujoco.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
