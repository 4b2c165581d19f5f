"""`tgrpo cache`: compiled models and generated initial states on disk, shown and cleared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from tgrpo.cli.console import make_console
from tgrpo.doctor.sizes import size_text
from tgrpo.simulation.cached_files import (
    LIMIT_VARIABLE,
    Entry,
    entries,
    models_folder,
    remove,
    size_limit,
)
from tgrpo.simulation.state_files import generated_states


def show_cache() -> None:
    """`tgrpo cache list`."""
    console = make_console()
    limit, found = size_limit(), entries()
    console.print(str(models_folder()), markup=False, soft_wrap=True)
    if found:
        console.print(_by_version(found))
    size = size_text(sum(entry.size for entry in found))
    console.print(
        f"{_count(found, 'model')}, {size} of at most {size_text(limit)} ({LIMIT_VARIABLE})"
    )
    states = generated_states()
    console.print(
        f"initial states generated for {_count(states, 'task')}, {size_text(_size(states))}"
    )


def clear(*, stale_only: bool, states: bool) -> None:
    """`tgrpo cache clear`."""
    console = make_console()
    found = [entry for entry in entries() if entry.stale or not stale_only]
    for entry in found:
        remove(entry)
    size = size_text(sum(entry.size for entry in found))
    console.print(f"removed {_count(found, 'model')}, {size}")
    if states:
        files = generated_states()
        size = size_text(_size(files))
        for path in files:
            path.unlink(missing_ok=True)
        console.print(f"removed the initial states of {_count(files, 'task')}, {size}")


def _by_version(found: Sequence[Entry]) -> Table:
    table = Table("compiled with", "models", "size")
    for version in sorted({entry.version for entry in found}):
        own = [entry for entry in found if entry.version == version]
        note = " (stale)" if own[0].stale else ""
        size = size_text(sum(entry.size for entry in own))
        table.add_row(f"{version}{note}", str(len(own)), size)
    return table


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}" if len(things) == 1 else f"{len(things)} {name}s"


def _size(paths: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in paths)
