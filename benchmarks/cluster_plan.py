"""What saturates first with a thousand environments on 64 machines: arithmetic, then a simulation.

A *collector* is a machine with a copy of the policy, `workers` simulator processes and some lanes
of `group_size` environments. A lane asks the policy for its whole batch, then steps every
environment, in turn, like `tgrpo.rollouts`. The driver hands out groups one by one, takes the
trajectories back over its network card, updates the policy, and broadcasts the weights. The
arithmetic gives each station's capacity by itself; the simulation (SimPy) adds what arithmetic
leaves out: lanes that wait for each other, episodes of different length, and the end of an
iteration, when the last groups leave the other machines idle.

    python benchmarks/cluster_plan.py [--measured COLLECT.json] [--iterations 3] [--seed 0]

With `--measured`, the JSON line of benchmarks/collect.py, each of its rows is simulated too, from
its measured times per step and per batch, so that prediction and measurement stand side by side.
Prints tables and, as the last line, JSON; `--json` prints that alone.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import simpy


@dataclass(frozen=True)
class Workload:
    """A policy and the environments it acts in. Times in ms of one core or GPU."""

    name: str
    step_ms: float  # one control step of one environment, with reward and rendering
    batch_ms: float  # of asking the policy once, whatever the batch
    row_ms: float  # and for each environment in the batch
    decision_bytes: int  # of a trajectory, per step, sent home
    weights_bytes: int  # broadcast per iteration
    update_ms: float  # of the learner, per decision
    max_steps: int = 280
    success: float = 0.6
    success_steps: float = 110.0  # mean; deviation 15 %
    step_spread: float = 0.3  # deviation of a step's time, relative


@dataclass(frozen=True)
class Cluster:
    """Machines and how they are used."""

    machines: int
    workers: int  # simulator processes of a machine
    lanes: int  # of a machine
    group_size: int
    groups: int  # per iteration
    learners: int = 1  # cards or cores that share the update
    gigabits: float = 10.0  # of a network card, each way
    dispatch_ms: float = 2.0  # of the driver, to hand out a group and to take it back

    @property
    def environments(self) -> int:
        return self.machines * self.lanes * self.group_size

    @property
    def bytes_per_second(self) -> float:
        return self.gigabits * 1e9 / 8


@dataclass(frozen=True)
class Outcome:
    """Of a simulation: seconds of a whole iteration, and shares of the time of collecting."""

    seconds: float
    collecting: float  # seconds of it
    steps_per_second: float  # while collecting
    episodes_per_hour: float  # of whole iterations
    simulators: float  # busy
    policy: float  # busy
    tail: float  # of the time of collecting: nothing is left to hand out


# Tiny: measured, CPU time on libero_object (docs/experiments.md): 1.9 ms for a step, 0.15 for a
# decision, and what a lane's messages cost. OpenVLA-7B: arithmetic. In bf16 seven tokens read 15 GB
# of weights each at 2.5 TB/s, and a prefill of 280 tokens is 3.9 TFLOP at 400 TFLOP/s, once per
# environment; frames are 224 x 224 x 3 bytes, drawn by a GPU in 0.7 ms each; the update is forward,
# backward and recomputation of 280 tokens and the reference's forward.
TINY = Workload("tiny", 1.9, 0.8, 0.15, 900, 4_000_000, 0.45)
OPENVLA = Workload("OpenVLA-7B", 3.3, 42.0, 9.8, 151_000, 220_000_000, 40.0)
OPENVLA_JPEG = replace(OPENVLA, name="OpenVLA-7B, JPEG frames", decision_bytes=16_000)
OPENVLA_CHUNKS = replace(
    OPENVLA_JPEG,
    name="OpenVLA-OFT, chunks of 8",
    step_ms=8 * 3.3,
    batch_ms=6.0,
    max_steps=35,
    success_steps=14.0,
    decision_bytes=18_000,
)


def capacities(workload: Workload, cluster: Cluster) -> dict[str, float]:
    """Steps per second that each station could serve alone."""
    batch = workload.batch_ms + cluster.group_size * workload.row_ms
    policies = cluster.machines * cluster.group_size * 1e3 / batch
    return {
        "simulators": cluster.machines * cluster.workers * 1e3 / workload.step_ms,
        "policy": policies,
        "driver's network": cluster.bytes_per_second / workload.decision_bytes,
        "driver's hand-outs": mean_steps(workload) * cluster.group_size * 1e3 / cluster.dispatch_ms,
        "learner": 1e3 * cluster.learners / workload.update_ms,
    }


def mean_steps(workload: Workload) -> float:
    """Of an episode."""
    return workload.success * workload.success_steps + (1 - workload.success) * workload.max_steps


def broadcast_seconds(workload: Workload, cluster: Cluster) -> float:
    """Every machine that has the weights passes them on: a doubling per round."""
    rounds = math.ceil(math.log2(cluster.machines + 1))
    return rounds * workload.weights_bytes / cluster.bytes_per_second


class _Iteration:
    """One iteration of collecting, event by event. Times in seconds."""

    def __init__(self, workload: Workload, cluster: Cluster, rng: np.random.Generator):
        self.workload, self.cluster, self.rng = workload, cluster, rng
        self.clock = simpy.Environment()
        self.driver = simpy.Resource(self.clock)
        self.waiting = cluster.groups
        self.steps = 0
        self.busy = {"simulators": 0.0, "policy": 0.0}
        self.last_hand_out = 0.0

    def run(self) -> None:
        lanes = [
            self.clock.process(self._lane(*machine))
            for machine in [self._machine() for _ in range(self.cluster.machines)]
            for _ in range(self.cluster.lanes)
        ]
        self.clock.run(simpy.AllOf(self.clock, lanes))

    def _machine(self) -> tuple[simpy.Resource, list[simpy.Resource]]:
        workers = [simpy.Resource(self.clock) for _ in range(self.cluster.workers)]
        return simpy.Resource(self.clock), workers

    def _lane(self, policy: simpy.Resource, workers: list[simpy.Resource]) -> Iterator[Any]:
        """Group after group, as long as the driver has any."""
        while self.waiting:
            self.waiting -= 1
            self.last_hand_out = self.clock.now
            yield from self._use(self.driver, self.cluster.dispatch_ms / 2e3)
            lengths = self._lengths()
            first = int(self.rng.integers(len(workers)))
            for step in range(int(lengths.max())):
                live = [arm for arm, length in enumerate(lengths) if step < length]
                ask = self.workload.batch_ms + self.cluster.group_size * self.workload.row_ms
                yield from self._use(policy, ask / 1e3, "policy")
                yield simpy.AllOf(
                    self.clock,
                    [
                        self.clock.process(self._use(worker, seconds, "simulators"))
                        for worker, seconds in self._shares(live, first, workers)
                    ],
                )
                self.steps += len(live)
            home = lengths.sum() * self.workload.decision_bytes / self.cluster.bytes_per_second
            yield from self._use(self.driver, self.cluster.dispatch_ms / 2e3 + float(home))

    def _shares(
        self, live: list[int], first: int, workers: list[simpy.Resource]
    ) -> Iterator[tuple[simpy.Resource, float]]:
        """Each worker steps its own environments of the lane, one after the other."""
        spread, mean = self.workload.step_spread, self.workload.step_ms / 1e3
        for number, worker in enumerate(workers):
            own = sum((first + arm) % len(workers) == number for arm in live)
            if own:
                times = self.rng.normal(mean, spread * mean, own)
                yield worker, float(np.maximum(times, 0.3 * mean).sum())

    def _use(self, station: simpy.Resource, seconds: float, name: str = "") -> Iterator[Any]:
        with station.request() as turn:
            yield turn
            yield self.clock.timeout(seconds)
        if name:
            self.busy[name] += seconds

    def _lengths(self) -> np.ndarray:
        """Steps (N,) of a group's episodes."""
        load, arms = self.workload, self.cluster.group_size
        solved = self.rng.normal(load.success_steps, 0.15 * load.success_steps, arms)
        succeeds = self.rng.random(arms) < load.success
        return np.where(succeeds, np.clip(solved, 1, load.max_steps), load.max_steps).astype(int)


