"""What an experiment is: suites, methods, the differences asked about, and how it is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from trials import Method, Result, Settings, Suite, Trial, read, run_all

QUICK = (
    *("--preset", "quickstart", "--iterations", "1", "--group-size", "2"),
    *("--set", "evaluation.test_episodes=2"),
    *("--set", "evaluation.validation_episodes=2"),
    *("--set", "rollout.groups_per_iteration=1"),
)


@dataclass(frozen=True, slots=True)
class Remarks:
    """What an experiment says besides its rates: Markdown, and the data behind it."""

    markdown: str
    data: object


def nothing(_: Settings, __: Sequence[Suite]) -> None:
    """No preparation, and no remarks."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """`here`, `suites_here`: what is run when none is named; the others stand there as not run.

    candidates  the policies of a trial that are in the table, of `trials.CANDIDATES`
    side_by_side  suites in one table of rates
    folder      where its trials are, below that of all runs; shared where starts are the same
    prepare     makes what trials need, before them; what is there stays
    play        plays trials; what is finished is not repeated
    read        the result of a trial, where it is finished
    remarks     what else is to be said of some suites
    """

    name: str
    title: str
    suites: tuple[Suite, ...]
    methods: tuple[Method, ...]
    comparisons: tuple[tuple[str, str], ...]  # the first minus the second
    common: tuple[str, ...]  # options of every `tgrpo train`
    here: tuple[str, ...]
    suites_here: tuple[str, ...]
    folder: str
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    candidates: tuple[str, ...] = ("last", "best")
    side_by_side: int = 4
    prepare: Callable[[Settings, Sequence[Suite]], None] = nothing
    play: Callable[[Sequence[Trial], Settings], object] = run_all
    read: Callable[[Trial, Settings], Result | None] = read
    remarks: Callable[[Settings, Sequence[Suite]], Remarks | None] = nothing


def quick(experiment: Experiment) -> Experiment:
    """The same with as little of everything as there can be, to see that it runs: no figures."""
    suites = tuple(
        replace(suite, tasks=suite.tasks[:1], sft_steps=20) for suite in experiment.suites
    )
    return replace(experiment, suites=suites, common=QUICK, seeds=(0,))
