"""What a person sees of a run while it goes on: something that moves in a terminal, or lines."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from tgrpo.cli.console import duration
from tgrpo.cli.stages import stage_bars, stage_line
from tgrpo.progress import StageShares, Status

_PLAIN_INTERVAL = 10.0  # seconds between two lines where there is no terminal


class PlainListener:
    """A line every ten seconds and at every note: for logs."""

    def __init__(self, console: Console):
        self._console = console
        self._start = self._last = time.monotonic()
        self._phase = ""

    def status(self, status: Status) -> None:
        now = time.monotonic()
        if status.phase == self._phase and now - self._last < _PLAIN_INTERVAL:
            return
        self._phase, self._last = status.phase, now
        self.note(_status_text(status))

    def stages(self, tasks: Sequence[StageShares]) -> None:
        for item in tasks:
            self.note(stage_line(item))

    def note(self, text: str) -> None:
        clock = duration(time.monotonic() - self._start)
        self._console.print(f"[{clock}] {text}", markup=False, soft_wrap=True)

    def __enter__(self) -> PlainListener:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class LiveListener:
    """At the bottom of a terminal how far the last iteration's arms came and one moving line."""

    def __init__(self, console: Console):
        self._start = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.fields[clock]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
        )
        self._task: TaskID = self._progress.add_task("starting", total=None, clock="00:00")
        self._live = Live(self._progress, console=console, transient=True)

    def status(self, status: Status) -> None:
        self._progress.update(
            self._task,
            description=_status_text(status),
            completed=status.done,
            total=status.total,
            clock=duration(time.monotonic() - self._start),
        )

    def stages(self, tasks: Sequence[StageShares]) -> None:
        self._live.update(Group(stage_bars(tasks), self._progress))

    def note(self, text: str) -> None:
        clock = duration(time.monotonic() - self._start)
        self._live.console.print(f"[{clock}] {text}", markup=False, soft_wrap=True)

    def __enter__(self) -> LiveListener:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()


def make_listener(console: Console) -> PlainListener | LiveListener:
    return LiveListener(console) if console.is_terminal else PlainListener(console)


def _status_text(status: Status) -> str:
    parts = [status.phase, *(f"{name} {value}" for name, value in status.values.items())]
    unit = "gradient steps/s" if status.unit == "gradient steps" else "steps/s"
    rate = f"{status.rate:.0f}" if status.rate >= 10 else f"{status.rate:.1f}"
    parts.append(f"{status.done}/{status.total} at {rate} {unit}")
    parts.append(f"about {duration(status.seconds_left)} left")
    return " · ".join(parts)
