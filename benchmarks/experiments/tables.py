"""Results of trials to estimates, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from definitions import Experiment
from estimates import Estimate, bootstrap, holm
from trials import Result

NOT_RUN = "not run"


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
    """(first, second) -> difference with Holm's p over this suite's, and the number of seeds."""
    found: dict[tuple[str, str], tuple[Estimate, int]] = {}
    for pair in experiment.comparisons:
        first, second = (outcomes(results, suite, name, candidate) for name in pair)
        shared = sorted(set(first) & set(second))
        if shared:
            gaps = np.stack([first[seed] - second[seed] for seed in shared])
            found[pair] = bootstrap(gaps), len(shared)
    adjusted = holm({pair: item.p for pair, (item, _) in found.items()})
    return {pair: (replace(item, p=adjusted[pair]), n) for pair, (item, n) in found.items()}


def markdown(results: Sequence[Result], experiment: Experiment) -> str:
    """A table of rates and, for each suite, one of differences."""
    suites = [suite.name for suite in experiment.suites]
    heads = [cell for name in suites for cell in (f"{name}, last", "best by validation", "seeds")]
    rows = [
        [method.name, *(cell for name in suites for cell in _rates(results, name, method.name))]
        for method in experiment.methods
    ]
    parts = [_table(["success, %", *heads], rows)]
    for name in suites:
        gaps = [
            [
                f"{first} − {second}",
                _points(item),
                f"{item.p:.3f}",
                _points(best[0]),
                f"{best[0].p:.3f}",
                str(seeds),
            ]
            for (first, second), (item, seeds) in differences(
                results, experiment, name, "last"
            ).items()
            for best in [differences(results, experiment, name, "best")[first, second]]
        ]
        head = [f"{name}, points", "last", "p (Holm)", "best", "p (Holm)", "seeds"]
        parts += [_table(head, gaps)] if gaps else []
    return "\n\n".join(parts)


def _rates(results: Sequence[Result], suite: str, method: str) -> list[str]:
    shown = []
    for candidate in ("last", "best"):
        item = rate(results, suite, method, candidate)
        shown.append(
            NOT_RUN
            if item is None
            else f"{100 * item.value:.1f} ({100 * item.low:.0f}–{100 * item.high:.0f})"
        )
    return [*shown, str(len(outcomes(results, suite, method, "last")))]


def _points(item: Estimate) -> str:
    return f"{100 * item.value:+.1f} ({100 * item.low:+.1f} … {100 * item.high:+.1f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


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
                for candidate in ("last", "best")
            }
            for suite in experiment.suites
        },
        "trials": [item.as_json() for item in results],
    }


def _named(items: Mapping[tuple[str, str], tuple[Estimate, int]]) -> dict[str, list[float]]:
    """ "first - second" -> value, low, high, p, seeds."""
    return {f"{a} - {b}": [*item.as_json(), seeds] for (a, b), (item, seeds) in items.items()}
