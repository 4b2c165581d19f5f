"""Grammars for constrained decoding: what they accept checks, is bounded, and is enough."""

from __future__ import annotations

import json
import re
from dataclasses import replace
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
from rewardlang.diagnostics import CODES, Severity
from rewardlang.grammars.build import Goal, build
from rewardlang.grammars.document import NotInGrammarError, drawn, written
from rewardlang.grammars.lengths import max_document_tokens, max_tokens
from rewardlang.grammars.limits import DEFAULT, TOKEN_LIMIT, Limits
from rewardlang.grammars.model import Chars, Pattern, grammar, maybe, one, rule, says, some
from rewardlang.grammars.naming import numbered
from rewardlang.grammars.print_gbnf import gbnf
from rewardlang.grammars.print_json_schema import json_schema
from rewardlang.grammars.print_lark import lark
from rewardlang.grammars.reading import UnreadableError, read
from rewardlang.scene import Scene, suite_scenes, suites
from rewardlang.source import Source
from rewardlang.syntax.parser import MAX_CHARACTERS, parse
from tests.rewardlang.gbnf import Gbnf
from tests.rewardlang.plain import plain
from tests.rewardlang.shipped import SHIPPED, name

SCENES = [scene for suite in suites() for scene in suite_scenes(suite).values()]
CHOSEN = SCENES[::13]  # ten, of all suites
MILK = rewardlang.load_scene("libero_object/pick_up_the_milk_and_place_it_in_the_basket")
PROGRAM = (
    f'rewardlang 1\ntask "{MILK.instruction}"\nscene "{MILK.id}"\n\n'
    "seq {\n  stage reach { until CONDITION }\n}\n\nsuccess bddl\n"
)
NOT_CONTEXT_FREE = {"duplicate-name"}  # the one rule that is left to `numbered`
EXCLUDED = {c for c, row in CODES.items() if row.severity is Severity.ERROR} - NOT_CONTEXT_FREE


@cache
def recogniser(scene_id: str | None) -> Gbnf:
    return Gbnf(gbnf(build(rewardlang.load_scene(scene_id) if scene_id else None)))


def layout(text: str) -> str:
    tree = parse(Source(text)).tree
    assert tree is not None
    return rewardlang.format_program(tree)


def errors(text: str) -> set[str]:
    return {found.code for found in rewardlang.analyze(text).diagnostics if found.is_error}


# ---------------------------------------------------------------- what is accepted checks


@pytest.mark.parametrize("scene", CHOSEN, ids=lambda scene: scene.id)
def test_random_programs_of_a_scene_s_grammar_check(scene: Scene) -> None:
    """No error of any code but one, whatever the grammar writes; warnings there may be."""
    grammar, seen = build(scene), set()
    for seed in range(40):
        text = written(grammar, drawn(grammar, Random(seed)))
        assert errors(text).isdisjoint(EXCLUDED), text
        assert len(text) <= max_tokens(grammar)
        seen |= set(re.findall(r"\b(seq|all|any|keep|live|progress|use|not|or|penalty)\b", text))
    assert len(seen) == 10  # the draw reaches every corner of the language


def test_random_programs_of_every_scene_check_once_their_siblings_are_numbered() -> None:
    renamed = 0
    for index, scene in enumerate(SCENES):
        grammar = build(scene)
        tree = rewardlang.analyze(written(grammar, drawn(grammar, Random(index)))).tree
        assert tree is not None
        own = rewardlang.format_program(numbered(tree))
        assert errors(own) == set(), own
        renamed += own != rewardlang.format_program(tree)
    assert renamed  # two siblings of one name do occur


def test_numbering_keeps_first_names_and_takes_none_that_is_there() -> None:
    stages = [f"  stage {n} {{ until grasped(milk_1) }}" for n in ("a_1", "a_1", "a_1_2", "a_1")]
    text = PROGRAM.replace("  stage reach { until CONDITION }", "\n".join(stages))
    tree = rewardlang.analyze(text).tree
    assert tree is not None
    shown = rewardlang.format_program(numbered(tree))
    assert re.findall(r"stage (\w+)", shown) == ["a_1", "a_1_3", "a_1_2", "a_1_4"]
    again = rewardlang.analyze(shown).tree
    assert again is not None
    assert numbered(again) == again


def test_random_programs_of_any_scene_s_grammar_parse() -> None:
    grammar = build()
    for seed in range(30):
        text = written(grammar, drawn(grammar, Random(seed)))
        assert parse(Source(text)).diagnostics == ()
    assert max_tokens(grammar) <= MAX_CHARACTERS


