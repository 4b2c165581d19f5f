"""`rewardlang lsp`: the language server."""

from __future__ import annotations

from typing import Annotated

import typer

from rewardlang.cli.console import fail


def lsp(
    tcp: Annotated[
        int | None,
        typer.Option(
            "--tcp",
            metavar="PORT",
            min=1,
            max=65535,
            help="Listen on this port of localhost instead of standard input and output.",
        ),
    ] = None,
) -> None:
    """Serve an editor: diagnostics as you type, completion, hover, rename, formatting.

    Speaks the Language Server Protocol; an editor starts it, not a person.

    \b
    Example:
      rewardlang lsp
    """
    try:
        from rewardlang.lsp.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        fail("the language server needs pygls: pip install 'rewardlang[lsp]'")
    try:
        serve(tcp)
    except OSError as error:
        fail(f"cannot listen on port {tcp}: {(error.strerror or str(error)).lower()}")
