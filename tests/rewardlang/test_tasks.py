"""Contracts of every program in tasks/: what a person finds there is right, and is the plan."""

from __future__ import annotations

from pathlib import Path

import pytest

import rewardlang
from rewardlang.planning.planner import plan
from rewardlang.scene import suite_scenes, suites

FOLDER = Path(__file__).parents[2] / "tasks"
FILES = sorted(FOLDER.rglob("*.rl"))


def name(path: Path) -> str:
    return str(path.relative_to(FOLDER))


def test_every_suite_has_a_program_for_each_task() -> None:
    expected = {f"{suite}/{task}.rl" for suite in suites() for task in suite_scenes(suite)}
    assert len(expected) == 130
    assert {name(path) for path in FILES} == expected


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_task_checks_without_a_word(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    analysis = rewardlang.analyze(text, name=name(path))
    assert rewardlang.render(analysis.diagnostics, analysis.source) == ""
    assert analysis.program is not None
    assert analysis.program.scene == f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_task_is_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = rewardlang.analyze(text, name=name(path)).tree
    assert tree is not None
    assert rewardlang.format_program(tree) == text


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_task_compiles(path: Path) -> None:
    program = rewardlang.analyze(path.read_text(encoding="utf-8"), name=name(path)).program
    assert program is not None
    evaluator = rewardlang.compile(program)
    compile(evaluator.source, name(path), "exec")


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_task_is_what_the_planner_writes(path: Path) -> None:
    scene = suite_scenes(path.parent.name)[path.stem]
    assert plan(scene) == path.read_text(encoding="utf-8")
