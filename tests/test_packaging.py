"""The wheel carries what the language needs, and the language needs nothing heavy."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rewardlang.diagnostics import CODES

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--quiet",
        "-w",
        str(out),
        str(ROOT),
    ]
    subprocess.run(command, check=True, timeout=300)
    return next(out.glob("*.whl"))


def test_wheel_carries_grammar_scenes_rules_states_and_presets(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("grammar.lark") for name in names)
    for suite in ("libero_spatial", "libero_object", "libero_goal", "libero_10", "libero_90"):
        assert f"rewardlang/scenes/{suite}.json" in names
    assert "tgrpo/presets/quickstart.toml" in names
    assert "rewardlang/scoring/templates/page.html.jinja" in names
    assert sum(name.endswith(".npz") for name in names) >= 20
    for code in CODES:
        assert f"rewardlang/rules/{code}.md" in names
    assert not any("tests/" in name for name in names)


@pytest.mark.full
def test_the_language_alone_in_an_empty_environment(wheel, tmp_path):
    """`pip install rewardlang` without extras: check works, torch and mujoco are not there."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    constraints = str(ROOT / "constraints.txt")
    install = [str(python), "-m", "pip", "install", "--quiet", "-c", constraints, str(wheel)]
    subprocess.run(install, check=True, timeout=600)
    check = [str(tmp_path / "env" / "bin" / "rewardlang"), "check", "--strict", str(ROOT / "tasks")]
    done = subprocess.run(check, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    probe = "import importlib.util as u; print(u.find_spec('torch'), u.find_spec('mujoco'))"
    done = subprocess.run([str(python), "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "None"]
