"""`tgrpo`: arguments in, text and exit code out. 0 success, 1 bad input, 2 wrong usage.

Commands import what they need when they run, so that --help and a mistyped option are quick and
worker processes, which import this module again, stay small.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from tgrpo.cli.mistakes import WRONG_USAGE, expect_folder, fail, reporting

# Waiting threads of torch sleep instead of spinning: beside worker processes a spinning thread
# takes the core away from the one it waits for. Read when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich" if sys.stdout.isatty() else None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Rewards = Annotated[
    Path | None, typer.Option(help="Folder of reward programs (*.rl), or one file. [tasks]")
]
Suite = Annotated[str | None, typer.Option(help="Suite, for example libero_object.")]
Tasks = Annotated[
    list[str] | None,
    typer.Option("--task", help="Task name, or SUITE/NAME; repeat it for several."),
]
PolicyKind = Annotated[str | None, typer.Option("--policy", help="Policy: tiny.")]
Preset = Annotated[
    str | None, typer.Option(help="Settings to start from: quickstart (the default) or paper.")
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="TOML file of settings, such as a run's config.toml."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any hyper-parameter, for example learner.learning_rate=1e-4; see tgrpo parameters.",
    ),
]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random.")]
Demos = Annotated[
    str | None,
    typer.Option(
        metavar="N|FILE",
        help="Demonstrations per task to generate, or an HDF5 file (or folder) to read.",
    ),
]
Workers = Annotated[int | None, typer.Option(help="Simulator processes. [one per core]", min=1)]
BackendOption = Annotated[
    Literal["local", "ray"] | None,
    typer.Option("--backend", help="Simulate on this machine, or on a Ray cluster. [local]"),
]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT|auto", help="The Ray cluster. [one of its own, on this machine]"
    ),
]
RunDir = Annotated[Path | None, typer.Option(help="Where the run's folder is made. [runs]")]
SplitOption = Annotated[
    Literal["train", "validation", "test"], typer.Option("--split", help="Which initial states.")
]
StepperOption = Annotated[
    Literal["fast", "libero"] | None,
    typer.Option("--stepper", help="fast, or LIBERO's own step for comparison. [fast]"),
]


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that lacks a character shows ?
            stream.reconfigure(errors="replace")
    app(prog_name="tgrpo")


def _print_version(wanted: bool) -> None:
    if wanted:
        from tgrpo import __version__

        typer.echo(f"tgrpo {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it."),
    ] = False,
) -> None:
    """Train policies on LIBERO with TGRPO, from reward programs.

    Start with: tgrpo train --rewards tasks/
    It trains one task in minutes on a CPU and ends with a table of success before and after.

    Exit codes: 0 success, 1 bad input (a program, a checkpoint, a file), 2 wrong usage.
    """
    del version


@app.command()
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
    with reporting():
        from tgrpo.cli.options import option_layers, resolve_options
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

            run_resumption(resumption)
            return
        if accept_new_rewards:
            fail("--accept-new-rewards is for --resume RUN", WRONG_USAGE)
        resolved = resolve_options(
            named, preset=preset, config_file=config, settings=settings or (), demos=demos
        )
        expect_folder("--run-dir", resolved.config.run_dir)
        readiness = prepare_run(resolved.config, per_task=per_task)
        # torch and MuJoCo: seconds of loading
        if per_task:
            from tgrpo.cli.per_task import run_per_task

            run_per_task(resolved, readiness)
        else:
            from tgrpo.cli.training import run_training

            run_training(resolved, readiness)


@app.command()
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
        from tgrpo.cli.options import resolve_options

        resolved = resolve_options(
            named, preset=preset, config_file=config, settings=settings or (), demos=demos
        )
        from tgrpo.cli.commands import run_sft

        run_sft(resolved, out)


@app.command(name="eval")
def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint (*.safetensors) of a run.")],
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
    --task the tasks are those that the checkpoint was trained on.

    Examples:

      tgrpo eval runs/20260101-120000-milk/checkpoints/best.safetensors

      tgrpo eval best.safetensors --suite libero_object --episodes 20 --json result.json

      tgrpo eval best.safetensors --episodes 10 --video videos
    """
    with reporting():
        from tgrpo.cli.commands import run_evaluation

        run_evaluation(
            checkpoint,
            suite=suite,
            names=tuple(task or ()),
            split=split,
            episodes=episodes,
            rewards=rewards,
            json_file=json_file,
            videos=video,
            workers=workers,
            stepper=stepper or "fast",
            patience=patience,
            backend=backend or "local",
            address=address,
        )


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Page to write. [report.html in the first]")
    ] = None,
    episodes: Annotated[
        int, typer.Option(help="Episodes of each task to step through.", min=0)
    ] = 1,
    split: SplitOption = "validation",
) -> None:
    """Write what runs did as one HTML page that needs nothing else, also of runs not yet finished.

    Success with intervals, stages, terms of the reward, advantages, where the time went, and
    episodes of the best checkpoint to step through: camera, stage, Φ, reward and key objects. Two
    or more runs are laid side by side.

    Examples:

      tgrpo report runs/20260101-120000-milk

      tgrpo report runs/20260101-120000-milk runs/20260102-120000-milk --episodes 0 --out both.html
    """
    with reporting():
        from tgrpo.cli.report_command import run_report

        run_report(runs, out, episodes=episodes, split=split)


