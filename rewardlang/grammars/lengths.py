"""How long a grammar's longest program is, exactly: what to ask an endpoint for.

A token is at least a byte, and programs are ASCII: with so many tokens none is cut off.
"""

from __future__ import annotations

import json
from functools import cache

from rewardlang.grammars.model import GAP, Alternative, Gap, Grammar, Item, Part, Pattern, Word


def max_tokens(grammar: Grammar) -> int:
    """The length of the longest program, in characters."""

    @cache
    def symbol(name: str) -> int:
        if name in grammar.patterns:
            return _width(grammar.patterns[name])
        return max(sum(map(item, a.items)) for a in grammar.rules[name].alternatives)

    def item(item: Item) -> int:
        match item:
            case Word():
                return len(item.text)
            case Gap():
                return _width(GAP)
            case Part():
                return item.most * symbol(item.symbol)

    return symbol(grammar.start)


def max_document_tokens(grammar: Grammar) -> int:
    """The length of the longest program as JSON in one line, in characters."""

    @cache
    def symbol(name: str) -> int:
        if name in grammar.patterns:
            return _width(grammar.patterns[name]) + len('""')
        return max(map(alternative, grammar.rules[name].alternatives))

    def alternative(alternative: Alternative) -> int:
        if alternative.is_transparent:
            return part(alternative.parts[0])
        if not alternative.parts and not alternative.tag:
            return len(json.dumps(alternative.text))
        entries = [len(f'"{p.role}": ') + part(p) for p in alternative.parts]
        entries += [len(f'"is": "{alternative.tag}"')] if alternative.tag else []
        return len("{}") + _listed(entries)

    def part(part: Part) -> int:
        once = symbol(part.symbol)
        if part.most > 1:
            return len("[]") + _listed([once] * part.most)
        return once if part.least else max(once, len("null"))

    return symbol(grammar.start)


def _listed(lengths: list[int]) -> int:
    return sum(lengths) + len(", ") * (len(lengths) - 1)


def _width(pattern: Pattern) -> int:
    return max(sum(chars.most for chars in way) for way in pattern.alternatives)
