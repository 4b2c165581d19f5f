"""The `rewardlang` command: its subcommands in the order in which people meet them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from rewardlang import __version__
from rewardlang.cli.generate import generate
from rewardlang.cli.programs import check, compile_, explain, fmt
from rewardlang.cli.scenes import scenes

app = typer.Typer(
    help="Reward programs for LIBERO tasks: check, format, explain, compile and generate them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich" if sys.stdout.isatty() else None,
)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # where a terminal cannot show a character, show ?
            stream.reconfigure(errors="replace")
    app(prog_name="rewardlang")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rewardlang {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    del version


app.command()(check)
app.command()(fmt)
app.command()(explain)
app.command("compile")(compile_)
app.command()(scenes)
app.command()(generate)
