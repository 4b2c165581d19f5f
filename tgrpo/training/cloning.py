"""The policy before TGRPO: read from a checkpoint, or made by SFT on demonstrations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from tgrpo.config import TrainConfig
from tgrpo.metrics import MetricsWriter
from tgrpo.policies import load_policy, make_policy
from tgrpo.policies.base import Policy
from tgrpo.policies.soundness import expect_sound
from tgrpo.progress import Forecast, Listener
from tgrpo.recorded.demonstrations import Demonstration, DemonstrationFileError, read_demonstrations
from tgrpo.scripted.demonstrator import Episode, demonstrate
from tgrpo.tasks import Task
from tgrpo.training.run_folder import RunFolder
from tgrpo.training.sft import train_sft
from tgrpo.trajectory import Camera

DEFAULT_COUNT = 10  # demonstrations per task where nothing says how many
_METRICS_EVERY = 20  # gradient steps between two lines of metrics


def starting_policy(
    config: TrainConfig,
    tasks: Sequence[Task],
    folder: RunFolder,
    forecast: Forecast,
    listener: Listener,
    metrics: MetricsWriter,
) -> Policy:
    """The policy that `config` starts from.

    Raises CheckpointError, DemonstrationFileError, DemonstratorError, UnsoundPolicyError.
    """
    if config.start_from is not None:
        policy, _ = load_policy(config.start_from, kind=config.policy.kind)
        return policy
    policy = make_policy(config.policy.kind, seed=config.seed, architecture=config.architecture())
    if config.sft.steps == 0:
        return policy
    demonstrations = gather(config, tasks, folder, forecast, listener, policy.cameras)
    expect_sound(policy, tasks)

    def progress(step: int, _: int, values: dict[str, float]) -> None:
        forecast.add(1)
        listener.status(forecast.status({"loss": f"{values['sft/loss']:.2f}"}))
        if step % _METRICS_EVERY == 0:
            metrics.write("sft", step, values)

    forecast.begin("sft")
    generator = np.random.default_rng((config.seed, 1))
    result = train_sft(policy, demonstrations, config.sft, generator, progress)
    forecast.end()
    decisions = sum(len(item.actions) for item in demonstrations)
    listener.note(
        f"SFT on {decisions} demonstrated decisions: "
        f"loss {result['sft/loss']:.2f}, {result['sft/accuracy']:.0%} of tokens within two bins"
    )
    return policy


def gather(
    config: TrainConfig,
    tasks: Sequence[Task],
    folder: RunFolder,
    forecast: Forecast,
    listener: Listener,
    cameras: tuple[Camera, ...],
) -> list[Demonstration]:
    """The demonstrations of a run: of a file, or made by the demonstrator and kept in `folder`."""
    chosen = config.demonstrations
    if chosen.file is not None:
        return read(chosen.file, tasks, chosen.count, cameras)

    def on_episode(episode: Episode) -> None:
        forecast.add(len(episode))
        listener.status(forecast.status())

    forecast.begin("demonstrate")
    for task in tasks:
        if folder.demonstrations(task.id).is_file():
            continue  # whole, from before the run was resumed
        demonstrate(
            task,
            split="train",
            count=chosen.count or DEFAULT_COUNT,
            out=folder.demonstrations(task.id),
            noise=chosen.noise,
            seed=config.seed,
            cameras=cameras,
            on_episode=on_episode,
        )
    forecast.end()
    return read(folder.path / "demonstrations", tasks, None, cameras)


def read(
    path: Path, tasks: Sequence[Task], count: int | None, cameras: tuple[Camera, ...] = ()
) -> list[Demonstration]:
    """Up to `count` demonstrations of each of `tasks` from a file, or the files below a folder.

    Raises DemonstrationFileError, also for a task without any.
    """
    files = sorted(path.rglob("*.hdf5")) if path.is_dir() else [path]
    if not files:
        raise DemonstrationFileError(f"{path}: no *.hdf5 file in this folder or below")
    found = [item for file in files for item in _read_file(file, cameras)]
    shown: list[Demonstration] = []
    for task in tasks:
        own = [item for item in found if item.task.id == task.id]
        if not own:
            have = ", ".join(sorted({item.task.id for item in found})) or "none at all"
            raise DemonstrationFileError(
                f"{path}: no demonstration of {task.id}; there are those of {have} "
                "(--task chooses what is trained)"
            )
        shown += own[:count]
    return shown


@cache
def _read_file(path: Path, cameras: tuple[Camera, ...]) -> Sequence[Demonstration]:
    """Read once: to find mistakes before a run begins, and to learn from."""
    return tuple(read_demonstrations(path, cameras))
