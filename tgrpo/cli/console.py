"""Where the command writes what is for people."""

from __future__ import annotations

from rich.console import Console

_WIDTH = 120  # where there is no terminal


def make_console() -> Console:
    """Standard output; wide enough for tables where it is not a terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH)
