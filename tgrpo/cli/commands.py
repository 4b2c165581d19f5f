"""What the commands of `tgrpo` do, once their arguments are understood."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib import metadata
from pathlib import Path

from rich.console import Console

from tgrpo.capacity import CONTROL_STEPS_PER_SECOND, cores, evaluation_slots
from tgrpo.cli.console import make_console
from tgrpo.cli.data_commands import named_tasks
from tgrpo.cli.evaluated import policy_and_tasks
from tgrpo.cli.listeners import make_listener
from tgrpo.cli.mistakes import INTERRUPTED, WRONG_USAGE, expect_file, expect_folder, fail
from tgrpo.cli.options import Resolved
from tgrpo.cli.report import print_evaluation, print_paths
from tgrpo.cluster import expect_backend
from tgrpo.config import BackendName, OpenVLAConfig, TasksConfig, TrainConfig
from tgrpo.files import write_json
from tgrpo.layers import ConfigError, ConfigMistake
from tgrpo.libero_package import mujoco_warning
from tgrpo.metrics import MetricsWriter
from tgrpo.policies import load_policy, save_policy
from tgrpo.policies.base import Policy
from tgrpo.programs import Selection, select
from tgrpo.progress import Forecast, Listener, Phase
from tgrpo.rollouts.episodes import StepperName
from tgrpo.rollouts.evaluation import Evaluation, EvaluationJob
from tgrpo.rollouts.lockstep import OnSteps
from tgrpo.rollouts.machines import Machines, open_backend
from tgrpo.scripted.planner import check_skills
from tgrpo.simulation.cached_files import size_limit
from tgrpo.simulation.initial_states import COUNTS, Split, load_states
from tgrpo.tasks import Task
from tgrpo.training.cloning import read, starting_policy
from tgrpo.training.planning import (
    EXPECTED_SHARE_OF_STEPS,
    initial_rates,
    sft_plan,
)
from tgrpo.training.run_folder import RunFolder
from tgrpo.training.run_record import record_start, versions
from tgrpo.training.trainer import prepare


def check_inputs(config: TrainConfig, tasks: Sequence[Task]) -> None:
    """Find a bad checkpoint, file of demonstrations or goal before anything is written."""
    if config.start_from is not None:
        load_policy(config.start_from, kind=config.policy.kind)
        return
    if config.policy.kind == "openvla":
        from tgrpo.cli.openvla_inputs import check_training  # transformers: seconds of loading

        check_training(config, sorted({task.suite for task in tasks}))
    if config.sft.steps == 0:
        return
    if config.demonstrations.file is not None:
        read(config.demonstrations.file, tasks, config.demonstrations.count)
    else:
        check_skills(task.scene for task in tasks)


def finished_files(folder: RunFolder) -> str:
    names = sorted(path.name for path in (folder.path / "checkpoints").glob("*.safetensors"))
    return ", ".join(["config.toml", "metrics.jsonl", *names])


def run_name(tasks: Sequence[Task]) -> str:
    """A short name: the task's telling words, or the number of tasks."""
    if len(tasks) != 1:
        return f"{len(tasks)}-tasks"
    name = re.sub(r"_and_place_it.*|^pick_up_the_|^put_the_", "", tasks[0].name)
    return name.replace("_", "-")[:40]


def warn(console: Console, selection: Selection | None = None) -> None:
    """What a user should know before anything is simulated."""
    texts = () if selection is None else selection.warnings
    mujoco = mujoco_warning(metadata.version("mujoco"))
    print_warnings(console, (*texts, mujoco) if mujoco else texts)


def print_warnings(console: Console, texts: Sequence[str]) -> None:
    for text in texts:
        prefix = "" if text.startswith("warning") else "warning: "
        console.print(f"{prefix}{text}", markup=False, soft_wrap=True)


def run_sft(resolved: Resolved, out: Path | None) -> None:
    """`tgrpo sft`."""
    console, config = make_console(), resolved.config
    expect_folder("--run-dir", config.run_dir)
    expect_backend(config.backend, config.address)
    if out is not None:
        expect_file("--out", out)
    _expect_steps(config)
    size_limit()
    tasks = named_tasks(config.tasks.suite, config.tasks.names or _preferred(config))
    check_inputs(config, tasks)
    warn(console)
    folder = RunFolder.create(config.run_dir, f"sft-{run_name(tasks)}", datetime.now())
    record_start(folder, config, tasks)
    forecast = Forecast(sft_plan(config, tasks), initial_rates(config))
    try:
        with make_listener(console) as listener:
            policy = _clone(config, tasks, folder, forecast, listener)
            checkpoint = out or folder.checkpoint("sft")
            save_policy(checkpoint, policy, extra={"tasks": [task.id for task in tasks]})
            evaluation = _validate(config, tasks, policy, forecast, listener)
    except KeyboardInterrupt:
        fail(f"interrupted; {folder.path} keeps {finished_files(folder)}", INTERRUPTED)
    print_evaluation(console, evaluation, "SFT policy on validation states")
    write_json(folder.results, {"split": "validation", **evaluation.as_json()})
    print_paths(console, [("run folder", folder.path), ("policy", checkpoint)])