@app.command()
def demonstrate(
    suite: Suite = None,
    task: Tasks = None,
    count: Annotated[int, typer.Option(help="Demonstrations per task.", min=1)] = 10,
    split: SplitOption = "train",
    noise: Annotated[
        float,
        typer.Option(help="Disturb the executed translation: deviation, in actions.", min=0.0),
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of the disturbance.", min=0)] = 0,
    out: Annotated[
        Path, typer.Option(help="Folder; files are <suite>/<task>_demo.hdf5 below it.")
    ] = Path("demonstrations"),
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    workers: Workers = None,
) -> None:
    """Write demonstrations of the scripted controller, in LIBERO's own HDF5 layout.

    The controller acts through the seven action values alone and plans from the task's goal; it
    never reads a program. Prints how many of the states it tried it solved.

    Examples:

      tgrpo demonstrate --suite libero_object --count 50

      tgrpo demonstrate --task libero_object/pick_up_the_milk_and_place_it_in_the_basket --out demos
    """
    with reporting():
        from tgrpo.capacity import cores
        from tgrpo.cli.data_commands import run_demonstrate

        run_demonstrate(
            suite,
            tuple(task or ()),
            split=split,
            count=count,
            noise=noise,
            seed=seed,
            out=out,
            force=force,
            workers=workers or cores(),
        )


@app.command()
def tasks(suite: Suite = None) -> None:
    """List LIBERO's suites and tasks with their instructions.

    Example: tgrpo tasks --suite libero_object
    """
    with reporting():
        from tgrpo.cli.data_commands import list_tasks

        list_tasks(suite)


@app.command()
def states(
    suite: Suite = None,
    task: Tasks = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to. [the cache, where runs look]")
    ] = None,
) -> None:
    """Generate the initial states of tasks: training, validation and test.

    Runs generate what is missing by themselves; this does it beforehand, about a minute per task.

    Example: tgrpo states --suite libero_goal
    """
    with reporting():
        from tgrpo.cli.data_commands import generate_state_files

        generate_state_files(suite, tuple(task or ()), out)


@app.command()
def catalogue(
    out: Annotated[Path, typer.Option(help="Folder to write <suite>.json to.")],
    suite: Suite = None,
    bddl: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="These .bddl files, or folders of them, instead."),
    ] = None,
) -> None:
    """Generate the catalogue of scenes that the reward language reads, from LIBERO's classes.

    With --bddl, that of your own tasks: `--scenes` and $REWARDLANG_SCENES make the
    folder known, and with it the categories of objects in them.

    Example: tgrpo catalogue --out my_scenes --bddl my_suite/
    """
    with reporting():
        expect_folder("--out", out)
        if bddl:
            from tgrpo.scenes.own_scenes import write_own_scenes

            for path in write_own_scenes(out, bddl, report=typer.echo):
                typer.echo(f"wrote {path}")
            return
        from tgrpo.scenes.catalogue import write_catalogue

        write_catalogue(out, (suite,) if suite else None, report=typer.echo)


@app.command()
def parameters(preset: Preset = None, config: ConfigFile = None, settings: Settings = None) -> None:
    """Print every hyper-parameter with its value and meaning, as TOML that --config reads.

    Example: tgrpo parameters --preset paper > mine.toml
    """
    with reporting():
        from tgrpo.cli.options import resolve_options
        from tgrpo.layers import as_toml

        resolved = resolve_options({}, preset=preset, config_file=config, settings=settings or ())
        typer.echo(as_toml(resolved.config, explain=True), nl=False)


@app.command()
def doctor(
    quick: Annotated[
        bool, typer.Option("--quick", help="Only what can be seen without trying it out.")
    ] = False,
    as_data: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    rewards: Rewards = None,
    run_dir: RunDir = None,
    workers: Workers = None,
) -> None:
    """Find what keeps tgrpo from working here, and the one command that mends each of it.

    Looks at packages and their versions, LIBERO's files and configuration, one frame of every
    rendering backend, cores, memory, disks, and the programs below --rewards. Each check runs by
    itself, for seconds; nothing is changed. Exits with 1 where there is a problem; warnings are
    none.

    Example: tgrpo doctor --quick
    """
    with reporting():
        from tgrpo.cli.doctor import run_doctor
        from tgrpo.doctor.checks import Patient

        patient = Patient(rewards or Path("tasks"), run_dir or Path("runs"), workers)
        run_doctor(patient, quick=quick, as_data=as_data)


cache = typer.Typer(no_args_is_help=True)
app.add_typer(cache, name="cache")


@cache.callback()
def _cache() -> None:
    """Show or clear what is kept of compiled models, a few MB for each task.

    The cache is bounded: beyond $TGRPO_CACHE_GB gigabytes (4) models of other versions go first,
    then what was used longest ago. What is gone is made again when it is asked for.

    Example: tgrpo cache list
    """


@cache.command(name="list")
def list_cache() -> None:
    """Show folder and size, and the models by the versions they were compiled with."""
    with reporting():
        from tgrpo.cli.cache import show_cache

        show_cache()


@cache.command(name="clear")
def clear_cache(
    stale: Annotated[
        bool, typer.Option("--stale", help="Only models of versions that are not installed.")
    ] = False,
    states: Annotated[
        bool,
        typer.Option("--states", help="Generated initial states too: a minute per task to redo."),
    ] = False,
) -> None:
    """Remove compiled models. Runs that use them just now go on undisturbed.

    Example: tgrpo cache clear --stale
    """
    with reporting():
        from tgrpo.cli.cache import clear

        clear(stale_only=stale, states=states)
