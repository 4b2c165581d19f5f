"""Scripted demonstrations: episodes of the controller, kept in memory or written to a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import rewardlang
from tgrpo.recorded.demonstrations import write_demonstrations
from tgrpo.scripted.controller import Demonstrator
from tgrpo.scripted.planner import UnsupportedGoalError
from tgrpo.scripted.skill import Phase
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import InitialState, Split, load_states
from tgrpo.simulation.rendering import Renderer
from tgrpo.tasks import Task
from tgrpo.trajectory import ACTION_DIM, OBJECT_DIM, ROBOT_DIM, Camera, Images, Observation

__all__ = [
    "Demonstrated",
    "Demonstrator",
    "DemonstratorError",
    "Episode",
    "Phase",
    "UnsupportedGoalError",
    "demonstrate",
    "run_episode",
]


@dataclass(frozen=True)
class Episode:
    """One demonstration of T control steps. Arrays hold what was before each action."""

    task: Task
    state: InitialState
    robot: np.ndarray  # (T, 9) float32
    objects: np.ndarray  # (T, K, 7) float32
    actions: np.ndarray  # (T, 7) float64, what the controller asked for, noise or not
    states: np.ndarray  # (T, D) float64, LIBERO's flattened states
    final_state: np.ndarray  # (D,) float64, after the last action
    success: bool
    images: Images = field(default_factory=dict)  # (T, H, W, 3) uint8 of each camera

    def __len__(self) -> int:
        return len(self.actions)


def run_episode(
    simulation: Simulation,
    state: InitialState,
    *,
    noise: float = 0.0,
    generator: np.random.Generator | None = None,
    max_steps: int | None = None,
    cameras: Sequence[Camera] = (),
) -> Episode:
    """Reset to `state` and act until LIBERO's goal holds, at most `max_steps` (the suite's).

    `noise`: standard deviation of Gaussian noise on the executed translation, in units of the
    action. The recorded action stays the controller's own, so that the episode shows how to
    correct a disturbance (DART, arXiv 1703.09327). `cameras` look before each action, with the
    simulation's renderer. Raises UnstablePhysicsError, UnsupportedGoalError, RenderingError,
    ValueError for noise without a generator.
    """
    if noise > 0.0 and generator is None:
        raise ValueError("noise needs a generator: pass np.random.default_rng(seed)")
    observation = simulation.reset(state)
    demonstrator = Demonstrator(simulation)
    succeeded = rewardlang.native_success(simulation.scene).bind(simulation.model)
    limit = simulation.task.max_steps if max_steps is None else max_steps
    seen: list[Observation] = []
    looks: list[Images] = []
    actions: list[np.ndarray] = []
    states: list[np.ndarray] = []
    success = succeeded(simulation.data)
    while not success and len(actions) < limit:
        seen.append(observation)
        if cameras:
            looks.append(simulation.look(cameras))
        states.append(simulation.state_vector())
        actions.append(demonstrator.act(observation))
        observation = simulation.step(_disturbed(actions[-1], noise, generator))
        success = succeeded(simulation.data)
    shape = (len(simulation.context.object_names), OBJECT_DIM)
    return Episode(
        task=simulation.task,
        state=state,
        robot=np.array([item.robot for item in seen], np.float32).reshape(-1, ROBOT_DIM),
        objects=np.array([item.objects for item in seen], np.float32).reshape(-1, *shape),
        actions=np.array(actions).reshape(-1, ACTION_DIM),
        states=np.array(states).reshape(len(seen), -1),
        final_state=simulation.state_vector(),
        success=success,
        images={
            camera.name: np.array([look[camera.name] for look in looks], np.uint8).reshape(
                -1, *camera.shape
            )
            for camera in cameras
        },
    )


def _disturbed(
    action: np.ndarray, noise: float, generator: np.random.Generator | None
) -> np.ndarray:
    if noise == 0.0 or generator is None:
        return action
    executed = action.copy()
    executed[:3] = np.clip(action[:3] + generator.normal(0.0, noise, 3), -1.0, 1.0)
    return executed


@dataclass(frozen=True)
class Demonstrated:
    """What `demonstrate` did: the file, its episodes, the states the demonstrator did not solve."""

    path: Path
    lengths: tuple[int, ...]  # control steps of the episodes in the file
    failed: tuple[int, ...]  # indices of states


class DemonstratorError(RuntimeError):
    """The demonstrator did not solve as many states as there should be demonstrations."""


def demonstrate(
    task: Task,
    *,
    split: Split = "train",
    count: int,
    out: Path,
    noise: float = 0.0,
    seed: int = 0,
    cameras: Sequence[Camera] = (),
    on_episode: Callable[[Episode], None] | None = None,
) -> Demonstrated:
    """Write `count` solved episodes from the states of `split`, in order, to `out`.

    The first state is number seed · count (round the end), so that every seed has demonstrations
    of its own. HDF5 in LIBERO's own layout; nothing is left behind where it fails or is
    interrupted. States that are solved before the first action are passed over. What `cameras` see
    is written too. `on_episode` hears of each episode, solved or not. Raises UnsupportedGoalError,
    UnstablePhysicsError, RenderingError, OSError; where there are too few states DemonstratorError.
    """
    renderer = Renderer() if cameras else None
    simulation = Simulation(task, renderer=renderer)
    generator = np.random.default_rng(seed)
    solved: list[Episode] = []
    failed: list[int] = []
    states = load_states(task, split)
    first = seed * count % len(states)
    for state in (*states[first:], *states[:first]):
        if len(solved) == count:
            break
        episode = run_episode(simulation, state, noise=noise, generator=generator, cameras=cameras)
        if on_episode is not None:
            on_episode(episode)
        if not episode.success:
            failed.append(state.index)
        elif len(episode):
            solved.append(episode)
    simulation.close()
    if renderer is not None:
        renderer.close()
    if len(solved) < count:
        raise DemonstratorError(
            f"{task.id}: the demonstrator solved {len(solved)} of {len(states)} {split} states, "
            f"{count} demonstrations were asked for"
        )
    write_demonstrations(out, task, solved)
    return Demonstrated(out, tuple(len(item) for item in solved), tuple(failed))
