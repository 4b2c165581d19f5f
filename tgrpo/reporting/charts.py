"""Histories to figures. Runs that are laid side by side share axes: a colour each, or a column."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.colors import sample_colorscale
from plotly.subplots import make_subplots

from tgrpo.intervals import wilson
from tgrpo.reporting.runs import RunHistory

# Okabe and Ito's colours: told apart by everybody.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
# Of the process that asks the policy, and of the simulators' (`tgrpo.rollouts.lockstep.Clock`).
_TRAINER = ("policy", "transport", "wait", "update")
_SIMULATORS = ("rendering", "physics", "reward", "idle")
_TIME_COLORS = (*COLORS, "#999999")


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure under a title, and what it shows in a sentence."""

    title: str
    caption: str
    figure: go.Figure


def charts(runs: Sequence[RunHistory]) -> list[Chart]:
    """All figures that the runs have data for."""
    made: list[Callable[[Sequence[RunHistory]], Chart | None]] = [
        success,
        per_task,
        stages,
        reward_terms,
        signal,
        update,
        time_split,
    ]
    return [chart for make in made if (chart := make(runs)) is not None]


def success(runs: Sequence[RunHistory]) -> Chart | None:
    """Validation success, mean over tasks, with Wilson intervals; success of the arms behind it."""
    figure = go.Figure()
    for run, color in _colored(runs):
        _band(figure, run, "success", color, len(run.tasks))
        steps, values = run.series("train", "rollout/success")
        figure.add_scatter(
            x=steps,
            y=values,
            name=f"{run.label}: arms while collecting",
            line={"color": color, "width": 1, "dash": "dot"},
            opacity=0.7,
        )
    if not any(trace.x for trace in figure.data):
        return None
    _percent(figure)
    caption = (
        "Solid: greedy episodes on validation states, with 95 % Wilson intervals of the pooled "
        "episodes. Dotted: sampled arms of the groups."
    )
    return Chart("Success", caption, figure)


def per_task(runs: Sequence[RunHistory]) -> Chart | None:
    """The same for each task."""
    tasks = list(dict.fromkeys(task for run in runs for task in run.tasks))
    if len(tasks) < 2:
        return None
    figure = _grid(tasks)
    for run, color in _colored(runs):
        for place, task in enumerate(tasks):
            if task in run.tasks:
                _band(figure, run, f"success/{task}", color, 1, legend=place == 0, **_place(place))
    _percent(figure)
    return Chart("Success per task", "Validation states, 95 % Wilson intervals.", figure)


def _band(
    figure: go.Figure,
    run: RunHistory,
    name: str,
    color: str,
    tasks: int,
    *,
    row: int | None = None,
    col: int | None = None,
    legend: bool = True,
) -> None:
    """A line of validation success with its interval."""
    steps, values = run.series("validation", name)
    episodes = run.config.evaluation.validation_episodes * tasks
    intervals = [wilson(round(value * episodes), episodes) for value in values]
    figure.add_scatter(
        x=[*steps, *reversed(steps)],
        y=[*(item.high for item in intervals), *(item.low for item in reversed(intervals))],
        fill="toself",
        fillcolor=color,
        opacity=0.15,
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        row=row,
        col=col,
    )
    figure.add_scatter(
        x=steps,
        y=values,
        mode="lines+markers",
        name=run.label,
        showlegend=legend,
        line={"color": color},
        row=row,
        col=col,
    )


def stages(runs: Sequence[RunHistory]) -> Chart | None:
    """Share of arms by the furthest stage they came to, per task, over the iterations."""
    panels = _panels(runs, "rollout/stages")
    if not panels:
        return None
    figure = _grid([panel.title for panel in panels])
    for place, panel in enumerate(panels):
        last = max(1, len(panel.names) - 1)
        colors = sample_colorscale("Viridis", [at / last for at in range(len(panel.names))])
        for name, color in zip(panel.names, colors, strict=True):
            steps, values = panel.series(name)
            figure.add_bar(
                x=steps,
                y=values,
                name=name.partition("-")[2],
                marker={"color": color, "line": {"width": 0}},
                showlegend=False,
                **_place(place),
            )
    figure.update_layout(barmode="stack", bargap=0.0)
    _percent(figure)
    caption = "Dark: stuck at the first stage; light: success. Hover for a stage's name and share."
    return Chart("Furthest stage of the arms", caption, figure)


def reward_terms(runs: Sequence[RunHistory]) -> Chart | None:
    """The named parts of the reward, per task."""
    panels = _panels(runs, "reward")
    if not panels:
        return None
    figure = _grid([panel.title for panel in panels])
    for place, panel in enumerate(panels):
        for name, color in zip(panel.names, itertools.cycle(COLORS), strict=False):
            steps, values = panel.series(name)
            figure.add_scatter(
                x=steps,
                y=values,
                name=name,
                line={"color": color},
                showlegend=False,
                **_place(place),
            )
    caption = "Mean over all steps of all arms: values of stages in [0, 1], and costs of penalties."
    return Chart("Terms of the reward", caption, figure)


