"""`tgrpo parameters`, `doctor` and `cache`: their arguments.

Commands import what they need when they run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tgrpo.cli.arguments import ConfigFile, Preset, Rewards, RunDir, Settings, Workers
from tgrpo.cli.mistakes import reporting


def parameters(preset: Preset = None, config: ConfigFile = None, settings: Settings = None) -> None:
    """Print every hyper-parameter with its value and meaning, as TOML that --config reads.

    Example: tgrpo parameters --preset paper > mine.toml
    """
    with reporting():
        from tgrpo.cli.options import resolve_options
        from tgrpo.layers import as_toml

        resolved = resolve_options({}, preset=preset, config_file=config, settings=settings or ())
        typer.echo(as_toml(resolved.config, explain=True), nl=False)


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


@cache.callback()
def _cache() -> None:
    """Show or clear what is kept of compiled models.

    That is a few MB for each task, and some 250 more where images of it are drawn. The cache is
    bounded: beyond $TGRPO_CACHE_GB gigabytes (4) models of other versions go first,
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
