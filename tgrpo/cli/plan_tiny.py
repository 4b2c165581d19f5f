"""`tgrpo plan` for the tiny policy, which is built to be counted."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import typer

from tgrpo.capacity import CONTROL_STEPS_PER_SECOND
from tgrpo.cli.console import make_console
from tgrpo.cli.plan_tables import Row, duration, print_tables
from tgrpo.config import TrainConfig
from tgrpo.doctor.sizes import size_text
from tgrpo.estimates.asked import workload_of
from tgrpo.estimates.host import HostMemory, host_memory
from tgrpo.estimates.measuring import kept_bytes
from tgrpo.estimates.time import Workload
from tgrpo.policies import make_policy
from tgrpo.policies.base import Policy
from tgrpo.policies.observations import Observations
from tgrpo.trajectory import ACTION_DIM, OBJECT_DIM, ROBOT_DIM, TaskContext

_OBJECTS = 9  # in a scene of LIBERO, about
_SAMPLES = (8, 16)  # decisions; more keep proportionally more
_COPIES = 5  # the policy, its reference, gradients, AdamW's two moments
_UPDATE_SECONDS = 0.0009  # of a decision, on one core: docs/howto/thousand.md


@dataclass(frozen=True, slots=True)
class TinyPlan:
    """Bytes and seconds of an iteration."""

    parameters: int
    weights: int  # with reference, gradients and moments
    activations: int  # of a minibatch
    workload: Workload
    host: HostMemory

    @property
    def peak(self) -> int:
        return self.host.peak + self.weights + self.activations

    @property
    def collecting(self) -> float:
        return self.workload.decisions / CONTROL_STEPS_PER_SECOND / self.workload.workers

    @property
    def updating(self) -> float:
        work = self.workload
        return work.epochs * work.decisions * _UPDATE_SECONDS / work.workers


def plan_tiny(config: TrainConfig, *, as_data: bool) -> None:
    """Print."""
    policy = make_policy("tiny", architecture=config.policy.architecture())
    parameters = sum(parameter.numel() for parameter in policy.parameters())
    workload = workload_of(config)
    plan = TinyPlan(
        parameters=parameters,
        weights=_COPIES * 4 * parameters,
        activations=_activations(
            policy, math.ceil(workload.decisions / config.learner.minibatches)
        ),
        workload=workload,
        host=host_memory(workload.workers, workload.decisions),
    )
    if as_data:
        typer.echo(json.dumps(as_json(plan), indent=2))
    else:
        head = f"tiny, {parameters} weights in float32, on the CPU"
        tables = {"memory": tuple(_memory_rows(plan)), "time": tuple(_time_rows(plan))}
        print_tables(make_console(), head, tables)


def _activations(policy: Policy, decisions: int) -> int:
    """Of `decisions` at once, along the line through two small samples."""
    few, more = (_kept(policy, count) for count in _SAMPLES)
    slope = (more - few) / (_SAMPLES[1] - _SAMPLES[0])
    return round(few + slope * (decisions - _SAMPLES[0]))


def _kept(policy: Policy, count: int) -> int:
    names = tuple(f"object_{number}" for number in range(_OBJECTS))
    context = TaskContext(
        "suite", "task", "pick up the milk and place it in the basket", names, names
    )
    seen = Observations(torch.zeros(count, ROBOT_DIM), torch.zeros(count, _OBJECTS, OBJECT_DIM))
    tokens = torch.zeros(count, ACTION_DIM, dtype=torch.int64)
    return kept_bytes(
        lambda: policy.log_probs(context, seen, tokens, temperature=1.0), policy.parameters()
    )


def as_json(plan: TinyPlan) -> dict[str, object]:
    """Bytes and seconds."""
    return {
        "policy": "tiny",
        "parameters": plan.parameters,
        "memory": {
            "weights": plan.weights,
            "activations": plan.activations,
            "simulators": plan.host.simulators,
            "learner": plan.host.learner,
            "peak": plan.peak,
        },
        "seconds": {"collecting": plan.collecting, "updating": plan.updating},
    }


def _memory_rows(plan: TinyPlan) -> Iterator[Row]:
    yield "simulators", size_text(plan.host.simulators), f"{plan.workload.workers} processes"
    yield "learner", size_text(plan.host.learner), "torch and the groups of an iteration"
    yield "weights", size_text(plan.weights), "with reference, gradients and AdamW's moments"
    yield "activations", size_text(plan.activations), "of a minibatch"
    yield "peak", size_text(plan.peak), ""


def _time_rows(plan: TinyPlan) -> Iterator[Row]:
    work = plan.workload
    said = f"{work.decisions} decisions, episodes to their limit, on {work.workers} cores; assumed"
    yield "collecting", duration(plan.collecting), said
    yield "updating", duration(plan.updating), f"{work.epochs} epoch"
    yield "iteration", duration(plan.collecting + plan.updating), ""
