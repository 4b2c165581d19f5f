"""Where the command writes what is for people."""

from __future__ import annotations

from rich.console import Console

_WIDTH = 120  # where there is no terminal


def make_console() -> Console:
    """Standard output; wide enough for tables where it is not a terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH)


def duration(seconds: float) -> str:
    """As on a clock: 01:05, 2:00:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
