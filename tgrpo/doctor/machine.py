"""Cores, memory and shared memory, against the limits of a container."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tgrpo.capacity import (
    LEARNER_MEMORY,
    WORKER_MEMORY,
    control_groups,
    core_quota,
    free_memory,
    scheduled_cores,
    usable_cores,
)
from tgrpo.doctor.findings import Finding, ok, warning
from tgrpo.doctor.sizes import GIB, size_text

SHARED_MEMORY = Path("/dev/shm")
SHARED_MEMORY_NEEDED = GIB  # containers have 64 MiB unless told otherwise


@dataclass(frozen=True, slots=True)
class Cores:
    """`scheduled`: where this process may run; `quota`: what it may use of them, in cores."""

    scheduled: int
    quota: float | None

    @property
    def usable(self) -> int:
        return usable_cores(self.scheduled, self.quota)


def see_cores() -> Cores:
    return Cores(scheduled_cores(), core_quota(control_groups()))


def judge_cores(facts: Cores, workers: int | None) -> Finding:
    """`workers`: simulator processes asked for, None for one per core."""
    told = f"{facts.scheduled} cores"
    if facts.quota is not None and facts.quota < facts.scheduled:
        told += f", of which a quota allows {facts.quota:.3g}"
    if workers is not None and workers > facts.usable:
        text = f"{told}; {workers} workers would wait for each other"
        return warning("cores", text, f"tgrpo train --workers {facts.usable}")
    return ok("cores", f"{told}; {workers or facts.usable} workers")


def see_memory() -> int | None:
    return free_memory(control_groups())


def judge_memory(free: int | None, workers: int) -> Finding:
    """`free` in bytes, None where it cannot be known."""
    if free is None:
        return ok("memory", "how much is free is not known here")
    needed = LEARNER_MEMORY + workers * WORKER_MEMORY
    if free >= needed:
        return ok("memory", f"{size_text(free)} free; {workers} workers take {size_text(needed)}")
    fitting = max(1, (free - LEARNER_MEMORY) // WORKER_MEMORY)
    text = f"{size_text(free)} free, and {workers} workers take about {size_text(needed)}"
    if fitting < workers:
        return warning("memory", text, f"tgrpo train --workers {fitting}")
    return warning("memory", f"{text}: end other programs")


def see_shared_memory() -> int | None:
    """Bytes free in it; None where there is none."""
    return shutil.disk_usage(SHARED_MEMORY).free if SHARED_MEMORY.is_dir() else None


def in_container() -> bool:
    return any(Path(name).exists() for name in ("/.dockerenv", "/run/.containerenv"))


def judge_shared_memory(free: int | None, container: bool) -> Finding:
    """Ray, and torch's loaders, keep there what processes share; our own images have no name."""
    name = "shared memory"
    fix = (
        "docker run --shm-size=8g …"
        if container
        else f"sudo mount -o remount,size=8G {SHARED_MEMORY}"
    )
    if free is None:
        return warning(name, f"no {SHARED_MEMORY}", fix)
    if free < SHARED_MEMORY_NEEDED:
        needed = size_text(SHARED_MEMORY_NEEDED)
        return warning(name, f"{size_text(free)} free in {SHARED_MEMORY}, less than {needed}", fix)
    return ok(name, f"{size_text(free)} free")
