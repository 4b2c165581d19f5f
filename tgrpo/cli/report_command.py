"""What `tgrpo report` does: reads runs, plays a few episodes, writes one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

import rewardlang
from tgrpo.cli.console import make_console
from tgrpo.cli.mistakes import expect_file
from tgrpo.cli.report import print_paths
from tgrpo.files import write_text
from tgrpo.policies import load_policy
from tgrpo.programs import select
from tgrpo.reporting.episodes import RecordedEpisode, play_episode
from tgrpo.reporting.page import page
from tgrpo.reporting.runs import RunHistory, read_runs
from tgrpo.simulation.initial_states import Split, load_states
from tgrpo.tasks import Task, find_task


def run_report(
    paths: Sequence[Path], out: Path | None, *, episodes: int, split: Split, videos: bool
) -> None:
    """`tgrpo report`. The page is in the first run's folder where `out` names no other place."""
    console = make_console()
    runs = read_runs(paths)
    target = out or paths[0] / "report.html"
    expect_file("--out", target)
    recorded = [item for run in runs for item in _episodes(console, run, episodes, split)]
    write_text(target, page(runs, recorded, videos=videos))
    print_paths(console, [("report", target)])


def _episodes(console: Console, run: RunHistory, count: int, split: Split) -> list[RecordedEpisode]:
    """The first `count` states of each task, played by the best checkpoint there is."""
    checkpoint = next(
        (
            path
            for name in ("best", "last", "sft")
            if (path := run.path / "checkpoints" / f"{name}.safetensors").is_file()
        ),
        None,
    )
    if count == 0 or checkpoint is None:
        return []
    sampler = load_policy(checkpoint)[0].sampler()
    recorded = []
    for task, program in played(run):
        for state in load_states(task, split)[:count]:
            stepper = run.config.stepper
            recorded.append(play_episode(sampler, task, program, state, stepper=stepper))
            console.print(f"{recorded[-1].title}: {recorded[-1].ending}", markup=False)
    return recorded


def played(run: RunHistory) -> list[tuple[Task, rewardlang.Program | None]]:
    """The tasks of a run with its own copies of their programs; `tgrpo sft` has none."""
    folder = run.path / "programs"
    if not folder.is_dir():
        return [(find_task(name), None) for name in run.tasks]
    used = select(folder, run.config.tasks.model_copy(update={"limit": None})).used
    return [(item.task, item.program) for item in used]
