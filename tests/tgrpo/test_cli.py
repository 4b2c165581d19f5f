"""The command: what a user's mistakes say, exit codes, and that nothing is left half-written."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import pytest
import torch
from typer.testing import CliRunner

from rewardlang.cli import app as rewardlang_app
from tgrpo.checkpoint import Checkpoint, write_checkpoint
from tgrpo.cli.app import app
from tgrpo.cli.commands import run_name
from tgrpo.cli.mistakes import EXIT_CODES
from tgrpo.config import Algorithm, TasksConfig
from tgrpo.policies import make_policy, save_policy
from tgrpo.programs import ProgramsError, select
from tgrpo.tasks import UnknownTaskError, find_task, suite_tasks

TASKS = Path(__file__).parents[2] / "tasks"
MILK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
GOAL = "libero_goal/put_the_bowl_on_the_plate"
SOUP = "libero_object/pick_up_the_alphabet_soup_and_place_it_in_the_basket"


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(item) for item in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result.exit_code, result.output


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def copy(task: str, folder: Path, *, change: tuple[str, str] | None = None) -> Path:
    """A shipped program in another folder, perhaps with a mistake."""
    text = (TASKS / f"{task}.rl").read_text()
    if change is not None:
        assert change[0] in text
        text = text.replace(*change)
    path = folder / f"{task.partition('/')[2]}.rl"
    path.write_text(text)
    return path


def test_every_algorithm_is_named_in_the_help() -> None:
    _, text = run("train", "--help")
    words = set(re.findall(r"[a-z-]+", text))
    assert set(get_args(Algorithm)) <= words


def test_an_unknown_algorithm_and_a_group_too_large_are_both_told(runs: Path) -> None:
    code, text = run("train", "--algorithm", "grppo", "--group-size", "17", "--run-dir", runs)
    assert code == 2
    assert "algorithm: must be 'tgrpo', 'tgrpo-stage', 'grpo'" in text
    assert "got 'grppo'" in text
    assert "rollout.group_size: must be less than or equal to 16, got 17" in text
    assert not runs.exists()


@pytest.mark.sim
def test_per_task_makes_a_run_for_each_task_and_a_table_of_all(tmp_path: Path) -> None:
    checkpoint = save_policy(tmp_path / "new.safetensors", make_policy())
    quick = ("iterations=0", "evaluation.validation_episodes=1", "evaluation.test_episodes=1")
    code, text = run(
        *("train", "--per-task", "--task", MILK, "--task", SOUP, "--from", checkpoint),
        *("--run-dir", tmp_path / "runs", "--workers", "1"),
        *(part for item in quick for part in ("--set", item)),
    )
    assert code == 0, text
    assert len(list((tmp_path / "runs").iterdir())) == 2
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert f"0/1 = 0% 0/1 = 0% 0/1 = 0% {SOUP}" in rows
    assert "0.0% 0.0% 0.0% mean of 2 tasks" in rows


COMMANDS = (
    *("train", "sft", "eval", "demonstrate", "tasks", "states", "catalogue", "parameters"),
    *("doctor", "cache", "export"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    code, text = run(command, "--help")
    assert code == 0
    assert re.search(rf"Examples?:\s+tgrpo {command} ", text)


def test_the_help_names_every_command_and_the_exit_codes() -> None:
    code, text = run("--help")
    assert code == 0
    assert all(re.search(rf"^\W*{command}\b", text, re.MULTILINE) for command in COMMANDS)
    assert "0 success, 1 bad input" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--suite", "libero_objct"), "did you mean libero_object"),
        (("train", "--task", "pick_up_the_mlik"), "did you mean pick_up_the_milk_and_place"),
        (
            ("train", "--task", "libero_goal/put_the_bowl_on_the_plat"),
            "no program for a task of libero_goal with this name; did you mean "
            "libero_goal/put_the_bowl_on_the_plate or libero_goal/put_the_bowl_on_the_stove or",
        ),
        (
            ("train", "--task", "libero_gaol/put_the_bowl_on_the_plate"),
            "unknown suite libero_gaol; did you mean libero_goal",
        ),
        (("train", "--task", "xyzzy"), "with this name; tgrpo tasks lists all names"),
        (("train", "--task", GOAL, "--suite", "libero_10"), "--suite libero_10 leaves out libero_"),
        (("sft", "--task", GOAL, "--suite", "libero_10"), "--suite libero_10 leaves out libero_g"),
        (("train", "--preset", "papr"), "unknown preset 'papr'; did you mean paper?"),
        (("train", "--set", "learner.lr=1"), "did you mean learner.learning_rate"),
        (("train", "--group-size", "1"), "rollout.group_size: must be greater than or equal to 2"),
        (
            ("train", "--policy", "huge"),
            "--policy huge: no such policy; there are tiny, tiny-vision, openvla:PATH, "
            "openvla-oft:PATH",
        ),
        (("train", "--policy", "vision"), "openvla-oft:PATH; did you mean tiny-vision?"),
        (("train", "--policy", "openvla_oft:x"), "openvla-oft:PATH; did you mean openvla-oft?"),
        (("train", "--policy", "tiny:x.safetensors"), "taken by --from FILE"),
        (
            ("train", "--set", "policy.kind=huge"),
            "policy.kind: must be 'tiny', 'tiny-vision' or 'openvla', got",
        ),
        (("train", "--policy", "openvla"), "openvla.checkpoint: which one? --policy openvla:"),
        (("train", "--demos", "nowhere.hdf5"), "nowhere.hdf5 is neither a number"),
        (("train", "--config", "nowhere.toml"), "--config: no file nowhere.toml"),
        (("train", "--stepper", "slow"), "slow"),
        (("tasks", "--suite", "libero_objct"), "did you mean 'libero_object'"),
        (("sft", "--task", "pick_up_the_mlik"), "unknown task; did you mean pick_up_the_milk"),
        (("sft", "--task", "milk"), "unknown task; did you mean pick_up_the_milk_and_place_it"),
        (("sft", "--task", "libero_object/mlik"), "unknown task of libero_object 'mlik'"),
        (("states",), "choose tasks with --suite and --task"),
        (("sft", "--preset", "paper"), "choose tasks with --suite and --task"),
        (
            ("sft", "--task", MILK, "--set", "start_from=mine.safetensors"),
            "start_from: mine.safetensors would be taken in place of SFT; --set start_from=none",
        ),
        (("train", "--from", "x.safetensors", "--demos", "3"), "--demos is what SFT learns from"),
        (("eval", "x.safetensors", "--episodes", "51"), "51: a task has 50 test states"),
        (
            ("eval", "--policy", "openvla:x", "--set", "learner.clip=0.1"),
            "--set: learner.clip: decides nothing in an evaluation",
        ),
        (("catalogue", "--out", "x", "--bddl", "x", "--suite", "x"), "--suite is LIBERO's"),
        (
            ("plan", "--policy", "tiny", "--gpus", "2", "--dtype", "int8"),
            "--dtype, --gpus: for OpenVLA, not for a tiny policy",
        ),
        (("demonstrate", "--suite", "libero_objct"), "did you mean 'libero_object'"),
    ],
)
def test_wrong_usage_names_what_would_be_right(
    arguments: tuple[str, ...], message: str, runs: Path
) -> None:
    extra = ("--rewards", TASKS, "--run-dir", runs) if arguments[0] == "train" else ()
    code, text = run(*arguments, *extra)
    assert code == 2
    assert message in " ".join(text.split())
    assert not runs.exists()


def test_all_mistakes_of_a_command_line_are_told_at_once(runs: Path) -> None:
    code, text = run(
        *("train", "--preset", "papr", "--group-size", 1, "--set", "sft.stps=3"),
        *("--run-dir", runs),
    )
    assert code == 2
    assert {"unknown preset", "rollout.group_size", "did you mean sft.steps"} <= {
        part for part in ("unknown preset", "rollout.group_size", "did you mean sft.steps")
        if part in text
    }  # fmt: skip


def test_missing_and_empty_folders_of_programs(empty: Path, runs: Path) -> None:
    code, text = run("train", "--rewards", empty / "none", "--run-dir", runs)
    assert (code, "no such file or folder" in text) == (1, True)
    code, text = run("train", "--rewards", empty, "--run-dir", runs)
    assert (code, "no *.rl program in this folder" in text) == (1, True)
    assert not runs.exists()


def test_a_broken_program_that_is_used_ends_the_run_with_all_its_errors(
    empty: Path, runs: Path
) -> None:
    path = copy(SOUP, empty, change=("alphabet_soup_1", "alphabet_sop_1"))
    path.write_text(path.read_text().replace("grasped(soup) for", "grapsed(soup) for"))
    code, text = run("train", "--rewards", empty, "--run-dir", runs)
    assert code == 1
    assert "error[unknown-object]" in text
    assert "alphabet_soup_1" in text
    assert "error[unknown-predicate]" in text
    assert f"{path}:5:" in text
    assert "^^^" in text
    assert not runs.exists()


def test_a_program_that_is_not_text_is_told_of_as_rewardlang_does(empty: Path, runs: Path) -> None:
    path = empty / "image.rl"
    path.write_bytes(b"rewardlang 1\n\xff\xfe")
    code, text = run("train", "--rewards", empty, "--run-dir", runs)
    checked = CliRunner().invoke(rewardlang_app, ["check", str(path)])
    assert code == 1
    assert text.strip() in checked.output
    assert "error[not-utf8]: this is not UTF-8 text: byte 0xff in line 2" in text
    assert not runs.exists()


def test_a_task_of_a_suite_without_programs_is_told_with_those_that_have_one(
    empty: Path, runs: Path
) -> None:
    copy(MILK, empty)
    code, text = run("train", "--rewards", empty, "--task", GOAL, "--run-dir", runs)
    assert code == 2
    assert "no program of libero_goal; there are programs of libero_object" in text


def test_a_broken_program_that_is_not_used_is_a_warning(empty: Path) -> None:
    broken = copy(SOUP, empty, change=("alphabet_soup_1", "alphabet_sop_1"))
    copy(MILK, empty)
    selection = select(empty, TasksConfig(names=(MILK,)))
    assert [item.task.id for item in selection.used] == [MILK]
    (warning,) = selection.warnings
    assert warning.startswith(f"{broken} has errors; this run does not use it")


def test_two_programs_for_one_task_are_a_mistake(empty: Path) -> None:
    first = copy(MILK, empty)
    second = empty / "zzz.rl"
    second.write_text(first.read_text())
    with pytest.raises(ProgramsError, match=r"are both for libero_object/.*give --rewards one"):
        select(empty, TasksConfig())
    assert select(second, TasksConfig()).used[0].path == second


def test_a_scene_that_is_not_installed_is_named(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copy(MILK, empty)

    def missing(name: str) -> None:
        raise UnknownTaskError("suite", name, ("libero_90",))

    monkeypatch.setattr("tgrpo.programs.find_task", missing)
    with pytest.raises(ProgramsError) as caught:
        select(empty, TasksConfig())
    assert str(caught.value).startswith(f"{path}: its scene '{MILK}' is not installed here: ")


def test_a_limit_keeps_preferred_tasks_first() -> None:
    selection = select(TASKS, TasksConfig(limit=1, prefer=(MILK,)))
    assert [item.task.id for item in selection.used] == [MILK]
    assert selection.dropped == len(selection.found) - 1


@pytest.mark.parametrize("command", [("eval",), ("train", "--rewards", TASKS, "--from")])
def test_a_file_that_is_no_checkpoint(
    command: tuple[str | Path, ...], tmp_path: Path, runs: Path
) -> None:
    options = ("--run-dir", runs) if command[0] == "train" else ()
    code, text = run(*command, tmp_path / "none.safetensors", *options)
    assert (code, "no such file; expected a checkpoint" in text) == (1, True)
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"not a checkpoint at all")
    code, text = run(*command, bad, *options)
    assert code == 1
    assert f"error: {bad}: expected a checkpoint in safetensors format" in text
    assert not runs.exists()


def test_a_checkpoint_of_another_policy(tmp_path: Path, runs: Path) -> None:
    other = tmp_path / "other.safetensors"
    write_checkpoint(other, Checkpoint("octo", {}, {"policy/x": torch.zeros(1)}, {}))
    code, text = run("train", "--rewards", TASKS, "--from", other, "--run-dir", runs)
    assert (code, "policy: found 'octo', expected 'tiny'" in text) == (1, True)
    code, text = run("eval", other, "--suite", "libero_object")
    assert (code, "policy: found 'octo', expected one of tiny, tiny-vision, openvla" in text) == (
        1,
        True,
    )
    assert not runs.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--rewards", TASKS, "--run-dir", "FILE"), "this is a file; a folder is asked"),
        (("train", "--rewards", TASKS, "--run-dir", "FILE/x"), "is a file, not a folder"),
        (("sft", "--task", MILK, "--run-dir", "FILE"), "this is a file; a folder is asked for"),
        (("sft", "--task", MILK, "--out", "FOLDER"), "this is a folder; a file is asked for"),
        (("eval", "none.safetensors", "--json", "FOLDER"), "this is a folder; a file is asked"),
        (("eval", "none.safetensors", "--json", "FILE/x.json"), "is a file, not a folder"),
        (("demonstrate", "--task", MILK, "--out", "FILE"), "this is a file; a folder is asked for"),
        (("states", "--task", MILK, "--out", "FILE"), "this is a file; a folder is asked for"),
        (("catalogue", "--suite", "libero_10", "--out", "FILE"), "this is a file; a folder is"),
    ],
)
def test_what_cannot_be_written_is_told_before_the_work(
    arguments: tuple[str | Path, ...], message: str, tmp_path: Path
) -> None:
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.write_text("mine")
    folder.mkdir()
    named = [
        str(item).replace("FILE", str(file)).replace("FOLDER", str(folder)) for item in arguments
    ]
    code, text = run(*named)
    assert code == 1
    assert f"error: {named[-2]} {named[-1]}: " in text
    assert message in " ".join(text.split())
    assert file.read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    code, text = run("train", "--rewards", TASKS, "--run-dir", tmp_path / "runs")
    tmp_path.chmod(0o700)
    assert (code, f"nothing may be written in {tmp_path}" in text) == (1, True)


def test_a_file_that_holds_no_demonstrations(tmp_path: Path) -> None:
    bad = tmp_path / "bad.hdf5"
    bad.write_bytes(b"nothing of the kind")
    code, text = run("sft", "--task", MILK, "--demos", bad, "--run-dir", tmp_path / "runs")
    assert code == 1
    assert f"error: {bad}" in text
    left = [path for path in (tmp_path / "runs").rglob("*") if path.suffix == ".safetensors"]
    assert left == []


def test_a_checkpoint_without_tasks_needs_a_choice(tmp_path: Path) -> None:
    path = tmp_path / "fresh.safetensors"
    save_policy(path, make_policy("tiny"))
    code, text = run("eval", path)
    assert (code, "names no task: choose with --suite and --task" in text) == (2, True)


def test_a_perturbed_suite_is_for_evaluation_and_its_scenes_have_to_be_made_known(
    tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REWARDLANG_SCENES", raising=False)
    path = tmp_path / "fresh.safetensors"
    save_policy(path, make_policy("tiny"))
    code, text = run("eval", path, "--suite", "libero_object_swap")
    assert code == 2
    files = suite_tasks("libero_object_swap")[0].bddl_file.parent
    assert f"  tgrpo catalogue --bddl {files} --out scenes\n" in text
    assert "  export REWARDLANG_SCENES=scenes\n" in text
    for command in (("sft", "--run-dir", runs), ("demonstrate", "--out", tmp_path / "d")):
        code, text = run(*command, "--suite", "libero_object_swap")
        told = "libero_object_swap is LIBERO-PRO's, for evaluation: tgrpo eval alone knows it"
        assert (code, told in text) == (2, True)
    assert not runs.exists()


def test_a_suite_without_a_program_is_told_with_those_that_have_one(tmp_path: Path) -> None:
    folder = tmp_path / "tasks" / "libero_object"
    folder.mkdir(parents=True)
    shutil.copy(TASKS / f"{MILK}.rl", folder)
    code, text = run("train", "--rewards", tmp_path / "tasks", "--suite", "libero_goal")
    assert code == 2
    assert "no program of libero_goal; there are programs of libero_object" in text


def test_parameters_prints_a_configuration_with_meanings(tmp_path: Path) -> None:
    code, text = run("parameters", "--preset", "paper", "--set", "seed=7")
    assert code == 0
    assert "seed = 7" in text
    assert re.search(r"^kl_weight = 0.02 # beta, of the KL", text, re.MULTILINE)
    file = tmp_path / "mine.toml"
    file.write_text(text)
    assert run("parameters", "--config", file) == (0, text)


def test_tasks_lists_every_task() -> None:
    code, text = run("tasks", "--suite", "libero_spatial")
    assert code == 0
    assert text.count("pick_up_the_black_bowl") == 10


def test_the_name_of_a_run_is_short() -> None:
    milk, soup = find_task(MILK), find_task(SOUP)
    assert run_name([milk]) == "milk"
    assert run_name([milk, soup]) == "2-tasks"


def test_every_known_error_exists() -> None:
    for name in EXIT_CODES:
        module, _, kind = name.rpartition(".")
        assert issubclass(getattr(importlib.import_module(module), kind), Exception)
        assert getattr(importlib.import_module(module), kind).__module__ == module


@pytest.mark.sim
def test_demonstrations_are_written_once_and_sft_reads_them(tmp_path: Path) -> None:
    out = tmp_path / "demos"
    code, text = run("demonstrate", "--task", MILK, "--count", 2, "--out", out)
    file = out / f"{MILK}_demo.hdf5"
    assert (code, file.exists()) == (0, True)
    assert re.search(rf"1/1 {MILK}: 2 of \d+ states solved", text)
    code, text = run("demonstrate", "--task", MILK, "--count", 2, "--out", out)
    assert (code, str(file) in text) == (1, True)
    code, text = run("sft", "--task", SOUP, "--demos", out, "--run-dir", tmp_path / "runs")
    assert code == 1
    assert f"{out}: no demonstration of {SOUP}; there are those of {MILK}" in text
    assert not (tmp_path / "runs").exists()


def test_help_and_mistakes_need_no_torch() -> None:
    script = (
        "import sys; from typer.testing import CliRunner; from tgrpo.cli.app import app\n"
        "for arguments in (['train', '--help'], ['parameters'], ['train', '--set', 'x=1']):\n"
        "    CliRunner().invoke(app, arguments)\n"
        "print([name for name in ('torch', 'mujoco', 'libero') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.sim
def test_evaluation_writes_json(tmp_path: Path) -> None:
    path, out = tmp_path / "fresh.safetensors", tmp_path / "out" / "result.json"
    save_policy(path, make_policy("tiny"), extra={"tasks": [MILK]})
    code, text = run(
        *("eval", path, "--episodes", 1, "--split", "validation", "--workers", 1),
        *("--rewards", TASKS, "--json", out),
    )
    assert code == 0
    assert "on validation states" in text
    result = json.loads(out.read_text())
    assert result["protocol"]["split"] == "validation"
    (task,) = result["tasks"]
    assert (task["task"], task["episodes"], task["stages"]) == (MILK, 1, 5)
    assert task["outcomes"][0]["steps"] in range(1, 281)


@pytest.mark.sim
def test_ctrl_c_ends_a_run_with_130_and_leaves_its_folder(runs: Path) -> None:
    command = [
        *(sys.executable, "-m", "tgrpo", "train", "--rewards", str(TASKS), "--task", MILK),
        *("--run-dir", str(runs), "--demos", "1", "--set", "sft.steps=5", "--workers", "2"),
    ]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that the signal reaches the whole group, as a terminal's does
    )
    assert process.stdout is not None
    for line in process.stdout:
        if " validate " in line:
            break
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=240)
    assert process.returncode == 130, error
    assert "Traceback" not in error
    (folder,) = runs.iterdir()
    assert f"interrupted; {folder} keeps what was finished" in error
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"config.toml", "run.json", "metrics.jsonl", "sft.safetensors"} <= names
    assert "results.json" not in names
    deadline = time.monotonic() + 20  # multiprocessing's own tracker ends a moment later
    while _has_processes(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _has_processes(process.pid)


def _has_processes(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
