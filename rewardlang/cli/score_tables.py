"""Scores as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rewardlang.scoring.score import EpisodeScore
    from rewardlang.scoring.summary import Spread, Summary


def print_scores(summary: Summary, scores: Sequence[EpisodeScore], passed_over: int) -> None:
    """Two rows per episode, a row per stage, and what tables do not say."""
    console = Console(highlight=False)
    files = list(dict.fromkeys(item.file for item in scores))
    names = _names(files, scores)
    console.print(_episodes(names, scores))
    console.print(_stage_times(names, scores))
    console.print(_stages(summary))
    for line in (*_numbered(files), *_lines(summary, passed_over)):
        console.print(Text(line), soft_wrap=True)  # a file may be called `runs[old]`


def _names(files: Sequence[str], scores: Sequence[EpisodeScore]) -> list[str]:
    """With their file's number where there are several files: their names are long."""
    if len(files) < 2:
        return [item.name for item in scores]
    return [f"{files.index(item.file) + 1}: {item.name}" for item in scores]


def _numbered(files: Sequence[str]) -> list[str]:
    several = files if len(files) > 1 else ()
    return [f"file {number}: {file}" for number, file in enumerate(several, start=1)]


def _episodes(names: Sequence[str], scores: Sequence[EpisodeScore]) -> Table:
    table = _table("episode")
    for column in ("steps", "return", "Φ first", "most", "last", "success\nat", "LIBERO's\nat"):
        table.add_column(column, justify="right")
    for name, item in zip(names, scores, strict=True):
        table.add_row(
            Text(name),
            str(item.steps),
            f"{item.total_reward:.3f}",
            *(f"{phi:.2f}" for phi in (item.phi[0], max(item.phi), item.phi[-1])),
            _step(item.success),
            _step(item.native_success),
        )
    return table


def _stage_times(names: Sequence[str], scores: Sequence[EpisodeScore]) -> Table:
    """Of the stages that an episode reached."""
    table = _table("episode")
    table.add_column("stages, first finished at step (steps spent)", overflow="fold")
    for name, item in zip(names, scores, strict=True):
        spent = item.spent
        times = [
            f"{path} {_step(item.finished.get(path))} ({spent.get(path, 0)})"
            for path in dict.fromkeys([*item.finished, *spent])
        ]
        table.add_row(Text(name), Text(", ".join(times)))
    return table


def _table(first: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, overflow="fold")
    return table


def _step(number: int | None) -> str:
    return "-" if number is None else str(number)


def _stages(summary: Summary) -> Table:
    table = _table("stage")
    for column in ("reached", "finished", "at step:\nmean", "\nmedian", "spent:\nmean", "\nmedian"):
        table.add_column(column, justify="right")
    for stage in summary.stages:
        table.add_row(
            stage.path,
            str(stage.reached),
            str(stage.finished),
            *_mean_and_median(stage.finished_at),
            *_mean_and_median(stage.spent),
            style=None if stage.reached else "red",
        )
    return table


def _mean_and_median(spread: Spread | None) -> tuple[str, str]:
    return ("-", "-") if spread is None else (f"{spread.mean:.1f}", f"{spread.median:g}")


def _lines(summary: Summary, passed_over: int) -> list[str]:
    """What the tables do not say."""
    returns = summary.total_reward
    lines = [
        f"{summary.episodes} episodes, {summary.steps} steps; success {summary.success:.0%} by the "
        f"program, {summary.native_success:.0%} by LIBERO; return {returns.mean:.3f} on average, "
        f"median {returns.median:.3f}"
    ]
    if summary.never_reached:
        lines.append(f"never reached: {', '.join(summary.never_reached)}")
    if summary.ends_early:
        lines.append(
            f"{summary.ends_early} episodes are a success by what their file says, but end one "
            "state before it"
        )
    if passed_over:
        lines.append(f"passed over {passed_over} files of other tasks")
    return lines
