"""Scenes by path: where a file is looked for, what its task is called, what is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rewardlang import analyze
from rewardlang.diagnostics import render
from rewardlang.generation.task import meant
from rewardlang.lsp.completion import complete
from rewardlang.lsp.document import Document
from rewardlang.planning.planner import plan
from rewardlang.scene import SceneFileError, UnknownSceneError, known_scenes, load
from rewardlang.source import Source
from tests.rewardlang.bddl_text import bddl_text
from tests.rewardlang.scene_files.kitchen import MILK, catalogue, run

PROGRAM = """\
rewardlang 1
task "put the milk in the basket"
scene "{}"

use place_in(milk_1, basket_1_contain_region)

success bddl
"""


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
