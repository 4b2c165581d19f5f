"""What `tgrpo eval` evaluates: a policy, and the tasks that were chosen or that it knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import rewardlang
from tgrpo.checkpoint import read_checkpoint
from tgrpo.cli.data_commands import choose_tasks
from tgrpo.config import OpenVLAConfig
from tgrpo.policies import architecture_of, make_policy, policy_in
from tgrpo.policies.base import Policy
from tgrpo.programs import UnknownChoiceError
from tgrpo.tasks import Task


def policy_and_tasks(
    evaluated: Path | OpenVLAConfig,
    suite: str | None,
    names: Sequence[str],
    *,
    batch: int,
    renderers: int,
) -> tuple[Policy, tuple[Task, ...]]:
    """One of our checkpoints, or one of OpenVLA's as it is published; `batch` episodes at a time,
    which `renderers` processes of this machine draw.

    Raises CheckpointError, UnknownTaskError, UnknownChoiceError; of OpenVLA StatisticsError and
    DoesNotFitError too.
    """
    if isinstance(evaluated, Path):
        stored = read_checkpoint(evaluated)
        known = () if suite else tuple(map(str, stored.extra.get("tasks", ())))
        tasks = _tasks(evaluated, suite, names or known)
        if stored.kind == "openvla":
            with architecture_of(evaluated):
                openvla = OpenVLAConfig(**stored.architecture)
            _expect_openvla(openvla, tasks, batch, renderers)
        return policy_in(evaluated, stored), tasks
    tasks = _tasks(evaluated.checkpoint, suite, names)
    _expect_openvla(evaluated, tasks, batch, renderers)
    return make_policy("openvla", architecture=evaluated.model_dump()), tasks


def _expect_openvla(
    config: OpenVLAConfig, tasks: Sequence[Task], batch: int, renderers: int
) -> None:
    from tgrpo.cli.openvla_inputs import check_evaluation  # transformers: seconds of loading

    suites = sorted({task.suite for task in tasks})
    check_evaluation(config, suites, batch, renderers=renderers)


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
