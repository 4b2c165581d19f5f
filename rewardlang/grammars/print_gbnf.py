"""Grammar -> GBNF: for llama.cpp and what else reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable

from rewardlang.grammars.model import GAP, Chars, Gap, Grammar, Item, Part, Pattern, Rule, Word


def gbnf(grammar: Grammar) -> str:
    """The grammar as one `.gbnf` file."""
    lines = [f"root ::= {_name(grammar.start)}"]
    lines += [_rule(rule) for rule in grammar.rules.values()]
    lines += [_pattern(pattern) for pattern in (*grammar.patterns.values(), GAP)]
    return "\n".join(lines) + "\n"


def _rule(rule: Rule) -> str:
    ways = (" ".join(_item(item) for item in a.items) for a in rule.alternatives)
    return f"{_name(rule.name)} ::= {' | '.join(ways)}"


def _item(item: Item) -> str:
    match item:
        case Word():
            return json.dumps(item.text)
        case Gap():
            return GAP.name
        case Part():
            return _name(item.symbol) + _times(item.least, item.most)


def _pattern(pattern: Pattern) -> str:
    ways = (_sequence(chars) for chars in pattern.alternatives)
    return f"{_name(pattern.name)} ::= {' | '.join(ways)}"


def _sequence(pattern: Iterable[Chars]) -> str:
    return " ".join(f"{_class(c.allowed)}{_times(c.least, c.most)}" for c in pattern)


def _class(allowed: str) -> str:
    return json.dumps(allowed) if len(allowed) == 1 else f"[{allowed}]"


def _times(least: int, most: int) -> str:
    match least, most:
        case 1, 1:
            return ""
        case 0, 1:
            return "?"
        case _:
            return f"{{{least},{most}}}"


def _name(symbol: str) -> str:
    """Rule names have letters, digits and hyphens; `root` is where GBNF starts."""
    return "top" if symbol == "root" else symbol.replace("_", "-")
