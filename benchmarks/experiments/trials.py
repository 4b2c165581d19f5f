"""Trials of an experiment: every method from the same SFT start, on the same states, per seed.

A *trial* is one `tgrpo train` of one policy on all of a suite's chosen tasks. Trials of a seed
share the checkpoint of one `tgrpo sft`, whose demonstrations are that seed's. What is finished is
not repeated, what was interrupted is resumed; a trial that was started is in the result, and one
that was not stands there as "not run".
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tgrpo.capacity import cores

PROGRAMS = Path(__file__).parents[2] / "tasks"
CANDIDATES = ("sft", "last", "best")
SFT = "SFT"  # the method that has no trials of its own


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite's share of an experiment: its tasks, and how the common start is made."""

    name: str
    tasks: tuple[str, ...]
    demonstrations: int  # per task: chosen so that validation of SFT is between 40 and 80 %
    sft_steps: int = 800
    perturbs: str = ""  # of a suite that no policy is trained on: the suite that its policies know


@dataclass(frozen=True, slots=True)
class Method:
    """A name for the table and the options of `tgrpo train` that make it; none is SFT alone.

    `programs`: its folder of programs, where it is relative below the experiment's folder.
    """

    name: str
    options: tuple[str, ...] = ()
    programs: Path = PROGRAMS

    @property
    def folder(self) -> str:
        return "".join(letter if letter.isalnum() else "-" for letter in self.name.lower())


@dataclass(frozen=True, slots=True)
class Trial:
    suite: Suite
    method: Method
    seed: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a trial came to. `outcomes[candidate]` is (tasks, states) bool."""

    trial: Trial
    outcomes: Mapping[str, np.ndarray]
    validation: Mapping[int, float]  # mean success by iteration
    seconds: Mapping[str, float]  # of its iterations, by phase

    def as_json(self) -> dict[str, object]:
        return {
            "suite": self.trial.suite.name,
            "method": self.trial.method.name,
            "seed": self.trial.seed,
            "validation": {str(number): value for number, value in self.validation.items()},
            "seconds": dict(self.seconds),
            "outcomes": {name: rows.astype(int).tolist() for name, rows in self.outcomes.items()},
        }


@dataclass(frozen=True, slots=True)
class Settings:
    """Where and how trials are run. `common`: options of every `tgrpo train`.

    `quick`: as little of everything as there can be.
    """

    runs: Path
    common: tuple[str, ...]
    jobs: int = 1
    quick: bool = False

    @property
    def workers(self) -> int:
        return max(1, cores() // self.jobs)

    def programs(self, method: Method) -> Path:
        return self.runs / method.programs


def run_all(trials: Sequence[Trial], settings: Settings) -> list[Result]:
    """Play what is not finished, `jobs` at a time; raises CalledProcessError for a failed run.

    SFT needs no run of its own: every run tests the policy that it started from.
    """
    trials = [trial for trial in trials if trial.method.options]
    starts = {(trial.suite, trial.seed): None for trial in trials}
    with ThreadPoolExecutor(settings.jobs) as pool:
        list(pool.map(lambda start: make_start(*start, settings), starts))
        return list(pool.map(lambda trial: _played(trial, settings), trials))


def make_start(suite: Suite, seed: int, settings: Settings) -> Path:
    """The SFT checkpoint of `seed`."""
    folder = settings.runs / suite.name / f"seed{seed}"
    checkpoint = folder / "sft.safetensors"
    if not checkpoint.is_file():
        options = ["--preset", "quickstart", "--set", f"sft.steps={suite.sft_steps}"]
        options += ["--demos", str(suite.demonstrations), "--out", str(checkpoint)]
        _with_tasks("sft", suite, seed, [*options, "--run-dir", str(folder / "sft")], settings)
    return checkpoint


def read(trial: Trial, settings: Settings) -> Result | None:
    """The result of a trial, where it is finished. SFT's is that of any method of its seed."""
    path = _results(trial, settings)
    if path is None:
        return None
    results = json.loads(path.read_text())
    outcomes = {
        name: np.array(
            [[row["success"] for row in task["outcomes"]] for task in candidate["tasks"]], bool
        )
        for name, candidate in results["candidates"].items()
    }
    history = {int(number): value for number, value in results["validation"].items()}
    if trial.method.options:
        return Result(trial, outcomes, history, results["seconds"])
    # Of that run's training nothing is SFT's.
    start = {number: value for number, value in history.items() if number == 0}
    return Result(trial, dict.fromkeys(CANDIDATES, outcomes["sft"]), start, seconds={})


def _results(trial: Trial, settings: Settings) -> Path | None:
    folder = _folder(trial, settings)
    if trial.method.options:
        return next(iter(sorted(folder.glob("*/results.json"))), None)
    found = (path for path in sorted(folder.glob("*/*/results.json")) if path.parts[-3] != "sft")
    return next((path for path in found if _tasks(path) == set(trial.suite.tasks)), None)


def _tasks(results: Path) -> set[str]:
    """Names of the tasks that were tested: experiments with other tasks may share a folder."""
    tested = json.loads(results.read_text())["candidates"]["sft"]["tasks"]
    return {task["task"].rpartition("/")[2] for task in tested}


def _played(trial: Trial, settings: Settings) -> Result:
    done = read(trial, settings)
    if done is None:
        folder = _folder(trial, settings)
        begun = next(iter(sorted(folder.glob("*/config.toml"))), None)
        if begun is not None:
            options = ["--resume", str(begun.parent)]
            tgrpo(["train", *options], folder)
        else:
            start = make_start(trial.suite, trial.seed, settings)
            programs = settings.programs(trial.method)
            options = ["--rewards", str(programs), "--from", str(start), "--run-dir", str(folder)]
            options += [*settings.common, *trial.method.options]
            _with_tasks("train", trial.suite, trial.seed, options, settings)
        done = read(trial, settings)
    assert done is not None, trial
    return done


def _folder(trial: Trial, settings: Settings) -> Path:
    seed = settings.runs / trial.suite.name / f"seed{trial.seed}"
    return seed if not trial.method.options else seed / trial.method.folder


def _with_tasks(
    command: str, suite: Suite, seed: int, options: Sequence[str], settings: Settings
) -> None:
    tasks = [option for task in suite.tasks for option in ("--task", f"{suite.name}/{task}")]
    folder = Path(options[options.index("--run-dir") + 1])
    arguments = [command, *tasks, "--seed", str(seed), *options]
    tgrpo([*arguments, "--workers", str(settings.workers)], folder)


def tgrpo(
    arguments: Sequence[str], folder: Path, *, environment: Mapping[str, str] | None = None
) -> None:
    """Run the command; what it prints is kept in `folder`. Raises CalledProcessError."""
    print("tgrpo", *arguments, file=sys.stderr, flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "output.txt", "a") as output:
        command = [sys.executable, "-m", "tgrpo", *arguments]
        variables = {**os.environ, **(environment or {})}
        subprocess.run(command, check=True, stdout=output, env=variables)
