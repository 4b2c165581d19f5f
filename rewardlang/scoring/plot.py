"""Scores -> a picture: Φ over time of every episode, above the stages that each worked on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from rewardlang.scoring.score import EpisodeScore
from rewardlang.scoring.timeline import Band, bands, colors

_SOLVED, _UNSOLVED, _END = "#222222", "#d55e00", "#009e73"  # curves; the step of success
_ROW, _LEAST, _MOST = 0.22, 0.8, 12.0  # inches: of an episode's row, of all rows together


def plot(title: str, scores: Sequence[EpisodeScore], stages: Sequence[str], form: str) -> bytes:
    """The picture's file; `form` is "png", "svg" or "pdf". Nothing global is touched."""
    rows = min(_MOST, max(_LEAST, _ROW * len(scores)))
    figure = Figure(figsize=(9.0, 3.6 + rows), layout="constrained")
    curves, timeline = figure.subplots(2, 1, sharex=True, height_ratios=[2.4, rows])
    figure.suptitle(title)
    _draw_phi(curves, scores)
    _draw_stages(timeline, scores, colors(stages))
    figure.legend(
        handles=[Patch(color=color, label=path) for path, color in colors(stages).items()],
        loc="outside lower center",
        ncols=min(6, max(1, len(stages))),
        frameon=False,
    )
    file = BytesIO()
    figure.savefig(file, format=form, dpi=120)
    return file.getvalue()


def _draw_phi(axes: Axes, scores: Sequence[EpisodeScore]) -> None:
    solved = [item.success is not None for item in scores]
    curves = LineCollection(
        [list(enumerate(item.phi)) for item in scores],
        colors=[_SOLVED if success else _UNSOLVED for success in solved],
        linewidths=1.0,
        alpha=0.6,
    )
    axes.add_collection(curves)
    ends = [(item.success, item.phi[item.success]) for item in scores if item.success is not None]
    axes.plot([step for step, _ in ends], [phi for _, phi in ends], "o", color=_END, markersize=4)
    axes.set_title(f"{sum(solved)} of {len(scores)} succeed (others in orange)", fontsize="medium")
    axes.set_ylabel("Φ")
    axes.set_ylim(-0.03, 1.05)
    axes.grid(alpha=0.3)


def _draw_stages(axes: Axes, scores: Sequence[EpisodeScore], color_of: Mapping[str, str]) -> None:
    """A row per episode; where several stages are worked on, they share its height."""
    boxes = [
        (_rectangle(band, row, lane), color_of[path])
        for row, item in enumerate(scores)
        for band in bands(item.working)
        for lane, path in enumerate(band.stages)
    ]
    axes.add_collection(
        PolyCollection([box for box, _ in boxes], facecolors=[color for _, color in boxes])
    )
    axes.set_xlim(0, 1.02 * max(1, *(item.steps for item in scores)))
    axes.set_ylim(len(scores) - 0.5, -0.5)
    if len(scores) * _ROW <= _MOST:
        axes.set_yticks(range(len(scores)), [item.name for item in scores], fontsize="small")
    else:
        axes.set_ylabel(f"{len(scores)} episodes")
    axes.set_xlabel("control step")


def _rectangle(band: Band, row: int, lane: int) -> list[tuple[float, float]]:
    """Corners of a band's share of a row."""
    height = 0.8 / len(band.stages)
    low = row - 0.4 + lane * height
    high = low + height
    return [(band.start, low), (band.stop, low), (band.stop, high), (band.start, high)]
