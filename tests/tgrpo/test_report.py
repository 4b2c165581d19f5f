"""What a person sees of a run: the head, and the tables at the end."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tgrpo.cli.commands import warn
from tgrpo.cli.report import (
    print_evaluation,
    print_head,
    print_result,
    print_runs,
)
from tgrpo.layers import preset_layer, resolve
from tgrpo.programs import select
from tgrpo.rollouts.evaluation import Evaluation, Outcome, TaskEvaluation
from tgrpo.training.result import Candidate, TrainingResult
from tgrpo.training.run_folder import RunFolder
from tgrpo.trajectory import Ending


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=120, highlight=False)


def text_of(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def evaluation(successes: int, episodes: int = 50) -> Evaluation:
    outcomes = tuple(
        Outcome(
            split="test",
            state_index=index,
            success=index < successes,
            ending=Ending.SUCCESS if index < successes else Ending.TIMEOUT,
            steps=100,
            success_at_reset=index == 0,
            native_success_step=100 if index < successes else None,
            max_phi=0.5,
            stage=3,
        )
        for index in range(episodes)
    )
    return Evaluation((TaskEvaluation("suite/some_task", outcomes, 5),))


def test_the_head_says_what_was_found_and_what_it_will_take(console: Console) -> None:
    config = resolve([preset_layer("quickstart")])
    selection = select(Path(__file__).parents[2] / "tasks" / "libero_object", config.tasks)
    print_head(console, config, selection, preset="quickstart", workers=2, seconds=700.0)
    text = text_of(console)
    assert f"programs  {len(selection.found)} below" in text
    assert f"(libero_object {len(selection.found)})" in text
    assert f"tasks     {selection.used[0].task.id}\n" in text
    assert f"not the {len(selection.found) - 1} other tasks that have a program" in text
    assert "policy    tiny (sees simulator state and the instruction, not pixels)" in text
    assert "training  tgrpo, dense reward: 20 iterations of 4 groups of 8 arms, seed 0" in text
    assert "workers   2 processes" in text
    assert "time      about 12 min on this machine" in text


def test_the_head_guesses_no_time_where_nothing_is_known(console: Console) -> None:
    config = resolve([preset_layer("quickstart")])
    selection = select(Path(__file__).parents[2] / "tasks" / "libero_object", config.tasks)
    print_head(console, config, selection, preset="quickstart", workers=2, seconds=None)
    assert "time      not known before its first decisions; at best: tgrpo plan\n" in text_of(
        console
    )


@pytest.mark.parametrize(
    ("version", "warned"), [("3.1.6", True), ("3.3.7", False), ("3.4.0", True)]
)
def test_mujoco_outside_its_range_is_warned_of(
    version: str, warned: bool, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tgrpo.cli.commands.metadata.version", lambda _: version)
    warn(console)
    assert (f"warning: MuJoCo {version} is outside [3.2, 3.4)" in text_of(console)) == warned


def result() -> TrainingResult:
    return TrainingResult(
        RunFolder(Path("runs/x")),
        (
            Candidate("sft", 0, evaluation(25)),
            Candidate("last", 12, evaluation(40)),
            Candidate("best", 9, evaluation(45)),
        ),
        {0: 0.5, 12: 0.8},
        {},
    )


def test_the_table_compares_three_policies_with_intervals(console: Console) -> None:
    print_result(console, result(), "grpo")
    rows = [" ".join(line.split()) for line in text_of(console).splitlines()]
    assert "Success on 50 held-out test states, the same for each policy" in rows
    assert "suite/some_task" in rows
    assert "SFT 25/50 = 50% 37% – 63%" in rows
    assert "grpo, last (iteration 12) 40/50 = 80% 67% – 89% +30 points +16 … +42" in rows
    best = "grpo, best by validation (iteration 9) 45/50 = 90% 79% – 96% +40 points +25 … +53"
    assert best in rows


def test_runs_of_one_task_each_stand_side_by_side(console: Console) -> None:
    print_runs(console, [result(), result()], "stage")
    rows = [" ".join(line.split()) for line in text_of(console).splitlines()]
    assert "SFT stage, last best by validation task" in rows
    assert rows.count("25/50 = 50% 40/50 = 80% 45/50 = 90% suite/some_task") == 2
    assert "50.0% 80.0% 90.0% mean of 2 tasks" in rows


def test_an_evaluation_shows_success_at_step_0_apart(console: Console) -> None:
    print_evaluation(console, evaluation(25), "x.safetensors on test states")
    rows = [" ".join(line.split()) for line in text_of(console).splitlines()]
    assert "x.safetensors on test states" in rows
    assert "25/50 = 50% 37% – 63% 1 3.0 of 5 100" in rows
