"""`rewardlang score`: its arguments, what it prints, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from rewardlang import ir
from rewardlang.cli.console import (
    OneProgram,
    checked,
    fail,
    must_be_writable,
    must_spare,
    replace,
)
from rewardlang.cli.score_tables import print_scores
from rewardlang.files import STDIN
from rewardlang.scene import Scene
from rewardlang.simulator import RecordedEpisode, Simulator, SimulatorError, find
from rewardlang.state import BindError

if TYPE_CHECKING:
    from rewardlang.scoring.loading import Loaded
    from rewardlang.scoring.score import EpisodeScore
    from rewardlang.scoring.summary import Summary

_PICTURES = (".png", ".svg", ".pdf")


def score(
    program: OneProgram,
    demos: Annotated[
        list[Path],
        typer.Argument(metavar="DEMOS", help="Files of recorded episodes, or folders of them."),
    ],
    json_: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write everything as JSON; - prints it alone."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"Draw Φ and stages over time: {', '.join(_PICTURES)}."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write one page: each episode's timeline and frames."),
    ] = None,
    max_steps: Annotated[
        int | None,
        typer.Option(min=1, help="T_max of the reward. [the suite's own]", show_default=False),
    ] = None,
) -> None:
    """Score recorded episodes with a program, without simulating them again.

    Shows for each episode its return, Φ, success by the program and by LIBERO, when each stage was
    first finished and how many steps worked on it. Reads HDF5 in LIBERO's layout; of a folder, the
    files of the program's own task.

    \b
    Examples:
      rewardlang score tasks/my_suite/my_task.rl demonstrations/my_suite/my_task_demo.hdf5
      rewardlang score my_task.rl demonstrations/ --plot phi.png --html episodes.html
      rewardlang score my_task.rl demonstrations/ --json - | jq .summary
    """
    if plot is not None and plot.suffix not in _PICTURES:
        raise typer.BadParameter(f"--plot {plot}: a picture ends in {', '.join(_PICTURES)}")
    code, scene = checked(program)
    outputs = [path for path in (json_, plot, html) if path is not None]
    must_spare([program, *demos], outputs)
    must_be_writable(outputs)
    try:
        simulator = find()
        steps = max_steps or simulator.max_steps(scene)
        loaded = _loaded(simulator, scene, demos)
        scores = _scores(code, scene, loaded, steps)
    except (SimulatorError, BindError) as error:
        fail(str(error))
    summary = _summary(code, scores)
    files: dict[Path, str | bytes] = {}  # everything is made before anything is written
    if json_ is not None:
        files[json_] = _json(code, steps, scores, summary)
    if plot is not None:
        files[plot] = _picture(code, scores, plot.suffix)
    if html is not None:
        files[html] = _page(code, summary, scores, loaded.episodes)
    if json_ != STDIN:
        print_scores(summary, scores, loaded.passed_over)
    if late := sum(len(score.rewards) > steps for score in scores):
        typer.echo(
            f"warning: {late} of {len(scores)} episodes are longer than the {steps} steps that a "
            "run has; it would have ended them there",
            err=True,
        )
    for path, content in files.items():
        replace(path, content)
        if json_ != STDIN:
            typer.echo(f"wrote {path}")


def _loaded(simulator: Simulator, scene: Scene, demos: Sequence[Path]) -> Loaded:
    from rewardlang.scoring.loading import load

    return load(simulator, scene, demos)


def _scores(
    program: ir.Program, scene: Scene, loaded: Loaded, max_steps: int
) -> list[EpisodeScore]:
    from rewardlang.scoring.score import score_episodes

    return score_episodes(program, scene, loaded.episodes, max_steps=max_steps)


def _summary(program: ir.Program, scores: Sequence[EpisodeScore]) -> Summary:
    from rewardlang.scoring.summary import summarize

    return summarize(scores, _paths(program))


def _paths(program: ir.Program) -> list[str]:
    return [stage.path for stage in ir.stages(program)]


def _json(
    program: ir.Program, max_steps: int, scores: Sequence[EpisodeScore], summary: Summary
) -> str:
    from rewardlang.scoring.document import document

    return json.dumps(document(program, max_steps, scores, summary), indent=2) + "\n"


def _picture(program: ir.Program, scores: Sequence[EpisodeScore], suffix: str) -> bytes:
    try:
        from rewardlang.scoring.plot import plot
    except ModuleNotFoundError as error:
        _need(error, "--plot")
    return plot(program.task, scores, _paths(program), suffix.removeprefix("."))


def _page(
    program: ir.Program,
    summary: Summary,
    scores: Sequence[EpisodeScore],
    episodes: Sequence[RecordedEpisode],
) -> str:
    from rewardlang.scoring.page import page

    try:
        return page(program, summary, scores, [episode.frames for episode in episodes])
    except ModuleNotFoundError as error:
        _need(error, "--html with camera frames")


def _need(error: ModuleNotFoundError, what: str) -> NoReturn:
    fail(f"{what} needs {error.name}: pip install 'rewardlang[plot]'")
