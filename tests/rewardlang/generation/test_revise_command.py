"""`rewardlang edit` and `repair` against a real server: what is asked, told and written."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rewardlang.cli import app
from tests.rewardlang.generation.scripted import GOOD, WARNED, WRONG
from tests.rewardlang.llm.misbehaving import Script, misbehaving, saying

OTHER = GOOD.replace("lifted(milk, 16 cm)", "lifted(milk, 17 cm)")


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings, and no kept answers, of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith(("OPENAI_", "REWARDLANG_"))]:
        monkeypatch.delenv(name)
    for name in ("cache", "config"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path / name))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A good program of the user's."""
    file = tmp_path / "mine.rl"
    file.write_text(GOOD, encoding="utf-8")
    return file


def edit(script: Script, program: Path, *more: object) -> tuple[int, str]:
    """Exit code and all that is printed; nobody is there to confirm."""
    options = ("--base-url", script.base_url, "--attempts", "1", *map(str, more))
    result = CliRunner().invoke(app, ["edit", str(program), "lift it higher", *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_a_file_that_changes_is_confirmed_and_a_new_one_is_not(
    program: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "other.rl"
    with misbehaving(saying(OTHER)) as script:
        code, said = edit(script, program)
        assert (code, program.read_text("utf-8")) == (1, GOOD)
        assert "nothing is written; --yes writes without asking" in said
        code, said = edit(script, program, "--out", out)
        assert (code, out.read_text("utf-8"), program.read_text("utf-8")) == (0, OTHER, GOOD)
        assert f"wrote {out}" in said
        out.write_text("my edit")
        assert edit(script, program, "--out", out)[0] == 1
        assert out.read_text() == "my edit"
        assert edit(script, program, "--out", out, "--yes")[0] == 0
        assert out.read_text("utf-8") == OTHER


@pytest.mark.parametrize("place", ["mine.rl/below/other.rl", "folder"])
def test_a_place_that_cannot_be_written_is_said_before_anything_is_paid(
    place: str, program: Path, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    with misbehaving(saying(OTHER)) as script:
        code, said = edit(script, program, "--out", tmp_path / place)
        assert script.asked == []
    assert code == 1
    assert re.search(r"error: cannot (write|make the folder) ", said)


def test_a_program_that_fails_is_told_with_the_options_there_are(program: Path) -> None:
    with misbehaving(saying(WRONG)) as script:
        code, said = edit(script, program, "--yes")
    assert (code, program.read_text("utf-8")) == (1, GOOD)
    assert said.endswith("the best of 1 answer has 1 error; --attempts asks more often\n")
    with misbehaving(saying(GOOD)) as script:
        program.write_text(WRONG)
        options = ["--base-url", script.base_url, "--no-audit", "--yes"]
        result = CliRunner().invoke(app, ["repair", str(program), *options])
        assert (result.exit_code, program.read_text("utf-8")) == (0, GOOD)


def test_a_warning_is_told_under_the_path_that_is_written(program: Path) -> None:
    with misbehaving(saying(WARNED)) as script:
        code, said = edit(script, program, "--yes")
    assert code == 0
    assert f"--> {program}:" in said
    assert said.index("warning[") < said.index(f"wrote {program}")
