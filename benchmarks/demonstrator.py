"""How often the scripted demonstrator solves each task, on initial states it was not tuned on.

    python benchmarks/demonstrator.py [--suites libero_goal] [--tasks WORD …] [--states 50]

Runs the tasks of the suites from the first validation states, prints the table as Markdown and puts
them into docs/results/demonstrator.json, where other tasks keep their rows. Constants were chosen
on training states alone.
"""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tgrpo.files import replace_file
from tgrpo.intervals import wilson
from tgrpo.libero_package import versions
from tgrpo.scripted.demonstrator import run_episode
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import Split, load_states
from tgrpo.tasks import Task, suite_tasks

SUITES = ("libero_object", "libero_spatial", "libero_goal", "libero_10")
RESULTS = Path(__file__).parents[1] / "docs" / "results" / "demonstrator.json"


@dataclass(frozen=True)
class Score:
    """`length`: mean control steps of solved episodes, None without any; `low`, `high`: Wilson."""

    suite: str
    task: str
    solved: int
    episodes: int
    low: float
    high: float
    length: float | None
    longest: int
    failed_states: tuple[int, ...]


def score(task: Task, split: Split, count: int) -> Score:
    simulation = Simulation(task)
    states = [item for item in load_states(task, split) if not item.success_at_reset][:count]
    episodes = [run_episode(simulation, state) for state in states]
    simulation.close()
    lengths = [len(episode) for episode in episodes if episode.success]
    interval = wilson(len(lengths), len(episodes))
    return Score(
        suite=task.suite,
        task=task.name,
        solved=len(lengths),
        episodes=len(episodes),
        low=round(interval.low, 4),
        high=round(interval.high, 4),
        length=round(float(np.mean(lengths)), 1) if lengths else None,
        longest=max(lengths, default=0),
        failed_states=tuple(item.state.index for item in episodes if not item.success),
    )


def row(item: Score) -> str:
    low, high = f"{100 * item.low:.0f}", f"{100 * item.high:.0f}"
    steps = "– | –" if item.length is None else f"{item.length:.0f} | {item.longest}"
    return (
        f"| {item.suite} | {item.task.replace('_', ' ')} | {item.solved}/{item.episodes} "
        f"| {low}–{high} | {steps} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", nargs="+", default=SUITES)
    parser.add_argument("--tasks", nargs="+", default=[""], help="only names with one of these")
    parser.add_argument("--states", type=int, default=50)
    parser.add_argument("--split", choices=["train", "validation"], default="validation")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    print("| suite | task | solved | 95 % interval | mean steps | longest |")
    print("|---|---|---|---|---|---|", flush=True)
    for task in (task for suite in arguments.suites for task in suite_tasks(suite)):
        if any(word in task.name for word in arguments.tasks):
            item = score(task, arguments.split, arguments.states)
            print(row(item), flush=True)
            keep(arguments.out, arguments.split, asdict(item))


def keep(path: Path, split: str, item: dict[str, object]) -> None:
    """Put one task's row into the file, in the order of suites and tasks."""
    known = json.loads(path.read_text())["tasks"] if path.exists() else []
    order = [(task.suite, task.name) for suite in SUITES for task in suite_tasks(suite)]
    rows = {(old["suite"], old["task"]): old for old in known}
    rows[str(item["suite"]), str(item["task"])] = item
    result = {
        "split": split,
        "versions": {"python": platform.python_version(), **versions()},
        "tasks": [rows[key] for key in order if key in rows],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=1) + "\n"
    replace_file(path, lambda temporary: temporary.write_text(text))


if __name__ == "__main__":
    main()
