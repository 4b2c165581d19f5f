"""Experiments: methods x seeds from the same SFT start, with intervals over seeds and states.

    python benchmarks/experiments table             # hours; what is finished is not repeated
    python benchmarks/experiments table --suites libero_object --methods SFT TGRPO --seeds 0 1
    python benchmarks/experiments alpha --summary   # runs nothing: what is finished so far
    python benchmarks/experiments reward --quick    # minutes: to see that it runs, no figures

docs/experiments.md says what each of them asks. One policy is trained on all of a suite's chosen
tasks. SFT, the last policy and the validation-best one are tested on the same fixed initial states
of every task. Rates and differences have 95 % intervals by a hierarchical bootstrap (seeds, then
states), differences are paired, and their p-values are Holm's over the comparisons of a suite.
Every trial that was finished is in the table; what was not run stands there as "not run". Prints
Markdown; the last line is JSON, and `--out` keeps it with every outcome.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from definitions import EXPERIMENTS
from experiment import Experiment, quick
from tables import as_json, markdown
from trials import Settings, Trial

from tgrpo.capacity import cores


def trials(
    experiment: Experiment, suites: Sequence[str], methods: Sequence[str], seeds: Sequence[int]
) -> list[Trial]:
    """Seeds outermost: what is interrupted has whole seeds."""
    return [
        Trial(suite, method, seed)
        for seed in seeds
        for suite in experiment.suites
        if suite.name in suites
        for method in experiment.methods
        if method.name in methods
    ]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("--suites", nargs="+", help="[those that its table was made with]")
    parser.add_argument("--methods", nargs="+", help="[those that its table was made with]")
    parser.add_argument("--seeds", nargs="+", type=int, help="[0 1 2 3 4]")
    parser.add_argument("--jobs", type=int, default=cores(), help="trials at the same time")
    parser.add_argument("--runs", type=Path, default=Path("runs/experiments"))
    parser.add_argument("--out", type=Path, help="JSON file for the result")
    parser.add_argument("--plot", type=Path, help="PNG file for the pictures")
    parser.add_argument("--summary", action="store_true", help="run nothing")
    parser.add_argument("--quick", action="store_true", help="one task, one iteration, seed 0")
    chosen = parser.parse_args()
    experiment = EXPERIMENTS[chosen.experiment]
    known = {
        "--suites": (chosen.suites, [suite.name for suite in experiment.suites]),
        "--methods": (chosen.methods, [method.name for method in experiment.methods]),
    }
    for option, (given, names) in known.items():
        if unknown := set(given or ()) - set(names):
            parser.error(f"{option}: {', '.join(unknown)} is none of {', '.join(names)}")
    return chosen


def main() -> None:
    chosen = arguments()
    experiment = EXPERIMENTS[chosen.experiment]
    if chosen.quick:
        experiment = quick(experiment)
    settings = Settings(
        chosen.runs / ("quick" if chosen.quick else "") / experiment.folder,
        experiment.common,
        chosen.jobs,
        chosen.quick,
    )
    suites = chosen.suites or experiment.suites_here
    seeds = chosen.seeds or experiment.seeds
    if not chosen.summary:
        run(experiment, settings, suites, chosen.methods or experiment.here, seeds)
    show(experiment, settings, seeds, chosen)


def run(
    experiment: Experiment,
    settings: Settings,
    suites: Sequence[str],
    methods: Sequence[str],
    seeds: Sequence[int],
) -> None:
    """What is not finished."""
    experiment.prepare(settings, [item for item in experiment.suites if item.name in suites])
    experiment.play(trials(experiment, suites, methods, seeds), settings)


def show(
    experiment: Experiment, settings: Settings, seeds: Sequence[int], chosen: argparse.Namespace
) -> None:
    """What is finished, of all suites and methods."""
    names = [suite.name for suite in experiment.suites]
    methods = [method.name for method in experiment.methods]
    every = trials(experiment, names, methods, seeds)
    found = (experiment.read(trial, settings) for trial in every)
    results = [result for result in found if result is not None]
    remarks = experiment.remarks(settings, experiment.suites)
    print(markdown(results, experiment), end="\n\n")
    if remarks is not None:
        print(remarks.markdown, end="\n\n")
    data = as_json(results, experiment) | ({} if remarks is None else {"remarks": remarks.data})
    line = json.dumps(data)
    if chosen.out:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(line + "\n")
    if chosen.plot:
        from plots import plot

        plot(results, experiment, chosen.plot)
    print(line)


if __name__ == "__main__":
    main()
