"""`tgrpo train`, `sft`, `eval` and `report`: their arguments.

Commands import what they need when they run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tgrpo.cli.arguments import (
    Address,
    BackendOption,
    ConfigFile,
    Demos,
    PolicyKind,
    Preset,
    Rewards,
    RunDir,
    Seed,
    Settings,
    SplitOption,
    StepperOption,
    Suite,
    Tasks,
    Workers,
)
from tgrpo.cli.mistakes import WRONG_USAGE, expect_folder, fail, reporting
from tgrpo.cli.together import ranks_of_this_run


def train(
    rewards: Rewards = None,
    suite: Suite = None,
    task: Tasks = None,
    preset: Preset = None,
    config: ConfigFile = None,
    settings: Settings = None,
    policy: PolicyKind = None,
    demos: Demos = None,
    start_from: Annotated[
        Path | None,
        typer.Option("--from", metavar="CHECKPOINT", help="Start here instead of with SFT."),
    ] = None,
    algorithm: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="tgrpo, tgrpo-stage, grpo, step, stage, dpo, grape or ppo: how episodes become an "
            "update (docs/algorithm.md). [tgrpo]",
        ),
    ] = None,
    seed: Seed = None,
    iterations: Annotated[int | None, typer.Option(help="Rounds of collect and update.")] = None,
    group_size: Annotated[int | None, typer.Option(help="N: arms from one initial state.")] = None,
    groups_per_iteration: Annotated[int | None, typer.Option(help="Groups per update.")] = None,
    workers: Workers = None,
    backend: BackendOption = None,
    address: Address = None,
    stepper: StepperOption = None,
    run_dir: RunDir = None,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="RUN", help="Go on with the run in this folder."),
    ] = None,
    accept_new_rewards: Annotated[
        bool,
        typer.Option("--accept-new-rewards", help="Resume although programs were edited."),
    ] = False,
    log: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Send metrics to wandb or trackio too; may be repeated."),
    ] = None,
    per_task: Annotated[
        bool, typer.Option("--per-task", help="A policy for each task, in runs one by one.")
    ] = False,
) -> None:
    """Train a policy: SFT on demonstrations, then TGRPO or a rival; test both on held-out states.

    Reads every program below --rewards, trains on those that --suite and --task leave (the
    quickstart takes one), and writes a run folder with configuration, metrics, checkpoints and
    results.

    However a run ended, --resume goes on where it stands, with its own configuration; --iterations,
    --workers and what else decides no number may be given anew.

    Examples:

      tgrpo train --rewards tasks/

      tgrpo train --task libero_object/pick_up_the_milk_and_place_it_in_the_basket

      tgrpo train --algorithm grpo --set learner.reward=sparse

      tgrpo train --preset paper --suite libero_object --demos demonstrations/ --seed 1

      tgrpo train --config runs/20260101-120000-milk/config.toml --set learner.kl_weight=0.01

      tgrpo train --resume runs/20260101-120000-milk --iterations 40
    """
    named = {
        "rewards": rewards,
        "suite": suite,
        "task": tuple(task or ()),
        "policy": policy,
        "seed": seed,
        "algorithm": algorithm,
        "group_size": group_size,
        "groups_per_iteration": groups_per_iteration,
        "iterations": iterations,
        "workers": workers,
        "backend": backend,
        "address": address,
        "run_dir": run_dir,
        "stepper": stepper,
        "start_from": start_from,
        "log": tuple(log or ()),
    }
    with reporting(), ranks_of_this_run() as ranks:
        if ranks.rank > 0:
            return  # it has learnt what the first one did
        from tgrpo.cli.options import expect_checkpoint, option_layers, resolve_options
        from tgrpo.cli.preflight import prepare_resumption, prepare_run

        if per_task and resume is not None:
            fail("--resume goes on with one run; --per-task begins several", WRONG_USAGE)
        if resume is not None:
            named["rewards"] = None  # may be another path to the same programs
            layers = option_layers(
                named, preset=preset, config_file=config, settings=settings or (), demos=demos
            )
            resumption = prepare_resumption(resume, layers, rewards, accept=accept_new_rewards)
            from tgrpo.cli.training import run_resumption  # torch and MuJoCo: seconds of loading

            run_resumption(resumption, ranks)
            return
        if accept_new_rewards:
            fail("--accept-new-rewards is for --resume RUN", WRONG_USAGE)
        if start_from is not None and demos is not None:
            fail("--demos is what SFT learns from; --from begins without SFT", WRONG_USAGE)
        resolved = resolve_options(
            named, preset=preset, config_file=config, settings=settings or (), demos=demos
        )
        expect_checkpoint(resolved.config)
        expect_folder("--run-dir", resolved.config.run_dir)
        readiness = prepare_run(resolved.config, per_task=per_task)
        # torch and MuJoCo: seconds of loading
        if per_task:
            from tgrpo.cli.per_task import run_per_task

            run_per_task(resolved, readiness, ranks)
        else:
            from tgrpo.cli.training import run_training

            run_training(resolved, readiness, ranks)


def sft(
    suite: Suite = None,
    task: Tasks = None,
    demos: Demos = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Checkpoint to write. [in the run's folder]"),
    ] = None,
    preset: Preset = None,
    config: ConfigFile = None,
    settings: Settings = None,
    policy: PolicyKind = None,
    seed: Seed = None,
    workers: Workers = None,
    backend: BackendOption = None,
    address: Address = None,
    stepper: StepperOption = None,
    run_dir: RunDir = None,
) -> None:
    """Clone demonstrations: supervised fine-tuning, then success on validation states.

    Demonstrations are generated by the scripted demonstrator, or read from any file in LIBERO's
    HDF5 layout.

    Examples:

      tgrpo sft --suite libero_object --demos 20

      tgrpo sft --task libero_object/pick_up_the_milk_and_place_it_in_the_basket --demos milk.hdf5
    """
    named = {
        "suite": suite,
        "task": tuple(task or ()),
        "policy": policy,
        "seed": seed,
        "workers": workers,
        "backend": backend,
        "address": address,
        "stepper": stepper,
        "run_dir": run_dir,
    }
    with reporting():
        from tgrpo.cli.options import expect_checkpoint, resolve_options

        resolved = resolve_options(
            named, preset=preset, config_file=config, settings=settings or (), demos=demos
        )
        expect_checkpoint(resolved.config)
        from tgrpo.cli.commands import run_sft

        run_sft(resolved, out)


def evaluate(
    checkpoint: Annotated[
        Path | None, typer.Argument(help="A checkpoint (*.safetensors) of a run.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="openvla:PATH|openvla-oft:PATH",
            help="Instead of a checkpoint of a run: one of OpenVLA, by its folder or its id; or of "
            "OpenVLA-OFT with discrete tokens (unverified against the original).",
        ),
    ] = None,
    settings: Settings = None,
    suite: Suite = None,
    task: Tasks = None,
    split: SplitOption = "test",
    episodes: Annotated[int, typer.Option(help="Initial states per task.", min=1)] = 50,
    rewards: Annotated[
        Path | None,
        typer.Option(help="Reward programs: adds the stage reached and judges their success."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write every episode here.")
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write an MP4 of each task's first state here."),
    ] = None,
    batch_size: Annotated[
        int, typer.Option(help="Episodes that share an inference; the memory's to say.", min=1)
    ] = 8,
    workers: Workers = None,
    patience: Annotated[
        float, typer.Option(help="Seconds without an answer that cost a worker its place.", min=1)
    ] = 300.0,
    backend: BackendOption = None,
    address: Address = None,
    stepper: StepperOption = None,
) -> None:
    """Measure the success of a checkpoint: LIBERO's protocol, greedy actions.

    Ten settling steps, the suite's maximum of steps, fixed initial states; success with its 95 %
    Wilson interval, and successes before the first action counted separately. Without --suite and
    --task the tasks are those that the checkpoint was trained on. LIBERO-PRO's suites SUITE_swap
    (objects in each other's places) and SUITE_object (other objects of the kind) have test states.

    Examples:

      tgrpo eval runs/20260101-120000-milk/checkpoints/best.safetensors

      tgrpo eval best.safetensors --suite libero_object --episodes 20 --json result.json

      tgrpo eval best.safetensors --episodes 10 --video videos

      tgrpo eval --policy openvla:openvla/openvla-7b-finetuned-libero-object --suite libero_object

      tgrpo eval best.safetensors --suite libero_object_swap
    """
    with reporting():
        if (checkpoint is None) == (policy is None):
            fail("either a CHECKPOINT or --policy openvla:PATH is evaluated", WRONG_USAGE)
        if checkpoint is not None and settings:
            fail("--set is for --policy; a CHECKPOINT has settings of its own", WRONG_USAGE)
        from tgrpo.cli.options import published_policy

        evaluated = checkpoint or published_policy(policy or "", settings or ())
        from tgrpo.cli.commands import run_evaluation

        run_evaluation(
            evaluated,
            suite=suite,
            names=tuple(task or ()),
            split=split,
            episodes=episodes,
            rewards=rewards,
            json_file=json_file,
            videos=video,
            batch_size=batch_size,
            workers=workers,
            stepper=stepper or "fast",
            patience=patience,
            backend=backend or "local",
            address=address,
        )


def export(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint (*.safetensors) of a run.")],
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to make.")],
    adapter: Annotated[
        bool, typer.Option("--adapter", help="The adapter alone, as peft reads it.")
    ] = False,
) -> None:
    """Write what was trained on OpenVLA in the published layout, for OpenVLA's own code.

    The adapter is added to the weights of the published checkpoint, and all of its other files come
    along.

    Examples:

      tgrpo export runs/20260101-120000-milk/checkpoints/best.safetensors trained

      tgrpo export best.safetensors adapter --adapter
    """
    with reporting():
        from tgrpo.cli.export import run_export

        run_export(checkpoint, out, adapter=adapter)


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Page to write. [report.html in the first]")
    ] = None,
    episodes: Annotated[
        int, typer.Option(help="Episodes of each task to step through.", min=0)
    ] = 1,
    split: SplitOption = "validation",
    videos: Annotated[
        bool, typer.Option("--videos/--no-videos", help="Put an MP4 of each episode into the page.")
    ] = True,
) -> None:
    """Write what runs did as one HTML page that needs nothing else, also of runs not yet finished.

    Success with intervals, stages, terms of the reward, advantages, where the time went, and
    episodes of the best checkpoint to step through: camera, stage, Φ, reward and key objects, and
    a video. Two or more runs are laid side by side.

    Examples:

      tgrpo report runs/20260101-120000-milk

      tgrpo report runs/20260101-120000-milk runs/20260102-120000-milk --episodes 0 --out both.html
    """
    with reporting():
        from tgrpo.cli.report_command import run_report

        run_report(runs, out, episodes=episodes, split=split, videos=videos)
