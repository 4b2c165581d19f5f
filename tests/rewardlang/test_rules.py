"""A page per code: every program on it is checked here, every command is run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from rewardlang.cli import app
from rewardlang.diagnostics import CODES, Diagnostic, render
from rewardlang.rules.pages import UnknownCodeError, examples, page, source
from rewardlang.source import Span
from rewardlang.syntax.formatter import format_program
from tests.rewardlang.shipped import MILK

BY_COMMAND = ("not-utf8", "too-large", "too-many-errors", "unreadable-file")
"""Codes whose examples are commands: the program is too long to be shown, or there is none."""

BY_PROGRAM = sorted(set(CODES) - set(BY_COMMAND))


def rule(*args: str) -> Result:
    return CliRunner().invoke(app, ["rule", *args])


def commands(code: str) -> list[str]:
    """The `sh` blocks of a page."""
    return re.findall(r"^```sh\n(.*?)^```$", source(code), flags=re.DOTALL | re.MULTILINE)


# ---------------------------------------------------------------- pages


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    folder = resources.files("rewardlang.rules")
    pages = {Path(item.name).stem for item in folder.iterdir() if item.name.endswith(".md")}
    assert pages == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_page_says_why_and_shows_wrong_and_right(code: str) -> None:
    prose, *sections = re.split(r"(?m)^## ", source(code))
    assert [section.splitlines()[0] for section in sections] == ["Wrong", "Right"]
    assert len(prose.split()) >= 12
    assert CODES[code].summary not in prose  # it stands with the code
    assert page(code).startswith(f"# {code}\n\n**{CODES[code].severity.value.capitalize()}.** ")


@pytest.mark.parametrize("code", BY_PROGRAM)
def test_the_wrong_program_has_this_code_on_the_marked_lines_and_no_other(code: str) -> None:
    wrong, _ = examples(code)
    analysis = wrong.analysis()
    found = {
        (analysis.source.line_column(item.span.start)[0], item.code)
        for item in analysis.diagnostics
    }
    expected = {(line, code) for line in wrong.lines}
    assert expected
    assert found == expected, render(analysis.diagnostics, analysis.source)


@pytest.mark.parametrize("code", BY_PROGRAM)
def test_the_right_program_has_no_diagnostics_and_the_canonical_layout(code: str) -> None:
    _, right = examples(code)
    analysis = right.analysis()
    assert not analysis.diagnostics, render(analysis.diagnostics, analysis.source)
    assert analysis.tree is not None
    assert format_program(analysis.tree) == right.text


@pytest.mark.parametrize("code", BY_PROGRAM)
def test_a_page_shows_what_check_says_of_the_wrong_program(code: str) -> None:
    analysis = examples(code)[0].analysis()
    shown = page(code)
    assert f"```text\n{render(analysis.diagnostics, analysis.source)}\n```" in shown
    assert shown.count("`rewardlang check` says") == 1


@pytest.mark.parametrize("code", BY_COMMAND)
def test_the_commands_of_a_page_do_what_it_says(code: str, tmp_path: Path) -> None:
    shutil.copytree(MILK.parent, tmp_path / "tasks" / MILK.parent.name)
    wrong, right = (in_shell(command, tmp_path) for command in commands(code))
    assert wrong.returncode == 1
    assert set(re.findall(r"^(?:error|warning)\[(.*?)\]", wrong.stdout, re.MULTILINE)) >= {code}
    assert right.returncode == 0, right.stdout + right.stderr
    assert "no errors, no warnings" in right.stdout


def in_shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"PATH={Path(sys.executable).parent}:$PATH"
    return subprocess.run(
        ["bash", "-ec", f"{path}\n{command}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_diagnostic_points_to_its_page() -> None:
    assert Diagnostic("bad-weight", "m", Span(0, 1)).as_json()["doc"] == "codes/bad-weight"


# ---------------------------------------------------------------- the command


def test_rule_prints_the_page() -> None:
    done = rule("carry-without-grasp")
    assert done.exit_code == 0
    assert done.output == page("carry-without-grasp")


def test_rule_without_a_code_lists_them_all() -> None:
    done = rule()
    assert done.exit_code == 0
    for code in CODES:
        assert re.search(rf"^ {code} +{CODES[code].severity.value} ", done.output, re.MULTILINE)


@pytest.mark.parametrize(
    ("typed", "meant"), [("unknown-objects", "unknown-object"), ("missing_unit", "missing-unit")]
)
def test_a_misspelt_code_is_answered_with_the_nearest(typed: str, meant: str) -> None:
    done = rule(typed)
    assert done.exit_code == 1
    assert f"there is no code `{typed}`; did you mean `{meant}`" in done.output


def test_a_code_like_no_other_is_answered_with_where_to_look() -> None:
    assert "`rewardlang rule` lists them" in rule("xyzzy").output
    with pytest.raises(UnknownCodeError):
        page("../pages")
