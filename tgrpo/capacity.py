"""How much a run may use of this machine: cores, memory, and what it makes of them.

A container's limits stand in its control group, not in what the kernel says of the machine.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tgrpo.config import TrainConfig

_MEMBERSHIP = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")
_MEMORY = Path("/proc/meminfo")
# Bytes.
WORKER_MEMORY = 1 << 29  # a process with several state-only models
LEARNER_MEMORY = 3 << 29  # torch, the policy and the groups of an iteration
CONTROL_STEPS_PER_SECOND = 200.0  # of a core of an ordinary machine, until a run has measured its
_NO_LIMIT = 1 << 60  # version 1 writes a number of this size where there is no limit


def worker_count(config: TrainConfig) -> int:
    return config.workers or cores()


def arms(config: TrainConfig) -> int:
    """Simulators that a collection uses at the same time."""
    return config.rollout.group_size * config.rollout.groups_in_flight


def slots(config: TrainConfig) -> int:
    """Simulators of a run: for all groups in flight, or for an evaluation."""
    return max(arms(config), evaluation_slots(config.evaluation.batch_size))


def evaluation_slots(batch_size: int) -> int:
    """Two batches: the workers play one while the policy is asked for the other."""
    return 2 * batch_size


def cores() -> int:
    """Cores this process may use: those it may run on, or as many as its quota is worth."""
    quota = core_quota(control_groups())
    return usable_cores(scheduled_cores(), quota)


def usable_cores(scheduled: int, quota: float | None) -> int:
    return scheduled if quota is None else max(1, min(scheduled, math.ceil(quota)))


def scheduled_cores() -> int:
    """Cores that the scheduler may put this process on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def control_groups(membership: Path = _MEMBERSHIP, root: Path = _GROUPS) -> tuple[Path, ...]:
    """Folders of the control groups of this process and of those around it, both versions."""
    text = membership.read_text() if membership.is_file() else ""
    return tuple(dict.fromkeys(_folders(text, root)))


def _folders(membership: str, root: Path) -> Iterator[Path]:
    """A line is `number:controllers:path`; version 2 has one line and no controllers."""
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        own = Path(path.lstrip("/"))
        for folder in (own, *own.parents):  # an outer group's limit holds for the inner ones
            yield root / controllers / folder


def core_quota(groups: Sequence[Path]) -> float | None:
    """Cores' worth of time that the control groups allow; None: no limit."""
    pairs = [_numbers(group / "cpu.max") for group in groups]
    pairs += [
        _numbers(group / "cpu.cfs_quota_us") + _numbers(group / "cpu.cfs_period_us")
        for group in groups
    ]
    limits = [pair[0] / pair[1] for pair in pairs if len(pair) == 2 and min(pair) > 0]
    return min(limits, default=None)


def free_memory(groups: Sequence[Path], memory: Path = _MEMORY) -> int | None:
    """Bytes that this process and its children may still take; None where nothing says so."""
    left = [1024 * number for number in _named_number(memory, "MemAvailable:")]
    for group in groups:
        used = _numbers(group / "memory.current") or _numbers(group / "memory.usage_in_bytes")
        most = _numbers(group / "memory.max") or _numbers(group / "memory.limit_in_bytes")
        if used and most and most[0] < _NO_LIMIT:
            left.append(max(0, most[0] - used[0] + _reclaimable(group)))
    return min(left, default=None)


def _reclaimable(group: Path) -> int:
    """The cache of files counts as used memory, and goes when memory is asked for."""
    return sum(_named_number(group / "memory.stat", "inactive_file"))


def _named_number(file: Path, name: str) -> list[int]:
    if not file.is_file():
        return []
    rows = (line.split() for line in file.read_text().splitlines())
    return [int(row[1]) for row in rows if len(row) > 1 and row[0] == name]


def _numbers(file: Path) -> list[int]:
    """The numbers of a one-line file; "max" is none."""
    if not file.is_file():
        return []
    return [int(part) for part in file.read_text().split() if part.lstrip("-").isdigit()]
