"""Snapshots of an episode -> its score: what a program says of states that are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rewardlang import ir
from rewardlang.runtime.evaluator import RewardFn, compile
from rewardlang.scene import Scene
from rewardlang.simulator import RecordedEpisode, Replay
from rewardlang.state import Snapshot


@dataclass(frozen=True, slots=True)
class EpisodeScore:
    """One episode of T control steps. Steps count from 1; step 0 is the moment after settling.

    phi             (T + 1,) Φ after settling and after each step
    rewards         (T,) what each step pays
    working         (T,) paths of the stages that each step worked on
    finished        stage -> the step after which it was first finished; without those never were
    success         the step at which the program's success came; None: never
    native_success  the same of the benchmark's own success test, which may hold at step 0
    solved          what the file says of the episode's end; None: nothing
    """

    file: str
    name: str
    phi: tuple[float, ...]
    rewards: tuple[float, ...]
    working: tuple[tuple[str, ...], ...]
    finished: Mapping[str, int]
    success: int | None
    native_success: int | None
    solved: bool | None

    @property
    def steps(self) -> int:
        """T."""
        return len(self.rewards)

    @property
    def total_reward(self) -> float:
        """The episode's return."""
        return sum(self.rewards)

    @property
    def spent(self) -> Mapping[str, int]:
        """Stage -> steps that worked on it; without those that were never worked on."""
        return Counter(path for paths in self.working for path in paths)

    @property
    def ends_early(self) -> bool:
        """The file calls the episode a success, but none is in its states."""
        return self.solved is True and self.native_success is None


def score_episodes(
    program: ir.Program, scene: Scene, episodes: Iterable[RecordedEpisode], *, max_steps: int
) -> list[EpisodeScore]:
    """The score of each recorded episode. Raises BindError."""
    reward_fn = scorer(program, scene, max_steps=max_steps)
    requirements = reward_fn.evaluator.requirements(scene)
    return [
        score(
            reward_fn,
            episode.replay(requirements),
            file=episode.file,
            name=episode.name,
            solved=episode.solved,
        )
        for episode in episodes
    ]


def scorer(program: ir.Program, scene: Scene, *, max_steps: int) -> RewardFn:
    """The program's reward function on snapshots, for episodes of `max_steps` steps."""
    return compile(program).attach(_itself, scene, max_steps=max_steps)


def score(
    reward_fn: RewardFn, replay: Replay, *, file: str, name: str, solved: bool | None = None
) -> EpisodeScore:
    """The score of an episode's snapshots by `scorer`'s reward function."""
    memory = reward_fn.reset(replay.snapshots[0])
    paths = [stage.path for stage in ir.stages(reward_fn.evaluator.program)]
    phi, rewards, working = [memory.phi], [], []
    finished: dict[str, int] = {}
    success: int | None = None
    for number, snapshot in enumerate(replay.snapshots[1:], start=1):
        working.append(reward_fn.stages(memory))
        step, memory = reward_fn(snapshot, memory)
        phi.append(step.phi)
        rewards.append(step.reward)
        for path in paths:
            if step.terms[path] >= 1.0:  # a stage that is not done is worth 0.99 at most
                finished.setdefault(path, number)
        if step.success and success is None:
            success = number
    return EpisodeScore(
        file=file,
        name=name,
        phi=tuple(phi),
        rewards=tuple(rewards),
        working=tuple(working),
        finished=finished,
        success=success,
        native_success=next((i for i, held in enumerate(replay.native_success) if held), None),
        solved=solved,
    )


def _itself(snapshot: Snapshot) -> Snapshot:
    return snapshot
