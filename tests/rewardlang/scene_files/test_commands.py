"""Commands with scenes of the user's: options, paths, what is printed and what comes next."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

from rewardlang import analyze
from rewardlang.generation.revising import wanted_of
from rewardlang.scene.folders import VARIABLE
from tests.rewardlang.scene_files.kitchen import MILK, run

PROGRAM = """\
rewardlang 1
task "put the milk in the basket"
scene "{}"

use place_in(milk_1, basket_1_contain_region)

success bddl
"""


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
