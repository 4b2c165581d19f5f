"""An episode in progress: what was seen, chosen and scored, and the trajectory that comes of it."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import rewardlang
from tgrpo.rollouts.episodes import Assignment, Scores
from tgrpo.rollouts.hosting import Report
from tgrpo.trajectory import (
    ACTION_DIM,
    ROBOT_DIM,
    Ending,
    Observation,
    TaskContext,
    Trajectory,
)

StageKey = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Episode:
    """What an arm plays: `uniforms` (T, 7 K) in [0, 1), for as many decisions as there can be, is
    its noise; None is greedy."""

    assignment: Assignment
    arm: int = 0
    uniforms: np.ndarray | None = None


class Arm:
    """An episode in progress and its record: T decisions so far, in `steps` control steps."""

    def __init__(self, episode: Episode):
        self.episode = episode
        self.ending: Ending | None = None
        self.steps = 0
        self.native_success_step: int | None = None  # 1-based; 0: at reset
        self._start: Scores | None = None
        self._seen: list[tuple[np.ndarray, np.ndarray]] = []
        self._images: defaultdict[str, list[np.ndarray]] = defaultdict(list)
        self._chosen: list[tuple[np.ndarray, np.ndarray]] = []
        self._scores: list[tuple[Scores, ...]] = []  # of the control steps of each decision

    def __len__(self) -> int:
        return len(self._scores)

    @property
    def start(self) -> Scores:
        """Before the first action."""
        assert self._start is not None
        return self._start

    @property
    def idle_from_start(self) -> bool:
        """Solved, or diverged, before the first action: a group has nothing to learn from it."""
        return self.start.success or (self.ending is Ending.UNSTABLE and not len(self))

    @property
    def noise(self) -> np.ndarray | None:
        """(7 K,), of the next decision."""
        return None if self.episode.uniforms is None else self.episode.uniforms[len(self)]

    def decide(self, seen: Observation, tokens: np.ndarray, log_probs: np.ndarray) -> None:
        self._seen.append((seen.robot, seen.objects))
        for name, image in seen.images.items():
            self._images[name].append(image)
        self._chosen.append((tokens, log_probs))

    def absorb(self, report: Report, row: int) -> None:
        """Take in the answer to a reset (the first) or to a decision."""
        scores = report.scores[row]
        if self._start is None:
            (self._start,) = scores
            self.native_success_step = 0 if self._start.native_success else None
        else:
            self._take_in(scores)
        if report.unstable[row]:
            self.ending = Ending.UNSTABLE

    def _take_in(self, scores: tuple[Scores, ...]) -> None:
        """Of the control steps of a decision."""
        if self.native_success_step is None:
            hits = (step for step, score in enumerate(scores, start=1) if score.native_success)
            first = next(hits, None)
            self.native_success_step = None if first is None else self.steps + first
        self._scores.append(scores)
        self.steps += len(scores)
        if scores[-1].success:
            self.ending = Ending.SUCCESS
        elif self.steps >= self.episode.assignment.max_steps:
            self.ending = Ending.TIMEOUT

    @property
    def max_phi(self) -> float:
        return max((score.phi for score in itertools.chain(*self._scores)), default=0.0)

    @property
    def stages(self) -> list[StageKey]:
        """After each control step."""
        return [score.stages for score in itertools.chain(*self._scores)]

    def stages_of_decisions(self, stop: int | None = None) -> list[StageKey]:
        """Before the first decision, and after each of the first `stop`."""
        return [self.start.stages, *(scores[-1].stages for scores in self._scores[:stop])]

    def trajectory(
        self,
        context: TaskContext,
        stage_keys: tuple[StageKey, ...],
        *,
        stop: int | None = None,
    ) -> Trajectory:
        """The record of the episode; `stage_keys` are those of its decisions, in any order.

        With `stop` it is what it would be, had the group been stopped after so many decisions.
        """
        index = {key: number for number, key in enumerate(stage_keys)}
        first, *stages = [index[key] for key in self.stages_of_decisions(stop)]
        state, assignment = self.episode.assignment.state, self.episode.assignment
        seen, chosen, scores = self._seen[:stop], self._chosen[:stop], self._scores[:stop]
        terms = [score.terms for score in itertools.chain(*scores)]
        return Trajectory(
            context=context,
            split=state.split,
            state_index=state.index,
            arm=self.episode.arm,
            robot=_stack([robot for robot, _ in seen], (ROBOT_DIM,), np.float32),
            objects=_stack(
                [poses for _, poses in seen], (len(context.object_names), 7), np.float32
            ),
            tokens=_stack([tokens for tokens, _ in chosen], (ACTION_DIM,), np.int64),
            log_probs=_stack([probs for _, probs in chosen], (ACTION_DIM,), np.float32),
            steps=np.array([len(chunk) for chunk in scores], dtype=np.int64),
            rewards=np.array(
                [sum(score.reward for score in chunk) for chunk in scores], dtype=np.float64
            ),
            phi=np.array([chunk[-1].phi for chunk in scores], dtype=np.float64),
            stages=np.array(stages, dtype=np.int64),
            stage_keys=stage_keys,
            ending=self._ending_by(stop),
            success_at_reset=self.start.success,
            start_phi=self.start.phi,
            start_stage=first,
            terms=_mean(terms),
            stage_values=_largest(terms, _stage_paths(assignment.program)),
            images={name: np.stack(images[:stop]) for name, images in self._images.items()},
        )

    def _ending_by(self, stop: int | None) -> Ending:
        if stop is not None and (self.ending is None or len(self) > stop):
            return Ending.CUT
        assert self.ending is not None
        return self.ending


def _stage_paths(program: rewardlang.Program | None) -> list[str]:
    return [] if program is None else [stage.path for stage in rewardlang.stages(program)]


def _mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of each name over the rows; where a row lacks it, it counts as 0."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: sum(row.get(name, 0.0) for row in rows) / len(rows) for name in names}


def _largest(rows: Sequence[Mapping[str, float]], names: Sequence[str]) -> tuple[float, ...]:
    """Of each of `names` over the rows, values >= 0; where a row lacks it, it counts as 0."""
    return tuple(max((row.get(name, 0.0) for row in rows), default=0.0) for name in names)


def _stack(rows: list[np.ndarray], shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """(T, *shape of a row); (0, *shape) for T = 0."""
    return np.array(rows, dtype=dtype) if rows else np.zeros((0, *shape), dtype)
