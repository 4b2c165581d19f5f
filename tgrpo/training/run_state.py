"""What a run has come to, on disk: checkpoints to go on from, and evaluations that are done.

A checkpoint to go on from holds the policy, the learner's state and a `Mark`. Everything random is
keyed by (seed, iteration, …), so this is the whole state of a run. `last` and `best` are other
names of such files. A finished evaluation is a file too: a resumed run reads it where the
uninterrupted one has played.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from torch import Tensor

from tgrpo.checkpoint import CheckpointError
from tgrpo.files import link_file, write_json
from tgrpo.policies import load_policy, save_policy
from tgrpo.policies.base import Policy
from tgrpo.rollouts.evaluation import Evaluation
from tgrpo.simulation.initial_states import Split
from tgrpo.training.run_folder import RunFolder

Score = tuple[float, float]  # mean success, summed mean Φ


@dataclass(frozen=True, slots=True)
class Mark:
    """Where in its run a checkpoint stands."""

    iteration: int  # iterations done; 0 is after SFT
    metrics: int  # lines of metrics.jsonl written so far
    seconds: Mapping[str, float]  # where the time of the iterations went, summed
    programs: Mapping[str, str]  # task -> hash of the program that rewarded the last iteration


@dataclass(frozen=True, slots=True)
class State:
    """A run after some iteration."""

    policy: Policy
    reference: Policy  # after SFT
    learner: Mapping[str, Tensor]  # Learner.state_tensors()
    mark: Mark


def save_state(
    folder: RunFolder, policy: Policy, learner: Mapping[str, Tensor], mark: Mark
) -> None:
    """Write a checkpoint to go on from; `last` is it from now on. Raises DiskFullError, OSError."""
    path = folder.state(mark.iteration)
    extra = {"iteration": mark.iteration, "tasks": list(mark.programs), "run": asdict(mark)}
    save_policy(path, policy, optimizer=learner, extra=extra)
    link_file(path, folder.checkpoint("last"))


def latest_state(folder: RunFolder, tell: Callable[[str], None]) -> State | None:
    """The newest state that is whole, or None before the first; `tell` hears of each damaged one.

    Whatever is of later iterations is removed: it will be made again. Raises CheckpointError where
    iterations were done but the SFT policy, the anchor of every update, cannot be had.
    """
    state = _latest_whole(folder, tell)
    for iteration in folder.iterations():
        if state is not None and iteration > state.mark.iteration:
            folder.state(iteration).unlink()
    return state


def state_at(folder: RunFolder, iteration: int) -> State:
    """The state after `iteration`, as another process wrote it. Raises CheckpointError."""
    state = _load(folder, iteration)
    return replace(state, reference=_load(folder, 0).policy)


def _latest_whole(folder: RunFolder, tell: Callable[[str], None]) -> State | None:
    try:
        start = _load(folder, 0)
    except CheckpointError as error:
        _expect_no_iterations(folder, error)
        if folder.state(0).is_file():
            tell(f"not usable: {error}; beginning again")
        return None
    problems: list[CheckpointError] = []
    for iteration in folder.iterations():
        try:
            state = _load(folder, iteration)
            break
        except CheckpointError as error:
            problems.append(error)
    else:
        state = start
    for problem in problems:
        tell(f"not usable: {problem}; going on after iteration {state.mark.iteration}")
    return replace(state, reference=start.policy)


def _expect_no_iterations(folder: RunFolder, error: CheckpointError) -> None:
    """To begin again would cost all that was learned, and what is missing may come back."""
    done = max(folder.iterations(), default=0)
    if done:
        start_from = shlex.quote(str(folder.state(done)))
        raise CheckpointError(
            f"{error}\nwithout its SFT policy, {folder.state(0)}, the run cannot go on after "
            f"iteration {done}: put back what is missing; or begin another run with the policy of "
            f"that iteration: tgrpo train --from {start_from}"
        ) from None


def _load(folder: RunFolder, iteration: int) -> State:
    policy, checkpoint = load_policy(folder.state(iteration))
    try:
        mark = Mark(**checkpoint.extra["run"])
    except (KeyError, TypeError) as error:
        path = folder.state(iteration)
        raise CheckpointError(f"{path}: this does not say where in a run it is: {error}") from None
    return State(policy, policy, checkpoint.namespace("optimizer"), mark)


def best_of(scores: Mapping[int, Score]) -> int:
    """The iteration that validation chooses: by success, then Φ, then the later one."""
    return max(scores, key=lambda iteration: (*scores[iteration], iteration))


def score(evaluation: Evaluation) -> Score:
    return evaluation.mean_success, sum(item.mean_phi for item in evaluation.tasks)


def superseded(iterations: Sequence[int], scores: Mapping[int, Score], keep: int) -> list[int]:
    """Which of the `iterations` with a checkpoint nobody needs any more.

    Needed are the last `keep` and, for each of these, what was the best then: a run that goes on
    from an older one must find that too.
    """
    last = sorted(iterations, reverse=True)[:keep]
    needed = set(last)
    for iteration in last:
        until = {number: value for number, value in scores.items() if number <= iteration}
        needed |= {best_of(until)} if until else set()
    return [iteration for iteration in iterations if iteration not in needed]


class Evaluations:
    """The finished evaluations of a run, by split and iteration, one file each.

    Those under other programs than `programs` (task -> hash) do not count.
    """

    def __init__(self, folder: RunFolder, programs: Mapping[str, str]):
        self._folder, self._programs = folder.evaluations, dict(programs)

    def write(self, split: Split, iteration: int, evaluation: Evaluation) -> None:
        path = self._folder / f"{split}-{iteration:05}.json"
        head = {"split": split, "iteration": iteration, "programs": self._programs}
        write_json(path, {**head, **evaluation.as_json()})

    def read(self, split: Split, iteration: int) -> Evaluation | None:
        """None where there is none, or a damaged one."""
        try:
            text = (self._folder / f"{split}-{iteration:05}.json").read_text(encoding="utf-8")
            value: dict[str, Any] = json.loads(text)
            return Evaluation.from_json(value) if value["programs"] == self._programs else None
        except (FileNotFoundError, KeyError, TypeError, ValueError):
            return None

    def until(self, split: Split, iteration: int) -> dict[int, Evaluation]:
        """All of `split` up to `iteration`, in order."""
        found = {
            number: self.read(split, number)
            for name, number in self._files()
            if name == split and number <= iteration
        }
        return {number: item for number, item in sorted(found.items()) if item is not None}

    def forget_after(self, iteration: int) -> None:
        """Remove those of later iterations: they will be played again."""
        for name, number in self._files():
            if number > iteration:
                (self._folder / f"{name}-{number:05}.json").unlink()

    def _files(self) -> list[tuple[str, int]]:
        names = [path.stem.rpartition("-") for path in self._folder.glob("*-*.json")]
        return [(split, int(number)) for split, _, number in names if number.isdecimal()]
