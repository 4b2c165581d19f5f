"""`check` for machines: SARIF's and GitHub's rules about what is written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

import rewardlang
from rewardlang.cli import app
from rewardlang.cli.check_formats import as_github, as_sarif
from rewardlang.diagnostics import CODES, Diagnostic
from rewardlang.rules import pages
from rewardlang.source import Source, Span

CASES = Path(__file__).parent / "cases"
GOOD = CASES / "good_own_goal.rl"
BAD = CASES / "unknown_names.rl"


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, args)])


def expected(*paths: Path) -> list[tuple[str, str, int, int]]:
    """Code, severity, line and column of everything that is found in files."""
    rows = []
    for path in paths:
        source = Source(path.read_text("utf-8"), str(path))
        rows += [
            (found.code, found.severity.value, *source.line_column(found.span.start))
            for found in rewardlang.analyze(source.text, name=source.name).diagnostics
        ]
    return rows


def sarif_run(text: str) -> dict[str, Any]:
    """The one run of a log, after the requirements of SARIF 2.1.0 on all that we write."""
    log = json.loads(text)
    assert log["version"] == "2.1.0"  # §3.13.2
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run_,) = log["runs"]
    rules = run_["tool"]["driver"]["rules"]
    assert run_["tool"]["driver"]["name"] == "rewardlang"  # §3.19.8
    assert len({rule["id"] for rule in rules}) == len(rules)  # §3.19.23: unique
    assert run_["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")  # §3.14.17
    for result in run_["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]  # §3.27.6
        assert result["level"] in ("none", "note", "warning", "error")  # §3.27.10
        assert result["message"]["text"]  # §3.11.8
        for location in [*result["locations"], *result.get("relatedLocations", [])]:
            place = location["physicalLocation"]
            assert " " not in place["artifactLocation"]["uri"]  # §3.4.3: RFC 3986
            region = place["region"]
            assert region["startLine"] >= 1  # §3.30.5
            assert region["startColumn"] >= 1  # §3.30.6
            start = (region["startLine"], region["startColumn"])
            assert (region["endLine"], region["endColumn"]) >= start  # §3.30.7
    return run_


@pytest.mark.parametrize("path", sorted(CASES.glob("*.rl")), ids=lambda path: path.stem)
def test_sarif_holds_every_finding_at_its_place(path: Path) -> None:
    results = sarif_run(run("--format", "sarif", path).output)["results"]
    found = [
        (item["ruleId"], item["level"], region["startLine"], region["startColumn"])
        for item in results
        for region in [item["locations"][0]["physicalLocation"]["region"]]
    ]
    assert found == expected(path)


def test_sarif_explains_each_rule_once() -> None:
    rules = sarif_run(run("--format", "sarif", CASES).output)["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in rules} == {row[0] for row in expected(*CASES.glob("*.rl"))}
    for rule in rules:
        assert rule["shortDescription"]["text"] == CODES[rule["id"]].summary


def test_sarif_brings_the_page_of_each_rule() -> None:
    rules = sarif_run(run("--format", "sarif", CASES).output)["tool"]["driver"]["rules"]
    assert rules
    for rule in rules:
        assert rule["help"]["markdown"] == pages.page(rule["id"])
        assert pages.source(rule["id"]).startswith(rule["help"]["text"])
        assert len(rule["help"]["text"].split()) >= 12
        assert "```" not in rule["help"]["text"]  # text is plain, without programs


def test_sarif_without_findings_is_a_whole_log() -> None:
    assert sarif_run(run("--format", "sarif", GOOD).output)["results"] == []


def test_sarif_keeps_paths_as_they_were_given() -> None:
    found = Diagnostic("not-utf8", "this is not UTF-8 text", Span(0, 0))
    for name, uri in (("a b/é.rl", "a%20b/%C3%A9.rl"), ("/x y.rl", "file:///x%20y.rl")):
        (result,) = sarif_run(as_sarif([(Source("", name), found)]))["results"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def unescaped(text: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


@pytest.mark.parametrize("path", sorted(CASES.glob("*.rl")), ids=lambda path: path.stem)
def test_github_gets_one_line_per_finding(path: Path) -> None:
    lines = run("--format", "github", path).output.splitlines()
    found = []
    for line in lines:
        parts = re.fullmatch(r"::(error|warning) ([^:]*)::(.+)", line)
        assert parts, line
        properties = dict(item.split("=", 1) for item in parts[2].split(","))
        assert unescaped(properties["file"]) == str(path)
        assert int(properties["endLine"]) >= int(properties["line"])
        found.append((properties["title"], parts[1], int(properties["line"])))
    assert found == [row[:3] for row in expected(path)]


def test_github_escapes_what_it_would_misread() -> None:
    source = Source("x\ny\n", "a,b:50%.rl")
    found = Diagnostic("syntax", "100 %, or: less", Span(0, 1), "a\r\nb")
    assert as_github([(source, found)]) == (
        "::error file=a%2Cb%3A50%25.rl,line=1,endLine=1,col=1,endColumn=1,title=syntax"
        "::100 %25, or: less%0Aa%0D%0Ab"
    )


def test_github_gets_no_columns_of_a_span_over_lines() -> None:
    found = Diagnostic("syntax", "m", Span(0, 3))
    line = as_github([(Source("x\ny\n", "f.rl"), found)])
    assert line == "::error file=f.rl,line=1,endLine=2,title=syntax::m"


def test_github_without_findings_is_silent() -> None:
    result = run("--format", "github", GOOD)
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_the_exit_code_is_the_same_in_every_format(form: str) -> None:
    assert run("--format", form, GOOD).exit_code == 0
    assert run("--format", form, GOOD, BAD).exit_code == 1


def test_json_has_a_short_option() -> None:
    assert run("--json", BAD).output == run("--format", "json", BAD).output
    assert "exclude each other" in run("--json", "--format", "sarif", BAD).stderr
