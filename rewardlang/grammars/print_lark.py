"""Grammar -> Lark's notation, as llguidance and OpenAI's custom tools read it.

No lookaround, lazy quantifiers, priorities, templates, `%declare` or imports. The
lexer of llguidance takes the longest terminal and does not go back, so the space in front of a word
stands alone: in ` white_mug_in`, ` whi` would be on its way to ` while `. Repetitions are chains of
rules, `_leaf_2: leaf _leaf_1?`, which every reader of the notation has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from rewardlang.grammars.model import GAP, Gap, Grammar, Item, Part, Pattern, Rule, Word


def lark(grammar: Grammar) -> str:
    """The grammar as one `.lark` file."""
    lines = [f"start: {grammar.start}", ""]
    lines += [_rule(rule, grammar) for rule in grammar.rules.values()]
    lines += ["", *_chains(grammar)]
    lines += ["", *(_terminal(pattern) for pattern in (*grammar.patterns.values(), GAP))]
    return "\n".join(lines) + "\n"


def _rule(rule: Rule, grammar: Grammar) -> str:
    ways = (" ".join(_item(item, grammar) for item in a.items) for a in rule.alternatives)
    return f"{rule.name}: " + "\n    | ".join(ways)


def _item(item: Item, grammar: Grammar) -> str:
    match item:
        case Word():
            return " ".join(map(json.dumps, re.findall(r"^\s+|.+", item.text, re.DOTALL)))
        case Gap():
            return f"_{GAP.name.upper()}"
        case Part():
            name = _symbol(item, grammar) if item.most == 1 else f"_{item.symbol}_{item.most}"
            return name if item.least else f"{name}?"


def _chains(grammar: Grammar) -> Iterator[str]:
    """For each repeated symbol, a rule per number of times that it may still come."""
    longest: dict[str, Part] = {}
    for rule in grammar.rules.values():
        for part in (part for alternative in rule.alternatives for part in alternative.parts):
            if part.most > max(1, longest[part.symbol].most if part.symbol in longest else 1):
                longest[part.symbol] = part
    for name, part in longest.items():
        symbol = _symbol(part, grammar)
        yield f"_{name}_1: {symbol}"
        yield from (f"_{name}_{n}: {symbol} _{name}_{n - 1}?" for n in range(2, part.most + 1))


def _symbol(part: Part, grammar: Grammar) -> str:
    return part.symbol.upper() if part.symbol in grammar.patterns else part.symbol


def _terminal(pattern: Pattern) -> str:
    name = f"_{pattern.name}" if pattern is GAP else pattern.name
    return f"{name.upper()}: /{pattern.regex.replace('/', chr(92) + '/')}/"
