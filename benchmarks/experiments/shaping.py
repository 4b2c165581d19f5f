"""The planner's programs in each of the language's shaping modes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rewardlang import load_scene
from rewardlang.planning.planner import plan

MODES = ("level", "telescope", "pbrs", "sparse")


def program(task_id: str, mode: str) -> str:
    """The planner's program for a LIBERO task, canonical but for the last line, its shaping."""
    return f"{plan(load_scene(task_id))}shaping {mode}\n"


def write_programs(folder: Path, task_ids: Iterable[str]) -> None:
    """`<mode>/<suite>/<task>.rl` below `folder`; a file that is there stays as it is."""
    for task_id in task_ids:
        for mode in MODES:
            path = folder / mode / f"{task_id}.rl"
            if not path.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(program(task_id, mode))
