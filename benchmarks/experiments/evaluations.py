"""Policies that `table` trained, evaluated as they are on LIBERO-PRO's perturbed suites.

Of a trial of `table` the last policy is taken, of SFT the start: nothing is chosen, and nothing
trained, on perturbed states. The states are the first of the 50 that LIBERO-PRO has for each task.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from trials import SFT, Result, Settings, Suite, Trial, read, tgrpo

from tgrpo.libero_package import libero_path

STATES = 20  # of each task, as for the tests of `table`


def evaluate_all(trials: Sequence[Trial], settings: Settings) -> None:
    """Play what is not finished, `jobs` at a time; raises CalledProcessError for what fails."""
    wanted = [trial for trial in trials if trial.suite.perturbs]
    for suite in dict.fromkeys(trial.suite for trial in wanted):
        _make_scenes(suite, settings)
    with ThreadPoolExecutor(settings.jobs) as pool:
        list(pool.map(lambda trial: _evaluate(trial, settings), wanted))


def read_evaluation(trial: Trial, settings: Settings) -> Result | None:
    """Success on perturbed states; of the suite itself that on the test states of `table`."""
    if not trial.suite.perturbs:
        return read(trial, settings)
    path = _file(trial, settings)
    if not path.is_file():
        return None
    rows = [
        [outcome["success"] for outcome in task["outcomes"]]
        for task in json.loads(path.read_text())["tasks"]
    ]
    return Result(trial, {"last": np.array(rows, bool)}, validation={}, seconds={})


def _evaluate(trial: Trial, settings: Settings) -> None:
    target, suite = _file(trial, settings), trial.suite
    if target.is_file():
        return
    checkpoint = _checkpoint(trial, settings)
    if checkpoint is None:
        print(f"no policy of {_words(trial)}: `table` makes it", file=sys.stderr, flush=True)
        return
    tasks = [option for task in suite.tasks for option in ("--task", f"{suite.name}/{task}")]
    states = str(2 if settings.quick else STATES)
    options = ["--episodes", states, "--json", str(target), "--workers", str(settings.workers)]
    tgrpo(
        ["eval", str(checkpoint), *tasks, *options],
        target.parent,
        environment={"REWARDLANG_SCENES": str(_scenes(settings))},
    )


def _words(trial: Trial) -> str:
    return f"{trial.method.name} with seed {trial.seed} on {trial.suite.perturbs}"


def _checkpoint(trial: Trial, settings: Settings) -> Path | None:
    """The policy of the finished trial of `table`; None where there is none."""
    origin = replace(trial, suite=replace(trial.suite, name=trial.suite.perturbs, perturbs=""))
    folder = settings.runs / origin.suite.name / f"seed{trial.seed}"
    if trial.method.name == SFT:
        start = folder / "sft.safetensors"
        return start if start.is_file() else None
    if read(origin, settings) is None:
        return None
    [results] = list((folder / trial.method.folder).glob("*/results.json"))[:1]
    return results.parent / "checkpoints" / "last.safetensors"


def _file(trial: Trial, settings: Settings) -> Path:
    folder = settings.runs / "perturbed" / trial.suite.name / f"seed{trial.seed}"
    return folder / f"{trial.method.folder}.json"


def _scenes(settings: Settings) -> Path:
    return settings.runs / "perturbed" / "scenes"


def _make_scenes(suite: Suite, settings: Settings) -> None:
    """What the perturbed suite's tasks hold, from LIBERO's classes: the language ships it not."""
    folder = _scenes(settings)
    if not (folder / f"{suite.name}.json").is_file():
        files = libero_path("bddl_files") / suite.name
        tgrpo(["catalogue", "--bddl", str(files), "--out", str(folder)], folder)
