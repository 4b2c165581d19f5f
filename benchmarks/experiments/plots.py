"""Results of trials as pictures: success on test states, and on validation over the iterations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # before pyplot: no display is asked for

import numpy as np
from experiment import Experiment
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from tables import outcomes, rate
from trials import Result


def plot(results: Sequence[Result], experiment: Experiment, path: Path) -> None:
    """Two rows, a column for each suite with results; whiskers are 95 % intervals, dots seeds."""
    known = {item.trial.suite.name for item in results}
    suites = [suite.name for suite in experiment.suites if suite.name in known or not known]
    size = (1.0 + 4.5 * len(suites), 7.0)
    figure, axes = plt.subplots(2, len(suites), figsize=size, squeeze=False, layout="constrained")
    for column, suite in enumerate(suites):
        _bars(axes[0, column], results, experiment, suite)
        _curves(axes[1, column], results, experiment, suite)
    figure.suptitle(experiment.title)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _bars(axes: Axes, results: Sequence[Result], experiment: Experiment, suite: str) -> None:
    names = []
    for number, method in enumerate(experiment.methods):
        item = rate(results, suite, method.name, "last")
        if item is None:
            continue
        place = len(names)
        names.append(method.name)
        whiskers = [[item.value - item.low], [item.high - item.value]]
        axes.bar(place, item.value, yerr=whiskers, color=f"C{number}", alpha=0.6, capsize=4)
        seeds = outcomes(results, suite, method.name, "last").values()
        axes.plot([place] * len(seeds), [rows.mean() for rows in seeds], "k.", markersize=4)
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_ylim(0, 1)
    axes.set_ylabel("success, last policy, test states")
    axes.set_title(suite)


def _curves(axes: Axes, results: Sequence[Result], experiment: Experiment, suite: str) -> None:
    for number, method in enumerate(experiment.methods):
        own = [
            item.validation
            for item in results
            if (item.trial.suite.name, item.trial.method.name) == (suite, method.name)
            and item.trial.method.options
            and item.validation
        ]
        if not own:
            continue
        iterations = sorted(set.intersection(*(set(history) for history in own)))
        values = np.array([[history[iteration] for iteration in iterations] for history in own])
        label = f"{method.name} ({len(own)})"
        axes.plot(iterations, values.mean(axis=0), ".-", color=f"C{number}", label=label)
    axes.set_ylim(0, 1)
    axes.set_xlabel("iteration")
    axes.set_ylabel("success, validation, mean of seeds")
    if axes.lines:
        axes.legend(fontsize="small")
