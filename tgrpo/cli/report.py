"""What a person sees of a run: the head, and the tables at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from rich.console import Console
from rich.table import Table

from tgrpo.cli.console import duration
from tgrpo.config import TrainConfig
from tgrpo.intervals import Interval
from tgrpo.programs import Selection
from tgrpo.rollouts.evaluation import Evaluation, TaskEvaluation
from tgrpo.training.result import TrainingResult


def print_head(
    console: Console,
    config: TrainConfig,
    selection: Selection,
    *,
    preset: str,
    workers: int,
    seconds: float | None,
) -> None:
    """What is about to happen, before anything is built; `seconds` it may take."""
    by_suite = Counter(item.suite or "no readable scene" for item in selection.found)
    suites = ", ".join(f"{suite} {count}" for suite, count in sorted(by_suite.items()))
    rows = [
        ("programs", f"{len(selection.found)} below {config.rewards} ({suites})"),
        ("tasks", _tasks_text(selection)),
        ("policy", _policy_text(config)),
        ("before", _start_text(config)),
        ("training", _training_text(config)),
        ("preset", preset),
        ("workers", f"{workers} processes"),
        ("time", _time_text(seconds)),
    ]
    for name, text in rows:
        first, *more = text.splitlines()
        console.print(f"{name:<9} {first}", markup=False, soft_wrap=True)
        for line in more:
            console.print(f"{'':<9} {line}", markup=False, soft_wrap=True)


def _time_text(seconds: float | None) -> str:
    if seconds is None:
        return "not known before its first decisions; at best: tgrpo plan"
    return f"about {max(1, round(seconds / 60))} min on this machine, at a first guess"


def _tasks_text(selection: Selection) -> str:
    lines = [f"{item.task.id}" for item in selection.used]
    if selection.dropped:
        lines.append(f"({others_text(selection)})")
    return "\n".join(lines)


def others_text(selection: Selection) -> str:
    """Of the tasks that fit the choice, but not the limit."""
    return (
        f"not the {selection.dropped} other tasks that have a program: choose with --suite "
        "and --task, or allow more with --set tasks.limit=N"
    )


def _policy_text(config: TrainConfig) -> str:
    match config.policy.kind:
        case "tiny":
            return "tiny (sees simulator state and the instruction, not pixels)"
        case "tiny-vision":
            return (
                "tiny-vision (sees two cameras, its own hand and the instruction, no object's pose)"
            )
        case "openvla":
            chosen = config.openvla
            return f"openvla, {chosen.checkpoint}, LoRA of rank {chosen.lora_rank} on it"
        case kind:
            assert_never(kind)


def _start_text(config: TrainConfig) -> str:
    if config.start_from is not None:
        return f"checkpoint {config.start_from}, no SFT"
    if config.sft.steps == 0:
        return "no SFT: the policy as it is"
    count = config.demonstrations.count
    number = "all" if count is None else str(count)
    source = config.demonstrations.file or "the scripted demonstrator"
    return f"SFT: {config.sft.steps} steps; demonstrations per task: {number}, from {source}"


def _training_text(config: TrainConfig) -> str:
    rollout = config.rollout
    return (
        f"{config.algorithm}, {config.learner.reward} reward: {config.iterations} iterations of "
        f"{rollout.groups_per_iteration} groups "
        f"of {rollout.group_size} arms, seed {config.seed}"
    )


def print_evaluation(console: Console, evaluation: Evaluation, title: str) -> None:
    """Success per task with its interval."""
    console.print(f"\n{title}", markup=False, soft_wrap=True)
    for item in evaluation.tasks:
        at_reset = sum(outcome.success_at_reset for outcome in item.outcomes)
        steps = sum(outcome.steps for outcome in item.outcomes) / max(1, len(item.outcomes))
        stage = f"{item.mean_stage:.1f} of {item.stages}" if item.stages else "-"
        table = _table("success", "95 % interval", "at step 0", "mean stage", "mean steps")
        table.add_row(_share(item), _interval(item.success), str(at_reset), stage, f"{steps:.0f}")
        _print_task(console, item.task, table)
    if len(evaluation.tasks) > 1:
        mean = f"{evaluation.mean_success:.1%}"
        console.print(f"\nmean success over {len(evaluation.tasks)} tasks: {mean}")


def print_result(console: Console, result: TrainingResult, algorithm: str) -> None:
    """The table at the end: the three policies on the same held-out states."""
    last, best = result.of("last"), result.of("best")
    names = {
        "sft": "SFT",
        "last": f"{algorithm}, last (iteration {last.iteration})",
        "best": f"{algorithm}, best by validation (iteration {best.iteration})",
    }
    gains = {name: result.gains(name) for name in ("last", "best")}
    episodes = len(last.evaluation.tasks[0].outcomes)
    console.print(f"\nSuccess on {episodes} held-out test states, the same for each policy")
    for index, task in enumerate(last.evaluation.tasks):
        table = _table("policy", "success", "95 % interval", "gain over SFT", "95 % interval")
        for name, label in names.items():
            tested = result.of(name).evaluation.tasks[index]
            gain = _gain(gains[name][index]) if name in gains else ("", "")
            table.add_row(label, _share(tested), _interval(tested.success), *gain)
        _print_task(console, task.task, table)


def print_runs(console: Console, results: Sequence[TrainingResult], algorithm: str) -> None:
    """Runs of one task each, side by side."""
    table = _table("SFT", f"{algorithm}, last", "best by validation", "task")
    for result in results:
        tested = [result.of(name).evaluation.tasks[0] for name in ("sft", "last", "best")]
        table.add_row(*map(_share, tested), tested[0].task)
    means = [
        sum(result.of(name).evaluation.mean_success for result in results) / len(results)
        for name in ("sft", "last", "best")
    ]
    table.add_row(*(f"{mean:.1%}" for mean in means), f"mean of {len(results)} tasks")
    console.print("\nSuccess on held-out test states, a policy for each task", style="bold")
    console.print(table)


def _print_task(console: Console, task: str, table: Table) -> None:
    console.print(f"\n{task}", style="bold", markup=False, soft_wrap=True)
    console.print(table)


def print_time(console: Console, result: TrainingResult) -> None:
    """Where the wall-clock time of the iterations went."""
    spent = result.seconds
    if not spent:
        return
    total = spent["wall"] + spent["update"]

    def share(name: str) -> str:
        return f"{name} {spent[name] / total:.0%}"

    main = ", ".join(map(share, ("wait", "policy", "transport", "update")))
    drawn = ("rendering",) if spent.get("rendering") else ()
    workers = ", ".join(map(share, ("physics", "reward", *drawn, "idle")))
    console.print(
        f"\nTime of the iterations, {duration(total)}: {main}."
        f"\nOf the simulator processes during it: {workers}, "
        f"waiting for updates {spent['update'] / total:.0%}.",
        markup=False,
    )


def print_paths(console: Console, paths: Sequence[tuple[str, Path]]) -> None:
    console.print()
    for name, path in paths:
        console.print(f"{name:<13} {path}", markup=False, soft_wrap=True)


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for head in heads:
        table.add_column(
            head, no_wrap=True, justify="left" if head in ("policy", "task") else "right"
        )
    return table


def _share(item: TaskEvaluation) -> str:
    return f"{item.successes}/{len(item.outcomes)} = {item.success.value:.0%}"


def _interval(interval: Interval) -> str:
    return f"{interval.low:.0%} – {interval.high:.0%}"


def _gain(interval: Interval) -> tuple[str, str]:
    points, low, high = (100 * value for value in (interval.value, interval.low, interval.high))
    return f"{points:+.0f} points", f"{low:+.0f} … {high:+.0f}"
