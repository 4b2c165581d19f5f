"""Policy and simulators in lockstep: one batch of decisions, one step of every simulator in it.

A `Lane` is a set of slots with one task whose policy is asked in one batch. Several lanes are in
flight, so that the workers simulate one while the policy is asked for another. What a lane does
next depends on what its own episodes did, never on timing.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import rewardlang
from tgrpo.policies.base import Sampler
from tgrpo.rollouts.episodes import Assignment
from tgrpo.rollouts.hosting import Report
from tgrpo.rollouts.workers import Loss, Pool
from tgrpo.trajectory import (
    ACTION_DIM,
    ROBOT_DIM,
    Ending,
    Observation,
    TaskContext,
    Trajectory,
)

OnSteps = Callable[[int], None]  # told the number of control steps just simulated


class Clock:
    """Where the time of a collection goes, in seconds.

    Of the process that asks the policy: `wall`, of which `policy`, `wait` (for workers) and the
    rest, `transport` (messages and bookkeeping). Per worker, on average: `physics`, `reward`,
    `rendering` and `idle`, which add up to `wall`; idle contains a worker's share of the transport.
    """

    def __init__(self, workers: int):
        self._workers = workers
        self._start = time.perf_counter()
        self._spent: defaultdict[str, float] = defaultdict(float)

    def add(self, phase: str, seconds: float) -> None:
        self._spent[phase] += seconds

    def add_workers(self, seconds: Mapping[str, float]) -> None:
        for phase, value in seconds.items():
            self._spent[phase] += value / self._workers

    def take(self) -> dict[str, float]:
        """What was added since this was last asked, by phase."""
        spent, self._spent = dict(self._spent), defaultdict(float)
        return spent

    def seconds(self) -> dict[str, float]:
        spent, wall = self._spent, time.perf_counter() - self._start
        return {
            "wall": wall,
            "policy": spent["policy"],
            "wait": spent["wait"],
            "transport": wall - spent["policy"] - spent["wait"],
            "physics": spent["physics"],
            "reward": spent["reward"],
            "rendering": spent["rendering"],
            "idle": max(0.0, wall - spent["physics"] - spent["reward"] - spent["rendering"]),
        }


@dataclass(frozen=True, slots=True)
class Episode:
    """What an arm plays: `uniforms` (max_steps, 7) in [0, 1) is its noise, None is greedy."""

    assignment: Assignment
    arm: int = 0
    uniforms: np.ndarray | None = None


class Arm:
    """An episode in progress and its record. T decisions have been taken so far."""

    def __init__(self, episode: Episode):
        self.episode = episode
        self.ending: Ending | None = None
        self.success_at_reset = False
        self.native_success_step: int | None = None  # 1-based; 0: at reset
        self._settled = False
        self._seen: list[tuple[np.ndarray, np.ndarray]] = []
        self._images: defaultdict[str, list[np.ndarray]] = defaultdict(list)
        self._chosen: list[tuple[np.ndarray, np.ndarray]] = []
        self._rewards: list[float] = []
        self._phi: list[float] = []
        self.stages: list[tuple[str, ...]] = []
        self.start_stage: tuple[str, ...] = ()
        self._start_phi = 0.0
        self._terms: list[Mapping[str, float]] = []
        program = episode.assignment.program
        paths = () if program is None else (stage.path for stage in rewardlang.stages(program))
        self._stage_paths = tuple(paths)
        self._stage_values: list[tuple[float, ...]] = []

    def __len__(self) -> int:
        return len(self._rewards)

    @property
    def idle_from_start(self) -> bool:
        """Solved, or diverged, before the first action: a group has nothing to learn from it."""
        return self.success_at_reset or (self.ending is Ending.UNSTABLE and not len(self))

    @property
    def noise(self) -> np.ndarray | None:
        """(7,), of the next decision."""
        return None if self.episode.uniforms is None else self.episode.uniforms[len(self)]

    def decide(self, seen: Observation, tokens: np.ndarray, log_probs: np.ndarray) -> None:
        self._seen.append((seen.robot, seen.objects))
        for name, image in seen.images.items():
            self._images[name].append(image)
        self._chosen.append((tokens, log_probs))

    def absorb(self, report: Report, row: int) -> None:
        """Take in the answer to a reset (the first) or to a decision."""
        if not self._settled:
            self._settled = True
            self.success_at_reset = bool(report.success[row])
            self._start_phi, self.start_stage = float(report.phi[row]), report.stages[row]
            self.native_success_step = 0 if report.native_success[row] else None
            if report.unstable[row]:
                self.ending = Ending.UNSTABLE
            return
        self._rewards.append(float(report.reward[row]))
        self._phi.append(float(report.phi[row]))
        self.stages.append(report.stages[row])
        terms = report.terms[row]
        self._terms.append(terms)
        self._stage_values.append(tuple(terms.get(path, 0.0) for path in self._stage_paths))
        if self.native_success_step is None and report.native_success[row]:
            self.native_success_step = len(self)
        if report.unstable[row]:
            self.ending = Ending.UNSTABLE
        elif report.success[row]:
            self.ending = Ending.SUCCESS
        elif len(self) >= self.episode.assignment.max_steps:
            self.ending = Ending.TIMEOUT

    @property
    def max_phi(self) -> float:
        return max(self._phi, default=0.0)

    def trajectory(
        self,
        context: TaskContext,
        stage_keys: tuple[tuple[str, ...], ...],
        *,
        stop: int | None = None,
    ) -> Trajectory:
        """The record of the episode; all its stages, `start_stage` too, are `stage_keys`.

        With `stop` it is what it would be, had the group been stopped after so many steps.
        """
        index = {key: number for number, key in enumerate(stage_keys)}
        objects = len(context.object_names)
        state = self.episode.assignment.state
        seen, chosen = self._seen[:stop], self._chosen[:stop]
        return Trajectory(
            context=context,
            split=state.split,
            state_index=state.index,
            arm=self.episode.arm,
            robot=_stack([robot for robot, _ in seen], (ROBOT_DIM,), np.float32),
            objects=_stack([poses for _, poses in seen], (objects, 7), np.float32),
            tokens=_stack([tokens for tokens, _ in chosen], (ACTION_DIM,), np.int64),
            log_probs=_stack([probs for _, probs in chosen], (ACTION_DIM,), np.float32),
            rewards=np.array(self._rewards[:stop], dtype=np.float64),
            phi=np.array(self._phi[:stop], dtype=np.float64),
            stages=np.array([index[key] for key in self.stages[:stop]], dtype=np.int64),
            stage_keys=stage_keys,
            ending=self._ending_by(stop),
            success_at_reset=self.success_at_reset,
            start_phi=self._start_phi,
            start_stage=index[self.start_stage],
            terms=_mean(self._terms[:stop]),
            stage_values=_largest(self._stage_values[:stop], len(self._stage_paths)),
            images={name: np.stack(images[:stop]) for name, images in self._images.items()},
        )

    def _ending_by(self, stop: int | None) -> Ending:
        if stop is not None and (self.ending is None or len(self) > stop):
            return Ending.CUT
        assert self.ending is not None
        return self.ending


def _mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of each name over the rows; where a row lacks it, it counts as 0."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: sum(row.get(name, 0.0) for row in rows) / len(rows) for name in names}


def _largest(rows: list[tuple[float, ...]], count: int) -> tuple[float, ...]:
    """Down the columns of `rows`, each of `count` values >= 0; zeros where there is no row."""
    return tuple(max(column) for column in zip((0.0,) * count, *rows, strict=True))


def _stack(rows: list[np.ndarray], shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """(T, *shape), also for T = 0."""
    return np.array(rows, dtype=dtype).reshape(len(rows), *shape)


class Lane:
    """Slots `slots` of a pool with one task; row r is `slots[r]`."""

    def __init__(self, tag: int, slots: range):
        self.tag = tag
        self.slots = slots
        self.arms: dict[int, Arm] = {}  # row -> arm, in the order of the rows
        self._awaited = 0
        self._lost: set[int] = set()
        self._context: TaskContext | None = None
        self._robot = np.zeros((len(slots), ROBOT_DIM), np.float32)
        self._objects = np.zeros((len(slots), 0, 7), np.float32)
        self._images: dict[str, np.ndarray] = {}

    @property
    def quiet(self) -> bool:
        """Every worker has answered."""
        return self._awaited == 0

    @property
    def context(self) -> TaskContext:
        assert self._context is not None
        return self._context

    def clear(self) -> None:
        """Forget what was played here: nothing of it may reach the next batch."""
        self.arms, self._lost, self._context, self._images = {}, set(), None, {}
        self._robot = np.zeros_like(self._robot)
        self._objects = np.zeros_like(self._objects)

    def begin(self, pool: Pool, episodes: Mapping[int, Episode]) -> None:
        """Start an episode in each of the given rows."""
        begun = {row: Arm(episode) for row, episode in episodes.items()}
        self.arms = dict(sorted({**self.arms, **begun}.items()))
        assignments = {self.slots[row]: item.assignment for row, item in episodes.items()}
        self._awaited += pool.assign(self.tag, assignments)

    def absorb(self, report: Report) -> int:
        """Take in one worker's answer; returns the number of control steps in it."""
        self._awaited -= 1
        self._context = report.context or self._context
        if self._objects.shape[1] != report.objects.shape[1]:
            self._objects = np.zeros((len(self.slots), *report.objects.shape[1:]), np.float32)
        before = sum(map(len, self.arms.values()))
        for index, slot in enumerate(report.slots):
            row = slot - self.slots.start
            self._robot[row] = report.robot[index]
            self._objects[row] = report.objects[index]
            self.arms[row].absorb(report, index)
            if self.arms[row].ending is None:
                self._show(report, row, index)
        return sum(map(len, self.arms.values())) - before

    def _show(self, report: Report, row: int, index: int) -> None:
        """Take in the images of a row that goes on."""
        for name, images in report.images.items():
            shape = (len(self.slots), *images.shape[1:])
            if name not in self._images or self._images[name].shape != shape:
                self._images[name] = np.zeros(shape, np.uint8)
            self._images[name][row] = images[index]

    def lose(self, loss: Loss) -> None:
        """Forget the unfinished episodes of a worker that is gone."""
        self._awaited -= loss.unanswered.get(self.tag, 0)
        for row, arm in list(self.arms.items()):
            if self.slots[row] in loss.slots and arm.ending is None:
                del self.arms[row]
                self._lost.add(row)

    def take_lost(self) -> bool:
        """Whether an episode went with a worker since this was last asked."""
        lost, self._lost = bool(self._lost), set()
        return lost

    def act(self, policy: Sampler, pool: Pool, *, temperature: float, clock: Clock) -> None:
        """Ask the policy once for every row whose episode goes on, and step those."""
        live = [row for row, arm in self.arms.items() if arm.ending is None]
        if not live:
            return
        # Copies: the arms keep them.
        robot, objects = self._robot[live], self._objects[live]
        images = {camera.name: self._images[camera.name][live] for camera in policy.cameras}
        noise = np.array([self.arms[row].noise for row in live]) if temperature > 0 else None
        start = time.perf_counter()
        tokens, log_probs = policy.sample(
            self.context,
            robot,
            objects,
            temperature=temperature,
            uniforms=noise,
            images=images or None,
        )
        clock.add("policy", time.perf_counter() - start)
        for place, row in enumerate(live):
            own = {name: rows[place] for name, rows in images.items()}
            seen = Observation(robot[place], objects[place], own)
            self.arms[row].decide(seen, tokens[place], log_probs[place])
        slots = [self.slots[row] for row in live]
        self._awaited += pool.step(self.tag, slots, policy.decode(self.context, tokens))
