"""Cards whose memory, bandwidth and matrix rates their vendor has published."""

from __future__ import annotations

from dataclasses import dataclass

GB = 10**9
TERA = 10**12


@dataclass(frozen=True, slots=True)
class Card:
    """`memory` in bytes; `bandwidth` in bytes/s; dense matrix rates in FLOP/s, without sparsity."""

    name: str
    memory: float
    bandwidth: float
    bfloat16: float  # tensor cores, sums in float32
    float32: float  # outside of tensor cores: PyTorch does not use TF32 unless it is told to


# Data sheets of NVIDIA; a binned or power-limited card has less.
CARDS = {
    name: Card(name, memory * GB, bandwidth * GB, half * TERA, single * TERA)
    for name, memory, bandwidth, half, single in (
        ("rtx-3090", 24, 936, 71.0, 35.6),
        ("rtx-4090", 24, 1008, 165.2, 82.6),
        ("rtx-5090", 32, 1792, 209.5, 104.8),
        ("a6000", 48, 768, 154.8, 38.7),
        ("rtx-6000-ada", 48, 960, 364.2, 91.1),
        ("l4", 24, 300, 121.0, 30.3),
        ("l40s", 48, 864, 362.0, 91.6),
        ("a100-40gb", 40, 1555, 312.0, 19.5),
        ("a100-80gb", 80, 2039, 312.0, 19.5),
        ("h100-pcie", 80, 2000, 756.0, 51.0),
        ("h100", 80, 3350, 989.0, 67.0),
        ("h200", 141, 4800, 989.0, 67.0),
    )
}
DEFAULT_CARD = "h100"
