"""Scenes by path and in folders: where they are looked for, which one counts, what is said."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from rewardlang import analyze
from rewardlang.cli import app
from rewardlang.diagnostics import render
from rewardlang.generation.revising import wanted_of
from rewardlang.generation.task import meant
from rewardlang.lsp.completion import complete
from rewardlang.lsp.document import Document
from rewardlang.planning.planner import plan
from rewardlang.scene import (
    Scene,
    SceneFileError,
    SuiteCatalogue,
    UnknownSceneError,
    known_scenes,
    load,
    suite_scenes,
    suites,
    task_names,
)
from rewardlang.scene.folders import MAX_CATALOGUE_BYTES, VARIABLE, folder_problems
from rewardlang.source import Source
from tests.rewardlang.bddl_text import bddl_text

MILK = load("libero_object/pick_up_the_milk_and_place_it_in_the_basket")
SHIPPED = suites()
PROGRAM = """\
rewardlang 1
task "put the milk in the basket"
scene "{}"

use place_in(milk_1, basket_1_contain_region)

success bddl
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """`<folder>/kitchen/put_the_milk_in_the_basket.bddl`."""
    path = tmp_path / "kitchen" / "put_the_milk_in_the_basket.bddl"
    path.parent.mkdir()
    path.write_text(bddl_text(MILK))
    return path


@pytest.fixture
def folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of `file`'s suite, known."""
    monkeypatch.setenv(VARIABLE, str(file.parent.parent))
    return file.parent.parent


def catalogue(folder: Path, suite: str, *tasks: str, of: Scene = MILK) -> Path:
    """A catalogue file in `folder` with copies of one scene."""
    scenes = tuple(of.model_copy(update={"suite": suite, "task": task}) for task in tasks)
    path = folder / f"{suite}.json"
    path.write_text(SuiteCatalogue(suite=suite, scenes=scenes).model_dump_json())
    return path


def run(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


# ---------------------------------------------------------------- a path in a program


def test_a_path_starts_in_the_programs_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PROGRAM.format(f"kitchen/{file.name}")
    program = file.parent.parent / "the milk, 1 %.rl"
    program.write_text(text)
    monkeypatch.chdir("/")
    for name in (str(program), program.as_uri()):
        analysis = analyze(text, name=name)
        assert analysis.diagnostics == (), render(analysis.diagnostics, analysis.source)
        assert analysis.program is not None
        assert analysis.scene == load(str(file))
        assert analysis.program.scene == str(file)
        assert load(analysis.program.scene) == analysis.scene
    assert run("check", program).output == "1 program: no errors, no warnings\n"
    monkeypatch.chdir(file.parent.parent)
    assert analyze(text).ok
    assert run("explain", program.name).exit_code == 0
    assert (
        run("compile", program, "--standalone", "--out", program.with_suffix(".py")).exit_code == 0
    )


def test_the_scene_of_a_path_is_the_catalogues_but_for_its_name(file: Path) -> None:
    scene = load(file.name, file.parent)
    assert (scene.suite, scene.task, scene.id) == ("kitchen", file.stem, str(file))
    own = {"suite": MILK.suite, "task": MILK.task, "instruction": MILK.instruction, "path": ""}
    assert scene.model_copy(update={**own, "other_instructions": ()}) == MILK


def test_a_program_for_the_same_file_by_another_path(file: Path) -> None:
    scene = load(str(file))
    program = file.parent.parent / "milk.rl"
    assert analyze(PROGRAM.format(f"kitchen/{file.name}"), name=str(program), scene=scene).ok
    other = analyze(PROGRAM.format(f"attic/{file.name}"), name=str(program), scene=scene)
    assert [found.code for found in other.diagnostics] == ["scene-mismatch"]


def test_the_planner_writes_for_a_file(file: Path) -> None:
    analysis = analyze(plan(load(str(file))))
    assert analysis.ok, render(analysis.diagnostics, analysis.source)


def test_a_missing_file_is_told_with_what_was_meant(file: Path) -> None:
    name = str(file.parent / "milk.rl")
    (found,) = analyze(PROGRAM.format("put_the_milk_in_a_basket.bddl"), name=name).diagnostics
    assert found.code == "unreadable-scene"
    assert found.message.endswith(
        "put_the_milk_in_a_basket.bddl cannot be had: there is no such file"
    )
    assert [fix.replacement for fix in found.suggestions] == [f'"{file.name}"']
    (found,) = analyze(PROGRAM.format("attic/milk.bddl"), name=name).diagnostics
    assert "there is no folder" in found.message
    (found,) = analyze(PROGRAM.format("../kitchen.bddl"), name=name).diagnostics
    assert "there is no such file" in found.message


def test_what_is_wrong_with_the_file_is_told_of_the_program(file: Path) -> None:
    file.write_text(
        file.read_text().replace("- milk", "- mlik").replace("(:goal (And", "(:goal (Or")
    )
    analysis = analyze(PROGRAM.format(file.name), name=str(file.parent / "milk.rl"))
    (found,) = analysis.diagnostics
    assert found.hint == "2 mistakes in the file"
    assert found.notes[0].endswith("nothing is known of the category `mlik`; did you mean `milk`?")
    assert analysis.source.text[found.span.start : found.span.end] == f'"{file.name}"'


@pytest.mark.parametrize("name", ["\0.bddl", "\ud800.bddl", "a" * 190 + ".bddl", ".bddl", "/.bddl"])
def test_strange_paths_are_missing_files(name: str) -> None:
    assert [d.code for d in analyze(PROGRAM.format(name)).diagnostics if d.is_error]
    with pytest.raises(SceneFileError):
        load(name)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["\0/x", "\ud800/x", "../x", "./x", "/x", "é" * 199, "*/x", ""])
