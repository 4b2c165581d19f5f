"""Metrics of a run: one JSON object per line, and TensorBoard events of the same numbers."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tensorboard.summary import Writer  # type: ignore[import-untyped]


class MetricsWriter:
    """Appends to `metrics.jsonl` and an events file in `folder`; each line is complete on disk.

    A value that is not finite becomes null in JSON and is left out of the events.
    """

    def __init__(self, folder: Path):
        self._start = time.time()
        self._lines = (folder / "metrics.jsonl").open("a", encoding="utf-8")
        self._events = Writer(str(folder / "events"))

    def write(self, phase: str, step: int, values: Mapping[str, float]) -> None:
        """Record `values` by name (`group/name`) at `step` of `phase`."""
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        line = {
            "phase": phase,
            "step": step,
            "seconds": round(time.time() - self._start, 3),
            **{name: finite.get(name) for name in values},
        }
        self._lines.write(json.dumps(line, allow_nan=False) + "\n")
        self._lines.flush()
        for name, value in finite.items():
            self._events.add_scalar(f"{phase}/{name}", value, step)
        self._events.flush()

    def close(self) -> None:
        self._lines.close()
        self._events.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
