"""Results of trials to estimates, Markdown and JSON."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from estimates import Estimate, bootstrap, holm
from experiment import Experiment
from markdown_tables import NOT_RUN, table
from trials import Result

_NAMES = {"last": "last", "best": "best by validation"}


def outcomes(
    results: Sequence[Result], suite: str, method: str, candidate: str
) -> dict[int, np.ndarray]:
    """Seed -> success (tasks, states)."""
    return {
        item.trial.seed: item.outcomes[candidate].astype(float)
        for item in results
        if (item.trial.suite.name, item.trial.method.name) == (suite, method)
    }


def rate(results: Sequence[Result], suite: str, method: str, candidate: str) -> Estimate | None:
    """Success of a method on a suite; None where no trial of it is finished."""
    by_seed = outcomes(results, suite, method, candidate)
    return bootstrap(np.stack(list(by_seed.values()))) if by_seed else None


def differences(
    results: Sequence[Result], experiment: Experiment, suite: str, candidate: str
) -> dict[tuple[str, str], tuple[Estimate, int]]:
    """(first, second) -> difference with Holm's p over this suite's, and the number of seeds.

    One seed says nothing of others: p is NaN, and the interval is about states alone.
    """
    found: dict[tuple[str, str], tuple[Estimate, int]] = {}
    for pair in experiment.comparisons:
        first, second = (outcomes(results, suite, name, candidate) for name in pair)
        shared = sorted(set(first) & set(second))
        if shared:
            gaps = np.stack([first[seed] - second[seed] for seed in shared])
            found[pair] = bootstrap(gaps), len(shared)
    adjusted = holm({pair: item.p for pair, (item, seeds) in found.items() if seeds > 1})
    return {
        pair: (replace(item, p=adjusted.get(pair, math.nan)), n)
        for pair, (item, n) in found.items()
    }


def markdown(results: Sequence[Result], experiment: Experiment) -> str:
    """Tables of rates and, for each suite, one of differences."""
    suites, wide = [suite.name for suite in experiment.suites], experiment.side_by_side
    parts = [suites[first : first + wide] for first in range(0, len(suites), wide)]
    rates = (_rate_table(results, experiment, part) for part in parts)
    gaps = (_gaps(results, experiment, suite) for suite in suites)
    return "\n\n".join([*rates, *filter(None, gaps)])


def _rate_table(results: Sequence[Result], experiment: Experiment, suites: Sequence[str]) -> str:
    """A row for each method, with the suites side by side."""
    named = [_NAMES[candidate] for candidate in experiment.candidates]
    heads = [cell for suite in suites for cell in (f"{suite}, {named[0]}", *named[1:], "seeds")]
    rows = []
    for method in experiment.methods:
        cells = (_rates(results, experiment, suite, method.name) for suite in suites)
        rows.append([method.name, *itertools.chain.from_iterable(cells)])
    return table(["success, %", *heads], rows)


def _rates(results: Sequence[Result], experiment: Experiment, suite: str, method: str) -> list[str]:
    items = [rate(results, suite, method, candidate) for candidate in experiment.candidates]
    seeds = outcomes(results, suite, method, experiment.candidates[0])
    return [*(NOT_RUN if item is None else _share(item) for item in items), str(len(seeds))]


def _gaps(results: Sequence[Result], experiment: Experiment, suite: str) -> str:
    """The table of a suite's differences; "" where there is none."""
    found = [
        differences(results, experiment, suite, candidate) for candidate in experiment.candidates
    ]
    rows = [
        [
            f"{first} − {second}",
            *(text for items in found for text in _difference(items[first, second][0])),
            str(seeds),
        ]
        for (first, second), (_, seeds) in found[0].items()
    ]
    named = [text for name in experiment.candidates for text in (_NAMES[name], "p (Holm)")]
    return table([f"{suite}, points", *named, "seeds"], rows) if rows else ""


def _share(item: Estimate) -> str:
    return f"{100 * item.value:.1f} ({100 * item.low:.0f}–{100 * item.high:.0f})"


def _difference(item: Estimate) -> tuple[str, str]:
    return _points(item), "one seed" if math.isnan(item.p) else f"{item.p:.3f}"


def _points(item: Estimate) -> str:
    return f"{100 * item.value:+.1f} ({100 * item.low:+.1f} … {100 * item.high:+.1f})"


def as_json(results: Sequence[Result], experiment: Experiment) -> dict[str, object]:
    """Everything that the tables were made from."""
    return {
        "benchmark": experiment.name,
        "common": list(experiment.common),
        "methods": {method.name: list(method.options) for method in experiment.methods},
        "suites": {
            suite.name: {"tasks": list(suite.tasks), "demonstrations": suite.demonstrations}
            for suite in experiment.suites
        },
        "differences": {
            suite.name: {
                candidate: _named(differences(results, experiment, suite.name, candidate))
                for candidate in experiment.candidates
            }
            for suite in experiment.suites
        },
        "trials": [item.as_json() for item in results],
    }


def _named(items: Mapping[tuple[str, str], tuple[Estimate, int]]) -> dict[str, list[float | None]]:
    """ "first - second" -> value, low, high, p, seeds."""
    return {f"{a} - {b}": [*item.as_json(), seeds] for (a, b), (item, seeds) in items.items()}
