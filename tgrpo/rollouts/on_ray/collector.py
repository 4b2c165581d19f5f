"""What runs in a collector: a copy of the policy, and the workers that stand beside it.

Calls come from several threads, one for each order that is under way; whichever holds the lock
moves all of them on. The code that plays is the local one.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import ray
import torch
from ray import ObjectRef
from torch import Tensor

from tgrpo.policies import make_policy
from tgrpo.policies.base import Policy, Sampler
from tgrpo.rollouts.episodes import StepperName
from tgrpo.rollouts.lockstep import Clock
from tgrpo.rollouts.on_ray.actors import Actors
from tgrpo.rollouts.orders import Order
from tgrpo.rollouts.playing import Play, Stage
from tgrpo.rollouts.workers import Pool

_PATIENCE = 0.02  # seconds between two looks at whether another thread finished one's order


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """The same for all collectors of a run."""

    workers: int
    slots: int
    stepper: StepperName
    patience: float
    gpus: float


@dataclass(frozen=True, slots=True)
class Weights:
    """A policy as it travels: put into the object store once, read by every collector."""

    kind: str
    architecture: Mapping[str, Any]
    tensors: Mapping[str, Tensor]

    @classmethod
    def of(cls, policy: Policy) -> Weights:
        tensors = {name: tensor.cpu() for name, tensor in policy.state_dict().items()}
        return cls(policy.kind, policy.architecture(), tensors)

    def policy(self) -> Any:
        policy = make_policy(self.kind, architecture=self.architecture)
        policy.load_state_dict(self.tensors)
        return policy


@dataclass(frozen=True, slots=True)
class Held:
    """A reference that is not resolved on its way: who has these weights already fetches none."""

    reference: ObjectRef


@dataclass(frozen=True, slots=True)
class Played:
    """An order that was played, and what the collector has to tell since it last did.

    `seconds` by phase, of workers summed; `notes`: the workers that were replaced.
    """

    result: Any
    seconds: Mapping[str, float]
    steps: int
    notes: tuple[str, ...]


class Collector:
    """One actor; up to as many calls of `play` at a time as there are lanes of an order's size."""

    def __init__(self, settings: CollectorSettings):
        torch.set_num_threads(1)
        self._on_gpu = settings.gpus > 0
        self._notes: list[str] = []
        self._steps = 0
        self._clock = Clock(1)
        self._pool = Pool(
            settings.workers,
            settings.slots,
            links=Actors(settings.stepper),
            patience=settings.patience,
            on_loss=self._notes.append,
        )
        self._lock = threading.Lock()
        self._weights: ObjectRef | None = None
        self._sampler: Sampler
        self._stage: Stage[Any] = self._make_stage(settings.slots)
        self._awaited: dict[Play[Any], Future[Any]] = {}

    def play(self, order: Order, weights: Held) -> Played:
        """Raises WorkerError, NoUsableStateError."""
        with self._lock:
            self._load(weights.reference)
            future = self._begin(order)
        while not future.done():
            if self._lock.acquire(timeout=_PATIENCE):
                try:
                    if not future.done():
                        self._turn()
                finally:
                    self._lock.release()
        return self._tell(future.result())

    def _load(self, weights: ObjectRef) -> None:
        if self._weights != weights:
            policy = ray.get(weights).policy()
            self._sampler = (policy.to("cuda") if self._on_gpu else policy).sampler()
            self._weights = weights

    def _begin(self, order: Order) -> Future[Any]:
        if self._stage.size != order.size:
            self._stage = self._make_stage(order.size)
        play, future = order.play(self._sampler), Future[Any]()
        self._stage.begin(play)
        self._awaited[play] = future
        return future

    def _make_stage(self, size: int) -> Stage[Any]:
        return Stage(self._pool, size, clock=self._clock, on_steps=self._count)

    def _count(self, steps: int) -> None:
        self._steps += steps

    def _turn(self) -> None:
        try:
            for play, result in self._stage.turn():
                self._awaited.pop(play).set_result(result)
        except Exception as error:  # of no use to anyone any more: every caller is told
            for future in self._awaited.values():
                future.set_exception(error)
            self._awaited.clear()

    def _tell(self, result: Any) -> Played:
        with self._lock:
            told = Played(result, self._clock.take(), self._steps, tuple(self._notes))
            self._steps = 0
            self._notes.clear()
        return told
