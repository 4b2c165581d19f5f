"""`rewardlang rule`: what a code means."""

from __future__ import annotations

from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from rewardlang.cli.console import fail
from rewardlang.diagnostics import CODES, one_of
from rewardlang.rules.pages import UnknownCodeError, page


def rule(
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", help="What stands in [ ] in a message.")
    ] = None,
) -> None:
    """Explain a code of `check`, with a program that has it and one that has not.

    Without a code, all of them are listed.

    \b
    Examples:
      rewardlang rule
      rewardlang rule carry-without-grasp
    """
    from rich.markdown import Markdown

    console = Console(highlight=False)
    if code is None:
        _print_codes(console)
        return
    try:
        text = page(code)
    except UnknownCodeError as error:
        near = f"did you mean {one_of(f'`{name}`' for name in error.near)}?" if error.near else ""
        fail(f"there is no code `{code}`; {near or '`rewardlang rule` lists them'}")
    if console.is_terminal:
        console.print(Markdown(text))
    else:
        typer.echo(text, nl=False)


def _print_codes(console: Console) -> None:
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    grid.add_column("code", no_wrap=True)
    grid.add_column("severity")
    grid.add_column("what it means", overflow="fold")
    for row in CODES.values():
        grid.add_row(row.name, row.severity.value, row.summary)
    console.print(grid)
