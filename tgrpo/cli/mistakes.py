"""A user's or the world's mistake becomes a message and an exit code, never a traceback."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import typer

BAD_INPUT = 1
WRONG_USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells have it

# By name, because naming the classes would import torch and a simulator for every message.
EXIT_CODES = {
    "tgrpo.layers.ConfigError": WRONG_USAGE,
    "tgrpo.programs.UnknownChoiceError": WRONG_USAGE,
    "tgrpo.simulation.cached_files.CacheLimitError": WRONG_USAGE,
    "tgrpo.tasks.UnknownTaskError": WRONG_USAGE,
    "tgrpo.programs.ProgramsError": BAD_INPUT,
    "tgrpo.cli.preflight.NotReadyError": BAD_INPUT,
    "tgrpo.training.resuming.NoRunError": BAD_INPUT,
    "tgrpo.training.resuming.ChangedRewardsError": BAD_INPUT,
    "tgrpo.training.run_folder.RunInUseError": BAD_INPUT,
    "tgrpo.checkpoint.CheckpointError": BAD_INPUT,
    "tgrpo.estimates.fitting.DoesNotFitError": BAD_INPUT,
    "tgrpo.reporting.runs.RunError": BAD_INPUT,
    "tgrpo.trackers.TrackerMissingError": BAD_INPUT,
    "tgrpo.scripted.demonstrator.DemonstratorError": BAD_INPUT,
    "tgrpo.scripted.planner.UnsupportedGoalError": BAD_INPUT,
    "tgrpo.recorded.libero_hdf5.DemonstrationFileError": BAD_INPUT,
    "tgrpo.simulation.initial_states.InitialStatesError": BAD_INPUT,
    "tgrpo.simulation.rendering.RenderingError": BAD_INPUT,
    "tgrpo.scenes.own_scenes.OwnSceneError": BAD_INPUT,
    "tgrpo.libero_package.LiberoMissingError": BAD_INPUT,
    "tgrpo.rollouts.rollout.NoUsableStateError": BAD_INPUT,
    "tgrpo.rollouts.workers.WorkerError": BAD_INPUT,
    "tgrpo.policies.soundness.UnsoundPolicyError": BAD_INPUT,
    "tgrpo.policies.openvla.statistics.StatisticsError": BAD_INPUT,
    "tgrpo.cluster.ClusterError": BAD_INPUT,
    "tgrpo.training.ranks.RankLostError": BAD_INPUT,
    "tgrpo.training.process_group.TooManyRanksError": BAD_INPUT,
    "rewardlang.state.BindError": BAD_INPUT,
    "rewardlang.scene.errors.SceneFileError": BAD_INPUT,
}


_OF_OPENVLA = (
    "transformers",
    "peft",
    "accelerate",
    "tokenizers",
    "huggingface_hub",
    "scipy",
    "simplejpeg",
)


@contextlib.contextmanager
def reporting() -> Iterator[None]:
    """Turn known errors of the block into a message on standard error and an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        fail("interrupted", INTERRUPTED)
    except Exception as error:  # what is no user's mistake is raised again
        code = _exit_code(error)
        if code is None:
            raise
        fail("\n".join([_text(error), *getattr(error, "__notes__", ())]), code)


def fail(message: str, code: int) -> NoReturn:
    """End with `message` on standard error."""
    print(
        message if message.startswith(("error", "interrupted")) else f"error: {message}",
        file=sys.stderr,
    )
    raise typer.Exit(code)


def expect_folder(option: str, path: Path) -> None:
    """End where no file can be made below `path`: now, and not after minutes of work."""
    if path.exists() and not path.is_dir():
        fail(f"{option} {path}: this is a file; a folder is asked for", BAD_INPUT)
    _expect_writable(option, path, path.absolute())


def expect_file(option: str, path: Path) -> None:
    """The same where the file `path` cannot be made or replaced."""
    if path.is_dir():
        fail(f"{option} {path}: this is a folder; a file is asked for", BAD_INPUT)
    _expect_writable(option, path, path.absolute().parent)


def _expect_writable(option: str, path: Path, folder: Path) -> None:
    there = next(item for item in (folder, *folder.parents) if item.exists())
    if not there.is_dir():
        fail(f"{option} {path}: {there} is a file, not a folder", BAD_INPUT)
    if not os.access(there, os.W_OK):
        fail(f"{option} {path}: nothing may be written in {there}", BAD_INPUT)


def _exit_code(error: Exception) -> int | None:
    for kind in type(error).__mro__:
        code = EXIT_CODES.get(f"{kind.__module__}.{kind.__qualname__}")
        if code is not None:
            return code
    return BAD_INPUT if isinstance(error, (OSError, ModuleNotFoundError)) else None


def _text(error: Exception) -> str:
    match error:
        case ModuleNotFoundError() if error.name and not error.name.startswith("tgrpo"):
            extra = "vla" if error.name in _OF_OPENVLA else "train"
            return f"{error.name} is not installed; pip install 'rewardlang[{extra}]' brings it"
        case OSError(filename=str() | bytes() as name, strerror=str() as reason):
            return f"{name!s}: {reason.lower()}"
        case _:
            return str(error)
