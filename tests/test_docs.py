"""The documentation: what it shows is run, what it names exists, and its links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from rewardlang.checking.library import MACROS, MEASURES, PREDICATES
from rewardlang.cli.app import app
from rewardlang.diagnostics import CODES
from rewardlang.llm.settings import PREFIX, Settings
from tgrpo.cli.app import app as trainer

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
OWN_GOAL = ROOT / "tests" / "rewardlang" / "cases" / "good_own_goal.rl"
_ELISION = "…"


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page that are marked with a language."""
    text = page.read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def in_shell(commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs the lines of a block; the last one's exit code counts."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-ec", commands],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def says(expected: str, printed: str) -> bool:
    """Whether `printed` is what stands in the page; `…` alone on a line stands for any lines."""
    parts = re.split(rf"^{_ELISION}\n", expected, flags=re.MULTILINE)
    return re.fullmatch(r"(?:.*\n)*?".join(map(re.escape, parts)), printed) is not None


def test_an_elision_stands_for_whole_lines_and_for_nothing_else() -> None:
    assert says("a\n…\nd\n", "a\nb\nc\nd\n")
    assert says("…\nd\n", "d\n")
    assert not says("a\n…\nd\n", "a\nb\nxd\n")
    assert not says("a\nd\n", "a\nb\nd\n")


def test_the_tutorial_prints_what_it_shows(tmp_path: Path) -> None:
    page = DOCS / "tutorial.md"
    commands, outputs = blocks(page, "sh"), blocks(page, "text")
    assert len(commands) == len(outputs) >= 6
    for command, expected in zip(commands, outputs, strict=True):
        done = in_shell(command, tmp_path)
        assert says(expected, done.stdout), f"{command}\n{done.stdout}"
        assert done.returncode == int(
            "error[" in expected or "1 warning" in expected or "difference in meaning" in expected
        ), command
    assert (tmp_path / "milk_reward.py").is_file()


def test_the_commands_for_a_goal_of_your_own_work(tmp_path: Path) -> None:
    page = DOCS / "howto" / "own-goal.md"
    assert OWN_GOAL.relative_to(ROOT).as_posix() in page.read_text("utf-8")
    shutil.copy(OWN_GOAL, tmp_path / "upright.rl")
    for command in blocks(page, "sh"):
        done = in_shell(command, tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stdout}"


def test_the_commands_for_a_language_model_exist(tmp_path: Path) -> None:
    page = DOCS / "howto" / "generate.md"
    asked = "".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
    for words in map(shlex.split, asked):
        if words[0] == "rewardlang":
            get_command(app).commands[words[1]].make_context(words[1], words[2:])  # no such option
        else:
            assert words[0] == "pip" or (ROOT / words[1]).is_file()
    for command in blocks(page, "sh"):
        assert in_shell(command, tmp_path).returncode == 0
    prompts = (tmp_path / "prompts.jsonl").read_text("utf-8").splitlines()
    assert len(prompts) == 130
    assert json.loads(prompts[0]).keys() == {"scene", "messages"}


def test_the_commands_for_openvla_exist_and_its_plan_is_what_is_shown(tmp_path: Path) -> None:
    page = DOCS / "howto" / "openvla.md"
    for words in map(shlex.split, "".join(blocks(page, "bash")).splitlines()):
        assert words[0] == "tgrpo"
        get_command(trainer).commands[words[1]].make_context(words[1], words[2:])  # no such option
    (command,), (expected,) = blocks(page, "sh"), blocks(page, "text")
    printed = in_shell(command, tmp_path).stdout
    assert says(expected, "\n".join(map(str.rstrip, printed.splitlines())) + "\n")


def test_the_variables_for_a_language_model_are_those_that_are_read() -> None:
    text = (DOCS / "howto" / "generate.md").read_text("utf-8")
    for name in Settings.model_fields:
        assert f"`{name}`" in text
        assert f"`--{name.replace('_', '-')}`" in text
    named = {word.lower() for word in re.findall(rf"`{PREFIX}(\w+)`", text)}
    assert named <= Settings.model_fields.keys()
    (config,) = blocks(DOCS / "howto" / "generate.md", "toml[^\n]*")
    assert Settings(**tomllib.loads(config)["endpoint"]).timeout == 600


def test_the_scene_of_the_howto_can_be_used() -> None:
    namespace: dict[str, object] = {}
    for block in blocks(DOCS / "howto" / "new-scene.md", "python"):
        exec(block, namespace)
    assert namespace["analysis"].ok


def test_the_commands_for_a_bddl_file_work(tmp_path: Path) -> None:
    page = DOCS / "howto" / "new-scene.md"
    file = tmp_path / "my_suite" / "put_the_milk_in_the_basket.bddl"
    file.parent.mkdir()
    (text,) = blocks(page, "lisp")
    assert file.relative_to(tmp_path).as_posix() in page.read_text("utf-8")
    file.write_text(text, "utf-8")
    for command in blocks(page, "sh"):
        done = in_shell(command, tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stdout}"
    assert (tmp_path / "my_programs" / "my_suite" / f"{file.stem}.rl").is_file()


@pytest.mark.sim
def test_the_environment_of_the_howto_runs() -> None:
    page = DOCS / "howto" / "gymnasium.md"
    program, adapter = blocks(page, "python")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\[.*\] \[.*\] \[.*\]\n", done.stdout)
    pytest.importorskip("stable_baselines3")
    exec(adapter, {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(
        r"[`\"]((?:rewardlang|tgrpo|tests|tasks|docs)/[\w./]*)[`\"]", page.read_text("utf-8")
    )
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing


# ---------------------------------------------------------------- the site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as `make docs` builds it: a link that leads nowhere is an error."""
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.full
def test_every_code_has_its_place_in_the_site(site: Path) -> None:
    listed = (site / "codes" / "index.html").read_text("utf-8")
    for code in CODES:
        text = (site / "codes" / code / "index.html").read_text("utf-8")
        assert f'<h1 id="{code}">' in text
        assert 'id="wrong"' in text
        assert 'id="right"' in text
        assert f'href="{code}/"' in listed


@pytest.mark.full
def test_every_word_of_the_vocabulary_has_its_place_in_the_site(site: Path) -> None:
    text = (site / "reference" / "vocabulary" / "index.html").read_text("utf-8")
    headings = re.findall(r'<h3 id="[^"]*"><code>([^<]*)</code>', text)
    assert headings == [*PREDICATES, *MEASURES, *MACROS]


@pytest.mark.full
def test_every_command_has_its_place_in_the_site(site: Path) -> None:
    for name in ("rewardlang", "tgrpo"):
        text = (site / "reference" / name / "index.html").read_text("utf-8")
        done = in_shell(f"{name} --help", ROOT)
        commands = re.findall(r"^  ([a-z-]+)  ", done.stdout.split("Commands:")[1], re.MULTILINE)
        assert len(commands) >= 8
        for command in commands:
            assert f"<code>{name} {command}</code>" in text


@pytest.mark.full
def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        fetched = re.findall(
            r'<(?:script|img|link rel="(?:stylesheet|icon)")[^>]*="(https?:[^"]*)', text
        )
        assert not fetched, page
