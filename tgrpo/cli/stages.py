"""How far an iteration's arms came, for people: bars in a terminal, a line of text in a log."""

from __future__ import annotations

from collections.abc import Sequence

from rich.columns import Columns
from rich.table import Table
from rich.text import Text

from tgrpo.progress import StageShares

_HEIGHTS = "▁▂▃▄▅▆▇█"
_LONGEST_STAGE, _LONGEST_TASK = 20, 24  # characters


def stage_bars(tasks: Sequence[StageShares]) -> Table:
    """A row per task: each stage's name, a bar as high as its share of the arms, the share.

    What does not fit beside each other goes on below.
    """
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for item in tasks:
        *stages, (success, share) = item.shares
        cells = [_cell(name, share) for name, share in stages]
        cells.append(_cell(success, share, style="green"))
        title = Text(_short_task(item.task), style="bold")
        grid.add_row(title, Columns(cells, padding=(0, 2)))
    return grid


def stage_line(item: StageShares) -> str:
    """Stages that some arm came to and none went beyond, with the share of those arms."""
    shares = [f"{name} {share:.0%}" for name, share in item.shares if share > 0]
    return f"furthest stages, {item.task.rpartition('/')[2]}: {', '.join(shares)}"


def _cell(name: str, share: float, *, style: str = "") -> Text:
    bar = _HEIGHTS[min(len(_HEIGHTS) - 1, int(share * len(_HEIGHTS)))] if share else " "
    text = f"{_short_stage(name)} {bar} {share:4.0%}"
    return Text(text, style=style if share else "dim", no_wrap=True)


def _short_stage(path: str) -> str:
    """Of a long path its beginning, which tells groups apart, and the stage's own name."""
    group, dot, name = path.rpartition(".")
    return _cut(_cut(group, _LONGEST_STAGE - len(dot + name)) + dot + name, _LONGEST_STAGE)


def _short_task(task: str) -> str:
    return _cut(task.rpartition("/")[2].replace("_", " "), _LONGEST_TASK)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: max(0, length - 1)]}…"
