"""`rewardlang generate`: the right file, or a message that helps; never a lost edit."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from rewardlang.cli.generate import generate as command
from rewardlang.planning.generate import GenerateError, Written, generate
from rewardlang.planning.instructions import find
from rewardlang.planning.planner import plan
from rewardlang.scene import Scene, load, suite_scenes, suites

MILK = "pick up the milk and place it in the basket"
MILK_ID = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
BOWL = "put the black bowl on the plate"  # in two scenes of libero_90

application = typer.Typer()
application.command()(command)


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(application, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_program_is_written_below_its_suite(tmp_path: Path) -> None:
    done = generate(MILK, out=tmp_path)
    assert (done.written, done.similarity) == (Written.NEW, 1.0)
    assert done.path == tmp_path / f"{MILK_ID}.rl"
    assert done.path.read_text(encoding="utf-8") == plan(load(MILK_ID))
    assert files(tmp_path) == [f"{MILK_ID}.rl"]
    assert stat.S_IMODE(done.path.stat().st_mode) & 0o444


def test_an_identical_file_is_left_alone_and_is_no_error(tmp_path: Path) -> None:
    path = generate(MILK, out=tmp_path).path
    os.utime(path, (0, 0))
    assert generate(MILK, out=tmp_path).written is Written.UNCHANGED
    assert generate(MILK, out=tmp_path, force=True).written is Written.UNCHANGED
    assert path.stat().st_mtime == 0


def test_an_edited_file_is_replaced_only_when_forced(tmp_path: Path) -> None:
    path = generate(MILK, out=tmp_path).path
    path.write_text("my edit")
    with pytest.raises(GenerateError, match=r"exists and differs .* --force replaces it"):
        generate(MILK, out=tmp_path)
    assert path.read_text() == "my edit"
    assert generate(MILK, out=tmp_path, force=True).written is Written.REPLACED
    assert path.read_text(encoding="utf-8") == plan(load(MILK_ID))
    assert files(tmp_path) == [f"{MILK_ID}.rl"]


def test_several_fitting_tasks_are_listed_to_choose_from(tmp_path: Path) -> None:
    with pytest.raises(GenerateError) as caught:
        generate(BOWL, out=tmp_path)
    ids = [
        "libero_90/KITCHEN_SCENE1_put_the_black_bowl_on_the_plate",
        "libero_90/KITCHEN_SCENE5_put_the_black_bowl_on_the_plate",
    ]
    assert str(caught.value) == (
        f"2 tasks fit `{BOWL}`; pick one with --scene\n  " + "\n  ".join(ids)
    )
    assert files(tmp_path) == []
    done = generate(BOWL, out=tmp_path, scene_id=ids[1])
    assert files(tmp_path) == [f"{ids[1]}.rl"]
    assert done.scene.id == ids[1]


def test_an_unknown_instruction_lists_the_three_nearest(tmp_path: Path) -> None:
    with pytest.raises(GenerateError) as caught:
        generate("pick up the banana and place it in the basket", out=tmp_path)
    first, *nearest = str(caught.value).splitlines()
    assert "`pick up the banana and place it in the basket`" in first
    assert len(nearest) == 3
    assert all("place it in the basket" in line for line in nearest)


def test_an_unknown_scene_lists_the_nearest(tmp_path: Path) -> None:
    wrong = "libero_object/pick_up_the_mlik_and_place_it_in_the_basket"
    with pytest.raises(GenerateError) as caught:
        generate(MILK, out=tmp_path, scene_id=wrong)
    assert str(caught.value).startswith(f"no scene `{wrong}`; the nearest are\n  {MILK_ID}")
    with pytest.raises(GenerateError, match=r"written SUITE/TASK, and the suites are\n"):
        generate(MILK, out=tmp_path, scene_id="nonsense")


def test_a_scene_with_another_instruction_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GenerateError) as caught:
        generate("turn on the stove", out=tmp_path, scene_id=MILK_ID)
    assert MILK in str(caught.value)
    assert "success when" in str(caught.value)


def test_a_goal_that_cannot_be_planned_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    milk = load(MILK_ID)
    odd = Scene.model_validate(milk.model_copy(update={"goal": (("up", "milk_1"),)}).model_dump())
    monkeypatch.setattr("rewardlang.planning.generate.load", lambda _: odd)
    with pytest.raises(GenerateError, match=r"`up\(milk_1\)`: only .* can be planned"):
        generate(MILK, out=tmp_path, scene_id=MILK_ID)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "libero_object").write_text("in the way")
    with pytest.raises(GenerateError, match=r"cannot write .*libero_object"):
        generate(MILK, out=tmp_path)


@pytest.mark.parametrize("suite", suites())
def test_each_task_is_found_by_its_instruction_and_its_scene(suite: str, tmp_path: Path) -> None:
    for scene in suite_scenes(suite).values():
        done = generate(scene.instruction, out=tmp_path, scene_id=scene.id)
        assert (done.scene.id, done.written) == (scene.id, Written.NEW)
    assert files(tmp_path) == sorted(f"{suite}/{task}.rl" for task in suite_scenes(suite))


def test_an_instruction_that_several_tasks_share_finds_them_all() -> None:
    sharing: dict[str, set[str]] = {}
    for scene in (scene for suite in suites() for scene in suite_scenes(suite).values()):
        sharing.setdefault(scene.instruction, set()).add(scene.id)
    shared = {said: ids for said, ids in sharing.items() if len(ids) > 1}
    assert len(shared["turn on the stove"]) == 3
    for instruction, ids in shared.items():
        assert {match.scene.id for match in find(instruction)} == ids


# --- the command ------------------------------------------------------------------------------


def test_the_command_says_what_it_wrote_and_what_comes_next(tmp_path: Path) -> None:
    code, said = run(MILK, "--offline", "--out", tmp_path)
    path = tmp_path / f"{MILK_ID}.rl"
    assert code == 0
    assert said.startswith(f"wrote {path}\nNext:\n")
    assert f"rewardlang check {path}" in said
    assert f"tgrpo train --rewards {tmp_path} --task {MILK_ID}" in said
    assert "endpoint" not in said


def test_without_an_endpoint_the_command_says_that_it_plans(tmp_path: Path) -> None:
    code, said = run(MILK, "--out", tmp_path)
    assert code == 0
    assert "No language model endpoint is configured: the planner writes" in said
    assert files(tmp_path) == [f"{MILK_ID}.rl"]


def test_a_nearest_task_is_named_with_its_similarity(tmp_path: Path) -> None:
    code, said = run("Pick up the mlik and place it in the basket", "--offline", "--out", tmp_path)
    assert code == 0
    assert re.match(rf"nearest task \(similarity 0\.\d\d\): {MILK}\nwrote ", said)


def test_an_identical_file_is_said_and_exits_0(tmp_path: Path) -> None:
    run(MILK, "--offline", "--out", tmp_path)
    code, said = run(MILK, "--offline", "--out", tmp_path)
    assert code == 0
    assert said.startswith("already there, identical: ")


@pytest.mark.parametrize("instruction", [BOWL, "fold the laundry", "turn on the stove", "  "])
def test_what_the_user_has_to_decide_exits_1_without_a_traceback(
    instruction: str, tmp_path: Path
) -> None:
    code, said = run(instruction, "--offline", "--out", tmp_path)
    assert code == 1
    assert said.startswith("error: ")
    assert "Traceback" not in said
    assert files(tmp_path) == []


def test_an_edit_survives_and_exits_1(tmp_path: Path) -> None:
    run(MILK, "--offline", "--out", tmp_path)
    path = tmp_path / f"{MILK_ID}.rl"
    path.write_text("my edit")
    code, said = run(MILK, "--offline", "--out", tmp_path)
    assert (code, path.read_text()) == (1, "my edit")
    assert "--force" in said
    assert run(MILK, "--offline", "--out", tmp_path, "--force")[1].startswith("replaced ")


def test_wrong_usage_exits_2() -> None:
    assert run("--offline")[0] == 2
