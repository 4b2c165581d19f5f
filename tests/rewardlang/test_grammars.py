"""Grammars for constrained decoding: what they accept checks, is bounded, and is enough."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from lark import Lark
from lark.exceptions import UnexpectedInput
from typer.testing import CliRunner

import rewardlang
from rewardlang.cli import app
from rewardlang.grammars.build import build
from rewardlang.grammars.document import NotInGrammarError, drawn, written
from rewardlang.grammars.print_gbnf import gbnf
from rewardlang.grammars.print_json_schema import json_schema
from rewardlang.grammars.print_lark import lark
from rewardlang.inspecting.expansion import expand, without_aliases
from rewardlang.scene import Scene, suite_scenes, suites
from rewardlang.source import Source
from rewardlang.syntax.parser import MAX_CHARACTERS, parse
from tests.rewardlang.gbnf import Gbnf

SCENES = [scene for suite in suites() for scene in suite_scenes(suite).values()]
CHOSEN = SCENES[::13]  # ten, of all suites
TASKS = sorted((Path(__file__).parents[2] / "tasks").rglob("*.rl"))
MILK = rewardlang.load_scene("libero_object/pick_up_the_milk_and_place_it_in_the_basket")
PROGRAM = (
    f'rewardlang 1 task "{MILK.instruction}" scene "{MILK.id}" '
    "seq { stage reach { until CONDITION } } success bddl\n"
)
NOT_CONTEXT_FREE = {"duplicate-name"}  # the one rule that is left to the checker


def plain(text: str) -> tuple[str, Scene]:
    """A program as the grammars have it: macros written out, no aliases, no comments."""
    analysis = rewardlang.analyze(text)
    assert analysis.tree is not None
    assert analysis.scene is not None
    shown = rewardlang.format_program(without_aliases(expand(analysis.tree)))
    lines = [line for line in shown.splitlines() if not line.lstrip().startswith("#")]
    shown = re.sub(r" +#.*", "", "\n".join(lines))
    return re.sub(r"\n{3,}", "\n\n", shown) + "\n", analysis.scene


@cache
def recogniser(scene_id: str | None) -> Gbnf:
    return Gbnf(gbnf(build(rewardlang.load_scene(scene_id) if scene_id else None)))


def errors(text: str) -> set[str]:
    return {found.code for found in rewardlang.analyze(text).diagnostics if found.is_error}


# ---------------------------------------------------------------- what is accepted checks


@pytest.mark.parametrize("scene", CHOSEN, ids=lambda scene: scene.id)
def test_random_programs_of_a_scene_s_grammar_check(scene: Scene) -> None:
    grammar, seen = build(scene), set()
    for seed in range(30):
        text = written(grammar, drawn(grammar, Random(seed)))
        assert errors(text) <= NOT_CONTEXT_FREE, text
        assert len(text) <= grammar.longest()
        seen |= set(re.findall(r"\b(seq|all|any|keep|live|progress|use|not|or|penalty)\b", text))
    assert len(seen) == 10  # the draw reaches every corner of the language


def test_random_programs_of_any_scene_s_grammar_parse() -> None:
    grammar = build()
    for seed in range(30):
        text = written(grammar, drawn(grammar, Random(seed)))
        assert parse(Source(text)).diagnostics == ()


def test_every_accepted_text_is_short_enough_to_be_read() -> None:
    for scene in SCENES[::5]:
        assert build(scene).longest() <= MAX_CHARACTERS, scene.id
    assert build().longest() <= MAX_CHARACTERS


# ---------------------------------------------------------------- what is needed is accepted


@pytest.mark.parametrize("suite", suites())
def test_shipped_programs_are_accepted(suite: str) -> None:
    for path in [path for path in TASKS if path.parent.name == suite][::3]:
        text, scene = plain(path.read_text("utf-8"))
        assert recogniser(scene.id).accepts(text), text
        assert recogniser(None).accepts(text), text


@pytest.mark.parametrize("path", TASKS[::65], ids=lambda path: path.stem)
def test_the_lark_form_is_lalr_and_accepts_the_same(path: Path) -> None:
    text, scene = plain(path.read_text("utf-8"))
    grammar = build(scene)
    parser = Lark(lark(grammar), parser="lalr", strict=True)
    parser.parse(text)
    for seed in range(20):
        parser.parse(written(grammar, drawn(grammar, Random(seed))))
    with pytest.raises(UnexpectedInput):
        parser.parse(text.replace("near(gripper", "near(nothing"))


# ---------------------------------------------------------------- what is wrong is not accepted


@pytest.mark.parametrize(
    "condition",
    [
        "near(gripper, milk_1, 3 cm)",
        "on(milk_1, basket_1)",
        "at_most(dist(gripper, milk_1), 5 cm)",
        "grasped(milk_1) and not released(milk_1)",
        "(grasped(milk_1) or released(milk_1)) for 3 steps",
    ],
)
def test_right_conditions_are_accepted(condition: str) -> None:
    text = PROGRAM.replace("CONDITION", condition)
    assert not errors(text)
    assert recogniser(MILK.id).accepts(text)


@pytest.mark.parametrize(
    "condition",
    [
        "near(gripper, milk_2)",  # no such name
        "in(milk_1, basket_1)",  # no region
        "grasped(basket_1_contain_region)",
        "near(gripper, gripper)",  # the same twice
        "in(basket_1, basket_1_contain_region)",  # a part of it
        "near(gripper, milk_1, 3 deg)",  # wrong unit
        "lifted(milk_1, 8)",
        "at_most(dist(gripper, milk_1), 5 %)",
        "grasped(milk_1) for 0 steps",
        "holding(milk_1)",
        "place_in(milk_1, basket_1_contain_region)",
        "open(basket_1)",  # nothing here opens
    ],
)
def test_wrong_conditions_are_not(condition: str) -> None:
    text = PROGRAM.replace("CONDITION", condition)
    assert errors(text)
    assert not recogniser(MILK.id).accepts(text)


# ---------------------------------------------------------------- GBNF


def test_gbnf_defines_what_it_uses_and_accepts_what_is_written() -> None:
    for scene in (None, MILK, CHOSEN[0]):
        grammar = build(scene)
        known = recogniser(scene.id if scene else None)
        assert known.undefined() == set()
        for seed in range(10):
            text = written(grammar, drawn(grammar, Random(seed)))
            assert known.accepts(text)
            assert not known.accepts(text + "x")


# ---------------------------------------------------------------- JSON schema


@pytest.mark.parametrize("scene", [None, MILK, CHOSEN[5]], ids=["any", "milk", "other"])
def test_the_schema_describes_the_data_of_programs(scene: Scene | None) -> None:
    grammar = build(scene)
    schema = json_schema(grammar)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for seed in range(3):
        data = drawn(grammar, Random(seed))
        assert validator.is_valid(json.loads(json.dumps(data)))
        broken = {**data, "success": "maybe"}
        assert not validator.is_valid(broken)
        with pytest.raises(NotInGrammarError):
            written(grammar, broken)


def objects(schema: Any) -> list[dict[str, Any]]:
    """All object types in a schema."""
    if isinstance(schema, list):
        return [found for item in schema for found in objects(item)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if schema.get("type") == "object" else []
    return own + [found for value in schema.values() for found in objects(value)]


def test_the_schema_keeps_to_what_strict_modes_take() -> None:
    found = objects(json_schema(build(MILK)))
    assert found
    for item in found:
        assert item["additionalProperties"] is False
        assert item["required"] == list(item["properties"])


# ---------------------------------------------------------------- the command


@pytest.mark.parametrize(
    ("form", "start"), [("lark", "start: program\n"), ("gbnf", "root ::= program\n")]
)
def test_the_command_prints_a_grammar_of_the_scene(form: str, start: str) -> None:
    result = CliRunner().invoke(app, ["grammar", "--format", form, "--scene", MILK.id])
    assert result.exit_code == 0
    assert result.output.startswith(start)
    assert '"milk_1"' in result.output
    assert "milk_1" not in CliRunner().invoke(app, ["grammar", "--format", form]).output


def test_the_command_prints_a_schema() -> None:
    output = CliRunner().invoke(app, ["grammar", "--format", "json-schema"]).output
    assert json.loads(output) == json_schema(build())


def test_an_unknown_scene_gets_the_nearest() -> None:
    result = CliRunner().invoke(app, ["grammar", "--scene", MILK.id.replace("milk", "mlik")])
    assert result.exit_code == 1
    assert f"did you mean `{MILK.id}`" in result.stderr
