"""A command that torchrun has started several times: the first process leads, the others follow."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from tgrpo.cli.mistakes import BAD_INPUT
from tgrpo.torchrun import Place, place
from tgrpo.training.ranks import ALONE, RankLostError, Ranks


@contextmanager
def ranks_of_this_run() -> Iterator[Ranks]:
    """This process among those of its run: usually the only one.

    For one that is not the first, the run is over when the block begins.
    """
    here = place()
    if here.size == 1:
        yield ALONE
        return
    from tgrpo.training.following import dismiss  # torch: seconds of loading
    from tgrpo.training.process_group import process_group

    if here.rank > 0:
        yield _followed(here)
        return
    with process_group(here) as ranks:
        yield ranks
        dismiss(ranks)


def _followed(here: Place) -> Ranks:
    from tgrpo.training.following import follow
    from tgrpo.training.process_group import process_group

    # Ctrl-C reaches every process, and the first one tells of it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with process_group(here) as ranks:
            follow(ranks)
    except RankLostError:  # whose message is the one to read
        raise typer.Exit(BAD_INPUT) from None
    except Exception as error:  # raised again, with the process that it is of
        error.add_note(f"(process {here.rank} of {here.size}, counted from 0)")
        raise
    return ranks
