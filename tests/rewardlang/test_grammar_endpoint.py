"""A real model behind llama.cpp's server, held to the grammar: every answer is a program.

What the model says is of no use; that it cannot say anything that does not check is the point.
"""

from __future__ import annotations

from pathlib import Path

import openai
import pytest

import rewardlang
from rewardlang.grammars.build import build
from rewardlang.grammars.lengths import max_tokens
from rewardlang.grammars.naming import numbered
from rewardlang.grammars.print_gbnf import gbnf
from tests.rewardlang.local_endpoint import LocalEndpoint
from tests.rewardlang.plain import plain
from tests.rewardlang.shipped import SHIPPED, name

TWENTY = [SHIPPED[n * 13 // 2] for n in range(20)]  # of all suites
SHORT = SHIPPED[0]


def prompt(path: Path) -> str:
    """The task, with a program of another one to show what is wanted."""
    text, scene = plain(SHIPPED[(SHIPPED.index(path) + 40) % len(SHIPPED)])
    _, own = plain(path)
    return f"Task: {scene.instruction}\n{text}\nTask: {own.instruction}\n"


def asked(endpoint: LocalEndpoint, path: Path) -> rewardlang.Analysis:
    """The model's program for a task, analysed."""
    _, scene = plain(path)
    grammar = build(scene)
    client = openai.OpenAI(base_url=endpoint.base_url, api_key="none", max_retries=0, timeout=500)
    answer = client.chat.completions.create(
        model=endpoint.model,
        messages=[{"role": "user", "content": prompt(path)}],
        max_tokens=max_tokens(grammar),
        temperature=0,
        seed=1,
        extra_body={"grammar": gbnf(grammar)},
    )
    text = answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop", text  # cut off is no answer
    assert text is not None
    tree = rewardlang.analyze(text).tree
    assert tree is not None, text
    return rewardlang.analyze(rewardlang.format_program(numbered(tree)), scene=scene)


@pytest.mark.parametrize(
    "path",
    [SHORT, *(pytest.param(path, marks=pytest.mark.full) for path in TWENTY if path != SHORT)],
    ids=name,
)
def test_what_the_model_writes_checks(local_endpoint: LocalEndpoint, path: Path) -> None:
    analysis = asked(local_endpoint, path)
    assert analysis.ok, [(d.code, d.message) for d in analysis.diagnostics if d.is_error]
    assert analysis.program is not None
