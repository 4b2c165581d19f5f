"""A BDDL file in a folder of scenes, for all questions about such files."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewardlang.scene.folders import VARIABLE
from tests.rewardlang.bddl_text import bddl_text
from tests.rewardlang.scene_files.kitchen import MILK


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """`<folder>/kitchen/put_the_milk_in_the_basket.bddl`."""
    path = tmp_path / "kitchen" / "put_the_milk_in_the_basket.bddl"
    path.parent.mkdir()
    path.write_text(bddl_text(MILK))
    return path


@pytest.fixture
def folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of `file`'s suite, known."""
    monkeypatch.setenv(VARIABLE, str(file.parent.parent))
    return file.parent.parent