# ---------------------------------------------------------------- what is accepted is bounded


def test_no_program_of_any_scene_is_longer_than_the_token_limit() -> None:
    """A token is a byte at least, so that an answer that ends at the limit was never whole."""
    longest = {scene.id: max_tokens(build(scene)) for scene in SCENES}
    assert len(longest) == 130
    assert max(longest.values()) <= TOKEN_LIMIT
    assert max(longest.values()) > 0.8 * TOKEN_LIMIT  # the limit is no idle number
    assert all(max_document_tokens(build(scene)) <= 2 * TOKEN_LIMIT for scene in CHOSEN)


def test_the_longest_text_is_counted_exactly() -> None:
    """Held against every text of a grammar small enough to write them all down."""
    digits = Pattern("digits", ((Chars("0", 1, 2),),))
    small = grammar(
        "start",
        [
            rule("start", says("a ", some("word", 0, 2), maybe("end")), says("bb", one("end"))),
            rule("word", says("(", one("digits"), ")"), says("x", tag="x")),
            rule("end", says(".end")),
        ],
        [digits],
    )
    texts = {written(small, drawn(small, Random(seed))) for seed in range(3000)}
    assert max(map(len, texts)) == len("a (00)(00).end") == max_tokens(small)
    documents = [json.dumps(drawn(small, Random(seed))) for seed in range(3000)]
    assert max(map(len, documents)) == max_document_tokens(small)


def test_limits_shrink_the_grammar_and_wrong_ones_are_refused() -> None:
    small = build(MILK, Limits(groups=1, stages=2, beside=0, keeps=0, penalties=0))
    assert max_tokens(small) < max_tokens(build(MILK)) / 3
    for seed in range(10):
        text = written(small, drawn(small, Random(seed)))
        assert errors(text).isdisjoint(EXCLUDED)
        assert not re.search(r"\b(keep|penalty)\b", text)
    for wrong in ({"groups": 0}, {"operands": 1}, {"keeps": -1}, {"penalties": 6}):
        with pytest.raises(ValueError, match=r"needs|penalties"):
            replace(DEFAULT, **wrong)


# ---------------------------------------------------------------- what is needed is accepted


def test_every_shipped_program_is_data_and_comes_back_as_it_was() -> None:
    """Text -> data -> text -> formatter: the formatted program again, macros kept."""
    assert len(SHIPPED) == 130
    for path in SHIPPED:
        text, scene = plain(path)
        grammar = build(scene)
        data = json.loads(json.dumps(read(grammar, text)))
        tree = rewardlang.analyze(written(grammar, data)).tree
        assert tree is not None
        assert rewardlang.format_program(tree) == text


def test_random_data_comes_back_as_it_was() -> None:
    for scene in CHOSEN:
        grammar = build(scene)
        for seed in range(5):
            text = written(grammar, drawn(grammar, Random(seed)))
            assert written(grammar, read(grammar, text)) == text


def test_what_the_formatter_makes_of_it_is_in_the_grammar_too() -> None:
    for scene in CHOSEN:
        grammar = build(scene)
        formatted = layout(written(grammar, drawn(grammar, Random(7))))
        assert layout(written(grammar, read(grammar, formatted))) == formatted


@pytest.mark.parametrize("path", SHIPPED[::13], ids=name)
def test_shipped_programs_are_accepted_as_gbnf_has_them(path: Path) -> None:
    text, scene = plain(path)
    assert recogniser(scene.id).accepts(text), text
    assert recogniser(None).accepts(text), text


def test_the_lark_form_loads_in_lark_itself() -> None:
    text, scene = plain(SHIPPED[0])
    parser = Lark(lark(build(scene)), parser="earley", lexer="dynamic")
    parser.parse(text)
    with pytest.raises(UnexpectedInput):
        parser.parse(text.replace("near(gripper", "near(nothing"))


@pytest.mark.parametrize("dialect", ["(?", "??", "*?", "+?", "%declare", "%import", "{", "<"])
def test_the_lark_form_keeps_to_what_hosted_models_take(dialect: str) -> None:
    """No lookaround, lazy quantifier, `%declare`, import or template outside of words."""
    for scene in (None, MILK):
        bare = re.sub(r'"(?:\\.|[^"\\])*"', "", lark(build(scene)))
        assert dialect not in re.sub(r"\{\d+,\d+\}", "", bare)
        assert not re.search(r"^[A-Z_]+\.\d", bare, re.MULTILINE)  # priorities


