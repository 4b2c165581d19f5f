"""Programs with mistakes: what is reported, where, and what it looks like.

`cases/*.rl` say on each line which codes are expected there (`# error: code, code`, or, for lines
that cannot carry a comment, `# error below: code` on the line above). The rendered messages stand
next to them in `.txt` files; UPDATE_CASES=1 writes these anew, for review in the diff.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from rewardlang.api import analyze
from rewardlang.diagnostics import CODES, Diagnostic, Label, Severity, Suggestion, render
from rewardlang.source import Source, Span

CASES = sorted((Path(__file__).parent / "cases").glob("*.rl"))
_EXPECTED = re.compile(r"# (error|warning)( below)?: ([a-z, -]+)$")


def expected(text: str) -> Counter[tuple[int, str, str]]:
    """(line, severity, code) -> how often."""
    found: Counter[tuple[int, str, str]] = Counter()
    for number, line in enumerate(text.splitlines(), start=1):
        match = _EXPECTED.search(line)
        if match:
            severity, below, codes = match.groups()
            for code in codes.split(", "):
                found[number + bool(below), severity, code] += 1
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_every_mistake_is_reported_on_its_line(case: Path) -> None:
    text = case.read_text("utf-8")
    analysis = analyze(text, name=case.name)
    found = Counter(
        (analysis.source.line_column(d.span.start)[0], d.severity.value, d.code)
        for d in analysis.diagnostics
    )
    assert found == expected(text), render(analysis.diagnostics, analysis.source)
    assert (analysis.program is None) == any(d.is_error for d in analysis.diagnostics)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_messages_read_as_reviewed(case: Path) -> None:
    analysis = analyze(case.read_text("utf-8"), name=case.name)
    rendered = render(analysis.diagnostics, analysis.source) + "\n"
    golden = case.with_suffix(".txt")
    if not analysis.diagnostics:
        assert not golden.exists()
        return
    if os.environ.get("UPDATE_CASES"):
        golden.write_text(rendered, "utf-8")
    assert rendered == golden.read_text("utf-8")


def test_every_code_has_a_case() -> None:
    """Codes that a program text cannot bring about are tested elsewhere."""
    elsewhere = {
        "unreadable-file",  # test_cli
        "not-utf8",  # test_cli
        "scene-mismatch",  # test_checker
        "empty-goal",  # test_checker
        "too-large",  # test_parser
        "too-deep",  # test_parser
        "too-many-errors",  # test_parser
    }
    shown = {code for case in CASES for _, _, code in expected(case.read_text("utf-8"))}
    assert shown | elsewhere == set(CODES)
    assert not shown & elsewhere


# ---------------------------------------------------------------- rendering


def one(text: str, start: int, end: int, **more: object) -> tuple[Diagnostic, Source]:
    span = Span(start, end)
    return Diagnostic("syntax", "m", span, **more), Source(text, "f.rl")


def picture(text: str, start: int, end: int, **more: object) -> list[str]:
    found, source = one(text, start, end, **more)
    return render([found], source).splitlines()


def test_the_style_of_the_language_reference() -> None:
    text = "\n\n\n\nobject soup = alphabet_soup\n"
    fix = (Suggestion("alphabet_soup_1", "movable"),)
    found = Diagnostic(
        "unknown-object", "`alphabet_soup` is not in this scene", Span(18, 31), suggestions=fix
    )
    assert render([found], Source(text, "tasks/libero_10/soup.rl")) == (
        "error[unknown-object]: `alphabet_soup` is not in this scene\n"
        "  --> tasks/libero_10/soup.rl:5:15\n"
        "   |\n"
        " 5 | object soup = alphabet_soup\n"
        "   |               ^^^^^^^^^^^^^ did you mean `alphabet_soup_1` (movable)?"
    )


def test_carets_stand_below_tabs_and_wide_characters() -> None:
    assert picture("\tab", 1, 2)[-1] == "   | \t^"
    assert picture("漢字ab", 2, 3)[-1] == "   |     ^"
    assert picture("a漢b", 1, 2)[-1] == "   |  ^^"
    assert picture("e\u0301ab", 2, 3)[-1] == "   |  ^"


def test_a_span_over_several_lines_is_marked_to_the_end_of_the_first() -> None:
    assert picture("ab cd\nef\n", 3, 8)[-2:] == [" 1 | ab cd", "   |    ^^"]
    assert picture("ab", 2, 2)[-1] == "   |   ^"


def test_long_lines_are_cropped_around_the_mark() -> None:
    lines = picture("x" * 500 + "bad" + "y" * 500, 500, 503, hint="here")
    assert max(map(len, lines)) < 130
    assert "xbady" in lines[-2]
    assert lines[-2].index("bad") == lines[-1].index("^^^")
    assert len(picture("z" * 500, 0, 500)[-1]) < 130


def test_control_characters_do_not_reach_the_terminal() -> None:
    text = "a\x1b[31mb\u202ec\x07"
    found, source = one(text, 0, 3, hint=text)
    assert not set("\x1b\x07\u202e") & set(render([found], source))


def test_hint_suggestions_notes_and_a_second_place_all_show() -> None:
    lines = picture(
        "first\n" * 9 + "second",
        54,
        60,
        hint="hint",
        suggestions=(Suggestion("b"), Suggestion("c")),
        related=(Label(Span(0, 5), "here"),),
        notes=("note",),
    )
    assert lines == [
        "error[syntax]: m",
        "   --> f.rl:10:1",
        "    |",
        " 10 | second",
        "    | ^^^^^^ hint",
        "   ::: f.rl:1:1",
        "    |",
        "  1 | first",
        "    | ----- here",
        "    = did you mean `b` or `c`?",
        "    = note",
    ]


def test_json_holds_all_of_it() -> None:
    found, source = one("ab\ncd", 3, 5, suggestions=(Suggestion("x", "movable", Span(0, 2)),))
    data = json.loads(json.dumps(found.as_json(source)))
    assert data["file"] == "f.rl"
    assert data["code"] == "syntax"
    assert data["severity"] == "error"
    assert data["span"] == {
        "start": 3, "end": 5, "line": 2, "column": 1, "end_line": 2, "end_column": 3,
    }  # fmt: skip
    assert data["suggestions"][0]["replacement"] == "x"
    assert data["suggestions"][0]["span"]["line"] == 1
    assert data["doc"] == "codes/syntax"
    assert found.as_json()["span"] == {"start": 3, "end": 5}


def test_codes_are_words_with_one_line_each() -> None:
    for code in CODES.values():
        assert re.fullmatch(r"[a-z]+[0-9]?(-[a-z0-9]+)*", code.name)
        assert code.summary.endswith(".")
        assert "\n" not in code.summary
        assert isinstance(code.severity, Severity)
