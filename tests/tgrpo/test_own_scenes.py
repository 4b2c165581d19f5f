"""Scenes read from LIBERO's own BDDL files, and from those that nobody has seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import rewardlang
from rewardlang import SceneFileError, load_scene
from tgrpo.cli.app import app
from tgrpo.libero_package import libero_path, make_environment
from tgrpo.parity.comparison import bddl_task, bddl_tasks
from tgrpo.scenes import own_scenes
from tgrpo.scenes.catalogue import read_scene
from tgrpo.scenes.own_scenes import OwnSceneError, write_own_scenes
from tgrpo.tasks import Task, suite_tasks, task_of_file

OWN = [task for suite in rewardlang.suites() for task in suite_tasks(suite)]
PERTURBED = [
    task
    for suite in rewardlang.suites()
    if suite != "libero_90"
    for kind in ("swap", "task")
    for task in bddl_tasks(f"{suite}_{kind}")
]
SEEN = [
    "libero_goal_swap/open_the_middle_drawer_of_the_cabinet",
    "libero_10_swap/KITCHEN_SCENE6_put_the_yellow_and_white_mug_in_the_microwave_and_close_it",
]
NEW_CATEGORIES = "libero_goal_object/put_the_bowl_on_the_plate"


def told(_: str) -> None:
    """Nobody listens."""


def plain(scene: rewardlang.Scene) -> rewardlang.Scene:
    """Without what only a file has: its path, and a second sentence."""
    return scene.model_copy(update={"path": "", "other_instructions": ()})


@pytest.mark.parametrize("task", OWN, ids=lambda task: task.id)
def test_liberos_own_files_are_the_scenes_that_ship(task: Task) -> None:
    """Names, goal, sizes, joints and regions from the text are those of LIBERO's classes."""
    assert plain(load_scene(str(task.bddl_file))) == task.scene


@pytest.mark.parametrize("task", PERTURBED, ids=lambda task: task.id)
def test_a_program_for_a_file_that_nobody_tuned_for(task: Task, tmp_path: Path) -> None:
    (tmp_path / "task.bddl").write_text(task.bddl_file.read_text())
    scene = load_scene(str(tmp_path / "task.bddl"))
    holds = " and ".join(f"{_SAID.get(head, head)}({', '.join(of)})" for head, *of in scene.goal)
    text = (
        f'rewardlang 1 task "task" scene "task.bddl"\nstage done {{ until {holds} }} success bddl'
    )
    analysis = rewardlang.analyze(text, name=str(tmp_path / "program.rl"))
    errors = [found.message for found in analysis.diagnostics if found.is_error]
    assert errors == []
    assert analysis.program is not None
    facts = rewardlang.compile(analysis.program).requirements(scene).facts
    assert {name for atom in scene.goal for name in atom[1:]} <= {
        name for fact in facts for name in fact.names
    }


_SAID = {"close": "closed", "turnon": "turned_on", "turnoff": "turned_off"}


@pytest.mark.sim
@pytest.mark.parametrize("task_id", SEEN)
def test_libero_builds_what_the_text_says(task_id: str) -> None:
    """The same scene as LIBERO's classes, and a program for it binds to LIBERO's model."""
    task = bddl_task(task_id)
    scene = load_scene(str(task.bddl_file))
    assert plain(scene) == read_scene(task)
    environment = make_environment(task.bddl_file)
    try:
        environment.reset()
        model, data = environment.env.sim.model._model, environment.env.sim.data._data
        head, *of = scene.goal[0]
        text = (
            f'rewardlang 1 task "{scene.instruction}" scene "{task.bddl_file}"\n'
            f"stage done {{ until {_SAID.get(head, head)}({', '.join(of)}) }} success bddl"
        )
        analysis = rewardlang.analyze(text)
        assert analysis.program is not None, analysis.diagnostics
        reward = rewardlang.compile(analysis.program).bind(model, scene, max_steps=10)
        assert 0.0 <= reward.reset(data).phi < 1.0
        native = rewardlang.native_success(scene).bind(model)
        assert native(data) == environment.check_success() is False
    finally:
        environment.close()


@pytest.mark.sim
def test_a_new_category_is_learnt_from_libero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = bddl_task(NEW_CATEGORIES)
    with pytest.raises(SceneFileError, match="nothing is known of the category `yellow_plate`"):
        load_scene(str(task.bddl_file))
    (written,) = write_own_scenes(tmp_path, [task.bddl_file], report=told)
    assert written == tmp_path / "libero_goal_object.json"
    monkeypatch.setenv("REWARDLANG_SCENES", str(tmp_path))
    by_name = load_scene(NEW_CATEGORIES)
    assert plain(load_scene(str(task.bddl_file))) == by_name
    assert by_name.goal == (("on", "bigger_akita_black_bowl_1", "yellow_plate_1"),)
    write_own_scenes(tmp_path, [_other(tmp_path, task)], report=told)
    assert len(rewardlang.suite_scenes("libero_goal_object")) == 2  # the first is still there


def _other(folder: Path, task: Task) -> Path:
    """The same file under another name."""
    path = folder / task.suite / "another_task.bddl"
    path.parent.mkdir()
    path.write_text(task.bddl_file.read_text())
    return path


def test_a_file_is_a_task_of_its_folder() -> None:
    file = libero_path("bddl_files") / "libero_10_swap" / f"{SEEN[1].partition('/')[2]}.bddl"
    task = task_of_file(file)
    assert task.id == SEEN[1]
    assert task.instruction == "put the yellow and white mug in the microwave and close it"


def test_what_cannot_be_built_is_named_and_nothing_written(tmp_path: Path) -> None:
    broken = tmp_path / "broken.bddl"
    broken.write_text("(define (problem")
    for paths, message in (
        ([tmp_path / "none"], "there is no file or folder"),
        ([tmp_path / "empty"], "there is no .bddl file in"),
        (
            [broken],
            "LIBERO cannot build it: Exception: Missing close parenthesis\n"
            f"`rewardlang scene {broken}` shows what is wrong with its text",
        ),
    ):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(OwnSceneError) as caught:
            write_own_scenes(tmp_path / "out", paths, report=told)
        assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_scenes, "read_scene", lambda task: load_scene(str(task.bddl_file)))
    folder = libero_path("bddl_files") / "libero_goal_swap"
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["catalogue", "--out", str(out), "--bddl", str(folder)])
    assert result.exit_code == 0, result.output
    assert result.output.endswith(f"wrote {out / 'libero_goal_swap.json'}\n")
    refused = CliRunner().invoke(app, ["catalogue", "--out", str(out), "--bddl", "nowhere"])
    assert refused.exit_code == 1
    assert "error: there is no file or folder nowhere" in refused.stderr
