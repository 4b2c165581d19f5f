"""A score as coordinates: the Φ curve of an episode above one lane per stage.

The template draws them as SVG and the page's script moves a cursor over them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rewardlang.scoring.score import EpisodeScore
from rewardlang.scoring.timeline import bands

WIDTH, LEFT, RIGHT = 720, 150, 12  # px: of the drawing, of the labels, beside the last step
TOP, CURVE, LANE, AXIS = 10, 140, 18, 26  # px: margin, Φ's height, a lane's, the step axis
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)  # between ticks
_MOST_TICKS = 10
_LONGEST = 22  # characters of a label: what fits into LEFT


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch in which a stage was worked on."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Lane:
    """A stage's row."""

    path: str
    label: str  # the path, or its end where it is too long
    color: str
    y: int
    bars: tuple[Bar, ...]
    finished: float | None  # x of the step at which it was first finished


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that is drawn, in px."""

    height: int
    curve: str  # the points of Φ, "x,y x,y …"
    lanes: tuple[Lane, ...]
    steps: tuple[Tick, ...]
    levels: tuple[Tick, ...]
    success: float | None  # x of the program's success
    step_width: float


def chart(item: EpisodeScore, color_of: Mapping[str, str]) -> Chart:
    """The drawing of one episode; `color_of` holds the program's stages in order."""
    width = (WIDTH - LEFT - RIGHT) / max(1, item.steps)
    return Chart(
        height=TOP + CURVE + LANE * len(color_of) + AXIS,
        curve=" ".join(f"{_x(t, width):g},{_y(phi):g}" for t, phi in enumerate(item.phi)),
        lanes=_lanes(item, color_of, width),
        steps=tuple(Tick(_x(t, width), str(t)) for t in _ticks(item.steps)),
        levels=tuple(Tick(_y(level), f"{level:g}") for level in (0.0, 0.5, 1.0)),
        success=None if item.success is None else _x(item.success, width),
        step_width=round(width, 4),
    )


def _lanes(item: EpisodeScore, color_of: Mapping[str, str], width: float) -> tuple[Lane, ...]:
    stretches = bands(item.working)
    lanes = []
    for row, (path, color) in enumerate(color_of.items()):
        bars = tuple(
            Bar(_x(band.start, width), round((band.stop - band.start) * width, 2))
            for band in stretches
            if path in band.stages
        )
        finished = item.finished.get(path)
        at = None if finished is None else _x(finished, width)
        lanes.append(Lane(path, _label(path), color, TOP + CURVE + LANE * row, bars, at))
    return tuple(lanes)


def _label(path: str) -> str:
    return path if len(path) <= _LONGEST else f"…{path[1 - _LONGEST :]}"


def _ticks(steps: int) -> Sequence[int]:
    apart = next((apart for apart in _STEPS if steps / apart <= _MOST_TICKS), 1000)
    return range(0, steps + 1, apart)


def _x(step: float, width: float) -> float:
    return round(LEFT + step * width, 2)


def _y(phi: float) -> float:
    return round(TOP + (1.0 - phi) * (CURVE - 12), 2)
