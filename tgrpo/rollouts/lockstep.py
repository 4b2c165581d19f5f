"""Policy and simulators in lockstep: one batch of decisions, each executed by its simulator.

A `Lane` is a set of slots with one task whose policy is asked in one batch. Several lanes are in
flight, so that the workers simulate one while the policy is asked for another. What a lane does
next depends on what its own episodes did, never on timing.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping

import numpy as np

from tgrpo.actions import split_actions
from tgrpo.policies.base import Sampler
from tgrpo.rollouts.arms import Arm, Episode
from tgrpo.rollouts.hosting import Report
from tgrpo.rollouts.workers import Loss, Pool
from tgrpo.trajectory import ROBOT_DIM, Observation, TaskContext

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
        before = self._steps()
        for index, slot in enumerate(report.slots):
            row = slot - self.slots.start
            self._robot[row] = report.robot[index]
            self._objects[row] = report.objects[index]
            self.arms[row].absorb(report, index)
            if self.arms[row].ending is None:
                self._show(report, row, index)
        return self._steps() - before

    def _steps(self) -> int:
        """Control steps of its episodes, until now."""
        return sum(arm.steps for arm in self.arms.values())

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
        """Ask the policy once for every row whose episode goes on, and execute what it chose."""
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
        chunks = policy.decode(self.context, split_actions(tokens))
        self._awaited += pool.step(self.tag, slots, chunks)
