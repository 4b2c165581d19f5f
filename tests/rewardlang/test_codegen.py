"""The Python that programs become: deterministic, traceable to the program, safe to run."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewardlang import ir
from rewardlang.checking import library
from rewardlang.codegen import atoms
from rewardlang.codegen.emit import Code, emit
from rewardlang.codegen.page import Page, comment
from rewardlang.codegen.sharing import Scope
from rewardlang.source import Source, Span
from tests.rewardlang.programs import (
    PREDICATES,
    all_,
    and_,
    atom,
    measure,
    place_in,
    program,
    random_program,
    seq,
    stage,
)
from tests.rewardlang.worlds import DRAWER, reader, wander

ROOT = Path(__file__).parents[2]


def test_every_word_of_the_vocabulary_can_be_compiled() -> None:
    assert set(library.PREDICATES) <= atoms.PREDICATES
    assert set(library.MEASURES) <= atoms.MEASURES
    assert set(PREDICATES) == atoms.PREDICATES, "the random programs use all of it"


@pytest.mark.parametrize("predicate", sorted(library.PREDICATES))
def test_a_predicate_has_a_degree_where_the_vocabulary_says_so(predicate: str) -> None:
    assert bool(library.PREDICATES[predicate].degree) == (atoms._DEGREES[predicate] is not None)


def test_equal_programs_give_equal_text_in_any_process() -> None:
    made = (
        "from random import Random;"
        "from rewardlang.codegen.emit import emit;"
        "from tests.rewardlang.programs import random_program;"
        "print(emit(random_program(Random(7))).text)"
    )
    texts = [
        subprocess.run(
            [sys.executable, "-c", made],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert texts[0] == texts[1] == emit(random_program(Random(7))).text + "\n"


@settings(max_examples=30)
@given(st.randoms(use_true_random=False))
def test_the_text_is_python_with_a_line_map_of_its_length(rng: Random) -> None:
    code = emit(random_program(rng))
    ast.parse(code.text)
    assert len(code.line_map) == code.text.count("\n")


def test_each_line_of_a_stage_names_its_line_in_the_program() -> None:
    text = (
        "seq {\n"
        "  stage reach { until near(gripper, cup) }\n"
        "  stage lift {\n"
        "    until lifted(cup, 8 cm)\n"
        "      and upright(cup, 30 deg)\n"
        "    while grasped(cup)\n"
        "  }\n"
        "}\n"
    )

    def span(words: str) -> Span:
        start = text.index(words)
        return Span(start, start + len(words))

    until = and_(
        replace(atom("lifted", "cup_1", 0.08), span=span("lifted(cup, 8 cm)")),
        replace(atom("upright", "cup_1", 0.5), span=span("upright(cup, 30 deg)")),
    )
    lift = stage("lift", replace(until, span=span("lifted")))
    lift = replace(
        lift,
        span=span("stage lift {"),
        while_=replace(atom("grasped", "cup_1"), span=span("grasped(cup)")),
    )
    reach = replace(stage("reach", atom("near", "gripper", "cup_1")), span=span("stage reach"))
    played = program(replace(seq(reach, lift), span=span("seq")))
    code = emit(replace(played, source=Source(text, "cup.rl")))

    places = dict(zip(code.text.splitlines(), code.line_map, strict=True))
    (tilted,) = [line for line in places if "and (tilt(" in line or "and tilt(" in line]
    assert places[tilted] == span("upright(cup, 30 deg)")
    assert tilted.endswith("# 5 upright(cup_1, 0.5)")
    held = [line for line in places if line.endswith("# 6 grasped(cup_1)")]
    assert any(line.strip().startswith("return v[") for line in held)
    assert {places[line] for line in held} == {span("grasped(cup)")}
    assert "# stage lift; line 3: stage lift {" in places
    assert places["# stage lift; line 3: stage lift {"] == lift.span


NASTY = [
    "x\n    import os",
    "x'); __import__('os').abort(); ('",
    'x" + str(1/0) + "',
    "x\r__import__('os').abort()",
    "x\u2028y\x0cz\x85w",
    "{boom}",
    "coding: rot13",
    "\\",
]


@pytest.mark.parametrize("nasty", NASTY)
def test_no_name_of_a_program_can_leave_its_comment_or_label(nasty: str) -> None:
    node = place_in("cup_1", "basket_1_contain_region", name=nasty)
    played = replace(
        program(all_(node, stage(nasty, atom("grasped", "cup_1")))),
        task=nasty,
        scene=nasty,
        source=Source(f"{nasty}\n{nasty}", nasty),
        penalties=(ir.Penalty(nasty, 0.1, atom("released", "cup_1"), Span(0, 1)),),
    )
    code = emit(played)
    plain = emit(
        replace(
            program(
                all_(
                    place_in("cup_1", "basket_1_contain_region", name="tidy"),
                    stage("only", atom("grasped", "cup_1")),
                )
            ),
            penalties=(ir.Penalty("p", 0.1, atom("released", "cup_1"), Span(0, 1)),),
        )
    )
    assert _without_labels(code.text) == _without_labels(plain.text)
    assert "coding" not in "".join(code.text.splitlines()[:2])


def _without_labels(text: str) -> str:
    """The program's logic: its syntax tree with all strings alike."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = "label"
    return ast.dump(tree)


