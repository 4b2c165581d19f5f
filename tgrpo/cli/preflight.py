"""What can be known of a run before torch and MuJoCo load: within seconds, not after minutes.

Programs, suites and tasks, sizes that do not fit each other, disks, and the quick part of
`tgrpo doctor`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tgrpo.capacity import arms, worker_count
from tgrpo.cluster import expect_backend
from tgrpo.config import TrainConfig
from tgrpo.doctor.checks import CHECKS, PROGRAMS, Patient
from tgrpo.doctor.examination import QUICK_SECONDS, examine
from tgrpo.doctor.findings import Finding, Status
from tgrpo.doctor.report import line
from tgrpo.layers import Layer
from tgrpo.programs import Selection, TaskProgram, choose, join
from tgrpo.simulation.cached_files import size_limit
from tgrpo.simulation.state_files import state_file
from tgrpo.tasks import Task
from tgrpo.trackers import expect_trackers
from tgrpo.training.resuming import open_run, resumed_config, resumed_programs
from tgrpo.training.run_folder import RunFolder
from tgrpo.training.run_record import read_record, what_differs


class NotReadyError(RuntimeError):
    """Something here keeps the run from working: all of it, each with what mends it."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The programs of a run, and what its user should know before it begins."""

    selection: Selection
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resumption:
    """A run that goes on, with what, and what its user should know before it does."""

    folder: RunFolder
    config: TrainConfig
    programs: tuple[TaskProgram, ...]
    warnings: tuple[str, ...]


def prepare_run(config: TrainConfig, *, per_task: bool = False) -> Readiness:
    """With `per_task` every task has the iterations to itself.

    Raises ClusterError, TrackerMissingError, CacheLimitError, UnknownChoiceError, ProgramsError,
    NotReadyError.
    """
    _expect_usable(config)
    choice = choose(config.rewards, config.tasks)
    findings = examine_quickly(config)
    _refuse(findings)
    selection = join(choice)
    tasks = [item.task for item in selection.used]
    warnings = _warnings(config, findings, tasks, together=1 if per_task else len(tasks))
    return Readiness(selection, (*selection.warnings, *warnings))


def prepare_resumption(
    path: Path, layers: Sequence[Layer], rewards: Path | None, *, accept: bool
) -> Resumption:
    """Raises NoRunError, ConfigError, ClusterError, TrackerMissingError, CacheLimitError,
    ProgramsError, ChangedRewardsError, NotReadyError.
    """
    folder = open_run(path)
    config = resumed_config(folder, layers)
    _expect_usable(config)
    programs, notes = resumed_programs(folder, rewards, accept=accept)
    findings = examine_quickly(config)
    _refuse(findings)
    differs = what_differs(read_record(folder))
    changed = [
        f"since the run's last start: {', '.join(differs)}; results may differ from those of a run "
        "that was not interrupted"
    ]
    tasks = [item.task for item in programs]
    warnings = _warnings(config, findings, tasks, together=len(tasks))
    return Resumption(folder, config, programs, (*notes, *(changed if differs else ()), *warnings))


def _expect_usable(config: TrainConfig) -> None:
    """What the run asks of others: a cluster, trackers, room in the cache of models."""
    expect_backend(config.backend, config.address)
    expect_trackers(config.log)
    size_limit()


def _warnings(
    config: TrainConfig, findings: Sequence[Finding], tasks: Sequence[Task], *, together: int
) -> Iterator[str]:
    """`together`: how many tasks share the iterations."""
    yield from (line(item) for item in findings if item.status is Status.WARNING)
    yield from sizes(config, together)
    yield from ungenerated(tasks)


def examine_quickly(config: TrainConfig) -> tuple[Finding, ...]:
    """The quick part of `tgrpo doctor`; a run reads its programs by itself."""
    checks = [check for check in CHECKS if check.quick and check is not PROGRAMS]
    patient = Patient(config.rewards, config.run_dir, config.workers)
    return examine(checks, patient, seconds=QUICK_SECONDS)


def _refuse(findings: Sequence[Finding]) -> None:
    problems = [line(item) for item in findings if item.status is Status.PROBLEM]
    if problems:
        raise NotReadyError("\n".join(["this cannot run here:", *problems, "More: tgrpo doctor"]))


def sizes(config: TrainConfig, tasks: int) -> Iterator[str]:
    """Numbers of groups, arms and workers that leave something undone or idle."""
    rollout, workers, simulators = config.rollout, worker_count(config), arms(config)
    groups = config.iterations * rollout.groups_per_iteration
    if 0 < groups < tasks:
        yield (
            f"{config.iterations} iterations of {rollout.groups_per_iteration} groups are {groups} "
            f"groups for {tasks} tasks: {tasks - groups} are never trained; "
            f"--iterations {math.ceil(tasks / rollout.groups_per_iteration)} reaches all"
        )
    if rollout.groups_in_flight > rollout.groups_per_iteration:
        yield (
            f"rollout.groups_in_flight is {rollout.groups_in_flight}, more than "
            f"rollout.groups_per_iteration, {rollout.groups_per_iteration}: some simulators never "
            f"start; --groups-per-iteration {rollout.groups_in_flight} uses them"
        )
    if config.backend == "ray":  # how many workers there are is the cluster's to say
        return
    if workers > simulators:
        yield (
            f"{workers} workers for {simulators} simulators: {workers - simulators} have nothing "
            f"to do; --set rollout.groups_in_flight={math.ceil(workers / rollout.group_size)} "
            "gives them some"
        )
    elif config.workers is not None and simulators % workers:
        fitting = [number for number in range(1, simulators + 1) if simulators % number == 0]
        near = min(fitting, key=lambda number: (abs(number - workers), number))
        yield (
            f"{simulators} simulators do not divide among {workers} workers: the others wait for "
            f"those that have {math.ceil(simulators / workers)}; --workers {near} divides them"
        )


def ungenerated(tasks: Sequence[Task]) -> Iterator[str]:
    """Initial states of no split are there: they are drawn from LIBERO first."""
    missing = [task for task in tasks if not state_file(task).is_file()]
    if missing:
        named = f"of {missing[0].id}" if len(missing) == 1 else f"of {len(missing)} tasks"
        choice = " ".join(f"--task {task.id}" for task in missing[:1])
        command = f"tgrpo states {choice}" if len(missing) == 1 else "tgrpo states --suite SUITE"
        yield (
            f"the initial states {named} are generated first, about a minute each; "
            f"{command} does it beforehand"
        )
