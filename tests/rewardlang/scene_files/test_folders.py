"""Folders of scenes: which one counts, what is wrong with a folder or a catalogue."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from rewardlang import analyze
from rewardlang.diagnostics import render
from rewardlang.scene import SceneFileError, known_scenes, load, suite_scenes, suites, task_names
from rewardlang.scene.consistency import contradictions
from rewardlang.scene.folders import MAX_CATALOGUE_BYTES, VARIABLE, folder_problems
from rewardlang.source import Source
from tests.rewardlang.scene_files.kitchen import MILK, catalogue, run

SHIPPED = suites()
BASKET = "basket_1_contain_region"
_MILK_DATA = MILK.model_dump(mode="json")
_BOX = {"centre": [0, 0, 0], "half_extents": [0.1, 0.1, 0.1]}
_STUCK = {"on_at": 0.5, "off_at": 0.5, "direction": 1}
PROGRAM = """\
rewardlang 1
task "put the milk in the basket"
scene "{}"

use place_in(milk_1, basket_1_contain_region)

success bddl
"""


def test_the_tasks_of_a_folder_are_known_by_name(folder: Path) -> None:
    catalogue(folder, "attic", "b_task", "a_task")
    assert suites() == tuple(sorted((*SHIPPED, "attic", "kitchen")))
    assert task_names("attic") == ("b_task", "a_task")
    assert list(suite_scenes("kitchen")) == ["put_the_milk_in_the_basket"]
    scene = load("kitchen/put_the_milk_in_the_basket")
    assert (scene.id, scene.goal) == ("kitchen/put_the_milk_in_the_basket", MILK.goal)
    assert len(list(known_scenes())) == 133
    assert analyze(PROGRAM.format(scene.id)).ok


def test_names_that_ship_keep_their_meaning(folder: Path) -> None:
    wrong = MILK.model_copy(update={"goal": ()})
    catalogue(folder, MILK.suite, MILK.task, "tidy_up", of=wrong)
    assert load(MILK.id) == MILK
    assert load(f"{MILK.suite}/tidy_up").goal == ()
    assert len(suite_scenes(MILK.suite)) == 11
    told = run("scenes", MILK.suite).stderr
    assert f"{folder} holds {MILK.id} too, passed over: names that ship keep their meaning" in told
    assert told == run("scene", MILK.id).stderr
    assert run("scenes", "libero_goal").stderr == run("scene", f"{MILK.suite}/tidy_up").stderr == ""


def test_of_several_folders_the_first_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = folder / "other"
    (other / "kitchen").mkdir(parents=True)
    catalogue(
        other, "kitchen", "put_the_milk_in_the_basket", of=MILK.model_copy(update={"goal": ()})
    )
    for folders, goal in (((folder, other), MILK.goal), ((other, folder), ())):
        monkeypatch.setenv(VARIABLE, os.pathsep.join(map(str, folders)))
        assert load("kitchen/put_the_milk_in_the_basket").goal == goal


def test_a_catalogue_file_teaches_its_categories(folder: Path, file: Path) -> None:
    """What a simulator wrote of one scene serves every BDDL file."""
    file.write_text(file.read_text().replace("milk_1 - milk", "milk_1 - oat_milk"))
    with pytest.raises(SceneFileError, match="nothing is known of the category `oat_milk`"):
        load(str(file))
    carton = MILK.object("milk_1").model_copy(
        update={"name": "x", "category": "oat_milk", "body": "x_main"}
    )
    bare = {"objects": (carton,), "regions": (), "goal": ()}
    catalogue(folder, "attic", "seen", of=MILK.model_copy(update=bare))
    found = load(str(file)).object("milk_1")
    assert (found.category, found.body) == ("oat_milk", "milk_1_main")
    assert found.half_extents == carton.half_extents


def test_a_broken_file_keeps_nothing_else_from_being_known(folder: Path, file: Path) -> None:
    file.with_name("broken.bddl").write_text("(define (problem")
    (folder / "attic.json").write_text("{")
    (folder / f"{MILK.suite}.json").write_text("{")
    assert load(MILK.id) == MILK
    assert load("kitchen/put_the_milk_in_the_basket").goal == MILK.goal
    assert len(list(known_scenes())) == 131
    with pytest.raises(SceneFileError, match=r"broken\.bddl:1:9: `\(problem` is never closed"):
        suite_scenes("kitchen")
    with pytest.raises(SceneFileError, match=r"attic\.json: Invalid JSON: EOF"):
        load("attic/anything")
    result = run("scenes", "kitchen")
    assert result.exit_code == 1
    assert ": `(problem` is never closed" in result.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format 2 of catalogues; this rewardlang reads 1"),
        ({"suite": "cellar"}, "it holds the suite `cellar`, whose file is `cellar.json`"),
        ({"scenes": [{}]}, "scenes.0.suite: Field required"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
    ],
)
def test_a_catalogue_file_that_is_none(
    folder: Path, change: dict[str, object], message: str
) -> None:
    path = catalogue(folder, "attic", "a_task")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(SceneFileError) as caught:
        load("attic/a_task")
    assert f"{path}: {message}" in str(caught.value)
    assert message in render(analyze(PROGRAM.format("attic/a_task")).diagnostics, Source("", ""))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"goal": [["in", "milk_1"]]}, "the goal holds `(in milk_1)`; `in` is about 2 things"),
        ({"goal": [["put", "milk_1"]]}, "(put milk_1)`; it can say in, on, open, close, turnon"),
        ({"goal": [["in", "milc_1", BASKET]]}, f"(in milc_1 {BASKET})`; there is no `milc_1`"),
        (
            {"goal": [["in", "milk_1", "basket_1"]]},
            "`basket_1` is a movable object, not a region",
        ),
        ({"goal_true_at_reset": [1]}, "`goal_true_at_reset` holds 1; the goal has 1 parts"),
        ({"initial": [[]]}, "`initial` holds `()`; an atom is a predicate and what it is about"),
        ({"initial": [["on", "milk_1"]]}, "`initial` holds `(on milk_1)`; `on` is about 2 things"),
        ({"objects": []}, f"`{BASKET}` belongs to `basket_1`, which is no object"),
        ({"objects": [_MILK_DATA["objects"][0]] * 2}, "is the name of 2 things"),
        (
            {"handles": [{"part": "milk_1", "joint": "j", **_BOX}]},
            "a handle is of joint `j`, which is none of `milk_1`",
        ),
        (
            {"objects": [{**_MILK_DATA["objects"][0], "joints": [{"name": "j", **_STUCK}]}]},
            "joint `j` opens at 0.5, which is not above 0.5, where it closes",
        ),
    ],
)
def test_a_scene_that_contradicts_itself(
    folder: Path, change: dict[str, object], message: str
) -> None:
    """Found when its file is read: everything behind takes a scene at its word."""
    path = catalogue(folder, "attic", "a_task")
    data = json.loads(path.read_text())
    data["scenes"][0] |= change
    path.write_text(json.dumps(data))
    with pytest.raises(SceneFileError) as caught:
        load("attic/a_task")
    assert f"{path}: a_task: " in str(caught.value)
    assert message in str(caught.value)
    for command in ("scene", "scenes"):
        result = run(command, "attic/a_task" if command == "scene" else "attic")
        assert (result.exit_code, message in result.stderr) == (1, True)


def test_no_scene_that_ships_contradicts_itself() -> None:
    assert {scene.id: list(contradictions(scene)) for scene in known_scenes()} == {
        scene.id: [] for scene in known_scenes()
    }


def test_a_catalogue_file_has_an_end(folder: Path) -> None:
    with (folder / "attic.json").open("wb") as file:
        file.truncate(MAX_CATALOGUE_BYTES + 1)
    with pytest.raises(SceneFileError, match="bytes are too many"):
        task_names("attic")


def test_folders_without_scenes(file: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    problems = folder_problems([tmp_path, tmp_path / "none", file, empty, file.parent])
    assert problems == (
        f"there is no folder {tmp_path / 'none'}",
        f"{file} is not a folder",
        f"there are no scenes in {empty}: it holds neither SUITE.json nor SUITE/TASK.bddl",
        f"there are no scenes in {file.parent}: its .bddl files lie in it directly; "
        f"name the folder above, {tmp_path}",
    )