@pytest.mark.parametrize(
    ("wrong", "stops_at"),
    [
        ("grasped(milk)", ")"),  # alphabet_soup for alphabet_soup_1
        ("grasped(basket_1_contain_region)", "_contain_region)"),
        ("near(gripper, gripper)", "gripper)"),
        ("near(gripper, milk_1, 3 deg)", "deg)"),
        ("holding(milk_1)", "holding(milk_1)"),
        ("grasped(milk_1) # held", "# held"),  # no comments
    ],
)
def test_reading_stops_where_the_text_leaves_the_grammar(wrong: str, stops_at: str) -> None:
    text = PROGRAM.replace("CONDITION", wrong)
    with pytest.raises(UnreadableError) as caught:
        read(build(MILK), text)
    assert text[caught.value.offset :].startswith(stops_at)


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


def within(schema: Any) -> list[dict[str, Any]]:
    """A schema, and all schemas in it."""
    if isinstance(schema, list):
        return [found for item in schema for found in within(item)]
    if not isinstance(schema, dict):
        return []
    inner = [within(schema[key]) for key in ("items", "anyOf") if key in schema]
    named = [within(s) for key in ("properties", "$defs") for s in schema.get(key, {}).values()]
    return [schema, *(found for part in (*inner, *named) for found in part)]


def depth(schema: Any, root: dict[str, Any]) -> int:
    """How many objects stand within each other, at most. A cycle would not come to an end."""
    if "$ref" in schema:
        return depth(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    inner += [schema["items"]] if "items" in schema else []
    own = int(schema.get("type") == "object")
    return own + max((depth(item, root) for item in inner), default=0)


STRICT_KEYS = {
    *("type", "properties", "required", "additionalProperties", "anyOf", "enum", "$ref", "$defs"),
    *("items", "minItems", "maxItems", "pattern"),
}


@pytest.mark.parametrize("scene", [None, *SCENES[::10]], ids=lambda s: s.id if s else "any")
def test_the_schema_keeps_to_what_strict_modes_take(scene: Scene | None) -> None:
    """The limits of OpenAI's structured outputs, counted with every definition once."""
    schema = json_schema(build(scene))
    found = within(schema)
    objects = [item for item in found if item.get("type") == "object"]
    assert schema["type"] == "object"
    for item in found:
        assert item.keys() <= STRICT_KEYS
    for item in objects:
        assert item["additionalProperties"] is False
        assert item["required"] == list(item["properties"])
    names = [key for item in found for of in ("properties", "$defs") for key in item.get(of, {})]
    enums = [word for item in found for word in item.get("enum", [])]
    assert sum(len(item["properties"]) for item in objects) <= 5000
    assert len(enums) <= 1000
    assert max(len(item.get("enum", [])) for item in found) <= 250
    assert sum(map(len, [*names, *enums])) <= 120_000
    assert depth(schema, schema) <= 10


@pytest.mark.parametrize("scene", [None, MILK, CHOSEN[5]], ids=["any", "milk", "other"])
def test_alternatives_are_told_apart_by_their_first_key(scene: Scene | None) -> None:
    """Strict modes want it so, and a decoder that goes in order needs it."""
    schema = json_schema(build(scene))

    def words(way: dict[str, Any]) -> list[str]:
        first = next(iter(way["properties"].values()))
        first = (
            schema["$defs"][first["$ref"].removeprefix("#/$defs/")] if "$ref" in first else first
        )
        return first["enum"]

    for item in within(schema):
        ways = [way for way in item.get("anyOf", []) if way.get("type") == "object"]
        first = [word for way in ways for word in words(way)]
        assert len(first) == len(set(first))


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


MILK_SCENE = rewardlang.load_scene("libero_object/pick_up_the_milk_and_place_it_in_the_basket")


def test_a_goal_of_ones_own_goes_under_its_words_and_ends_with_success_when() -> None:
    own = build(MILK_SCENE, goal=Goal.OWN, task="tip the milk over")
    rng = Random(0)
    for _ in range(30):
        tree = parse(Source(written(own, drawn(own, rng)))).tree
        assert tree is not None
        text = rewardlang.format_program(numbered(tree))
        analysis = rewardlang.analyze(text)
        assert analysis.tree is not None
        assert analysis.tree.task.text.value == "tip the milk over"
        assert analysis.tree.success.expr is not None
        assert analysis.ok, text


def test_the_benchmarks_own_goal_leaves_nothing_else_to_end_with() -> None:
    native = build(MILK_SCENE, goal=Goal.NATIVE)
    assert "success when" not in gbnf(native)
    assert "success " in gbnf(native)
