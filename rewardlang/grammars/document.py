"""Programs as data of the JSON schema: at random, for tests and examples, and as text."""

from __future__ import annotations

import re
from random import Random
from typing import Any

from rewardlang.grammars.model import Alternative, Gap, Grammar, Item, Part, Pattern, Word


class NotInGrammarError(ValueError):
    """Data that no rule of the grammar describes. `symbol`: the rule that was to."""

    def __init__(self, symbol: str, value: Any):
        super().__init__(f"this is no {symbol}: {value!r:.200}")
        self.symbol = symbol


def written(grammar: Grammar, value: Any) -> str:
    """The program's text, each stage on one line. Raises NotInGrammarError."""
    text = _text(grammar, grammar.start, value)
    if text is None:
        raise NotInGrammarError(grammar.start, value)
    return text


def drawn(grammar: Grammar, rng: Random) -> Any:
    """Data of a random program of the grammar, rather short than long."""
    return _drawn(grammar, grammar.start, rng)


def _text(grammar: Grammar, symbol: str, value: Any) -> str | None:
    """The text of data as a rule or pattern writes it; None where it does not describe it."""
    if symbol in grammar.patterns:
        regex = grammar.patterns[symbol].regex
        fits = isinstance(value, str) and re.fullmatch(regex, value)
        return value if fits else None
    for alternative in grammar.rules[symbol].alternatives:
        text = _alternative_text(grammar, alternative, value)
        if text is not None:
            return text
    return None


def _alternative_text(grammar: Grammar, alternative: Alternative, value: Any) -> str | None:
    parts = _values(alternative, value)
    if parts is None:
        return None
    texts = [_item_text(grammar, item, parts) for item in alternative.items]
    return None if None in texts else "".join(text for text in texts if text)


def _values(alternative: Alternative, value: Any) -> dict[str, Any] | None:
    """The parts' data by role; None where `value` is data of something else."""
    if alternative.is_transparent:
        return {alternative.parts[0].role: value}
    if not alternative.parts and not alternative.tag:
        return {} if value == alternative.text else None
    roles = {part.role for part in alternative.parts} | ({"is"} if alternative.tag else set())
    fits = isinstance(value, dict) and value.keys() == roles
    return value if fits and value.get("is", "") == alternative.tag else None


def _item_text(grammar: Grammar, item: Item, parts: dict[str, Any]) -> str | None:
    match item:
        case Word():
            return item.text
        case Gap():
            return " "
        case Part():
            values = _repeated(item, parts[item.role])
            if not item.least <= len(values) <= item.most:
                return None
            texts = [_text(grammar, item.symbol, value) for value in values]
            return None if None in texts else "".join(text for text in texts if text)


def _repeated(part: Part, value: Any) -> list[Any]:
    match part.least, part.most:
        case 1, 1:
            return [value]
        case 0, 1:
            return [] if value is None else [value]
        case _:
            return value if isinstance(value, list) else []


def _drawn(grammar: Grammar, symbol: str, rng: Random) -> Any:
    if symbol in grammar.patterns:
        return _drawn_word(grammar.patterns[symbol], rng)
    alternative = rng.choice(grammar.rules[symbol].alternatives)
    return alternative.data({p.role: _drawn_part(grammar, p, rng) for p in alternative.parts})


def _drawn_part(grammar: Grammar, part: Part, rng: Random) -> Any:
    count = min(rng.randint(part.least, part.most) for _ in range(2))
    return part.data([_drawn(grammar, part.symbol, rng) for _ in range(count)])


def _drawn_word(pattern: Pattern, rng: Random) -> str:
    chosen = rng.choice(pattern.alternatives)
    return "".join(
        rng.choice(_members(chars.allowed))
        for chars in chosen
        for _ in range(rng.randint(chars.least, chars.most))
    )


def _members(allowed: str) -> str:
    """The characters of a class: `a-c_` -> `abc_`."""
    return re.sub(r"(.)-(.)", lambda r: "".join(map(chr, range(ord(r[1]), ord(r[2]) + 1))), allowed)
