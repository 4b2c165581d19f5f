"""Scores -> one self-contained HTML page: no other file, no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from rewardlang import ir
from rewardlang.scoring import chart
from rewardlang.scoring.score import EpisodeScore
from rewardlang.scoring.summary import Summary
from rewardlang.scoring.timeline import colors
from rewardlang.simulator import Frames

# What bounds the page: with pictures of LIBERO's size, 4 KB each, about 10 MB.
MOST_PICTURES = 2000
_MOST_PER_EPISODE = 60


def page(
    program: ir.Program,
    summary: Summary,
    scores: Sequence[EpisodeScore],
    frames: Sequence[Frames | None],
) -> str:
    """The page; `frames` are those of each score's episode.

    Pillow is needed where there are any.
    """
    color_of = colors([stage.path for stage in ir.stages(program)])
    with_frames = sum(item is not None for item in frames)
    most = min(_MOST_PER_EPISODE, MOST_PICTURES // max(1, with_frames))
    episodes = [
        {
            "score": item,
            "chart": chart.chart(item, color_of),
            "data": _data(item, shown, most),
        }
        for item, shown in zip(scores, frames, strict=True)
    ]
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            program=program,
            summary=summary,
            episodes=episodes,
            color_of=color_of,
            layout=chart,
        )
    )


def _data(item: EpisodeScore, frames: Frames | None, most: int) -> dict[str, Any]:
    """What the page's script shows of each step."""
    data: dict[str, Any] = {
        "phi": [round(value, 4) for value in item.phi],
        "working": [", ".join(paths) for paths in item.working],
        "success": item.success,
        "pictures": [],
    }
    if frames is not None:
        from rewardlang.scoring.pictures import pictures  # needs Pillow

        data["pictures"] = [[shown.step, shown.address] for shown in pictures(frames, most)]
    return data


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("rewardlang.scoring"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
