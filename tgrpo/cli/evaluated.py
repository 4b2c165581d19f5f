"""What `tgrpo eval` evaluates: a policy, and the tasks that were chosen or that it knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import rewardlang
from tgrpo.cli.data_commands import choose_tasks
from tgrpo.config import OpenVLAConfig
from tgrpo.policies import load_policy, make_policy
from tgrpo.policies.base import Policy
from tgrpo.programs import UnknownChoiceError
from tgrpo.tasks import Task


def policy_and_tasks(
    evaluated: Path | OpenVLAConfig, suite: str | None, names: Sequence[str], *, batch: int
) -> tuple[Policy, tuple[Task, ...]]:
    """One of our checkpoints, or one of OpenVLA's as it is published; `batch` episodes at a time.

    Raises CheckpointError, UnknownTaskError, UnknownChoiceError; of OpenVLA StatisticsError and
    DoesNotFitError too.
    """
    if isinstance(evaluated, Path):
        policy, stored = load_policy(evaluated)
        known = () if suite else tuple(map(str, stored.extra.get("tasks", ())))
        return policy, _tasks(evaluated, suite, names or known)
    from tgrpo.cli.openvla_inputs import check_evaluation  # transformers: seconds of loading

    tasks = _tasks(evaluated.checkpoint, suite, names)
    check_evaluation(evaluated, sorted({task.suite for task in tasks}), batch)
    return make_policy("openvla", architecture=evaluated.model_dump()), tasks


def _tasks(named: Path | str | None, suite: str | None, names: Sequence[str]) -> tuple[Task, ...]:
    tasks = choose_tasks(suite, names, perturbed=True)
    if not tasks:
        raise UnknownChoiceError(f"{named} names no task: choose with --suite and --task")
    _expect_scenes(tasks)
    return tasks


def _expect_scenes(tasks: Sequence[Task]) -> None:
    """Raises UnknownChoiceError for scenes that do not ship, with what makes them known."""
    for task in tasks:
        try:
            _ = task.scene
        except rewardlang.UnknownSceneError:
            raise UnknownChoiceError(
                f"the scenes of {task.suite} do not ship; these two lines make them known:\n"
                f"  tgrpo catalogue --bddl {task.bddl_file.parent} --out scenes\n"
                "  export REWARDLANG_SCENES=scenes"
            ) from None
