"""What happens inside a worker: its slots are told commands, and it answers each with one report.

A process at the end of a pipe and a Ray actor host the same thing.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tgrpo.rollouts.episodes import Assignment, Moment, Slot, StepperName
from tgrpo.simulation.model_cache import LoadedModels
from tgrpo.simulation.rendering import Renderer
from tgrpo.trajectory import Images, TaskContext


@dataclass(frozen=True, slots=True)
class Assign:
    """Begin an episode in each of the slots. The caller chooses `tag`."""

    tag: int
    assignments: Mapping[int, Assignment]


@dataclass(frozen=True, slots=True)
class Step:
    """One control step of each of `slots`."""

    tag: int
    slots: tuple[int, ...]
    actions: np.ndarray  # (n, 7)


Command = Assign | Step


@dataclass(frozen=True, slots=True)
class Report:
    """What the slots of one worker saw in one command; row i of every array is `slots[i]`.

    `unstable`: physics diverged, the episode is over and the other entries of that row mean
    nothing. `context` comes with the answer to an assignment alone. `seconds` are the worker's,
    by phase.
    """

    tag: int
    context: TaskContext | None
    slots: tuple[int, ...]
    robot: np.ndarray  # (n, 9) float32
    objects: np.ndarray  # (n, K, 7) float32
    reward: np.ndarray  # (n,) float64
    phi: np.ndarray  # (n,) float64
    success: np.ndarray  # (n,) bool, as the program says
    native_success: np.ndarray  # (n,) bool, as LIBERO says
    unstable: np.ndarray  # (n,) bool
    stages: tuple[tuple[str, ...], ...]
    terms: tuple[Mapping[str, float], ...]  # named parts of the reward, as `Scores.terms`
    seconds: Mapping[str, float] = field(default_factory=dict)
    images: Images = field(default_factory=dict)  # (n, H, W, 3) each; of rows that go on
    in_shared_memory: bool = False  # they lie there, and not in the report


@dataclass(frozen=True, slots=True)
class Failure:
    """A command that raised: where it was, and the traceback."""

    text: str


class Host:
    """The slots of one worker, built when they are first used and kept for all episodes."""

    def __init__(self, stepper: StepperName):
        self._stepper: StepperName = stepper
        self._renderer = Renderer()
        self._models = LoadedModels()
        self._slots: dict[int, Slot] = {}

    def answer(self, command: Command) -> Report | Failure:
        """Do what `command` says; whatever goes wrong is in the answer."""
        moments: dict[int, Moment] = {}
        context: TaskContext | None = None
        at = "receiving a command"
        try:
            match command:
                case Assign(tag, assignments):
                    for number, assignment in assignments.items():
                        at = str(assignment)
                        moments[number] = self._slot(number).begin(assignment)
                        context = self._slots[number].context
                case Step(tag, numbers, actions):
                    for number, action in zip(numbers, actions, strict=True):
                        at = str(self._slots[number].assignment)
                        moments[number] = self._slots[number].step(action)
            return _report(tag, context, moments)
        except Exception:  # the process boundary: everything is reported home
            return Failure(f"{at}\n{traceback.format_exc()}")

    def _slot(self, number: int) -> Slot:
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = Slot(self._stepper, self._renderer, self._models)
        return slot


def _report(tag: int, context: TaskContext | None, moments: Mapping[int, Moment]) -> Report:
    rows = tuple(moments.values())
    scores = [row.scores for row in rows]
    return Report(
        tag=tag,
        context=context,
        slots=tuple(moments),
        robot=np.stack([row.observation.robot for row in rows]),
        objects=np.stack([row.observation.objects for row in rows]),
        reward=np.array([score.reward for score in scores], dtype=np.float64),
        phi=np.array([score.phi for score in scores], dtype=np.float64),
        success=np.array([score.success for score in scores], dtype=bool),
        native_success=np.array([score.native_success for score in scores], dtype=bool),
        unstable=np.array([row.unstable for row in rows], dtype=bool),
        stages=tuple(score.stages for score in scores),
        terms=tuple(score.terms for score in scores),
        seconds={
            "physics": sum(row.physics_seconds for row in rows),
            "reward": sum(row.reward_seconds for row in rows),
            "rendering": sum(row.rendering_seconds for row in rows),
        },
        images=_images([row.observation.images for row in rows]),
    )


def _images(rows: Sequence[Images]) -> Images:
    """Stacked by camera; black where a row has none."""
    shapes = {name: image.shape for row in rows for name, image in row.items()}
    return {
        name: np.stack([row.get(name, np.zeros(shape, np.uint8)) for row in rows])
        for name, shape in shapes.items()
    }