def simulate(workload: Workload, cluster: Cluster, iterations: int, seed: int) -> Outcome:
    """Mean over `iterations` of collecting, updating and broadcasting."""
    rng = np.random.default_rng(seed)
    collecting, steps, tail = 0.0, 0, 0.0
    busy = {"simulators": 0.0, "policy": 0.0}
    for _ in range(iterations):
        iteration = _Iteration(workload, cluster, rng)
        iteration.run()
        collecting += iteration.clock.now
        steps += iteration.steps
        tail += iteration.clock.now - iteration.last_hand_out
        for name, seconds in iteration.busy.items():
            busy[name] += seconds
    update = steps * workload.update_ms / 1e3 / cluster.learners
    total = collecting + update + iterations * broadcast_seconds(workload, cluster)
    episodes = iterations * cluster.groups * cluster.group_size
    return Outcome(
        seconds=total / iterations,
        collecting=collecting / iterations,
        steps_per_second=steps / collecting,
        episodes_per_hour=3600 * episodes / total,
        simulators=busy["simulators"] / (collecting * cluster.machines * cluster.workers),
        policy=busy["policy"] / (collecting * cluster.machines),
        tail=tail / collecting,
    )


def plans() -> list[tuple[Workload, Cluster]]:
    """A thousand environments, 16 to a machine, and what changing one thing does."""
    base = Cluster(machines=64, workers=15, lanes=2, group_size=8, groups=128)
    gpus = replace(base, lanes=1, group_size=16, groups=64, learners=8)
    return [
        (TINY, base),
        (TINY, replace(base, groups=512)),
        (TINY, replace(base, lanes=4, group_size=4, groups=256)),
        (TINY, replace(base, groups=512, learners=16)),
        (OPENVLA, gpus),
        (OPENVLA, replace(gpus, lanes=2, group_size=8, groups=128)),
        (OPENVLA_JPEG, replace(gpus, groups=256)),
        (OPENVLA_JPEG, replace(gpus, groups=256, learners=64)),
        (OPENVLA_CHUNKS, replace(gpus, lanes=2, group_size=8, groups=512, learners=64)),
    ]


