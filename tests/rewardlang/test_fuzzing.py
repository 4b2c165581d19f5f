"""A fixed short portion of the fuzzing: the kept corpus, and damaged programs from fixed seeds."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.rewardlang.fuzzing import CORPUS, damaged, examine

PIECES = 20


@pytest.mark.parametrize("piece", range(PIECES))
def test_kept_inputs_hold(piece: int) -> None:
    files = sorted(CORPUS.iterdir())[piece::PIECES]
    assert files, "the corpus is part of the repository"
    for path in files:
        _examine_file(path)


def _examine_file(path: Path) -> None:
    try:
        examine(path.read_bytes().decode("utf-8", errors="replace"))
    except Exception as error:  # raised again, with the input's name
        error.add_note(f"input: {path}")
        raise


@pytest.mark.parametrize("seed", range(150))
def test_damaged_programs_hold(seed: int) -> None:
    examine(damaged(random.Random(seed)))


BRACKETS = ("(", "{", "seq {", "not ", "all { seq {", "near(", "a and (", '"', "#", "use x(")


@pytest.mark.parametrize("part", BRACKETS)
def test_repetition_is_refused_in_time(part: str) -> None:
    head = 'rewardlang 1 task "t" scene "libero_object/x" '
    for text in (part * (60_000 // len(part)), head + part * (50_000 // len(part))):
        examine(text)
