"""`rewardlang generate` without a model: the right file, or a message that helps; no lost edit."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from rewardlang.cli.generate import generate as command
from rewardlang.generation.making import MakeError, planned
from rewardlang.generation.task import Meant, TaskError, meant, program_path
from rewardlang.generation.writing import WriteError, Written, write
from rewardlang.planning.instructions import find
from rewardlang.planning.planner import plan
from rewardlang.prompting.messages import Wanted
from rewardlang.scene import Scene, load, suite_scenes, suites
from tests.rewardlang.bddl_text import bddl_text

MILK = "pick up the milk and place it in the basket"
MILK_ID = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
BOWL = "put the black bowl on the plate"  # in two scenes of libero_90

application = typer.Typer()
application.command()(command)


@pytest.fixture(autouse=True)
def _no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("OPENAI_", "REWARDLANG_"))]:
        monkeypatch.delenv(name)


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(application, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def generated(
    instruction: str, out: Path, scene_id: str | None = None, force: bool = False
) -> tuple[Path, Written]:
    wanted = meant(instruction, scene_id, by_model=False).wanted
    path = program_path(out, wanted)
    return path, write(path, planned(wanted).text, force=force)


def test_a_program_is_written_below_its_suite(tmp_path: Path) -> None:
    path, written = generated(MILK, tmp_path)
    assert written is Written.NEW
    assert path == tmp_path / f"{MILK_ID}.rl"
    assert path.read_text(encoding="utf-8") == plan(load(MILK_ID))
    assert files(tmp_path) == [f"{MILK_ID}.rl"]
    assert stat.S_IMODE(path.stat().st_mode) & 0o444


def test_an_identical_file_is_left_alone_and_is_no_error(tmp_path: Path) -> None:
    path, _ = generated(MILK, tmp_path)
    os.utime(path, (0, 0))
    assert generated(MILK, tmp_path)[1] is Written.UNCHANGED
    assert generated(MILK, tmp_path, force=True)[1] is Written.UNCHANGED
    assert path.stat().st_mtime == 0


def test_an_edited_file_is_replaced_only_when_forced(tmp_path: Path) -> None:
    path, _ = generated(MILK, tmp_path)
    path.write_text("my edit")
    with pytest.raises(WriteError, match=r"exists and differs .* --force replaces it"):
        generated(MILK, tmp_path)
    assert path.read_text() == "my edit"
    assert generated(MILK, tmp_path, force=True)[1] is Written.REPLACED
    assert path.read_text(encoding="utf-8") == plan(load(MILK_ID))
    assert files(tmp_path) == [f"{MILK_ID}.rl"]


def test_several_fitting_tasks_are_listed_to_choose_from() -> None:
    with pytest.raises(TaskError) as caught:
        meant(BOWL, None, by_model=False)
    ids = [
        "libero_90/KITCHEN_SCENE1_put_the_black_bowl_on_the_plate",
        "libero_90/KITCHEN_SCENE5_put_the_black_bowl_on_the_plate",
    ]
    assert str(caught.value) == (
        f"2 tasks fit `{BOWL}`; pick one with --scene\n  " + "\n  ".join(ids)
    )
    assert meant(BOWL, ids[1], by_model=False).wanted.scene.id == ids[1]


def test_an_unknown_instruction_lists_the_three_nearest() -> None:
    with pytest.raises(TaskError) as caught:
        meant("pick up the banana and place it in the basket", None, by_model=False)
    first, *nearest, last = str(caught.value).splitlines()
    assert first == (
        "no instruction of LIBERO is close enough to `pick up the banana and place it in the "
        "basket`; the closest are"
    )
    assert last == (
        "--scene SUITE/TASK and a language model (--model) make it a goal of your own in that scene"
    )
    assert len(nearest) == 3
    assert all("place it in the basket" in line for line in nearest)


def test_a_near_instruction_names_the_runners_up() -> None:
    found = meant("pick up the mlik and place it in the basket", None, by_model=False)
    assert found.wanted == Wanted(load(MILK_ID), MILK)
    assert 0.6 < found.similarity < 1
    assert len(found.runners_up) == 3
    assert MILK not in found.runners_up
    assert meant(MILK, None, by_model=False) == Meant(Wanted(load(MILK_ID), MILK))


def test_an_unknown_scene_lists_the_nearest() -> None:
    wrong = "libero_object/pick_up_the_mlik_and_place_it_in_the_basket"
    with pytest.raises(TaskError) as caught:
        meant(MILK, wrong, by_model=False)
    assert str(caught.value).startswith(f"no scene `{wrong}`; the nearest are\n  {MILK_ID}")
    with pytest.raises(TaskError, match=r"written SUITE/TASK, and the suites are\n"):
        meant(MILK, "nonsense", by_model=False)


def test_only_a_model_can_write_for_a_goal_that_is_not_the_scenes_own(tmp_path: Path) -> None:
    with pytest.raises(TaskError) as caught:
        meant("turn on the stove", MILK_ID, by_model=False)
    assert MILK in str(caught.value)
    assert "success when" in str(caught.value)
    own = meant(" leave the milk upright in the basket ", MILK_ID, by_model=True).wanted
    assert own == Wanted(load(MILK_ID), "leave the milk upright in the basket", own_goal=True)
    assert program_path(tmp_path, own) == (
        tmp_path / "libero_object" / "leave_the_milk_upright_in_the_basket.rl"
    )


@pytest.mark.parametrize("wrong", ['say "milk"', "back\\slash", "two\nlines", "milk " * 50])
def test_an_instruction_must_fit_in_a_program(wrong: str) -> None:
    with pytest.raises(TaskError, match=r"an instruction (holds no|has at most 200)"):
        meant(wrong, MILK_ID, by_model=True)


def test_a_goal_that_cannot_be_planned_is_named() -> None:
    milk = load(MILK_ID)
    odd = Scene.model_validate(milk.model_copy(update={"goal": (("up", "milk_1"),)}).model_dump())
    with pytest.raises(MakeError, match=r"`up\(milk_1\)`: only .* can be planned"):
        planned(Wanted(odd, MILK))


def test_a_thing_that_no_program_can_name_is_told(tmp_path: Path) -> None:
    """A plan with a mistake in it is no program: nothing is written."""
    file = tmp_path / "attic" / "put_it_away.bddl"
    file.parent.mkdir()
    file.write_text(bddl_text(load(MILK_ID)).replace("milk_1", "milk-1"))
    instruction = load(str(file)).instruction
    code, output = run(instruction, "--offline", "--scene", file, "--out", tmp_path / "out")
    assert code == 1
    assert "`milk-1` is no name that a program can say: a letter, then letters" in output
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "libero_object").write_text("in the way")
    with pytest.raises(WriteError, match=r"cannot write .*libero_object"):
        generated(MILK, tmp_path)


@pytest.mark.parametrize("suite", suites())
def test_each_task_is_found_by_its_instruction_and_its_scene(suite: str, tmp_path: Path) -> None:
    for scene in suite_scenes(suite).values():
        path, written = generated(scene.instruction, tmp_path, scene_id=scene.id)
        assert (path, written) == (tmp_path / f"{scene.id}.rl", Written.NEW)
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


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--provider", "openai"), "--provider is given"),
        (("--provider", "vllm", "--api-key", "abc"), "--api-key and --provider are given"),
        (("--constrain", "grammar"), "--constrain is given"),
        (("--temperature", "0"), "--temperature is given"),
    ],
)
def test_options_for_an_endpoint_that_nothing_names_do_not_end_in_a_planned_program(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    code, told = run(MILK, "--out", tmp_path, *options)
    assert code == 1
    assert told == (f"error: {said}, but no endpoint: --base-url URL or --model NAME names one\n")
    assert files(tmp_path) == []


def test_openais_key_alone_names_no_endpoint_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    code, said = run(MILK, "--out", tmp_path)
    assert code == 0
    assert "OPENAI_API_KEY is set: --model NAME uses it." in said
    assert "sk-0" not in said
    assert files(tmp_path) == [f"{MILK_ID}.rl"]


def test_a_nearest_task_is_named_with_its_similarity(tmp_path: Path) -> None:
    code, said = run("Pick up the mlik and place it in the basket", "--offline", "--out", tmp_path)
    assert code == 0
    assert re.match(rf"nearest task \(similarity 0\.\d\d\): {MILK}\n  next: ", said)
    assert "--scene SUITE/TASK picks another" in said


def test_an_identical_file_is_said_and_exits_0(tmp_path: Path) -> None:
    run(MILK, "--offline", "--out", tmp_path)
    code, said = run(MILK, "--offline", "--out", tmp_path)
    assert code == 0
    assert said.startswith("already there, identical: ")


@pytest.mark.parametrize("instruction", [BOWL, "fold the laundry", "turn on the stove"])
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


def test_a_suite_is_planned_at_once_and_what_is_there_is_kept(tmp_path: Path) -> None:
    run(MILK, "--offline", "--out", tmp_path)
    edited = tmp_path / f"{MILK_ID}.rl"
    edited.write_text("my edit")
    code, said = run("--suite", "libero_object", "--offline", "--out", tmp_path)
    assert code == 0
    assert "9 made, 1 kept, 0 failed" in said
    assert f"{MILK_ID.partition('/')[2]}: there already; --force replaces what is there" in said
    assert "tokens" not in said
    assert "seconds" not in said
    assert edited.read_text() == "my edit"
    assert len(files(tmp_path)) == 10


def test_a_suite_in_a_dry_run_prints_each_program_under_its_path(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        application, ["--suite", "libero_goal", "--offline", "--dry-run", "--out", str(tmp_path)]
    )
    scenes = suite_scenes("libero_goal").values()
    assert result.stdout == "\n".join(
        f"# {tmp_path / scene.id}.rl\n{plan(scene)}" for scene in scenes
    )
    assert "10 made, 0 kept, 0 failed" in result.stderr
    assert "tokens" not in result.stderr
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("suite", "said"),
    [
        ("nosuch", "error: there is no suite `nosuch`; there are libero_10, "),
        ("libero_gaol", "there is no suite `libero_gaol`; did you mean `libero_goal`? There are "),
    ],
)
def test_an_unknown_suite_is_told_with_those_there_are(
    suite: str, said: str, tmp_path: Path
) -> None:
    code, told = run("--suite", suite, "--offline", "--out", tmp_path)
    assert code == 1
    assert said in told


def test_a_dry_run_prints_the_program_and_writes_nothing(tmp_path: Path) -> None:
    code, said = run(MILK, "--offline", "--dry-run", "--out", tmp_path)
    assert (code, said) == (0, plan(load(MILK_ID)))
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--offline"], "say what the robot is to do"),
        ([MILK, "--offline", "--model", "m"], "--offline asks no language model, --model is for"),
        (["  "], "the instruction is empty: say what the robot is to do"),
        (["", "--model", "m"], "the instruction is empty"),
        (["--all"], "--all goes with --show-prompt"),
        ([MILK, "--suite", "libero_goal"], "are for one task"),
        (["--suite", "libero_goal", "--all", "--show-prompt"], "exclude each other"),
    ],
)
def test_wrong_usage_exits_2(arguments: list[str], message: str) -> None:
    code, said = run(*arguments)
    assert code == 2
    assert message in re.sub(r"[│\s]+", " ", said)