def planned(workload: Workload, cluster: Cluster, iterations: int, seed: int) -> dict[str, Any]:
    return {
        "workload": asdict(workload),
        "cluster": asdict(cluster),
        "environments": cluster.environments,
        "capacities": capacities(workload, cluster),
        "broadcast_seconds": broadcast_seconds(workload, cluster),
        "simulated": asdict(simulate(workload, cluster, iterations, seed)),
    }


def predicted(row: dict[str, Any], groups: int, group_size: int, lanes: int) -> dict[str, Any]:
    """A row of collect.py, simulated from its own times per step and per batch."""
    cluster = Cluster(1, row["workers"], lanes, group_size, groups, dispatch_ms=0.0)
    of_worker = 1e3 * row["seconds"] * row["workers"] / row["steps"]
    batch = 1e3 * row["seconds"] * group_size / row["steps"]
    workload = replace(
        TINY,
        step_ms=of_worker * (row["shares"]["physics"] + row["shares"]["reward"]),
        batch_ms=batch * (row["shares"]["policy"] + row["shares"]["transport"]),
        row_ms=0.0,
        success=0.0,  # collect.py's policy has learnt nothing
        max_steps=round(row["steps"] / row["episodes"]),
    )
    outcome = simulate(workload, cluster, 1, 0)
    return {
        "suite": row["suite"],
        "workers": row["workers"],
        "measured": row["steps_per_second"],
        "simulated": outcome.steps_per_second,
    }


def _print_plan(plan: dict[str, Any], say: Callable[..., None]) -> None:
    cluster, outcome = plan["cluster"], plan["simulated"]
    first = min(plan["capacities"].items(), key=lambda item: item[1])
    say(
        f"{plan['workload']['name']:24} {cluster['lanes']:5} x {cluster['group_size']:<3} "
        f"{cluster['groups']:6} {cluster['learners']:8} {first[0]:>18} {first[1]:9,.0f} "
        f"{outcome['steps_per_second']:9,.0f} {outcome['simulators']:9.0%} "
        f"{outcome['policy']:7.0%} {outcome['tail']:5.0%} {outcome['collecting']:9.1f} "
        f"{outcome['seconds']:9.1f} {outcome['episodes_per_hour']:11,.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measured", type=Path, help="output of benchmarks/collect.py")
    parser.add_argument("--iterations", type=int, default=2, help="simulated for each plan")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    options = parser.parse_args()
    say: Callable[..., None] = (lambda *_: None) if options.json else print
    say(
        f"{'policy':24} {'lanes':>5} x {'N':3} {'groups':>6} {'learners':>8} "
        f"{'saturates first':>18} {'steps/s':>9} {'simulated':>9} {'simulat.':>9} {'policy':>7} "
        f"{'tail':>5} {'collect s':>9} {'iterat. s':>9} {'episodes/h':>11}"
    )
    results = []
    for workload, cluster in plans():
        results.append(planned(workload, cluster, options.iterations, options.seed))
        _print_plan(results[-1], say)
    checks = []
    if options.measured:
        measured = json.loads(options.measured.read_text().splitlines()[-1])
        about = measured["settings"]
        for row in measured["results"]:
            checks.append(
                predicted(row, about["groups"], about["group_size"], about["groups_in_flight"])
            )
            text = (
                "{suite}, {workers} workers: {measured:.0f} steps/s measured, {simulated:.0f} here"
            )
            say(text.format(**checks[-1]))
    print(
        json.dumps(
            {"benchmark": "cluster_plan", "seed": options.seed, "plans": results, "checks": checks}
        )
    )


if __name__ == "__main__":
    main()
