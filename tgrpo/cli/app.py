"""`tgrpo`: arguments in, text and exit code out. 0 success, 1 bad input, 2 wrong usage.

Commands import what they need when they run, so that --help and a mistyped option are quick and
worker processes, which import this module again, stay small.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from tgrpo.cli.data_app import catalogue, demonstrate, states, tasks
from tgrpo.cli.machine_app import cache, doctor, parameters
from tgrpo.cli.mistakes import WRONG_USAGE, fail
from tgrpo.cli.plan_app import plan
from tgrpo.cli.policy_app import evaluate, export, report, sft, train
from tgrpo.torchrun import place

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
    context: typer.Context,
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
    if place().size > 1 and context.invoked_subcommand != "train":
        fail("torchrun is for tgrpo train; other commands are one process", WRONG_USAGE)


# In the order in which --help lists them.
app.command()(train)
app.command()(sft)
app.command(name="eval")(evaluate)
app.command()(report)
app.command()(export)
app.command()(demonstrate)
app.command()(tasks)
app.command()(states)
app.command()(catalogue)
app.command()(parameters)
app.command()(plan)
app.command()(doctor)
app.add_typer(cache, name="cache")
