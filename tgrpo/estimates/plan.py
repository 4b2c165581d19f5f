"""All estimates of a configuration together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tgrpo.estimates.cards import Card
from tgrpo.estimates.fitting import Change, what_fits
from tgrpo.estimates.host import HostMemory, host_memory
from tgrpo.estimates.memory import Memory, Setting, memory_of
from tgrpo.estimates.time import Times, Workload, times_of
from tgrpo.estimates.weights import adapter_parameters, parameters
from tgrpo.openvla_shapes import Shapes
from tgrpo.trajectory import Camera

CAMERA = Camera("agentview", 256, 256)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked, and what it takes."""

    policy: str
    shapes: Shapes
    setting: Setting
    card: Card
    workload: Workload
    memory: Memory
    host: HostMemory
    times: Times

    @property
    def fits(self) -> bool:
        return self.memory.peak <= self.card.memory

    @property
    def changes(self) -> tuple[Change, ...]:
        """What would fit, where this does not."""
        return () if self.fits else what_fits(self.shapes, self.setting, self.card.memory)


def plan(policy: str, shapes: Shapes, setting: Setting, card: Card, workload: Workload) -> Plan:
    return Plan(
        policy=policy,
        shapes=shapes,
        setting=setting,
        card=card,
        workload=workload,
        memory=memory_of(shapes, setting),
        host=host_memory(workload.workers, workload.decisions, (CAMERA,) * setting.views),
        times=times_of(shapes, setting, card, workload),
    )


def as_json(plan: Plan) -> dict[str, Any]:
    """Bytes, seconds, FLOP/s."""
    memory, host, times = plan.memory, plan.host, plan.times
    sums = {"held": memory.held, "rollout": memory.rollout, "peak": memory.peak}
    return {
        "policy": plan.policy,
        "parameters": parameters(plan.shapes),
        "adapter_parameters": adapter_parameters(plan.shapes, plan.setting.rank),
        "setting": asdict(plan.setting),
        "card": asdict(plan.card),
        "workload": asdict(plan.workload),
        "memory": {**asdict(memory), **sums},
        "host_memory": {**asdict(host), "peak": host.peak},
        "seconds": {**asdict(times), "decision": times.decision, "iteration": times.iteration},
        "fits": plan.fits,
        "what_fits": [
            {
                "change": change.text,
                "options": change.options,
                "setting": asdict(change.setting),
                "peak": change.memory.peak,
            }
            for change in plan.changes
        ],
    }
