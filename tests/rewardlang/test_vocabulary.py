"""The reference of the vocabulary: all of the table, in every format."""

from __future__ import annotations

import json

import pytest
from click.testing import Result
from typer.testing import CliRunner

from rewardlang.checking.library import GOAL_PREDICATES, MACROS, MEASURES, PREDICATES
from rewardlang.cli import app
from rewardlang.inspecting import reference

ROWS = {**PREDICATES, **MEASURES, **MACROS}


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["vocabulary", *args], env={"COLUMNS": "200"})


@pytest.mark.parametrize("form", ["text", "markdown", "prompt"])
def test_every_row_stands_in_every_format(form: str) -> None:
    output = run("--format", form).output
    for row in ROWS.values():
        assert row.signature in output
        assert row.summary in output


def test_json_holds_what_the_table_holds() -> None:
    data = {item["name"]: item for item in json.loads(run("--format", "json").output)}
    assert list(data) == list(ROWS)
    for row in PREDICATES.values():
        item = data[row.name]
        assert (item["table"], item["degree"], item["doc"]) == ("predicate", row.degree, row.doc)
        assert [a["name"] for a in item["arguments"]] == [p.name for p in row.parameters]
    assert {item["goal"]: name for name, item in data.items() if item["goal"]} == GOAL_PREDICATES


@pytest.mark.parametrize("name", ROWS)
def test_each_row_can_be_asked_for(name: str) -> None:
    result = run(name)
    assert result.exit_code == 0
    assert result.output.startswith(ROWS[name].signature)
    assert json.loads(run(name, "--format", "json").output)["name"] == name


def test_a_quantity_is_told_with_default_and_band() -> None:
    (within,) = (a for a in reference.entry("near").arguments if a.name == "within")
    assert within.in_words == "a length (mm, cm, m), 3 cm where not given, usually 5 mm to 20 cm"


def test_a_macro_is_shown_with_what_it_stands_for() -> None:
    entry = reference.entry("place_in")
    assert entry.source.startswith("seq {\n  stage reach")
    assert "  stage grasp" in run("place_in").output
    assert "```\nseq {\n" in run("place_in", "--format", "markdown").output


@pytest.mark.parametrize(
    ("typo", "meant"), [("graspd", "grasped"), ("holding", "grasped"), ("hight", "height")]
)
def test_a_typo_gets_the_nearest_names(typo: str, meant: str) -> None:
    result = run(typo)
    assert result.exit_code == 1
    assert f"there is nothing called `{typo}`; did you mean `{meant}`" in result.stderr


def test_nonsense_gets_the_way_to_the_list() -> None:
    assert "`rewardlang vocabulary` lists it all" in run("qqqqqqqq").stderr


def test_the_prompt_is_the_shortest_form() -> None:
    lengths = {form: len(run("--format", form).output) for form in ("prompt", "markdown", "json")}
    assert lengths["prompt"] < lengths["markdown"] < lengths["json"]
