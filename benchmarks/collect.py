"""Episodes per hour of collecting groups, by number of workers, and where the time goes.

A tiny policy that has learnt nothing plays groups from training states, so that nearly every
episode has the suite's full length. Workers are warm: models are loaded, and a group has been
played, before the clock starts. Shares are of the wall clock: `physics`, `reward` and `idle` of a
worker's, on average; `policy` and `transport` (messages and bookkeeping) of the process that asks
the policy, which waits for the rest of it. Times are of the clock: an otherwise idle machine.

    python benchmarks/collect.py [--backend local ray] [--suites libero_object ...] [--workers 1 2]
                               [--chunk 8]

On Ray, a cluster of its own on this machine, a worker is an actor and the process that asks the
policy is one collector; what its driver and Ray's daemons take is in nobody's share but `idle`.

Prints a table and, as the last line, JSON; `--json` prints that alone. Every backend and number of
workers must collect the same tokens and rewards: it ends with an error otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import get_args

from tgrpo.capacity import cores, slots
from tgrpo.config import BackendName, TrainConfig
from tgrpo.layers import Layer, resolve
from tgrpo.libero_package import versions
from tgrpo.policies import make_policy
from tgrpo.policies.base import Policy
from tgrpo.programs import TaskProgram, select
from tgrpo.rollouts.backend import Backend
from tgrpo.rollouts.machines import Machines, open_backend
from tgrpo.rollouts.rollout import Collected, GroupJob
from tgrpo.simulation.model_cache import compiled_task
from tgrpo.tasks import suites
from tgrpo.training.planning import group_jobs, rules
from tgrpo.trajectory import Trajectory

PROGRAMS = Path(__file__).parents[1] / "tasks"
SHARES = ("physics", "reward", "idle", "policy", "transport")


@dataclass(frozen=True)
class Throughput:
    """Of one suite on one backend with one number of workers. `shares` by name, see above."""

    suite: str
    backend: BackendName
    workers: int
    episodes: int
    steps: int
    seconds: float
    shares: dict[str, float]
    digest: str  # of the tokens and rewards

    @property
    def episodes_per_hour(self) -> float:
        return 3600 * self.episodes / self.seconds

    @property
    def steps_per_second(self) -> float:
        return self.steps / self.seconds

    def as_json(self) -> dict[str, object]:
        rates = {
            "episodes_per_hour": self.episodes_per_hour,
            "steps_per_second": self.steps_per_second,
        }
        return {**asdict(self), **rates}


def configuration(options: argparse.Namespace, suite: str) -> TrainConfig:
    values = {
        "rewards": str(PROGRAMS),
        "stepper": options.stepper,
        "tasks.suite": suite,
        "tasks.limit": options.tasks,
        "rollout.groups_per_iteration": options.groups,
        "policy.chunk": options.chunk,
    }
    return resolve([Layer("benchmark", values)])


def measure(
    config: TrainConfig, programs: Sequence[TaskProgram], machines: Machines, iterations: int
) -> Throughput:
    policy = make_policy("tiny", seed=0, architecture=config.policy.architecture())
    with open_backend(machines, slots(config), print) as backend:
        for job in group_jobs(config, programs, 1)[: len(programs)]:
            _collect(policy, backend, config, [job], 0)
        collected = [
            _collect(policy, backend, config, group_jobs(config, programs, number), number)
            for number in range(1, iterations + 1)
        ]
    arms = [arm for item in collected for group in item.groups for arm in group.trajectories]
    seconds = sum(item.seconds["wall"] for item in collected)
    return Throughput(
        suite=str(config.tasks.suite),
        backend=machines.backend,
        workers=machines.workers or 0,
        episodes=len(arms),
        steps=sum(arm.control_steps for arm in arms),
        seconds=seconds,
        shares={name: sum(item.seconds[name] for item in collected) / seconds for name in SHARES},
        digest=_digest(arms),
    )


def _collect(
    policy: Policy, backend: Backend, config: TrainConfig, jobs: Sequence[GroupJob], iteration: int
) -> Collected:
    return backend.collect(policy, jobs, rules(config, iteration))


def _digest(arms: Sequence[Trajectory]) -> str:
    digest = hashlib.sha256()
    for arm in arms:
        digest.update(arm.tokens.tobytes() + arm.rewards.tobytes())
    return digest.hexdigest()[:16]


def line(item: Throughput) -> str:
    shares = " ".join(f"{item.shares[name]:9.0%}" for name in SHARES)
    return (
        f"{item.suite:16} {item.backend:7} {item.workers:>7} {item.episodes_per_hour:>13,.0f} "
        f"{item.steps_per_second:>8.0f} {shares}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = ["libero_object", "libero_10"]
    parser.add_argument("--suites", nargs="+", default=known, choices=suites())
    kinds = get_args(BackendName)
    parser.add_argument("--backend", nargs="+", default=["local"], choices=kinds)
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--tasks", type=int, default=2, help="tasks of each suite")
    parser.add_argument("--groups", type=int, default=4, help="groups of four in an iteration")
    parser.add_argument("--iterations", type=int, default=1, help="that are measured")
    parser.add_argument("--chunk", type=int, default=1, help="actions of a decision")
    parser.add_argument("--stepper", default="fast", choices=("fast", "libero"))
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    options = parser.parse_args()
    if not options.json:
        names = " ".join(f"{name:>9}" for name in SHARES)
        head = f"{'suite':16} {'backend':7} {'workers':>7} {'episodes/hour':>13} {'steps/s':>8}"
        print(f"{head} {names}")
    results = []
    for suite in options.suites:
        config = configuration(options, suite)
        programs = select(config.rewards, config.tasks).used
        for item in programs:
            compiled_task(item.task)  # fills the cache
        for backend, workers in itertools.product(options.backend, options.workers):
            machines = replace(Machines.of(config), backend=backend, workers=workers)
            results.append(measure(config, programs, machines, options.iterations))
            if not options.json:
                print(line(results[-1]), flush=True)
        if len({item.digest for item in results if item.suite == suite}) > 1:
            raise SystemExit(
                f"{suite}: what was collected depends on the backend or the number of workers"
            )
    about = {
        "benchmark": "collect",
        "stepper": options.stepper,
        "settings": {
            "groups": options.groups,
            "group_size": config.rollout.group_size,
            "chunk": config.policy.chunk,
            "groups_in_flight": config.rollout.groups_in_flight,
        },
    }
    rows = [item.as_json() for item in results]
    print(json.dumps({**about, "cores": cores(), "versions": versions(), "results": rows}))


if __name__ == "__main__":
    main()