def test_comments_are_one_line_of_printable_text() -> None:
    assert comment("a\nb\u2028c\td") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c" + (
        "\N{REPLACEMENT CHARACTER}d"
    )


def test_a_page_keeps_lines_and_spans_together() -> None:
    page = Page(Source("one\ntwo\n"))
    with page.function("f(x)", Span(4, 7)):
        page.add("return x", Span(0, 3), "note")
    assert [line.split() for line in page.lines] == [
        [],
        [],
        ["def", "f(x):", "#", "2"],
        ["return", "x", "#", "1", "note"],
    ]
    assert page.spans == [None, None, Span(4, 7), Span(0, 3)]


def test_facts_are_asked_for_once_and_only_where_needed() -> None:
    near = atom("near", "gripper", "cup_1")
    code = emit(program(seq(stage("a", near), stage("b", near), stage("c", atom("open", DRAWER)))))
    assert [str(fact) for fact in code.requirements.facts] == [
        "gripper frame",
        "frame of cup_1",
        f"openness of {DRAWER}",
    ]


def test_contact_is_the_same_fact_whoever_is_named_first() -> None:
    code = emit(
        program(
            seq(
                stage("a", atom("touching", "cup_1", "plate_1")),
                stage("b", atom("touching", "plate_1", "cup_1")),
                stage("c", atom("touching", "gripper", "cup_1")),
                stage("d", atom("touching", "cup_1", "gripper")),
            )
        )
    )
    kinds = [str(fact) for fact in code.requirements.facts if "contact" in str(fact)]
    assert kinds == ["contact of cup_1, plate_1", "contact with the gripper of cup_1"]


def test_only_names_that_are_used_are_imported() -> None:
    code = emit(program(stage("a", atom("at_least", measure("openness", DRAWER), 0.5))))
    assert "from rewardlang.runtime.degrees import rising\n" in code.text
    assert "geometry" not in code.text


def of(said: ir.Expr, *later: ir.Stage, while_: ir.Expr | None = None) -> str:
    """The judge of a first stage."""
    text = emit(program(seq(replace(stage("a", said), while_=while_), *later))).text
    (judge,) = (part for part in text.split("\n\n\n") if part.startswith("def judge_1("))
    return judge


def test_what_a_stage_asks_several_times_is_worked_out_once() -> None:
    near, wider = atom("near", "gripper", "cup_1", 0.03), atom("near", "gripper", "cup_1", 0.08)
    judge = of(near, replace(stage("b", atom("grasped", "cup_1")), while_=wider), while_=wider)
    assert judge.count("point_gap(") == 1, judge
    assert "if point_gap_1 <= 0.08:" in judge
    assert "until = point_gap_1 <= 0.03" in judge
    assert ", point_gap_1, 0.03)" in judge


def test_what_is_asked_once_has_no_name_and_may_never_be_worked_out() -> None:
    judge = of(atom("grasped", "cup_1"), stage("b", atom("over", "cup_1", "plate_1", 0.02)))
    assert "if until or side_gap(" in judge


def test_a_value_is_named_behind_what_may_return_before_it() -> None:
    judge = of(
        atom("near", "cup_1", "plate_1", 0.03), while_=atom("over", "cup_1", "basket_1", 0.1)
    )
    before, _, after = judge.partition(" = gap(")
    assert "return" in before
    assert after.count("gap_") >= 2


def test_functions_with_like_names_are_told_apart() -> None:
    scope = Scope(page := Page(Source("")), ["gap(v, 0, 18) + side_gap(v, 0, 18)", "gap(v, 0, 18)"])
    assert scope("gap(v, 0, 18) + side_gap(v, 0, 18)", None) == "gap_1 + side_gap(v, 0, 18)"
    assert scope("gap(v, 0, 18)", None) == "gap_1"
    assert page.lines == ["gap_1 = gap(v, 0, 18)"]


@settings(max_examples=40)
@given(st.randoms(use_true_random=False), st.integers(0, 2**20))
def test_control_apart_from_values_says_the_same(rng: Random, seed: int) -> None:
    """To the last bit; only terms of unfinished stages in what has just ended may be older."""
    played = random_program(rng)
    together, apart = emit(played), emit(played, apart=True)
    assert together.requirements == apart.requirements
    first, *later = map(reader(together.requirements), wander(seed, 25))
    one, other = run(together), run(apart)
    m, n = one["reset"](first.values), other["reset"](first.values)
    for now in later:
        native = rng.random() < 0.02
        answers = [
            code["step"](now.values, slots, native, 20, 2.0)
            for code, slots in ((one, m), (other, n))
        ]
        assert answers[0] == answers[1]
        assert one["active"](m) == other["active"](n)


def run(code: Code) -> dict[str, Any]:
    functions: dict[str, Any] = {}
    exec(code.text, functions)
    return functions
