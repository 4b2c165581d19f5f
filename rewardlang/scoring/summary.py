"""Scores of many episodes -> what they have in common, stage by stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from rewardlang.scoring.score import EpisodeScore


@dataclass(frozen=True, slots=True)
class Spread:
    """Of numbers of which there is at least one."""

    mean: float
    median: float

    @classmethod
    def of(cls, numbers: Iterable[float]) -> Spread | None:
        """None where there are no numbers."""
        values = list(numbers)
        return cls(fmean(values), float(median(values))) if values else None


@dataclass(frozen=True, slots=True)
class StageSummary:
    """How one stage went.

    reached      episodes that worked on it or finished it
    finished     episodes that finished it, at whatever step
    finished_at  the step at which it was first finished, of those
    spent        steps that worked on it, of the episodes that reached it
    """

    path: str
    reached: int
    finished: int
    finished_at: Spread | None
    spent: Spread | None


@dataclass(frozen=True, slots=True)
class Summary:
    """How all episodes went; shares in [0, 1]."""

    episodes: int
    steps: int  # of all episodes together
    success: float  # share, by the program
    native_success: float  # share, by the benchmark's own test
    total_reward: Spread
    stages: tuple[StageSummary, ...]  # in the program's order
    ends_early: int  # episodes whose states end before the success that the file tells of

    @property
    def never_reached(self) -> tuple[str, ...]:
        return tuple(stage.path for stage in self.stages if stage.reached == 0)


def summarize(scores: Sequence[EpisodeScore], stages: Sequence[str]) -> Summary:
    """The summary of at least one episode; `stages` are the program's paths."""
    returns = Spread.of(item.total_reward for item in scores)
    if returns is None:
        raise ValueError("no episodes to summarize")
    return Summary(
        episodes=len(scores),
        steps=sum(item.steps for item in scores),
        success=fmean(item.success is not None for item in scores),
        native_success=fmean(item.native_success is not None for item in scores),
        total_reward=returns,
        stages=tuple(_stage(path, scores) for path in stages),
        ends_early=sum(item.ends_early for item in scores),
    )


def _stage(path: str, scores: Sequence[EpisodeScore]) -> StageSummary:
    finished = [item.finished[path] for item in scores if path in item.finished]
    spent = [
        item.spent.get(path, 0) for item in scores if path in item.spent or path in item.finished
    ]
    return StageSummary(path, len(spent), len(finished), Spread.of(finished), Spread.of(spent))
