"""Diagnostics in the formats of other tools: one JSON object, SARIF, GitHub's annotations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from rewardlang import __version__
from rewardlang.diagnostics import CODES, Diagnostic
from rewardlang.files import Problem
from rewardlang.rules.pages import page, prose
from rewardlang.source import Source, Span

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(found: Iterable[Problem], programs: int) -> str:
    """All diagnostics in one object, with their number."""
    diagnostics = [diagnostic.as_json(source) for source, diagnostic in found]
    errors = sum(item["severity"] == "error" for item in diagnostics)
    counts = {"programs": programs, "errors": errors, "warnings": len(diagnostics) - errors}
    return json.dumps({**counts, "diagnostics": diagnostics}, indent=2)


def as_sarif(found: Sequence[Problem]) -> str:
    """A SARIF 2.1.0 log with one run. Columns count Unicode code points, as ours do."""
    used = sorted({diagnostic.code for _, diagnostic in found})
    driver = {
        "name": "rewardlang",
        "version": __version__,
        "rules": [_rule(code) for code in used],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(source, item, used.index(item.code)) for source, item in found],
    }
    log = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2)


def as_github(found: Iterable[Problem]) -> str:
    """GitHub's workflow commands, one line each: annotations beside the lines of a change."""
    return "\n".join(_annotation(source, diagnostic) for source, diagnostic in found)


def _rule(code: str) -> dict[str, Any]:
    row = CODES[code]
    return {
        "id": code,
        "shortDescription": {"text": row.summary},
        "help": {"text": prose(code), "markdown": page(code)},
        "defaultConfiguration": {"level": row.severity.value},
    }


def _result(source: Source, found: Diagnostic, rule_index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": found.code,
        "ruleIndex": rule_index,
        "level": found.severity.value,
        "message": {"text": _in_one_text(found)},
        "locations": [_location(source, found.span)],
    }
    if found.related:
        result["relatedLocations"] = [
            {**_location(source, label.span), "message": {"text": label.text}}
            for label in found.related
        ]
    return result


def _location(source: Source, span: Span) -> dict[str, Any]:
    line, column, end_line, end_column = _region(source, span)
    region = {
        "startLine": line,
        "startColumn": column,
        "endLine": end_line,
        "endColumn": end_column,
    }
    artifact = {"uri": _uri(source.name)}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def _region(source: Source, span: Span) -> tuple[int, int, int, int]:
    """1-based line and column of the first character, and of the one behind the last."""
    return (*source.line_column(span.start), *source.line_column(span.end))


def _uri(name: str) -> str:
    """A relative path stays relative, so that the log means the same on another machine."""
    path = PurePath(name)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _annotation(source: Source, found: Diagnostic) -> str:
    line, column, end_line, end_column = _region(source, found.span)
    properties = {"file": source.name, "line": line, "endLine": end_line}
    if line == end_line:  # GitHub takes columns only within one line, the last one included
        properties |= {"col": column, "endColumn": max(column, end_column - 1)}
    properties["title"] = found.code
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{found.severity.value} {listed}::{_data(_in_one_text(found))}"


def _data(text: str) -> str:
    """Escaped as the runner unescapes it behind `::`."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _in_one_text(found: Diagnostic) -> str:
    """The message with what would be right."""
    fixes = " or ".join(str(suggestion) for suggestion in found.suggestions)
    meant = f"did you mean {fixes}?" if fixes else ""
    return "\n".join(part for part in (found.message, found.hint, meant, *found.notes) if part)
