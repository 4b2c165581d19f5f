"""Whether success depends on the stepper: the same episodes on ours and on LIBERO's own.

The scripted demonstrator acts, or the greedy policy of a checkpoint, on validation states. Contact
lets two trajectories part after any difference of rounding, so single episodes may end differently;
what has to agree are the rates. The difference is paired by state, with Newcombe's 95 % interval.

    python benchmarks/stepper_success.py
    python benchmarks/stepper_success.py --policy policy.safetensors

LIBERO's steps take 25 to 50 ms, so each takes a quarter of an hour or more. Prints a table, writes
`--out`, and prints JSON as the last line; `--json` prints that alone.
"""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from tgrpo.files import write_json
from tgrpo.intervals import paired_difference
from tgrpo.libero_package import versions
from tgrpo.policies import load_policy
from tgrpo.rollouts.episodes import StepperName
from tgrpo.rollouts.evaluation import EvaluationJob, evaluate
from tgrpo.rollouts.lockstep import Sampler
from tgrpo.rollouts.workers import Pool
from tgrpo.scripted.demonstrator import run_episode
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import InitialState, Split, load_states
from tgrpo.tasks import Task, find_task, suite_tasks

RESULTS = Path(__file__).parents[1] / "docs" / "results"
SPLIT: Split = "validation"
ALL = "all tasks"
STEPPERS: tuple[StepperName, ...] = ("libero", "fast")

Outcome = tuple[bool, int]  # success, control steps


@dataclass(frozen=True)
class Comparison:
    """One task, or all of them: the same states with both steppers."""

    task: str
    episodes: int
    libero: int  # successes
    ours: int
    only_libero: int  # episodes that succeeded with this stepper alone
    only_ours: int
    difference: float  # of the rates, ours minus LIBERO's
    low: float
    high: float
    same_length: int  # episodes of equally many steps

    @classmethod
    def of(cls, task: str, libero: Sequence[Outcome], ours: Sequence[Outcome]) -> Comparison:
        theirs, own = [item[0] for item in libero], [item[0] for item in ours]
        interval = paired_difference(theirs, own)
        pairs = list(zip(theirs, own, strict=True))
        return cls(
            task=task,
            episodes=len(pairs),
            libero=sum(theirs),
            ours=sum(own),
            only_libero=pairs.count((True, False)),
            only_ours=pairs.count((False, True)),
            difference=round(interval.value, 4),
            low=round(interval.low, 4),
            high=round(interval.high, 4),
            same_length=sum(a[1] == b[1] for a, b in zip(libero, ours, strict=True)),
        )


Actor = Callable[[Task, tuple[InitialState, ...], StepperName], list[Outcome]]


def demonstrator(
    task: Task, states: tuple[InitialState, ...], stepper: StepperName
) -> list[Outcome]:
    simulation = Simulation(task, stepper=stepper)
    episodes = [run_episode(simulation, state) for state in states]
    simulation.close()
    return [(episode.success, len(episode)) for episode in episodes]


def greedy(policy: Sampler) -> Actor:
    def act(task: Task, states: tuple[InitialState, ...], stepper: StepperName) -> list[Outcome]:
        with Pool(1, 1, stepper=stepper) as pool:  # more of LIBERO's full models fill the memory
            evaluation = evaluate(policy, pool, [EvaluationJob(task, states)], batch_size=1)
        return [(item.success, item.steps) for item in evaluation.tasks[0].outcomes]

    return act


def compare(actor: Actor, tasks: Sequence[Task], count: int) -> Iterator[Comparison]:
    """One task after the other, then all of them together."""
    everything: dict[StepperName, list[Outcome]] = {stepper: [] for stepper in STEPPERS}
    for task in tasks:
        states = tuple(load_states(task, SPLIT)[:count])
        outcomes = {stepper: actor(task, states, stepper) for stepper in STEPPERS}
        yield Comparison.of(task.id, outcomes["libero"], outcomes["fast"])
        for stepper in STEPPERS:
            everything[stepper] += outcomes[stepper]
    yield Comparison.of(ALL, everything["libero"], everything["fast"])


def line(item: Comparison) -> str:
    return (
        f"{item.task[:60]:60} {item.episodes:8} {item.libero:7} {item.ours:5} "
        f"{item.only_libero:7} {item.only_ours:5} {item.difference:+11.3f} "
        f"{item.low:+.3f} … {item.high:+.3f} {item.same_length:11}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--policy", type=Path, help="a checkpoint, played on the tasks it knows")
    parser.add_argument("--suites", nargs="+", default=["libero_object", "libero_spatial"])
    parser.add_argument("--tasks", type=int, default=5, help="of each suite")
    parser.add_argument("--states", type=int, default=25, help="validation states of each task")
    parser.add_argument("--out", type=Path, help="[docs/results/stepper_success_ACTOR.json]")
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    arguments = parser.parse_args()
    say = (lambda _: None) if arguments.json else functools.partial(print, flush=True)
    say(
        f"{'task':60} {'episodes':>8} {'LIBERO':>7} {'ours':>5} {'only L.':>7} "
        f"{'only o.':>5} {'difference':>11} {'95 % interval':>15} {'same length':>11}"
    )
    torch.set_num_threads(1)
    if arguments.policy is None:
        name, actor = "demonstrator", demonstrator
        tasks = [t for suite in arguments.suites for t in suite_tasks(suite)[: arguments.tasks]]
    else:
        policy, stored = load_policy(arguments.policy)
        name, actor = "policy", greedy(policy.sampler())
        tasks = [find_task(identity) for identity in stored.extra["tasks"]]
    comparisons = []
    for item in compare(actor, tasks, arguments.states):
        comparisons.append(item)
        say(line(item))
    *by_task, together = map(asdict, comparisons)
    document = {
        "actor": name,
        "split": SPLIT,
        "versions": versions(),
        "all": together,
        "tasks": by_task,
    }
    out = arguments.out or RESULTS / f"stepper_success_{name}.json"
    write_json(out, document)
    print(json.dumps(document))


if __name__ == "__main__":
    main()
