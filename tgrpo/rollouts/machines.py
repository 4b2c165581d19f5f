"""Which backend a run gets, from what its user chose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tgrpo.capacity import arms, cores
from tgrpo.cluster import expect_ray
from tgrpo.config import BackendName, RayConfig, TrainConfig
from tgrpo.rollouts.backend import Backend, LocalBackend
from tgrpo.rollouts.episodes import StepperName
from tgrpo.rollouts.workers import PATIENCE


@dataclass(frozen=True, slots=True)
class Machines:
    """Where episodes are played. `simulators` are in use at the same time."""

    simulators: int
    workers: int | None = None
    stepper: StepperName = "fast"
    patience: float = PATIENCE
    backend: BackendName = "local"
    address: str | None = None
    ray: RayConfig = field(default_factory=RayConfig)

    @classmethod
    def of(cls, config: TrainConfig) -> Machines:
        return cls(
            simulators=arms(config),
            workers=config.workers,
            stepper=config.stepper,
            patience=config.worker_patience,
            backend=config.backend,
            address=config.address,
            ray=config.ray,
        )


def open_backend(machines: Machines, slots: int, on_note: Callable[[str], None]) -> Backend:
    """`slots`: simulators of each process that asks the policy. Raises ClusterError."""
    if machines.backend == "local":
        return LocalBackend(
            machines.workers or cores(),
            slots,
            stepper=machines.stepper,
            patience=machines.patience,
            on_loss=on_note,
        )
    expect_ray()
    from tgrpo.rollouts.on_ray.backend import RayBackend, Size

    size = Size(
        machines.simulators,
        machines.workers,
        machines.ray.workers_per_collector,
        machines.ray.collector_gpus,
    )
    return RayBackend(
        machines.address,
        size,
        slots,
        stepper=machines.stepper,
        patience=machines.patience,
        on_note=on_note,
    )
