"""Metrics of a run: one JSON object per line, and TensorBoard events of the same numbers."""

from __future__ import annotations

import itertools
import json
import math
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tensorboard.summary import Writer  # type: ignore[import-untyped]  # tensorboard ships no types

from tgrpo.closing import Closing
from tgrpo.files import telling_of_room, write_text
from tgrpo.trackers import Tracker

_NO_VALUES = ("phase", "step", "seconds")


class MetricsWriter(Closing):
    """Appends to `metrics.jsonl` and an events file in `folder`; each line is complete on disk.

    The first `keep` lines of an earlier start stay and its clock goes on; whatever follows them,
    a half line too, is dropped. The events are written anew from what stays. A value that is not
    finite becomes null in JSON and is left out of the events. What is new goes to `trackers` as
    well, which are closed with it. Raises DiskFullError, OSError.
    """

    def __init__(self, folder: Path, *, keep: int = 0, trackers: Sequence[Tracker] = ()):
        self._trackers = tuple(trackers)
        self._path, events = folder / "metrics.jsonl", folder / "events"
        kept = _cut(self._path, keep)
        shutil.rmtree(events, ignore_errors=True)
        self.lines = len(kept)
        self._start = time.time() - (kept[-1]["seconds"] if kept else 0.0)
        self._file = self._path.open("ab", buffering=0)
        self._events = Writer(str(events))
        for line in kept:
            self._show(line)

    def write(self, phase: str, step: int, values: Mapping[str, float]) -> None:
        """Record `values` by name (`group/name`) at `step` of `phase`."""
        seconds = round(time.time() - self._start, 3)
        finite = {name: value if math.isfinite(value) else None for name, value in values.items()}
        line = {"phase": phase, "step": step, "seconds": seconds, **finite}
        content = (json.dumps(line, allow_nan=False) + "\n").encode()
        with telling_of_room(self._path):
            while content:
                content = content[self._file.write(content) :]
        self.lines += 1
        self._show(line)
        self._events.flush()
        known = {name: value for name, value in finite.items() if value is not None}
        for tracker in self._trackers:
            tracker.log(phase, step, known)

    def sync(self) -> None:
        """All lines so far survive a power cut."""
        with telling_of_room(self._path):
            os.fsync(self._file.fileno())

    def _show(self, line: Mapping[str, Any]) -> None:
        when = self._start + line["seconds"]
        for name, value in line.items():
            if name not in _NO_VALUES and value is not None:
                tag = f"{line['phase']}/{name}"
                self._events.add_scalar(tag, value, line["step"], wall_time=when)

    def close(self) -> None:
        self._file.close()
        self._events.close()
        for tracker in self._trackers:
            tracker.close()


def _cut(path: Path, keep: int) -> list[dict[str, Any]]:
    """Leave the first `keep` lines of the file, as far as they are there; returns them."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as file:
        text = "".join(line for line in itertools.islice(file, keep) if line.endswith("\n"))
    write_text(path, text)
    return [json.loads(line) for line in text.splitlines()]
