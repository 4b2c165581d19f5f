"""Runs -> one self-contained HTML page: no other file, no network."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from tgrpo.intervals import Interval, wilson
from tgrpo.reporting.charts import charts
from tgrpo.reporting.episodes import RecordedEpisode
from tgrpo.reporting.runs import RunHistory
from tgrpo.reporting.videos import small_video

_NAMES = {"sft": "SFT", "last": "last", "best": "best by validation"}


def page(
    runs: Sequence[RunHistory], episodes: Sequence[RecordedEpisode] = (), *, videos: bool = True
) -> str:
    """The page of `runs`, side by side, with `episodes` to step through and, as `videos`, to watch.

    A video adds a megabyte at most, for the longest episodes; the pictures of the steps half of it.
    """
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            runs=[_head(run) for run in runs],
            charts=[
                {"title": item.title, "caption": item.caption, "html": _html(item.figure)}
                for item in charts(runs)
            ],
            results=[table for run in runs if (table := _results(run)) is not None],
            episodes=[_episode(item, video=videos) for item in episodes],
            plotly=Markup(get_plotlyjs()),
        )
    )


def _head(run: RunHistory) -> dict[str, Any]:
    config = run.config
    state = "finished" if run.finished else f"at iteration {run.iterations}, not finished"
    return {
        "label": run.label,
        "state": state,
        "warnings": run.warnings,
        "facts": {
            "tasks": ", ".join(run.tasks),
            "method": f"{config.algorithm}, {config.learner.reward} reward",
            "seed": config.seed,
            "iterations": f"{run.iterations} of {config.iterations}",
            "groups": f"{config.rollout.groups_per_iteration} of {config.rollout.group_size} arms",
        },
    }


def _results(run: RunHistory) -> dict[str, Any] | None:
    """Success of the three policies on the test states, per task."""
    if run.results is None:
        return None
    candidates: Mapping[str, Any] = run.results["candidates"]
    rows = [
        {
            "task": task,
            "cells": [
                _cell(candidate["tasks"][number], _gain(run.results, name, task))
                for name, candidate in candidates.items()
            ],
        }
        for number, task in enumerate(run.tasks)
    ]
    heads = [
        f"{_NAMES.get(name, name)} (iteration {candidate['iteration']})"
        for name, candidate in candidates.items()
    ]
    return {"label": run.label, "heads": heads, "rows": rows}


def _cell(task: Mapping[str, Any], gain: Interval | None) -> str:
    share = wilson(task["successes"], task["episodes"])
    text = (
        f"{task['successes']}/{task['episodes']} = {share.value:.0%} "
        f"({share.low:.0%} – {share.high:.0%})"
    )
    if gain is None:
        return text
    low, high = 100 * gain.low, 100 * gain.high
    return f"{text}; {100 * gain.value:+.0f} points ({low:+.0f} … {high:+.0f})"


def _gain(results: Mapping[str, Any], name: str, task: str) -> Interval | None:
    found = results.get("gain_over_sft", {}).get(name, {}).get(task)
    return None if found is None else Interval(*found)


def _episode(episode: RecordedEpisode, *, video: bool) -> dict[str, Any]:
    """`steps`: what the page's script reads; `video`: an address, or none."""
    data = b64encode(small_video(episode.frames)).decode("ascii") if video else ""
    address = f"data:video/mp4;base64,{data}" if video else None
    return {"steps": episode.as_page_data(), "video": address}


def _html(figure: go.Figure) -> Markup:
    figure.update_layout(
        template="plotly_white",
        margin={"l": 50, "r": 20, "t": 40, "b": 40},
        legend={"orientation": "h", "y": -0.15},
        font={"family": "system-ui, sans-serif"},
        paper_bgcolor="rgba(0,0,0,0)",
    )
    options = {"displayModeBar": False, "responsive": True}
    return Markup(figure.to_html(full_html=False, include_plotlyjs=False, config=options))


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("tgrpo.reporting"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
