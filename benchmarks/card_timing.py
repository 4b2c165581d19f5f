"""Clock, memory and speed of the card that PyTorch computes on, or of the CPU in its place."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from tgrpo.estimates.cards import Card


@dataclass(frozen=True)
class Machine:
    """Where it runs. `settle` waits until the device has done what it was asked."""

    device: torch.device
    dtype: torch.dtype
    rounds: int

    def settle(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def seconds(self, work: Callable[[], object]) -> float:
        """Median, after a round that warms up."""
        times = []
        for _ in range(self.rounds + 1):
            self.settle()
            start = time.perf_counter()
            work()
            self.settle()
            times.append(time.perf_counter() - start)
        return statistics.median(times[1:])

    def peak_of(self, work: Callable[[], object]) -> int | None:
        """Bytes on the card; None on a CPU, where PyTorch does not count them."""
        if self.device.type != "cuda":
            work()
            return None
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        work()
        return torch.cuda.max_memory_allocated()


def measured_card(machine: Machine, side: int) -> Card:
    """Bytes read and written by a copy, and products of square matrices, per second."""
    numbers = torch.zeros(side * side * 8, device=machine.device, dtype=torch.uint8)
    target = torch.empty_like(numbers)
    copying = machine.seconds(lambda: target.copy_(numbers))
    matrix = torch.randn(side, side, device=machine.device, dtype=machine.dtype)
    rate = 2 * side**3 / machine.seconds(lambda: matrix @ matrix)
    if machine.device.type == "cuda":
        properties = torch.cuda.get_device_properties(machine.device)
        name, memory = properties.name, properties.total_memory
    else:
        name, memory = "CPU", 0
    return Card(name, memory, 2 * numbers.nbytes / copying, bfloat16=rate, float32=rate)
