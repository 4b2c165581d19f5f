"""The VS Code extension: its highlighting knows the words of the language, and it builds."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from rewardlang.api import analyze
from rewardlang.checking.library import GRIPPER, HANDLE, MACROS, MEASURES, PREDICATES
from rewardlang.datatypes import UNITS
from rewardlang.files import SUFFIX
from rewardlang.lsp.keywords import KEYWORDS, UNIT_WORDS

EXTENSION = Path(__file__).parents[2] / "editors" / "vscode"
GRAMMAR = resources.files("rewardlang.syntax").joinpath("grammar.lark").read_text("utf-8")
WORDS = set(re.findall(r'"([a-z]+)"', GRAMMAR)) - set(UNITS)


def read(name: str) -> Any:
    return json.loads((EXTENSION / name).read_text("utf-8"))


HIGHLIGHTING = read("syntaxes/rewardlang.tmLanguage.json")


def listed(rule: str) -> set[str]:
    """The words that a rule of the highlighting lists, in its longest choice."""
    choices = re.findall(r"[a-z_]+(?:\|[a-z_]+)+", HIGHLIGHTING["repository"][rule]["match"])
    return set(max(choices, key=len).split("|"))


def test_every_keyword_is_highlighted_once() -> None:
    rules = [listed(rule) for rule in ("structure", "clause", "operator", "mode")]
    assert set.union(*rules) == WORDS
    assert sum(map(len, rules)) == len(WORDS)


def test_every_unit_is_highlighted() -> None:
    assert listed("quantity") | {"%"} == set(UNITS)
    assert "(%)" in HIGHLIGHTING["repository"]["quantity"]["match"]


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ("predicate", set(PREDICATES)),
        ("measure", set(MEASURES)),
        ("macro", set(MACROS)),
        ("thing", {GRIPPER, HANDLE}),
    ],
)
def test_every_name_of_the_vocabulary_is_highlighted(rule: str, names: set[str]) -> None:
    assert listed(rule) == names, f"should be: {'|'.join(sorted(names))}"


def test_every_word_of_the_language_is_explained_in_an_editor() -> None:
    assert set(KEYWORDS) == WORDS
    assert set(UNIT_WORDS) == set(UNITS)


def test_labels_are_those_of_the_grammar() -> None:
    """What may be named in the grammar is what the highlighting takes for a label."""
    named = set(re.findall(r'"([a-z]+)" NAME(?! "[=(])', GRAMMAR)) - {"object"}
    assert set(listed("label")) == named


@pytest.mark.parametrize("path", sorted((EXTENSION / "test").glob("*.rl")), ids=lambda p: p.stem)
def test_the_programs_of_the_snapshots_have_no_errors(path: Path) -> None:
    assert analyze(path.read_text("utf-8")).ok
    assert path.with_name(f"{path.name}.snap").is_file()


def test_the_extension_says_what_the_package_says() -> None:
    package = read("package.json")
    language = package["contributes"]["languages"][0]
    assert language["extensions"] == [SUFFIX]
    assert language["id"] == package["contributes"]["grammars"][0]["language"] == "rewardlang"
    assert package["contributes"]["grammars"][0]["scopeName"] == HIGHLIGHTING["scopeName"]


def test_the_lock_file_names_no_host() -> None:
    text = (EXTENSION / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in text
    assert "integrity" in text


@pytest.mark.full
@pytest.mark.skipif(shutil.which("npm") is None, reason="Node is not installed")
def test_the_extension_builds_and_highlights(tmp_path: Path) -> None:
    copy = tmp_path / "vscode"
    shutil.copytree(EXTENSION, copy, ignore=shutil.ignore_patterns("node_modules", "out"))
    for command in (["npm", "ci", "--no-audit", "--no-fund"], ["npm", "test"]):
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert (copy / "out" / "extension.js").stat().st_size > 10_000
