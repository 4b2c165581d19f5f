"""The `rewardlang` command: its subcommands in the order in which people meet them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from rewardlang import __version__
from rewardlang.cli.audit import audit
from rewardlang.cli.generate import generate
from rewardlang.cli.grammar import grammar
from rewardlang.cli.inspect import diff, expand, scene, vocabulary
from rewardlang.cli.language_server import lsp
from rewardlang.cli.programs import check, compile_, explain, fmt
from rewardlang.cli.revise import edit, repair
from rewardlang.cli.rules import rule
from rewardlang.cli.scene_folders import with_scenes
from rewardlang.cli.scenes import scenes
from rewardlang.cli.score import score
from rewardlang.cli.serve_local import serve_local
from rewardlang.cli.witness import witness

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


app.command()(with_scenes(check))
app.command()(rule)
app.command()(fmt)
app.command()(with_scenes(explain))
app.command("compile")(with_scenes(compile_))
app.command()(with_scenes(score))
app.command()(with_scenes(audit))
app.command()(with_scenes(witness))
app.command()(with_scenes(expand))
app.command()(with_scenes(diff))
app.command()(vocabulary)
app.command()(with_scenes(scenes))
app.command()(with_scenes(scene))
app.command()(with_scenes(grammar))
app.command()(with_scenes(generate))
app.command()(with_scenes(repair))
app.command()(with_scenes(edit))
app.command("serve-local")(serve_local)
app.command()(with_scenes(lsp, strict=False))
