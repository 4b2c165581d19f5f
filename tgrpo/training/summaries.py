"""Episodes to numbers: metrics of an iteration and of an evaluation, and lines to read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tgrpo.programs import TaskProgram
from tgrpo.progress import StageShares
from tgrpo.rollouts.evaluation import Evaluation, TaskEvaluation, stage_order, stages_reached
from tgrpo.rollouts.rollout import Collected
from tgrpo.trajectory import Ending, Trajectory


def summarise(collected: Collected, programs: Sequence[TaskProgram]) -> dict[str, float]:
    """Metrics of the episodes of an iteration, those of replaced groups included."""
    groups = (*collected.groups, *collected.resampled)
    arms = [arm for group in groups for arm in group.trajectories]
    orders = {item.task.name: stage_order(item.program) for item in programs}
    stage = [_stage(arm, orders[arm.context.task]) for arm in arms]
    steps = [arm.control_steps for arm in arms]
    means = {
        "rollout/success": _share(arm.success for arm in arms),
        "rollout/cut": _share(arm.ending is Ending.CUT for arm in arms),
        "rollout/unstable": float(sum(arm.ending is Ending.UNSTABLE for arm in arms)),
        "rollout/groups_with_success": _share(
            any(arm.success for arm in group.trajectories) for group in groups
        ),
        "rollout/phi": float(np.mean([arm.phi.max(initial=0.0) for arm in arms])),
        "rollout/return": float(np.mean([arm.rewards.sum() for arm in arms])),
        "rollout/stage": float(np.mean(stage)),
        "rollout/steps": float(np.mean(steps)),
        "rollout/redrawn_states": float(collected.redrawn),
        "rollout/resampled_groups": float(len(collected.resampled)),
        "rollout/late_successes": _ratio(collected.ended.late, collected.ended.successes),
        "rollout/workers_replaced": float(collected.workers_replaced),
        "rollout/steps_per_second": sum(steps) / max(1e-9, collected.seconds["wall"]),
    }
    for item in programs:
        own = _arms_of(item, collected)
        means |= _of_task(item.task.id, own, orders[item.task.name]) if own else {}
    return means


def stage_shares(collected: Collected, programs: Sequence[TaskProgram]) -> tuple[StageShares, ...]:
    """How far the arms came, of every task that there were arms of."""
    return tuple(
        _stage_shares(item.task.id, own, stage_order(item.program))
        for item in programs
        if (own := _arms_of(item, collected))
    )


def _arms_of(item: TaskProgram, collected: Collected) -> list[Trajectory]:
    """Those of replaced groups included."""
    groups = (*collected.groups, *collected.resampled)
    arms = (arm for group in groups for arm in group.trajectories)
    return [arm for arm in arms if arm.context.task == item.task.name]


def _of_task(task: str, arms: Sequence[Trajectory], order: Mapping[str, int]) -> dict[str, float]:
    """How far the arms of one task came, and what their rewards were made of."""
    shares = _stage_shares(task, arms, order).shares
    return {
        f"rollout/success/{task}": _share(arm.success for arm in arms),
        **{
            f"rollout/stages/{task}/{number}-{name}": share
            for number, (name, share) in enumerate(shares)
        },
        **{
            f"reward/{task}/{term}": float(np.mean([arm.terms.get(term, 0.0) for arm in arms]))
            for term in dict.fromkeys(term for arm in arms for term in arm.terms)
        },
    }


def _stage_shares(task: str, arms: Sequence[Trajectory], order: Mapping[str, int]) -> StageShares:
    stages = [_stage(arm, order) for arm in arms]
    names = [*order, "success"]
    return StageShares(
        task,
        tuple(
            (name, _share(stage == number for stage in stages)) for number, name in enumerate(names)
        ),
    )


def _stage(arm: Trajectory, order: Mapping[str, int]) -> int:
    """Stages before the furthest one that the arm worked on; all of them after success."""
    keys = [arm.stage_keys[index] for index in arm.stages]
    return stages_reached(keys, order, success=arm.success)


def _ratio(part: int, whole: int) -> float:
    """NaN, which metrics write as null, where there is nothing to take a share of."""
    return part / whole if whole else math.nan


def _share(values: Iterable[bool]) -> float:
    return float(np.mean(list(values)))


def evaluation_metrics(evaluation: Evaluation) -> dict[str, float]:
    """Success, stage and Φ per task and on average, and what went wrong."""
    metrics = {
        "success": evaluation.mean_success,
        "unstable": float(sum(item.unstable for item in evaluation.tasks)),
        "workers_replaced": float(evaluation.workers_replaced),
    }
    for item in evaluation.tasks:
        metrics[f"success/{item.task}"] = item.success.value
        metrics[f"stage/{item.task}"] = item.mean_stage
        metrics[f"phi/{item.task}"] = item.mean_phi
    return metrics


def shown(summary: Mapping[str, float]) -> dict[str, str]:
    """The part of `summarise` that the progress line has room for."""
    return {
        "success": f"{summary['rollout/success']:.0%}",
        "stage": f"{summary['rollout/stage']:.1f}",
        "Φ": f"{summary['rollout/phi']:.2f}",
    }


def iteration_line(
    iteration: int, iterations: int, summary: Mapping[str, float], seconds: Mapping[str, float]
) -> str:
    return (
        f"iteration {iteration}/{iterations}: success {summary['rollout/success']:.0%} "
        f"of arms, {summary['rollout/groups_with_success']:.0%} of groups; "
        f"stage {summary['rollout/stage']:.1f}, Φ {summary['rollout/phi']:.2f}, "
        f"{summary['rollout/steps_per_second']:.0f} steps/s{_sampling_text(summary)}\n"
        f"  {time_line(seconds)}"
    )


def _sampling_text(summary: Mapping[str, float]) -> str:
    """What was sampled again, where any was."""
    count = summary["rollout/resampled_groups"]
    return f", {count:.0f} groups replaced" if count else ""


def time_line(seconds: Mapping[str, float]) -> str:
    """Where the time of an iteration went: for the process that learns, and for the simulators.

    Each half adds up to the whole, `wall` and `update`; while the policy is updated, simulators
    are idle.
    """
    total = seconds["wall"] + seconds["update"]
    idle = seconds["idle"] + seconds["update"]
    own = {"policy": "policy", "transport": "transport", "wait": "waiting", "update": "update"}
    own_text = ", ".join(_part(label, seconds[name], total) for name, label in own.items())
    busy = [name for name in ("physics", "rendering", "reward") if name in seconds]
    simulators = [_part(name, seconds[name], total) for name in busy]
    simulators.append(_part("idle", idle, total))
    return f"{total:.1f} s: {own_text}; simulators: {', '.join(simulators)}"


def _part(label: str, seconds: float, total: float) -> str:
    return f"{label} {seconds / total:.0%}" if total > 0 else f"{label} 0%"


def validation_line(iteration: int, evaluation: Evaluation, better: bool) -> str:
    where = f"after iteration {iteration}" if iteration else "of the SFT policy"
    mark = "; best so far" if better and iteration else ""
    tasks = ", ".join(_task_text(item) for item in evaluation.tasks)
    return f"validation {where}: {tasks}{mark}"


def _task_text(item: TaskEvaluation) -> str:
    return f"{item.successes}/{len(item.outcomes)} (stage {item.mean_stage:.1f})"
