"""Where the initial states of a task are kept: with the package, or in the cache."""

from __future__ import annotations

from pathlib import Path

from tgrpo.libero_package import cache_folder
from tgrpo.tasks import Task

SHIPPED = Path(__file__).parent / "initial_states_data"


def state_file(task: Task) -> Path:
    """The file of its three splits; one in the cache may still have to be generated."""
    shipped = shipped_file(task)
    if shipped.is_file():
        return shipped
    return _generated_folder() / shipped.relative_to(SHIPPED)


def shipped_file(task: Task) -> Path:
    return SHIPPED / task.suite / f"{task.name}.npz"


def generated_states() -> tuple[Path, ...]:
    """The files in the cache."""
    return tuple(sorted(_generated_folder().rglob("*.npz")))


def _generated_folder() -> Path:
    return cache_folder() / "initial_states"
