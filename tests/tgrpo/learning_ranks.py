"""What torchrun starts in the tests of several ranks: updates of small policies, led and followed.

python -m torch.distributed.run --nproc-per-node 2 -m tests.tgrpo.learning_ranks FOLDER NAME…
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import typer

from tests.tgrpo.openvla import golden_learning
from tests.tgrpo.test_algorithms import configuration, data_of
from tests.tgrpo.toy_groups import make_policy
from tgrpo.cli.mistakes import reporting
from tgrpo.cli.together import ranks_of_this_run
from tgrpo.config import TrainConfig
from tgrpo.policies.base import Policy
from tgrpo.training.algorithms import make_learner, restored_learner
from tgrpo.training.following import Begin, lead
from tgrpo.training.learner import Learner
from tgrpo.training.ranks import ALONE, Ranks
from tgrpo.training.run_folder import RunFolder
from tgrpo.training.run_state import Mark, save_state, state_at
from tgrpo.trajectory import Group

Play = Callable[[Policy], list[Group]]


def main(path: Path, names: list[str]) -> None:
    with reporting(), ranks_of_this_run() as ranks:
        if ranks.rank > 0:
            return
        for name in names:
            if name == "no-checkpoint":
                lead_astray(RunFolder(path / name), ranks)
            train(RunFolder(path / name), name, ranks)


def lead_astray(folder: RunFolder, ranks: Ranks) -> None:
    """Begin a run whose first checkpoint the followers do not see."""
    config, policy = configuration("tgrpo"), make_policy()
    learner = lead(
        make_learner(policy, config, ranks=ranks), policy, Begin(config, folder, 0), ranks
    )
    learner.update(data_of(policy))


def train(folder: RunFolder, name: str, ranks: Ranks = ALONE) -> None:
    """Two updates, the second after the run was resumed; what they came to is in the folder."""
    policy, config, play = subject(folder, name)
    learner = make_learner(policy, config, ranks=ranks)
    metrics = [update(policy, learner, play, Begin(config, folder, 0), ranks)]
    state = state_at(folder, 1)
    learner = restored_learner(state, config, ranks)
    metrics.append(update(state.policy, learner, play, Begin(config, folder, 1), ranks))
    (folder.path / "metrics.json").write_text(json.dumps(metrics))


def subject(folder: RunFolder, name: str) -> tuple[Policy, TrainConfig, Play]:
    """`name` is an algorithm, of the toy policy, or of the golden OpenVLA behind `openvla-`."""
    if name.startswith("openvla-"):
        return golden_learning.subject(folder.path, name.removeprefix("openvla-"))
    return make_policy(), configuration(name), data_of


def update(
    policy: Policy, learner: Learner, play: Play, run: Begin, ranks: Ranks
) -> dict[str, float]:
    """One update of `run`, with a checkpoint before and after it."""
    save_state(run.folder, policy, learner.state_tensors(), Mark(run.iteration, 0, {}, {}))
    learner = lead(learner, policy, run, ranks)
    metrics = learner.update(play(policy))
    save_state(run.folder, policy, learner.state_tensors(), Mark(run.iteration + 1, 0, {}, {}))
    return metrics


if __name__ == "__main__":
    typer.run(main)
