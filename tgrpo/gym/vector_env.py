"""Many episodes at once, over the pool of worker processes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from tgrpo.capacity import cores
from tgrpo.gym.episode import Episode, ObsType
from tgrpo.gym.spaces import action_space, observation_space
from tgrpo.gym.starts import ProgramLike, TaskLike, resolve
from tgrpo.rollouts.episodes import Assignment, Moment, StepperName
from tgrpo.rollouts.hosting import Report
from tgrpo.rollouts.workers import Pool
from tgrpo.simulation.initial_states import Split
from tgrpo.trajectory import ACTION_DIM, Observation

_MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)
_BEGIN, _STEP = 0, 1  # tags of commands to the pool

Stream = tuple[np.random.Generator, int]  # a generator and its seed
Seeds = int | Sequence[int | None] | None
Batch = tuple[ObsType, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]


class LiberoVectorEnv(VectorEnv[ObsType, np.ndarray, np.ndarray]):
    """`num_envs` episodes of one task, simulated by `workers` processes (default: one per core).

    `task` is `suite/name` or the file of a program, which names its task itself; `program` is the
    reward of a task given by name. Without a program the reward is 1 at LIBERO's success and 0
    before. Episodes begin at initial states of `split`, drawn anew for each, and last at most
    `max_steps` control steps (default: the suite's). Reward, endings, info: `tgrpo.gym.episode`.

    A script that makes one must keep its own work under `if __name__ == "__main__":`, because
    worker processes import it again. Raises what `tgrpo.gym.starts.resolve` does.
    """

    def __init__(
        self,
        task: TaskLike | None = None,
        *,
        num_envs: int = 1,
        workers: int | None = None,
        program: ProgramLike | None = None,
        split: Split = "train",
        max_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        stepper: StepperName = "fast",
    ) -> None:
        if num_envs < 1:
            raise ValueError(f"num_envs must be at least 1, not {num_envs}")
        self._mode = _supported(autoreset_mode)
        self.metadata = {"render_modes": [], "autoreset_mode": self._mode}
        self.starts = resolve(task, program, split, max_steps)
        self.num_envs = num_envs
        self.single_observation_space = observation_space(self.starts.task)
        self.single_action_space = action_space()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._streams: list[Stream] = []
        self._episodes: dict[int, Episode] = {}
        # Nobody could play a lost episode again: the actions are not ours.
        self._pool = Pool(
            cores() if workers is None else workers, num_envs, stepper=stepper, failures=1
        )

    def reset(
        self, *, seed: Seeds = None, options: dict[str, Any] | None = None
    ) -> tuple[ObsType, dict[str, Any]]:
        """Begin an episode everywhere.

        `seed` decides on all states drawn from now on; environment i has `seed + i`, or its own
        of a sequence. `options={"state": index}`, or an index for each environment, says where
        this episode begins instead. Raises WorkerError, ValueError for wrong options.
        """
        self._expect_open()
        states = self.starts.chosen(options, self.num_envs)
        self._seed(seed)
        chosen = {
            env: self._drawn(env) if index is None else self.starts.at(index)
            for env, index in enumerate(states)
        }
        with self._closed_on_failure():
            self._begin(chosen)
        return self._observations(), self._infos({})

    def step(self, actions: np.ndarray) -> Batch:
        """One control step (0.05 s) everywhere with `actions` (num_envs, 7).

        With `AutoresetMode.NEXT_STEP` the step after an episode's end begins the next one and
        ignores the action. With `SAME_STEP` the observation after an end is the next episode's
        first, and `infos` holds `final_obs` and `final_info`. Raises WorkerError with task, state,
        seed and traceback; the environment is closed then.
        """
        self._expect_open()
        if not self._episodes:
            raise ResetNeeded("no episode is under way: call reset() first")
        actions = self._checked(actions)
        with self._closed_on_failure():
            return self._step(actions)

    def close_extras(self) -> None:
        """Ends every worker process."""
        self._pool.close()

    # Gymnasium declares both as attributes that can be written.
    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """What each environment draws its states with; empty before the first reset."""
        return tuple(generator for generator, _ in self._streams)

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """The seed of each of those."""
        return tuple(seed for _, seed in self._streams)

    def _seed(self, seed: Seeds) -> None:
        if seed is None or isinstance(seed, int | np.integer):
            seeds = [None if seed is None else int(seed) + env for env in range(self.num_envs)]
        else:
            seeds = list(seed)
        if len(seeds) != self.num_envs:
            raise ValueError(f"{len(seeds)} seeds are given for {self.num_envs} environments")
        kept: Sequence[Stream | None] = self._streams or [None] * self.num_envs
        self._streams = [
            seeding.np_random(own) if own is not None or stream is None else stream
            for own, stream in zip(seeds, kept, strict=True)
        ]

    def _drawn(self, env: int) -> Assignment:
        generator, _ = self._streams[env]
        return self.starts.draw(generator)

    def _step(self, actions: np.ndarray) -> Batch:
        over = [env for env, episode in self._episodes.items() if episode.over]
        live = [env for env, episode in self._episodes.items() if not episode.over]
        begun = {env: self._drawn(env) for env in over}
        expected = self._pool.assign(_BEGIN, begun)
        expected += self._pool.step(_STEP, live, actions[live, None])

        rewards = np.zeros(self.num_envs)
        terminated, truncated = np.zeros((2, self.num_envs), dtype=bool)
        for report in self._reports(expected):
            if report.tag == _BEGIN:
                self._take_in(report, begun)
                continue
            for env, moment in _rows(report):
                done = self._episodes[env].step(moment)
                rewards[env] = done.reward
                terminated[env], truncated[env] = done.terminated, done.truncated
        final = self._begin_ended() if self._mode is AutoresetMode.SAME_STEP else {}
        return self._observations(), rewards, terminated, truncated, self._infos(final)

    def _begin_ended(self) -> dict[str, Any]:
        """Begin anew where an episode has just ended; with what it ended, as infos."""
        infos: dict[str, Any] = {}
        begun = {}
        for env, episode in self._episodes.items():
            if episode.over:
                final = {"final_obs": episode.observation, "final_info": episode.info}
                infos = self._add_info(infos, final, env)
                begun[env] = self._drawn(env)
        self._begin(begun)
        return infos

    def _begin(self, chosen: Mapping[int, Assignment]) -> None:
        for report in self._reports(self._pool.assign(_BEGIN, chosen)):
            self._take_in(report, chosen)

    def _take_in(self, report: Report, chosen: Mapping[int, Assignment]) -> None:
        for env, moment in _rows(report):
            self._episodes[env] = Episode(chosen[env], moment)

    def _reports(self, expected: int) -> Iterator[Report]:
        while expected:
            reports = [item for item in self._pool.wait() if isinstance(item, Report)]
            expected -= len(reports)
            yield from reports

    def _observations(self) -> ObsType:
        seen = [self._episodes[env].observation for env in range(self.num_envs)]
        return {key: np.stack([row[key] for row in seen]) for key in seen[0]}

    def _infos(self, infos: dict[str, Any]) -> dict[str, Any]:
        for env in range(self.num_envs):
            infos = self._add_info(infos, self._episodes[env].info, env)
        return infos

    def _checked(self, actions: np.ndarray) -> np.ndarray:
        values = np.asarray(actions, dtype=np.float64)
        wanted = (self.num_envs, ACTION_DIM)
        if values.shape != wanted:
            raise ValueError(f"actions have shape {wanted}, not {values.shape}")
        if not np.isfinite(values).all():
            env = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
            raise ValueError(f"the action of environment {env} is not finite: {values[env]}")
        return values

    def _expect_open(self) -> None:
        if self.closed:
            raise ClosedEnvironmentError("the environment is closed; make a new one")

    @contextlib.contextmanager
    def _closed_on_failure(self) -> Iterator[None]:
        """After a failure or an interrupt nobody knows which answers are still on their way."""
        try:
            yield
        except BaseException:  # Ctrl-C too leaves no process behind
            self.close()
            raise


def _supported(mode: AutoresetMode | str) -> AutoresetMode:
    chosen = AutoresetMode(mode)
    if chosen not in _MODES:
        names = " and ".join(item.name for item in _MODES)
        raise ValueError(f"autoreset mode {chosen.name} is not supported; there are {names}")
    return chosen


def _rows(report: Report) -> Iterator[tuple[int, Moment]]:
    """Each environment in a report with its moment; seconds stand in the report for all."""
    for row, env in enumerate(report.slots):
        seen = Observation(report.robot[row], report.objects[row])
        (scores,) = report.scores[row]
        yield env, Moment(seen, scores, 0.0, 0.0, bool(report.unstable[row]))
