"""`tgrpo plan` for the tiny policies, which are built to be counted and timed: a second or two."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import torch
import typer
from torch import Tensor

from tgrpo.capacity import cores
from tgrpo.cli.console import make_console
from tgrpo.cli.plan_tables import Row, duration, print_tables
from tgrpo.config import TrainConfig
from tgrpo.doctor.sizes import size_text
from tgrpo.estimates.asked import workload_of
from tgrpo.estimates.host import HostMemory, host_memory
from tgrpo.estimates.measuring import kept_bytes
from tgrpo.estimates.memory import ADAM_MOMENTS, FLOAT32
from tgrpo.estimates.time import Workload
from tgrpo.policies import make_policy
from tgrpo.policies.base import Policy
from tgrpo.policies.observations import Observations
from tgrpo.policies.threads import threads
from tgrpo.trajectory import ACTION_DIM, OBJECT_DIM, ROBOT_DIM, TaskContext

_OBJECTS = 9  # in a scene of LIBERO, about
_SAMPLES = (8, 16)  # decisions; more keep proportionally more
_TIMED = 64  # decisions
_ROUNDS = 3
_COPIES = 3 + ADAM_MOMENTS  # the policy, its reference, gradients
_INSTRUCTION = "pick up the milk and place it in the basket"


@dataclass(frozen=True, slots=True)
class TinyPlan:
    """Bytes, and seconds of an iteration."""

    kind: str
    parameters: int
    weights: int  # with reference, gradients and moments
    activations: int  # of what is learned from at once
    at_once: int  # decisions
    host: HostMemory
    workload: Workload
    learning: float  # of one decision, here

    @property
    def peak(self) -> int:
        return self.host.peak + self.weights + self.activations

    @property
    def collecting(self) -> float:
        return self.workload.decisions * self.workload.step / self.workload.workers

    @property
    def updating(self) -> float:
        return self.workload.epochs * self.workload.decisions * self.learning


def plan_tiny(config: TrainConfig, *, as_data: bool) -> None:
    """Print."""
    plan = _plan(config)
    if as_data:
        typer.echo(json.dumps(as_json(plan), indent=2))
        return
    head = f"{plan.kind}: {plan.parameters} weights in float32"
    tables = {"memory": tuple(_memory_rows(plan)), "time": tuple(_time_rows(plan))}
    print_tables(make_console(), head, tables)


def _plan(config: TrainConfig) -> TinyPlan:
    policy = make_policy(config.policy.kind, architecture=config.architecture())
    parameters = sum(parameter.numel() for parameter in policy.parameters())
    workload, learner = workload_of(config), config.learner
    minibatch = math.ceil(workload.decisions / learner.minibatches)
    at_once = min(minibatch, learner.micro_batch or minibatch)
    return TinyPlan(
        kind=config.policy.kind,
        parameters=parameters,
        weights=_COPIES * FLOAT32 * parameters,
        activations=_activations(policy, at_once),
        at_once=at_once,
        host=host_memory(workload.workers, workload.decisions, policy.cameras),
        workload=workload,
        learning=_learning_seconds(policy, reference=workload.reference),
    )


def _activations(policy: Policy, decisions: int) -> int:
    """Of `decisions` at once, along the line through two small samples."""
    few, more = (kept_bytes(_scoring(policy, n), policy.parameters()) for n in _SAMPLES)
    slope = (more - few) / (_SAMPLES[1] - _SAMPLES[0])
    return round(few + slope * (decisions - _SAMPLES[0]))


def _learning_seconds(policy: Policy, *, reference: bool) -> float:
    """Of one decision, by all cores: the quickest of some passes, forward and backward."""
    score, times = _scoring(policy, _TIMED), []
    with threads(cores()):
        for _ in range(_ROUNDS):
            start = time.perf_counter()
            torch.autograd.backward(score())
            if reference:
                with torch.no_grad():
                    score()
            times.append(time.perf_counter() - start)
    return min(times) / _TIMED


def _scoring(policy: Policy, count: int) -> Callable[[], Tensor]:
    """The log-prob of made-up decisions, as an update asks for it."""
    names = tuple(f"object_{number}" for number in range(_OBJECTS))
    context = TaskContext("suite", "task", _INSTRUCTION, names, names)
    images = {
        camera.name: torch.zeros(count, *camera.shape, dtype=torch.uint8)
        for camera in policy.cameras
    }
    robot, objects = torch.zeros(count, ROBOT_DIM), torch.zeros(count, _OBJECTS, OBJECT_DIM)
    seen = Observations(robot, objects, images)
    tokens = torch.zeros(count, ACTION_DIM * policy.chunk, dtype=torch.int64)
    return lambda: policy.log_probs(context, seen, tokens, temperature=1.0).sum()


def as_json(plan: TinyPlan) -> dict[str, object]:
    """Bytes and seconds."""
    memory = {"weights": plan.weights, "activations": plan.activations, "peak": plan.peak}
    return {
        "policy": plan.kind,
        "parameters": plan.parameters,
        "workload": asdict(plan.workload),
        "memory": {**asdict(plan.host), **memory},
        "seconds": {"collecting": plan.collecting, "updating": plan.updating},
    }


def _memory_rows(plan: TinyPlan) -> Iterator[Row]:
    host = plan.host
    yield "simulators", size_text(host.simulators), f"{plan.workload.workers} processes"
    if host.images:
        yield "renderers", size_text(host.renderers), "a task with its textures in each"
        yield "images", size_text(host.images), f"of {plan.workload.decisions} decisions, twice"
    yield "learner", size_text(host.learner), "torch, and what an iteration's groups are but images"
    yield "weights", size_text(plan.weights), "with reference, gradients and AdamW's moments"
    yield "activations", size_text(plan.activations), f"of {plan.at_once} decisions at once"
    yield "peak", size_text(plan.peak), ""


def _time_rows(plan: TinyPlan) -> Iterator[Row]:
    work = plan.workload
    rate = f"{1 / work.step:.0f} decisions/s on each of {work.workers} cores, assumed"
    said = f"{work.decisions} decisions, every episode to its limit; {rate}"
    yield "collecting", duration(plan.collecting), said
    learned = f"{work.epochs} epoch, {duration(plan.learning)} a decision, timed here"
    yield "updating", duration(plan.updating), learned
    yield "iteration", duration(plan.collecting + plan.updating), ""
