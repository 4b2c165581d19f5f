"""The backend on Ray: orders out, groups and outcomes back."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ray

from tgrpo.capacity import cores
from tgrpo.closing import Closing
from tgrpo.cluster import ClusterError
from tgrpo.policies.base import Policy
from tgrpo.rollouts.batches import batches, evaluated
from tgrpo.rollouts.episodes import StepperName
from tgrpo.rollouts.evaluation import Evaluation, EvaluationJob
from tgrpo.rollouts.lockstep import Clock, OnSteps
from tgrpo.rollouts.on_ray.collector import CollectorSettings, Held, Played, Weights
from tgrpo.rollouts.on_ray.crew import Crew
from tgrpo.rollouts.on_ray.session import Session, largest_node
from tgrpo.rollouts.orders import BatchOrder, GroupOrder, Order
from tgrpo.rollouts.rollout import Collected, GroupJob, Rules, gathered
from tgrpo.rollouts.workers import PATIENCE


@dataclass(frozen=True, slots=True)
class Size:
    """How much is asked of a cluster. None: as much as there is room and work for.

    `simulators` of a collector are in use at the same time: more workers would be idle.
    """

    simulators: int
    workers: int | None = None  # of all collectors
    workers_per_collector: int | None = None
    collector_gpus: float = 0.0

    def beside_a_collector(self, largest: int) -> int:
        """Workers of each collector, where the largest node has `largest` CPUs."""
        if self.workers_per_collector is not None:
            return min(self.workers_per_collector, self.workers or self.workers_per_collector)
        return max(1, min(self.simulators, largest - 1, self.workers or self.simulators))


class RayBackend(Closing):
    """Collectors on the nodes of a cluster, each with its workers beside it on the same node.

    Without `address` the cluster is one of our own on this machine, for as long as this is open.
    `slots`: simulators of each collector. `on_note` hears of everyone who is lost. Raises
    ClusterError.
    """

    def __init__(
        self,
        address: str | None,
        size: Size,
        slots: int,
        *,
        stepper: StepperName = "fast",
        patience: float = PATIENCE,
        on_note: Callable[[str], None] = lambda _: None,
    ):
        self._on_note = on_note
        self._session = Session(address, cpus=1 + (size.workers or cores()))
        try:
            largest = largest_node()
            self._each = size.beside_a_collector(largest)
            if largest < 1 + self._each:
                raise ClusterError(
                    f"no node has {1 + self._each} CPUs, for a collector and {self._each} workers; "
                    f"the largest has {largest}: --set ray.workers_per_collector="
                    f"{max(1, largest - 1)}, or larger nodes"
                )
            most = None if size.workers is None else math.ceil(size.workers / self._each)
            gpus = size.collector_gpus
            settings = CollectorSettings(self._each, slots, stepper, patience, gpus)
            self._crew = Crew(settings, most, on_note)
        except BaseException:  # Ctrl-C too leaves no session behind
            self._session.close()
            raise

    @property
    def workers(self) -> int:
        return self._crew.collectors * self._each

    def collect(
        self,
        policy: Policy,
        jobs: Sequence[GroupJob],
        rules: Rules,
        *,
        on_steps: OnSteps = lambda _: None,
    ) -> Collected:
        results, tally = self._play(policy, [GroupOrder(job, rules) for job in jobs], on_steps)
        return gathered(results, tally.seconds(self._crew.collectors, self._each), tally.replaced)

    def evaluate(
        self,
        policy: Policy,
        jobs: Sequence[EvaluationJob],
        *,
        batch_size: int,
        on_steps: OnSteps = lambda _: None,
    ) -> Evaluation:
        cut = batches(jobs, batch_size)
        results, tally = self._play(
            policy, [BatchOrder(item, batch_size) for item in cut], on_steps
        )
        seconds = tally.seconds(self._crew.collectors, self._each)
        return evaluated(jobs, cut, results, seconds, tally.replaced)

    def close(self) -> None:
        try:
            self._crew.close()
        finally:
            self._session.close()

    def _play(
        self, policy: Policy, orders: Sequence[Order], on_steps: OnSteps
    ) -> tuple[list[Any], _Tally]:
        tally = _Tally(on_steps, self._on_note)
        weights = Held(ray.put(Weights.of(policy)))  # once, for all collectors
        played = self._crew.play(orders, weights, tally.add)
        return [item.result for item in played], tally


class _Tally:
    """What the collectors tell beside their results, summed."""

    def __init__(self, on_steps: OnSteps, on_note: Callable[[str], None]):
        self.replaced = 0
        self._clock = Clock(1)
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._on_steps, self._on_note = on_steps, on_note

    def add(self, played: Played) -> None:
        for phase, value in played.seconds.items():
            self._spent[phase] += value
        self.replaced += len(played.notes)
        for note in played.notes:
            self._on_note(note)
        self._on_steps(played.steps)

    def seconds(self, collectors: int, workers_of_each: int) -> Mapping[str, float]:
        """See `Clock`; `policy` and `wait` are an average collector's."""
        each = max(1, collectors)
        for phase, value in self._spent.items():
            shared = each if phase in ("policy", "wait") else each * workers_of_each
            self._clock.add(phase, value / shared)
        return self._clock.seconds()