def test_strange_names_are_unknown(name: str) -> None:
    with pytest.raises(UnknownSceneError):
        load(name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_only_files_are_read(file: Path) -> None:
    os.mkfifo(file.with_name("pipe.bddl"))
    file.with_name("folder.bddl").mkdir()
    for name in ("pipe.bddl", "folder.bddl"):
        with pytest.raises(SceneFileError, match="this is not a file"):
            load(name, file.parent)


def test_only_short_text_is_read(file: Path) -> None:
    file.write_bytes(b"(define \xff")
    with pytest.raises(SceneFileError, match="not UTF-8 text: byte number 9"):
        load(str(file))
    file.write_bytes(b" " * 900_000)
    with pytest.raises(SceneFileError, match="900000 bytes are too many"):
        load(str(file))


def test_a_file_is_read_again_once_it_changes(file: Path) -> None:
    assert load(str(file)).goal == MILK.goal
    file.write_text(file.read_text().replace("(And (in milk_1", "(And (in butter_1"))
    assert load(str(file)).goal == (("in", "butter_1", "basket_1_contain_region"),)


# ---------------------------------------------------------------- folders


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
    catalogue(folder, "attic", "seen", of=MILK.model_copy(update={"objects": (carton,)}))
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


# ---------------------------------------------------------------- the commands


def test_the_option_makes_a_folder_known_for_one_command(file: Path, tmp_path: Path) -> None:
    scene_id = f"kitchen/{file.stem}"
    program = tmp_path / "milk.rl"
    program.write_text(PROGRAM.format(scene_id))
    refused = run("check", program)
    assert refused.exit_code == 1
    assert "error[unknown-scene]: there is no suite `kitchen`" in refused.output
    assert "`--scenes DIR` adds those of a folder" in refused.output
    assert run("check", "--scenes", tmp_path, program).exit_code == 0
    assert VARIABLE not in os.environ
    for command in ("explain", "expand", "compile"):
        assert run(command, program, "--scenes", tmp_path).exit_code == 0, command
    assert run("diff", program, program, "--scenes", tmp_path).exit_code == 0
    assert (
        f"{scene_id}\n    {MILK.language}" in run("scenes", "kitchen", "--scenes", tmp_path).output
    )
    assert "milk_1" in run("scene", scene_id, "--scenes", tmp_path).output
    assert scene_id in run("grammar", "--scene", scene_id, "--scenes", tmp_path).output


def test_a_folder_that_is_none_ends_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = tmp_path / "none"
    by_option = run("scenes", "--scenes", none)
    monkeypatch.setenv(VARIABLE, str(none))
    for result in (by_option, run("check", "-")):
        assert result.exit_code == 1
        assert f"error: there is no folder {none}" in result.stderr
        assert "(from --scenes or $REWARDLANG_SCENES)" in result.stderr


def test_generate_plans_for_a_folder_and_for_a_path(file: Path, tmp_path: Path) -> None:
    for scene in (f"kitchen/{file.stem}", file):
        out = tmp_path / f"out_{Path(scene).suffix}"
        args = ("generate", "put the milk in the basket", "--offline", "--scene", scene)
        result = run(*args, "--out", out, "--scenes", tmp_path)
        assert result.exit_code == 0, result.output
        written = out / "kitchen" / f"{file.stem}.rl"
        assert run("check", written, "--scenes", tmp_path).exit_code == 0
    file.write_text("(define)")
    result = run("generate", "put the milk in the basket", "--offline", "--scene", file)
    assert result.exit_code == 1
    assert "error[unreadable-scene]: there is no `:goal`" in result.stderr
    refused = run("generate", "--suite", "kitchen", "--offline", "--scenes", tmp_path)
    assert refused.exit_code == 1
    assert "the problem's class is missing: `(problem LIBERO_…)` (and 1 more)" in refused.stderr


def test_scene_shows_a_file_and_everything_that_is_wrong_with_it(file: Path) -> None:
    assert "basket_1_contain_region" in run("scene", file).output
    file.write_text(file.read_text().replace("- milk", "- mlik").replace("(And (in", "(And (inn"))
    result = run("scene", file)
    assert result.exit_code == 1
    assert result.stderr.count("error[unreadable-scene]") == 2
    assert "did you mean `milk`?" in result.stderr
    assert "did you mean `in`?" in result.stderr


def test_names_are_told_beside_a_predicate_that_is_none(file: Path) -> None:
    goal = "(And (Inn milk_3 basket_3) (In milk_4))"
    file.write_text(re.sub(r"\(:goal .*\)\n", f"(:goal {goal})\n", file.read_text()))
    for result in (
        run("scene", file),
        run("generate", "put the milk in the basket", "--offline", "--scene", file),
    ):
        assert result.exit_code == 1
        told = re.findall(r"error\[unreadable-scene\]: (.*)", result.stderr)
        assert [re.findall("`(.*?)`", line)[0] for line in told] == [
            *("inn", "milk_3", "basket_3", "in", "milk_4")
        ]
        assert len(re.findall(r"\^+", result.stderr)) == 5  # each in its place


def test_a_suite_goes_on_past_files_that_are_no_scenes(file: Path, tmp_path: Path) -> None:
    for name in ("bad", "worse"):
        text = file.read_text().replace("- milk\n", "- mlik\n").replace("(And (in", "(And (inn")
        file.with_name(f"{name}.bddl").write_text(text)
    ask = ("generate", "--suite", "kitchen", "--offline", "--scenes", tmp_path, "--out", tmp_path)
    made = run(*ask)
    assert made.exit_code == 1
    assert "1 made, 0 kept, 0 failed" in made.stdout
    assert (tmp_path / "kitchen" / f"{file.stem}.rl").exists()
    prompts = run(*ask, "--show-prompt")
    listed = run("scenes", "kitchen", "--scenes", tmp_path)
    assert (prompts.exit_code, listed.exit_code) == (1, 1)
    assert len(prompts.stdout.splitlines()) == 1
    assert listed.stdout.splitlines()[0] == f"kitchen/{file.stem}"
    for result in (made, prompts, listed):
        lines = [line for line in result.stderr.splitlines() if "mlik" in line]
        assert [Path(line.split(":")[0]).name for line in lines] == ["bad.bddl", "worse.bddl"]
        assert all(line.endswith("did you mean `milk`? (and 1 more)") for line in lines), lines
        assert result.stderr.count("tgrpo catalogue --bddl") == 1
    file.unlink()
    none = run(*ask)
    assert (none.exit_code, none.stdout) == (1, "")


def test_one_task_is_no_tasks(file: Path, tmp_path: Path) -> None:
    assert f"{file.parent.name}  1 task\n" in run("scenes", "--scenes", tmp_path).stdout


def test_a_suite_is_no_scene() -> None:
    for name in ("libero_goal", "libero_goal/"):
        result = run("scene", name)
        assert result.exit_code == 1
        assert "error: `libero_goal` is a suite; its scenes are\n  libero_goal/" in result.stderr
        assert len(result.stderr.splitlines()) == 11
    (found,) = analyze(PROGRAM.format("libero_goal")).diagnostics
    assert found.message == "`libero_goal` is a suite of 10 tasks: name one of them"


def test_a_written_program_names_its_file_from_its_own_folder(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = file.parent.parent
    (home / "link").symlink_to(file.parent, target_is_directory=True)
    asked = ("generate", "put the milk in the basket", "--offline", "--scene")
    for given in (file, Path("kitchen") / file.name, Path("link") / file.name):
        monkeypatch.chdir(home)
        assert run(*asked, given, "--out", "own").exit_code == 0
        (program,) = (home / "own").rglob("*.rl")
        text = program.read_text()
        assert f'scene "../../kitchen/{file.name}"\n' in text
        assert str(home) not in run(*asked, given, "--out", "own", "--show-prompt").stdout
        moved = home / "moved"
        moved.mkdir()
        for folder in ("own", "kitchen"):
            (home / folder).rename(moved / folder)
        monkeypatch.chdir("/")
        assert run("check", moved / program.relative_to(home)).exit_code == 0
        (moved / "kitchen").rename(home / "kitchen")
        shutil.rmtree(moved)


def test_a_program_below_a_link_names_its_file_as_the_system_finds_it(file: Path) -> None:
    home = file.parent.parent
    (home / "deep" / "er").mkdir(parents=True)
    (home / "out").symlink_to(home / "deep" / "er", target_is_directory=True)
    asked = ("generate", "put the milk in the basket", "--offline", "--scene", file)
    assert run(*asked, "--out", home / "out").exit_code == 0
    assert run("check", home / "out").output == "1 program: no errors, no warnings\n"


def test_a_changed_program_still_names_its_file_from_its_own_folder(file: Path) -> None:
    text = PROGRAM.format(f"./kitchen/{file.name}")
    analysis = analyze(text, name=str(file.parent.parent / "milk.rl"))
    assert analysis.scene is not None
    wanted = wanted_of(analysis, analysis.scene)
    assert wanted.scene.id == f"kitchen/{file.name}"
    assert analyze(text, name="answer", scene=wanted.scene).ok


def test_what_comes_next_is_what_works_for_the_scene(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my scenes"
    folder.mkdir()
    file.parent.rename(folder / "kitchen")
    file = folder / "kitchen" / file.name
    ask = ("generate", "put the milk in the basket", "--offline", "--out", tmp_path / "out")
    by_path = run(*ask, "--scene", file).stdout
    assert "rewardlang check" in by_path
    assert "tgrpo" not in by_path
    assert "--scenes" not in by_path
    named = run(*ask, "--force", "--scene", f"kitchen/{file.stem}", "--scenes", folder).stdout
    assert "tgrpo" not in named
    commands = [shlex.split(line.split("  ")[-1]) for line in named.splitlines()[-2:]]
    assert [command[:2] for command in commands] == [
        ["rewardlang", "check"],
        ["rewardlang", "explain"],
    ]
    assert all(run(*command[1:]).exit_code == 0 for command in commands)
    own = run("generate", MILK.instruction, "--offline", "--out", tmp_path / "out").stdout
    assert f"--task {MILK.id}\n" in own


# ---------------------------------------------------------------- what a file calls its task


def test_a_files_language_line_is_its_instruction_and_its_name_counts_too(file: Path) -> None:
    """As in LIBERO-PRO, where the line says the new task and the name still the old one."""
    scene = load(str(file))
    assert scene.instructions == (MILK.language, "put the milk in the basket")
    shown = run("scene", file).stdout
    assert f"instruction  {MILK.language}\nfile name    put the milk in the basket\n" in shown
    for own in scene.instructions:
        made = run("generate", own.capitalize(), "--offline", "--scene", file, "--dry-run")
        assert f'task "{own}"\n' in made.stdout
        assert "similarity" not in made.output
        assert analyze(PROGRAM.replace(PROGRAM.split('"')[1], own).format(file)).ok
        assert not meant(own, str(file), by_model=True).wanted.own_goal
    (found,) = analyze(PROGRAM.replace("the milk in", "it in").format(file)).diagnostics
    assert found.code == "task-mismatch"
    assert [fix.replacement for fix in found.suggestions] == [
        f'"{own}"' for own in scene.instructions
    ]


def test_of_several_scenes_either_sentence_finds_a_files(folder: Path, file: Path) -> None:
    file.write_text(file.read_text().replace(MILK.language, "bring me something to drink"))
    catalogue(folder, "attic", file.stem, of=MILK)
    for instruction in ("bring me something to drink", "put the milk in the basket"):
        found = meant(instruction, None, by_model=False)
        assert (found.wanted.scene.id, found.similarity) == (f"kitchen/{file.stem}", 1)
        assert found.wanted.instruction == instruction


@pytest.mark.parametrize("line", ["", '(:language say "please")', f"(:language {'so ' * 100})"])
def test_a_language_line_that_no_program_could_say_is_none(file: Path, line: str) -> None:
    file.write_text(file.read_text().replace(f"(:language {MILK.language})", line))
    assert load(str(file)).instructions == ("put the milk in the basket",)


def test_liberos_own_files_go_by_their_names_wherever_they_lie(tmp_path: Path) -> None:
    path = tmp_path / MILK.suite / f"{MILK.task}.bddl"
    path.parent.mkdir()
    path.write_text(bddl_text(MILK))
    assert load(str(path)).instructions == (MILK.instruction,)
    swapped = tmp_path / "libero_object_swap" / path.name  # both sentences are still LIBERO's
    swapped.parent.mkdir()
    swapped.write_text(path.read_text())
    assert load(str(swapped)).instructions == (MILK.instruction, MILK.language)
    path.write_text(path.read_text().replace(MILK.language, "put it away"))
    assert load(str(path)).instructions == ("put it away", MILK.instruction)
    assert all(len(scene.instructions) == 1 for scene in known_scenes())


def test_a_catalogue_made_of_files_goes_by_their_language_line(folder: Path) -> None:
    catalogue(folder, "made", MILK.task, of=MILK.model_copy(update={"language": "put it away"}))
    catalogue(folder, "described", "tidy_up", of=MILK)  # its instruction is no file's name
    assert load(f"made/{MILK.task}").instructions == ("put it away", MILK.instruction)
    assert load("described/tidy_up").instructions == (MILK.instruction,)


# ---------------------------------------------------------------- the editor


def test_the_editor_knows_paths_and_folders(folder: Path, file: Path) -> None:
    text = PROGRAM.format(f"kitchen/{file.name}")
    document = Document(Source(text, (folder / "milk.rl").as_uri()))
    assert document.scene == load(str(file))
    assert document.analysis.ok
    offered = complete(document, text.index('scene "') + len('scene "'))
    assert f"kitchen/{file.stem}" in {item.text for item in offered.items}
    file.write_text("(define")
    assert Document(document.source).scene is None