@dataclass(frozen=True, slots=True)
class _Panel:
    """One task of one run: the metrics `prefix` + name, for all `names`."""

    run: RunHistory
    title: str
    prefix: str
    names: tuple[str, ...]

    def series(self, name: str) -> tuple[list[int], list[float]]:
        return self.run.series("train", self.prefix + name)


def _panels(runs: Sequence[RunHistory], kind: str) -> list[_Panel]:
    """Task by task, the runs that wrote metrics `kind`/TASK/NAME side by side."""
    panels = []
    for task in dict.fromkeys(task for run in runs for task in run.tasks):
        prefix = f"{kind}/{task}/"
        for run in runs:
            names = tuple(name.removeprefix(prefix) for name in run.names("train", prefix))
            title = task if len(runs) == 1 else f"{run.label}<br>{task}"
            panels += [_Panel(run, title, prefix, names)] if names else []
    return panels


def signal(runs: Sequence[RunHistory]) -> Chart | None:
    """Advantages, and how many groups teach nothing."""
    named = {
        "advantage/mean_abs": "mean |advantage|",
        "advantage/groups_without_signal": "share of groups without signal",
        "advantage/groups_alike": "share of groups whose arms end alike",
        "rollout/groups_with_success": "share of groups with a success",
    }
    return _lines(runs, "Signal", "What the groups of an iteration have to teach.", named)


def update(runs: Sequence[RunHistory]) -> Chart | None:
    """What the update did."""
    named = {
        "loss/policy": "surrogate",
        "loss/kl": "KL to the SFT policy",
        "loss/clip_fraction": "share of ratios clipped",
        "update/gradient_norm": "norm of the gradient",
    }
    return _lines(runs, "Update", "Means over the optimiser steps of an iteration.", named)


def _lines(
    runs: Sequence[RunHistory], title: str, caption: str, named: dict[str, str]
) -> Chart | None:
    if not any(run.series("train", name)[0] for run in runs for name in named):
        return None
    figure = _grid(list(named.values()))
    for run, color in _colored(runs):
        for place, name in enumerate(named):
            steps, values = run.series("train", name)
            figure.add_scatter(
                x=steps,
                y=values,
                name=run.label,
                line={"color": color},
                showlegend=place == 0,
                **_place(place),
            )
    return Chart(title, caption, figure)


def time_split(runs: Sequence[RunHistory]) -> Chart | None:
    """Seconds of an iteration: of the process that asks the policy, and of the simulators'."""
    names = [
        name
        for name in (*_TRAINER, *_SIMULATORS)
        if any(any(run.series("train", f"seconds/{name}")[1]) for run in runs)
    ]
    if not names:
        return None
    figure = _grid([run.label for run in runs])
    for place, run in enumerate(runs):
        for number, name in enumerate(names):
            steps, values = run.series("train", f"seconds/{name}")
            figure.add_bar(
                x=steps,
                y=values,
                name=name,
                marker={"color": _TIME_COLORS[number], "line": {"width": 0}},
                offsetgroup="simulators" if name in _SIMULATORS else "trainer",
                legendgroup=name,
                showlegend=place == 0,
                **_place(place),
            )
    figure.update_layout(barmode="relative")
    figure.update_yaxes(title="s")
    caption = (
        "Left bar: the process that asks the policy (policy, transport, wait, update). Right bar: "
        "the simulator processes, on average (rendering, physics, reward, idle)."
    )
    return Chart("Where the time goes", caption, figure)


def _colored(runs: Sequence[RunHistory]) -> list[tuple[RunHistory, str]]:
    return [(run, COLORS[place % len(COLORS)]) for place, run in enumerate(runs)]


def _grid(titles: Sequence[str]) -> go.Figure:
    """Panels in two columns."""
    columns = min(2, len(titles))
    rows = -(-len(titles) // 2)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[_short(title) for title in titles],
        shared_xaxes="all",
        vertical_spacing=min(0.12, 0.5 / rows),
    )
    figure.update_layout(height=max(360, 240 * rows))
    figure.update_annotations(font={"size": 12})
    return figure


def _place(number: int) -> dict[str, int]:
    """Row and column of a panel of `_grid`, both from 1."""
    return {"row": number // 2 + 1, "col": number % 2 + 1}


def _short(title: str) -> str:
    """A task's name without its suite, cut to a panel's width."""
    lines = [line.rpartition("/")[2] for line in title.split("<br>")]
    return "<br>".join(line if len(line) <= 60 else f"{line[:59]}…" for line in lines)


def _percent(figure: go.Figure) -> None:
    figure.update_yaxes(range=[0, 1], tickformat=".0%")
