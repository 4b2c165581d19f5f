"""Grammar -> JSON schema of programs as data, in the subset that hosted models' strict modes take.

`document.written` turns such data into the program's text. A rule is an object with its parts by
role, every one of them required, null where it is absent; `is` tells alternatives apart. A rule
that says nothing but what its one part says is that part; one without parts is its text.
"""

from __future__ import annotations

from typing import Any

from rewardlang.grammars.model import Alternative, Grammar, Part, Pattern, Rule


def json_schema(grammar: Grammar) -> dict[str, Any]:
    """The schema, with a definition per rule and pattern."""
    rules = {rule.name: _rule(rule) for rule in grammar.rules.values()}
    patterns = {pattern.name: _pattern(pattern) for pattern in grammar.patterns.values()}
    definitions = {**rules, **patterns}
    return {**definitions.pop(grammar.start), "$defs": definitions}


def _rule(rule: Rule) -> dict[str, Any]:
    words = [a.text for a in rule.alternatives if not a.parts and not a.tag]
    ways = [_alternative(a) for a in rule.alternatives if a.parts or a.tag]
    if words:
        ways.append({"type": "string", "enum": words})
    return ways[0] if len(ways) == 1 else {"anyOf": ways}


def _alternative(alternative: Alternative) -> dict[str, Any]:
    if alternative.is_transparent:
        return _reference(alternative.parts[0])
    properties: dict[str, Any] = {part.role: _part(part) for part in alternative.parts}
    if alternative.tag:
        properties = {"is": {"type": "string", "enum": [alternative.tag]}, **properties}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _part(part: Part) -> dict[str, Any]:
    match part.least, part.most:
        case 1, 1:
            return _reference(part)
        case 0, 1:
            return {"anyOf": [_reference(part), {"type": "null"}]}
        case least, most:
            items = {"items": _reference(part), "minItems": least, "maxItems": most}
            return {"type": "array", **items}


def _reference(part: Part) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{part.symbol}"}


def _pattern(pattern: Pattern) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^(?:{pattern.regex})$"}
