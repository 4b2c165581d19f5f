"""What happens inside a worker: its slots are told commands, and it answers each with one report.

A process at the end of a pipe and a Ray actor host the same thing.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tgrpo.rollouts.episodes import Assignment, Moment, Scores, Slot, StepperName
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
    """K control steps of each of `slots`, fewer where its episode ends before."""

    tag: int
    slots: tuple[int, ...]
    actions: np.ndarray  # (n, K, 7)


Command = Assign | Step


@dataclass(frozen=True, slots=True)
class Report:
    """What the slots of one worker saw in one command; row i of everything is `slots[i]`.

    `robot`, `objects` and `images` are seen after the last control step of the command, `scores`
    are those of each of its steps; the answer to an assignment has one, of the moment before the
    first action. `unstable`: physics diverged, the episode is over, and what was seen and the last
    score mean nothing. `context` comes with the answer to an assignment alone. `seconds` are the
    worker's, by phase.
    """

    tag: int
    context: TaskContext | None
    slots: tuple[int, ...]
    robot: np.ndarray  # (n, 9) float32
    objects: np.ndarray  # (n, K, 7) float32
    scores: tuple[tuple[Scores, ...], ...]
    unstable: np.ndarray  # (n,) bool
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
        moments: dict[int, tuple[Moment, ...]] = {}
        context: TaskContext | None = None
        at = "receiving a command"
        try:
            match command:
                case Assign(tag, assignments):
                    for number, assignment in assignments.items():
                        at = str(assignment)
                        moments[number] = (self._slot(number).begin(assignment),)
                        context = self._slots[number].context
                case Step(tag, numbers, actions):
                    for number, chunk in zip(numbers, actions, strict=True):
                        at = str(self._slots[number].assignment)
                        moments[number] = self._slots[number].play(chunk)
            return _report(tag, context, moments)
        except Exception:  # the process boundary: everything is reported home
            return Failure(f"{at}\n{traceback.format_exc()}")

    def _slot(self, number: int) -> Slot:
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = Slot(self._stepper, self._renderer, self._models)
        return slot


def _report(
    tag: int, context: TaskContext | None, moments: Mapping[int, tuple[Moment, ...]]
) -> Report:
    rows = [steps[-1] for steps in moments.values()]
    every = [moment for steps in moments.values() for moment in steps]
    return Report(
        tag=tag,
        context=context,
        slots=tuple(moments),
        robot=np.stack([row.observation.robot for row in rows]),
        objects=np.stack([row.observation.objects for row in rows]),
        scores=tuple(tuple(moment.scores for moment in steps) for steps in moments.values()),
        unstable=np.array([row.unstable for row in rows], dtype=bool),
        seconds={
            "physics": sum(moment.physics_seconds for moment in every),
            "reward": sum(moment.reward_seconds for moment in every),
            "rendering": sum(moment.rendering_seconds for moment in every),
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
