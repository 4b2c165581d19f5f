"""Episodes to step through: a greedy policy plays, and every step is kept with what was seen."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

import rewardlang
from tgrpo.actions import split_actions
from tgrpo.policies.base import Sampler
from tgrpo.rollouts.episodes import Assignment, Moment, Slot, StepperName
from tgrpo.simulation.initial_states import InitialState
from tgrpo.simulation.rendering import Renderer
from tgrpo.tasks import Task
from tgrpo.trajectory import Camera, TaskContext

CAMERA = Camera("agentview", 256, 256)
_MOST_FRAMES = 80  # of an episode on a page: with a JPEG each of 6 kB, half a megabyte
_QUALITY = 80


@dataclass(frozen=True, slots=True)
class RecordedEpisode:
    """T steps; row 0 is before the first action, row t after the t-th.

    `poses` (T + 1, K, 7) and `robot` (T + 1, 9) as in an observation; `frames` (T + 1, H, W, 3)
    uint8, upright.
    """

    title: str
    context: TaskContext
    key_objects: tuple[int, ...]  # rows of `poses` that the program is about
    phi: np.ndarray  # (T + 1,)
    rewards: np.ndarray  # (T + 1,), 0 before the first action
    stages: tuple[tuple[str, ...], ...]  # T + 1
    robot: np.ndarray
    poses: np.ndarray
    frames: np.ndarray
    success: int | None  # the step
    unstable: bool = False

    def __len__(self) -> int:
        return len(self.phi) - 1

    def as_page_data(self) -> dict[str, Any]:
        """What the page's script reads, as JSON values."""
        names = [self.context.object_names[row] for row in self.key_objects]
        hand = self.robot[:, None, :3]
        reach = np.linalg.norm(self.poses[:, self.key_objects, :3] - hand, axis=2)
        shown = np.unique(np.linspace(0, len(self), min(len(self) + 1, _MOST_FRAMES)).astype(int))
        return {
            "title": self.title,
            "instruction": self.context.instruction,
            "ending": self.ending,
            "phi": _rounded(self.phi, 4),
            "reward": _rounded(np.cumsum(self.rewards), 4),
            "stage": [", ".join(paths) for paths in self.stages],
            "objects": [
                {
                    "name": name,
                    "reach": _rounded(100 * reach[:, number], 1),
                    "place": _rounded(100 * self.poses[:, row, :3], 1),
                }
                for number, (name, row) in enumerate(zip(names, self.key_objects, strict=True))
            ],
            "frames": [[int(step), _address(self.frames[step])] for step in shown],
        }

    @property
    def ending(self) -> str:
        if self.success is not None:
            return f"success at step {self.success}"
        return f"the physics diverged at step {len(self)}" if self.unstable else "no success"


def play_episode(
    sampler: Sampler,
    task: Task,
    program: rewardlang.Program | None,
    state: InitialState,
    *,
    camera: Camera = CAMERA,
    max_steps: int | None = None,
    stepper: StepperName = "fast",
) -> RecordedEpisode:
    """Play `state` greedily and record it. Raises RenderingError.

    Without a program there is LIBERO's success alone; without `max_steps` it is the suite's.
    """
    cameras = tuple({seen.name: seen for seen in (camera, *sampler.cameras)}.values())
    steps, renderer = max_steps or task.max_steps, Renderer()
    slot = Slot(stepper, renderer)
    try:
        moments = [slot.begin(Assignment(task, state, program, steps, cameras))]
        while not _ended(moments[-1]) and len(moments) <= steps:
            for action in _actions(sampler, slot.context, moments[-1])[: steps + 1 - len(moments)]:
                moments.append(slot.step(action))
                if _ended(moments[-1]):
                    break
        title = f"{task.id}, {state.split} state {state.index}"
        rows = () if program is None else key_objects(program, slot.context)
        return _recorded(title, rows, slot.context, moments, camera)
    finally:
        slot.close()
        renderer.close()


def _ended(moment: Moment) -> bool:
    return moment.unstable or moment.scores.success


def _actions(sampler: Sampler, context: TaskContext, moment: Moment) -> np.ndarray:
    """Of a decision, (K, 7)."""
    seen = moment.observation
    wanted = {camera.name: seen.images[camera.name][None] for camera in sampler.cameras}
    tokens, _ = sampler.sample(
        context, seen.robot[None], seen.objects[None], temperature=0.0, images=wanted or None
    )
    return sampler.decode(context, split_actions(tokens)[0])


def _recorded(
    title: str,
    key_objects: tuple[int, ...],
    context: TaskContext,
    moments: Sequence[Moment],
    camera: Camera,
) -> RecordedEpisode:
    scores = [moment.scores for moment in moments]
    return RecordedEpisode(
        title=title,
        context=context,
        key_objects=key_objects,
        phi=np.array([score.phi for score in scores]),
        rewards=np.array([0.0, *(score.reward for score in scores[1:])]),
        stages=tuple(score.stages for score in scores),
        robot=np.stack([moment.observation.robot for moment in moments]),
        poses=np.stack([moment.observation.objects for moment in moments]),
        frames=_frames(moments, camera.name),
        success=len(moments) - 1 if scores[-1].success else None,
        unstable=moments[-1].unstable,
    )


def _frames(moments: Sequence[Moment], camera: str) -> np.ndarray:
    """Upright; LIBERO's rows run from bottom to top. Nothing is drawn after an episode's end: the
    last frame stands for it too."""
    frames = [
        moment.observation.images[camera][::-1]
        for moment in moments
        if camera in moment.observation.images
    ]
    return np.stack(frames + frames[-1:] * (len(moments) - len(frames)))


def key_objects(program: rewardlang.Program, context: TaskContext) -> tuple[int, ...]:
    """Rows of the objects that the program gives a name or the goal is about."""
    named = {name for _, name in program.aliases}
    named |= {argument for atom in program.goal for argument in atom.args}
    return tuple(
        row
        for row, name in enumerate(context.object_names)
        if any(other == name or other.startswith(f"{name}_") for other in named)
    )


def _rounded(values: np.ndarray, digits: int) -> list[Any]:
    """In float64: the digits beyond those of a float32 would be back as text."""
    rounded: list[Any] = np.round(values.astype(np.float64), digits).tolist()
    return rounded


def _address(frame: np.ndarray) -> str:
    """A JPEG picture as a `data:` address."""
    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(frame)).save(file, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{b64encode(file.getvalue()).decode('ascii')}"
