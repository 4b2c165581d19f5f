"""One episode at a time, in this process."""

from __future__ import annotations

from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded

from tgrpo.gym.episode import Episode, ObsType
from tgrpo.gym.spaces import action_space, observation_space
from tgrpo.gym.starts import ProgramLike, TaskLike, resolve
from tgrpo.rollouts.episodes import Slot, StepperName
from tgrpo.simulation.initial_states import Split
from tgrpo.simulation.rendering import Renderer
from tgrpo.trajectory import Camera

CONTROL_RATE = 20  # steps of 0.05 s per second
AGENTVIEW = Camera("agentview", 256, 256)


class LiberoEnv(gymnasium.Env[ObsType, np.ndarray]):
    """The single view of `LiberoVectorEnv`; see there for the arguments.

    A vector environment of n reset with `seed` does what n of these do with `seed`, `seed + 1`, ….
    With `render_mode="rgb_array"`, `render` draws what `camera` sees.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  Gymnasium's own annotation
        "render_modes": ["rgb_array"],
        "render_fps": CONTROL_RATE,
    }

    def __init__(
        self,
        task: TaskLike | None = None,
        *,
        program: ProgramLike | None = None,
        split: Split = "train",
        max_steps: int | None = None,
        stepper: StepperName = "fast",
        render_mode: Literal["rgb_array"] | None = None,
        camera: Camera = AGENTVIEW,
    ) -> None:
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode is 'rgb_array' or None, not {render_mode!r}")
        self.render_mode = render_mode
        self._camera = camera
        self._renderer = Renderer() if render_mode else None
        self.starts = resolve(task, program, split, max_steps)
        self.observation_space = observation_space(self.starts.task)
        self.action_space = action_space()
        self._slot = Slot(stepper, self._renderer, watched=True)
        self._episode: Episode | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[ObsType, dict[str, Any]]:
        """Begin an episode at `options["state"]`, or at a state drawn under `seed`."""
        super().reset(seed=seed)
        (index,) = self.starts.chosen(options, 1)
        starts = self.starts
        assignment = starts.draw(self.np_random) if index is None else starts.at(index)
        self._episode = Episode(assignment, self._slot.begin(assignment))
        return self._episode.observation, self._episode.info

    def step(self, action: np.ndarray) -> tuple[ObsType, float, bool, bool, dict[str, Any]]:
        """One control step (0.05 s). Raises ResetNeeded where no episode is under way."""
        if self._episode is None or self._episode.over:
            raise ResetNeeded("no episode is under way: call reset() first")
        done = self._episode.step(self._slot.step(action))
        return done.observation, done.reward, done.terminated, done.truncated, done.info

    def render(self) -> np.ndarray | None:
        """What the camera sees, (H, W, 3) uint8, upright; None without a render mode."""
        if self._renderer is None:
            return None
        if self._episode is None:
            raise ResetNeeded("no episode is under way: call reset() first")
        return np.ascontiguousarray(self._slot.look((self._camera,))[self._camera.name][::-1])

    def close(self) -> None:
        """Release simulator and renderer. Safe to call twice."""
        self._episode = None
        self._slot.close()
        if self._renderer is not None:
            self._renderer.close()
