"""One episode on one simulator: reset, step, and what the reward program says of it.

A `Slot` keeps its simulator and its bound programs, so that the next episode of the same task
begins with a restored state and nothing is built again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import mujoco
import numpy as np

import rewardlang
from tgrpo.simulation.envs import Simulation, UnstablePhysicsError
from tgrpo.simulation.initial_states import InitialState
from tgrpo.simulation.model_cache import LoadedModels
from tgrpo.simulation.rendering import Renderer
from tgrpo.tasks import Task
from tgrpo.trajectory import Camera, Images, Observation, TaskContext

StepperName = Literal["fast", "libero"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """The episode that a slot runs next. Without `program` only LIBERO's own success is judged.

    `cameras` are drawn at every moment that a decision follows.
    """

    task: Task
    state: InitialState
    program: rewardlang.Program | None
    max_steps: int
    cameras: tuple[Camera, ...] = ()

    def __str__(self) -> str:
        state = self.state
        return f"task {self.task.id}, {state.split} state {state.index}, seed {state.seed}"


@dataclass(frozen=True, slots=True)
class Scores:
    """What is said of one control step. Without a program: LIBERO's success and no reward."""

    reward: float = 0.0
    phi: float = 0.0
    success: bool = False  # as the program says
    native_success: bool = False  # as LIBERO says
    stages: tuple[str, ...] = ()
    terms: Mapping[str, float] = field(default_factory=dict)  # as `rewardlang.RewardStep.terms`


@dataclass(frozen=True, slots=True)
class Moment:
    """An observation, its scores, and the seconds they took. `unstable`: the physics diverged.

    The observation has images where a decision is to follow it.
    """

    observation: Observation
    scores: Scores
    physics_seconds: float
    reward_seconds: float
    unstable: bool = False
    rendering_seconds: float = 0.0


# Scores the current state; `advance` False looks without remembering (the state after settling).
_Judge = Callable[[mujoco.MjData], Scores]


class Slot:
    """Room for one episode at a time. Slots of a process share its `models` and `renderer`.

    `watched`: `look` works also in episodes whose assignment asks for no camera.
    """

    def __init__(
        self,
        stepper: StepperName = "fast",
        renderer: Renderer | None = None,
        models: LoadedModels | None = None,
        *,
        watched: bool = False,
    ):
        self._stepper: StepperName = stepper
        self._renderer, self._watched = renderer, watched
        self._models = models
        self._steps_left = 0
        self._simulation: Simulation | None = None
        self._reward_fns: dict[tuple[str, int], rewardlang.RewardFn] = {}
        self._judge: _Judge = _unassigned
        self.assignment: Assignment | None = None

    @property
    def context(self) -> TaskContext:
        assert self._simulation is not None
        return self._simulation.context

    def begin(self, assignment: Assignment) -> Moment:
        """Restore the state and let it settle. The scores are those before the first action."""
        self.assignment = assignment
        self._steps_left = assignment.max_steps
        start = time.perf_counter()
        simulation = self._simulation_of(assignment)
        try:
            observation = simulation.reset(assignment.state)
        except UnstablePhysicsError:
            return Moment(_finite(simulation.observe()), Scores(), _since(start), 0.0, True)
        settled = time.perf_counter()
        scores = self._begin_judging(simulation, assignment)
        return self._with_images(Moment(observation, scores, settled - start, _since(settled)))

    def step(self, action: np.ndarray) -> Moment:
        """One control step with `action` (7,). After an unstable one, begin again."""
        return self.play(action[None])[-1]

    def play(self, actions: np.ndarray) -> tuple[Moment, ...]:
        """One control step after the other with `actions` (K, 7), until the episode is over.

        What follows the end is not executed. Only the last moment can have images.
        """
        moments: list[Moment] = []
        for action in actions:
            moments.append(self._advance(action))
            if self._is_over(moments[-1]):
                return tuple(moments)
        return (*moments[:-1], self._with_images(moments[-1]))

    def _is_over(self, moment: Moment) -> bool:
        return moment.unstable or moment.scores.success or self._steps_left == 0

    def _advance(self, action: np.ndarray) -> Moment:
        assert self._simulation is not None
        start = time.perf_counter()
        try:
            observation = self._simulation.step(action)
        except UnstablePhysicsError:
            observation = _finite(self._simulation.observe())
            return Moment(observation, Scores(), _since(start), 0.0, True)
        stepped = time.perf_counter()
        scores = self._judge(self._simulation.data)
        self._steps_left -= 1
        return Moment(observation, scores, stepped - start, _since(stepped))

    def _with_images(self, moment: Moment) -> Moment:
        """What the policy sees besides the state, if it asked for anything."""
        assert self.assignment is not None
        if not self.assignment.cameras:
            return moment
        start = time.perf_counter()
        images = self.look(self.assignment.cameras)
        observation = replace(moment.observation, images=images)
        return replace(moment, observation=observation, rendering_seconds=_since(start))

    def look(self, cameras: Sequence[Camera]) -> Images:
        """See `Simulation.look`."""
        assert self._simulation is not None
        return self._simulation.look(cameras)

    def close(self) -> None:
        if self._simulation is not None:
            self._simulation.close()
        self._simulation = None
        self._reward_fns.clear()

    def _simulation_of(self, assignment: Assignment) -> Simulation:
        task = assignment.task
        renderer = self._renderer if assignment.cameras or self._watched else None
        kept = self._simulation
        if kept is None or kept.task != task or kept.renderer is not renderer:
            self.close()
            self._simulation = kept = Simulation(
                task, stepper=self._stepper, models=self._models, renderer=renderer
            )
        return kept

    def _begin_judging(self, simulation: Simulation, assignment: Assignment) -> Scores:
        if assignment.program is None:
            native = rewardlang.native_success(simulation.scene).bind(simulation.model)
            self._judge = lambda data: _native_scores(bool(native(data)))
            return self._judge(simulation.data)
        reward_fn = self._reward_fn(simulation, assignment.program, assignment.max_steps)
        memory = reward_fn.reset(simulation.data)
        self._judge = _remembering(reward_fn, memory)
        return _scores(reward_fn(simulation.data, memory)[0])

    def _reward_fn(
        self, simulation: Simulation, program: rewardlang.Program, max_steps: int
    ) -> rewardlang.RewardFn:
        key = (program.source.text, max_steps)
        if key not in self._reward_fns:
            evaluator = rewardlang.compile(program)
            self._reward_fns[key] = evaluator.bind(
                simulation.model, simulation.scene, max_steps=max_steps
            )
        return self._reward_fns[key]


def _remembering(reward_fn: rewardlang.RewardFn, memory: rewardlang.Memory) -> _Judge:
    def judge(data: mujoco.MjData) -> Scores:
        nonlocal memory
        step, memory = reward_fn(data, memory)
        return _scores(step)

    return judge


def _scores(step: rewardlang.RewardStep) -> Scores:
    return Scores(
        float(step.reward),
        float(step.phi),
        bool(step.success),
        bool(step.native_success),
        step.stages,
        step.terms,
    )


def _native_scores(success: bool) -> Scores:
    return Scores(success=success, native_success=success)


def _unassigned(_: mujoco.MjData) -> Scores:
    raise AssertionError("step before begin")


def _finite(observation: Observation) -> Observation:
    """Diverged numbers as zeros: the row is not used, but a batch must not carry NaN."""
    return Observation(np.nan_to_num(observation.robot), np.nan_to_num(observation.objects))


def _since(start: float) -> float:
    return time.perf_counter() - start
