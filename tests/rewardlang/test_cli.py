"""The `rewardlang` command: what it prints, what it writes, how it exits."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from rewardlang.cli import app
from rewardlang.files import why_not_writable, write_whole

CASES = Path(__file__).parent / "cases"
GOOD = (CASES / "good_own_goal.rl").read_text("utf-8")


def run(*args: object, text: bytes | None = None) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args], input=text)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "milk.rl"
    path.write_text(GOOD, "utf-8")
    return path


# ---------------------------------------------------------------- check


def test_check_says_what_is_right(program: Path) -> None:
    result = run("check", program)
    assert result.exit_code == 0
    assert result.output == "1 program: no errors, no warnings\n"


def test_check_shows_everything_that_is_wrong(program: Path) -> None:
    program.write_text(GOOD.replace("milk_1", "milk").replace("30 deg", "30"), "utf-8")
    result = run("check", program, program.parent / "none.rl")
    assert result.exit_code == 1
    assert "error[unknown-object]: `milk` is not in this scene" in result.output
    assert f"--> {program}:5:15" in result.output
    assert "error[missing-unit]: `30` has no unit" in result.output
    assert "error[unreadable-file]: no such file or directory" in result.output
    assert result.output.endswith("1 program: 3 errors, no warnings\n")


def test_check_searches_folders(program: Path) -> None:
    below = program.parent / "suite" / "task.rl"
    below.parent.mkdir()
    below.write_text(GOOD, "utf-8")
    (program.parent / "notes.txt").write_text("no program", "utf-8")
    assert "2 programs:" in run("check", program.parent).output
    assert "2 programs:" in run("check", program.parent, program, below).output


def test_check_of_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    result = run("check", tmp_path)
    assert result.exit_code == 1
    assert "there is no .rl file in this folder" in result.output
    assert str(tmp_path) in result.output


def test_warnings_fail_only_where_asked_to() -> None:
    case = CASES / "lint_order.rl"
    result = run("check", case)
    assert result.exit_code == 0
    assert "warning[impossible-order]" in result.output
    assert "1 program: no errors, 1 warning" in result.output
    assert run("check", "--strict", case).exit_code == 1


def test_check_as_json(program: Path) -> None:
    result = run("check", "--json", program, CASES / "kinds.rl", CASES / "lint_order.rl", "none")
    assert result.exit_code == 1
    data = json.loads(result.stdout)
    assert (data["programs"], data["warnings"]) == (3, 1)
    assert data["errors"] == len(data["diagnostics"]) - 1
    first = data["diagnostics"][0]
    assert {"code", "severity", "message", "file", "span", "suggestions", "doc"} <= set(first)
    assert json.loads(run("check", "--json", program).stdout)["diagnostics"] == []


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "image.rl"
    path.write_bytes(b"rewardlang 1\ntask \xff\xfe")
    for command in ("check", "fmt", "explain", "compile"):
        result = run(command, path)
        assert result.exit_code == 1
        assert "error[not-utf8]: this is not UTF-8 text: byte 0xff in line 2" in result.output
    assert path.read_bytes() == b"rewardlang 1\ntask \xff\xfe"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(program: Path) -> None:
    program.chmod(0)
    assert "permission denied" in run("check", program).output


def test_a_folder_with_the_name_of_a_program_is_a_folder(program: Path) -> None:
    folder = program.parent / "folder.rl"
    folder.mkdir()
    assert run("check", program.parent).output == "1 program: no errors, no warnings\n"
    assert "there is no .rl file in this folder" in run("check", folder).output


@pytest.mark.parametrize("command", ["explain", "expand", "compile"])
def test_a_folder_where_one_program_is_asked_for(command: str, program: Path) -> None:
    result = run(command, program.parent)
    assert result.exit_code == 1
    assert "error[unreadable-file]: this is a folder; one program is asked for" in result.output


def test_standard_input() -> None:
    result = run("check", "-", text=GOOD.replace("milk_1", "mlk_1").encode())
    assert result.exit_code == 1
    assert "<stdin>:5:15" in result.output
    assert run("fmt", "-", text=GOOD.replace("\n\n", "\n").encode()).output == GOOD
    assert "reach" in run("explain", "-", text=GOOD.encode()).output


# ---------------------------------------------------------------- fmt


def test_fmt_writes_the_canonical_layout_and_keeps_the_mode(program: Path) -> None:
    program.write_text(GOOD.replace("\n\n", "\n").replace(" = ", "="), "utf-8")
    program.chmod(0o640)
    assert run("fmt", program).exit_code == 0
    assert program.read_text("utf-8") == GOOD
    assert stat.S_IMODE(program.stat().st_mode) == 0o640
    assert os.listdir(program.parent) == ["milk.rl"]


def test_fmt_leaves_alone_what_it_cannot_read(program: Path) -> None:
    broken = GOOD.replace("success", "succes").replace("\n\n", "\n")
    program.write_text(broken, "utf-8")
    other = program.with_name("other.rl")
    other.write_text(GOOD.replace("\n\n", "\n"), "utf-8")
    result = run("fmt", program.parent)
    assert result.exit_code == 1
    assert "did you mean `success`?" in result.output
    assert program.read_text("utf-8") == broken
    assert other.read_text("utf-8") == GOOD


def test_fmt_formats_programs_whose_names_are_wrong(program: Path) -> None:
    program.write_text(GOOD.replace("milk_1", "nothing").replace("\n\n", "\n"), "utf-8")
    assert run("fmt", program).exit_code == 0
    assert program.read_text("utf-8") == GOOD.replace("milk_1", "nothing")


def test_fmt_check_and_diff_write_nothing(program: Path) -> None:
    messy = GOOD.replace("object milk = milk_1", "object milk=milk_1")
    program.write_text(messy, "utf-8")
    result = run("fmt", "--check", program)
    assert result.exit_code == 1
    assert result.output == f"would change {program}\n"
    result = run("fmt", "--diff", program)
    assert result.exit_code == 1
    assert "-object milk=milk_1\n+object milk = milk_1\n" in result.output
    assert program.read_text("utf-8") == messy
    program.write_text(GOOD, "utf-8")
    assert run("fmt", "--check", "--diff", program).output == ""
    assert run("fmt", "--check", program).exit_code == 0


def test_fmt_changes_only_line_breaks_where_only_they_are_wrong(program: Path) -> None:
    program.write_text(GOOD.rstrip("\n"), "utf-8")
    assert "only line breaks change" in run("fmt", "--diff", program).output
    run("fmt", program)
    assert program.read_bytes() == GOOD.encode()


def test_fmt_ends_every_line_with_lf_and_says_so(program: Path) -> None:
    messy = GOOD.replace(" = ", "=").replace("\n", "\r\n").encode()
    said = f"{program}: lines end with LF instead of CRLF"
    for written in (messy, GOOD.replace("\n", "\r\n").encode()):
        program.write_bytes(written)
        assert run("check", program).exit_code == 0
        result = run("fmt", "--diff", program)
        assert result.exit_code == 1
        assert result.output.splitlines()[-1] == said
        assert ("+object milk = milk_1" in result.output) == (written == messy)
        assert program.read_bytes() == written
        assert run("fmt", program).exit_code == 0
        assert program.read_bytes() == GOOD.encode()
    assert "LF" in run("fmt", "--help").output


def test_nothing_is_left_of_a_file_that_could_not_be_written(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        write_whole(program, "new")
    assert program.read_text("utf-8") == GOOD
    assert os.listdir(program.parent) == ["milk.rl"]
    program.write_text(GOOD.replace("\n\n", "\n"), "utf-8")
    result = run("fmt", program)
    assert result.exit_code == 1
    assert f"error: cannot write {program}: no space left on device" in result.output


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, "new")
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert pipe.is_fifo()
    assert os.listdir(tmp_path) == ["pipe"]


# ---------------------------------------------------------------- the others


def test_compile_and_explain_refuse_a_program_with_errors() -> None:
    for command in ("compile", "explain"):
        result = run(command, CASES / "kinds.rl")
        assert result.exit_code == 1
        assert "error[wrong-kind]" in result.output


def test_compile_writes_python(program: Path) -> None:
    out = program.with_name("reward.py")
    assert f"wrote {out}" in run("compile", "--out", out, program).output
    compile(out.read_text("utf-8"), str(out), "exec")
    assert run("compile", program).output.strip() == out.read_text("utf-8").strip()
    missing = program.parent / "none" / "reward.py"
    result = run("compile", "--out", missing, program)
    assert result.exit_code == 1
    assert f"error: cannot write {missing}" in result.output


def test_no_command_replaces_what_it_reads(program: Path) -> None:
    link = program.with_name("link.rl")
    link.symlink_to(program)
    for out in (program, link, program.parent / "." / program.name):
        result = run("compile", "--out", out, program)
        assert result.exit_code == 1
        assert f"error: {out} is read, and would be replaced" in result.stderr
        result = run("score", program, "episodes.hdf5", "--json", out)
        assert (result.exit_code, f"error: {out} is read" in result.stderr) == (1, True)
    both = program.with_name("both")
    result = run("score", program, "episodes.hdf5", "--json", both, "--html", both)
    assert f"error: {both} is to hold two things: write them to different files" in result.stderr
    assert program.read_text("utf-8") == GOOD
    assert not both.exists()


def test_a_pipe_can_be_written_and_a_folder_cannot(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    pipe = Path(f"/dev/fd/{writing}")
    assert why_not_writable(pipe) == ""
    write_whole(pipe, "all of it")
    assert os.read(reading, 100) == b"all of it"
    os.close(reading)
    os.close(writing)
    assert why_not_writable(tmp_path) == "it is a folder"


def test_explain_names_every_stage(program: Path) -> None:
    result = run("explain", program)
    assert result.exit_code == 0
    for stage in ("reach", "grasp", "lift", "carry", "lower", "release"):
        assert stage in result.output


def test_scenes_lists_suites_and_tasks() -> None:
    assert "libero_object" in run("scenes").output
    tasks = run("scenes", "libero_object").output
    assert "libero_object/pick_up_the_milk_and_place_it_in_the_basket\n" in tasks
    assert "    pick up the milk and place it in the basket\n" in tasks
    result = run("scenes", "libero_objects")
    assert result.exit_code == 1
    assert "there is no suite `libero_objects`" in result.output


def test_wrong_usage_is_2() -> None:
    for args in (["check"], ["check", "--no-such-option", "x"], ["no-such-command"], ["fmt"]):
        assert run(*args).exit_code == 2


def test_help_and_version() -> None:
    overview = run("--help").output
    for command in ("check", "fmt", "explain", "compile", "scenes", "generate"):
        assert command in overview
        assert "rewardlang " + command in run(command, "--help").output
    for command in ("check", "fmt", "explain", "compile", "scenes"):
        assert "Example" in run(command, "--help").output
    assert run("--version").output.startswith("rewardlang ")


# ---------------------------------------------------------------- the process


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_importing_the_package_is_light() -> None:
    heavy = {"lark", "pydantic", "numpy", "typer", "rich", "jinja2", "openai", "mujoco", "torch"}
    loaded = python("import sys, rewardlang; print(*sys.modules)").split()
    assert not heavy & set(loaded)
    assert not [name for name in loaded if name.startswith("rewardlang.")]


def test_analysing_needs_no_simulator_and_no_network() -> None:
    code = f"import sys, rewardlang; rewardlang.analyze({GOOD!r}); print(*sys.modules)"
    assert not {"mujoco", "torch", "numpy", "openai", "libero"} & set(python(code).split())


def test_output_in_a_pipe_is_plain_and_survives_a_poor_terminal() -> None:
    case = CASES / "kinds.rl"
    done = subprocess.run(
        [sys.executable, "-m", "rewardlang", "check", str(case)],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        check=False,
    )
    assert done.returncode == 1
    assert b"\x1b" not in done.stdout
    assert done.stderr == b""
    assert done.stdout.decode("ascii")