def _expect_steps(config: TrainConfig) -> None:
    """Raise ConfigError where nothing would be learned from demonstrations."""
    mistakes = []
    if config.sft.steps == 0:
        mistakes.append(("sft.steps", "no step would be taken; --set sft.steps=N says how many"))
    if config.start_from is not None:
        message = f"{config.start_from} would be taken in place of SFT; --set start_from=none"
        mistakes.append(("start_from", message))
    if mistakes:
        raise ConfigError([ConfigMistake("configuration", *item) for item in mistakes])


def _preferred(config: TrainConfig) -> tuple[str, ...]:
    """Without a choice of tasks, those that a preset names first."""
    return () if config.tasks.suite else config.tasks.prefer[: config.tasks.limit]


def _clone(
    config: TrainConfig,
    tasks: Sequence[Task],
    folder: RunFolder,
    forecast: Forecast,
    listener: Listener,
) -> Policy:
    with MetricsWriter(folder.path) as metrics:
        return starting_policy(config, tasks, folder, forecast, listener, metrics)


def _validate(
    config: TrainConfig,
    tasks: Sequence[Task],
    policy: Policy,
    forecast: Forecast,
    listener: Listener,
) -> Evaluation:
    chosen = config.evaluation
    jobs = [
        EvaluationJob(task, load_states(task, "validation")[: chosen.validation_episodes])
        for task in tasks
    ]
    forecast.begin("validate")
    slots = evaluation_slots(chosen.batch_size)
    with open_backend(Machines.of(config), slots, listener.note) as backend:
        return backend.evaluate(
            policy,
            jobs,
            batch_size=chosen.batch_size,
            on_steps=_telling(forecast, listener),
        )


def _telling(forecast: Forecast, listener: Listener) -> OnSteps:
    def on_steps(steps: int) -> None:
        forecast.add(steps)
        listener.status(forecast.status())

    return on_steps


def run_evaluation(
    evaluated: Path | OpenVLAConfig,
    *,
    suite: str | None,
    names: Sequence[str],
    split: Split,
    episodes: int,
    rewards: Path | None,
    json_file: Path | None,
    videos: Path | None,
    batch_size: int,
    workers: int | None,
    stepper: StepperName,
    patience: float,
    backend: BackendName,
    address: str | None,
) -> None:
    """`tgrpo eval`, of one of our checkpoints, or of OpenVLA's as they are published.

    `batch_size`: episodes that share an inference.
    """
    console = make_console()
    expect_backend(backend, address)
    if episodes > COUNTS[split]:
        message = f"--episodes {episodes}: a task has {COUNTS[split]} {split} states"
        fail(message, WRONG_USAGE)
    if json_file is not None:
        expect_file("--json", json_file)
    if videos is not None:
        expect_folder("--video", videos)
    named = evaluated if isinstance(evaluated, Path) else evaluated.checkpoint
    count, slots = workers or cores(), evaluation_slots(batch_size)
    drawing_here = count if backend == "local" else 0
    policy, chosen = policy_and_tasks(
        evaluated, suite, names, batch=batch_size, renderers=drawing_here
    )
    jobs = _evaluation_jobs(console, chosen, rewards, split, episodes)
    warn(console)
    steps = sum(len(job.states) * job.task.max_steps for job in jobs)
    forecast = Forecast(
        [Phase("evaluate", round(steps * EXPECTED_SHARE_OF_STEPS), "control steps")],
        {"control steps": CONTROL_STEPS_PER_SECOND * min(count, cores())},
    )
    forecast.begin("evaluate")
    with make_listener(console) as listener:
        prepare(chosen, listener)
    with (
        make_listener(console) as listener,
        open_backend(
            Machines(slots, workers, stepper, patience, backend, address), slots, listener.note
        ) as machines,
    ):
        evaluation = machines.evaluate(
            policy,
            jobs,
            batch_size=batch_size,
            on_steps=_telling(forecast, listener),
        )
    print_evaluation(console, evaluation, f"{named} on {split} states")
    if json_file is not None:
        protocol = {"split": split, "episodes": episodes, "stepper": stepper, "greedy": True}
        details = {"checkpoint": str(named), "protocol": protocol, "versions": versions()}
        write_json(json_file, {**details, **evaluation.as_json()})
        print_paths(console, [("json", json_file)])
    if videos is not None:
        written = _write_videos(videos, policy, jobs, stepper)
        print_paths(console, [("video", path) for path in written])


def _write_videos(
    folder: Path, policy: Policy, jobs: Sequence[EvaluationJob], stepper: StepperName
) -> Iterator[Path]:
    """The first state of each task, played once more for the camera: it moves as it did."""
    from tgrpo.reporting.episodes import play_episode
    from tgrpo.reporting.videos import write_video

    for job in jobs:
        state = job.states[0]
        episode = play_episode(
            policy.sampler(),
            job.task,
            job.program,
            state,
            max_steps=job.max_steps,
            stepper=stepper,
        )
        ending = "failure" if episode.success is None else "success"
        name = f"{job.task.name}-{state.split}-{state.index}-{ending}.mp4"
        yield write_video(folder / job.task.suite / name, episode.frames)


def _evaluation_jobs(
    console: Console,
    tasks: Sequence[Task],
    rewards: Path | None,
    split: Split,
    episodes: int,
) -> list[EvaluationJob]:
    programs = {}
    if rewards is not None:
        selection = select(rewards, TasksConfig(names=tuple(task.id for task in tasks)))
        warn(console, selection)
        programs = {item.task.id: item.program for item in selection.used}
    return [
        EvaluationJob(task, load_states(task, split)[:episodes], programs.get(task.id))
        for task in tasks
    ]
