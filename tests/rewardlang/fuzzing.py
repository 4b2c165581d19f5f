"""What must hold for any text whatever, and texts that are nearly programs.

`hunt.py` looks for texts for which it does not; `test_fuzzing.py` is the short, fixed portion.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import rewardlang
from rewardlang.diagnostics import render
from rewardlang.syntax.formatter import format_program

CORPUS = Path(__file__).parent / "corpus"
TASKS = Path(__file__).parents[2] / "tasks"
SECONDS_PER_KILOBYTE = 1.0  # of CPU; ordinary text takes a hundredth

TOKEN = re.compile(r"[a-z][a-z0-9_]*|[0-9]+(?:\.[0-9]+)?|\"[^\"\n]*\"|#[^\n]*|\s+|.", re.DOTALL)
_ODD = (
    *("{", "}", "(", ")", '"', "#", "\n", "\r", "\t", "\0", "\ufeff", "é", "𝄞", "99999", "0", "%"),
    *("while", "until", "not", "and", "or", "for", "steps", "use", "keep", "any", "```"),
)


def examine(text: str) -> None:
    """Raise AssertionError where the front end breaks a promise about `text`."""
    start = time.process_time()
    analysis = rewardlang.analyze(text)
    for diagnostic in analysis.diagnostics:
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
    render(analysis.diagnostics, analysis.source)
    if analysis.tree is not None and not any(d.is_error for d in analysis.diagnostics):
        formatted = format_program(analysis.tree)
        again = rewardlang.analyze(formatted)
        assert again.tree is not None
        assert format_program(again.tree) == formatted
    if analysis.program is not None:
        rewardlang.compile(analysis.program)
    spent = time.process_time() - start
    assert spent < SECONDS_PER_KILOBYTE * (2 + len(text) / 1024), f"{spent:.1f} s of CPU"


@cache
def _programs() -> tuple[list[str], ...]:
    """The shipped programs as tokens."""
    return tuple(TOKEN.findall(path.read_text("utf-8")) for path in sorted(TASKS.rglob("*.rl")))


def damaged(rng: random.Random) -> str:
    """A shipped program with tokens dropped, doubled, moved, swapped or replaced."""
    tokens = list(rng.choice(_programs()))
    for _ in range(rng.choice((1, 1, 2, 3, 8, 40))):
        tokens = damage(tokens, rng)
    return "".join(tokens)


def damage(tokens: Sequence[str], rng: random.Random) -> list[str]:
    result = list(tokens) or [" "]
    i, j = rng.randrange(len(result)), rng.randrange(len(result))
    match rng.randrange(7):
        case 0:
            del result[i]
        case 1:
            result.insert(j, result[i])
        case 2:
            result[i], result[j] = result[j], result[i]
        case 3:
            result[i] = rng.choice(_ODD)
        case 4:
            result[i] = rng.choice(rng.choice(_programs()))
        case 5:
            low, high = sorted((i, j))
            result[low:high] = result[low:high] * rng.choice((0, 2))
        case _:
            result.insert(i, rng.choice(_ODD) * rng.choice((1, 2, 200)))
    return result
