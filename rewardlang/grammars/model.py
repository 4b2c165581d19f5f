"""A grammar as data: bounded rules over words and patterns. Builders fill it, printers read it.

White space is explicit, in words and gaps, so that a printed grammar accepts nothing of unbounded
length. Optional parts carry the space in front of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Word:
    """Text that stands there as it is: a keyword, a sign, a name of the scene."""

    text: str


@dataclass(frozen=True)
class Gap:
    """A space, or a line break and indentation: where the formatter may break a line."""


@dataclass(frozen=True)
class Part:
    """What a rule or pattern stands for, `least` to `most` times; `least` is 0 or 1.

    role: what it is here.
    """

    symbol: str
    role: str
    least: int = 1
    most: int = 1

    def __post_init__(self) -> None:
        assert self.least in (0, 1), self

    def data(self, values: Sequence[Any]) -> Any:
        """What the part is in the data of a program: a list only where it may be repeated."""
        if self.most > 1:
            return list(values)
        return values[0] if values else None


Item = Word | Gap | Part


@dataclass(frozen=True)
class Alternative:
    """One way to write a rule. tag: tells it from the others where their parts do not."""

    items: tuple[Item, ...]
    tag: str = ""

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return tuple(item for item in self.items if isinstance(item, Part))

    @property
    def text(self) -> str:
        """What is written where there are no parts, without the space around it."""
        return "".join(item.text for item in self.items if isinstance(item, Word)).strip()

    @property
    def is_transparent(self) -> bool:
        """Whether it says nothing but what its one part says."""
        return not self.tag and [(p.least, p.most) for p in self.parts] == [(1, 1)]

    def data(self, values: Mapping[str, Any]) -> Any:
        """What the alternative is in the data of a program, from its parts' data by role."""
        if self.is_transparent:
            return values[self.parts[0].role]
        if not self.parts and not self.tag:
            return self.text
        return {"is": self.tag, **values} if self.tag else dict(values)


@dataclass(frozen=True)
class Rule:
    name: str
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True)
class Chars:
    """`least` to `most` characters of a class, `a-z0-9_`, or one character alone."""

    allowed: str
    least: int = 1
    most: int = 1

    @property
    def one(self) -> str:
        """One of the characters, as a regular expression."""
        fixed = {"\n": r"\n", ".": r"\."}.get(self.allowed, self.allowed)
        return fixed if len(self.allowed) == 1 else f"[{self.allowed}]"

    @property
    def regex(self) -> str:
        once = (self.least, self.most) == (1, 1)
        return self.one if once else f"{self.one}{{{self.least},{self.most}}}"


@dataclass(frozen=True)
class Pattern:
    """A word that is not fixed. An alternative that starts another one stands behind it."""

    name: str
    alternatives: tuple[tuple[Chars, ...], ...]

    @property
    def regex(self) -> str:
        """The pattern as a regular expression, without anchors."""
        return "|".join("".join(c.regex for c in chars) for chars in self.alternatives)


GAP = Pattern("gap", ((Chars("\n"), Chars(" ", 2, 6)), (Chars(" "),)))


@dataclass(frozen=True)
class Grammar:
    """Rules and patterns by name; `start` is the rule of a whole program."""

    start: str
    rules: dict[str, Rule]
    patterns: dict[str, Pattern]


def grammar(start: str, rules: Iterable[Rule], patterns: Iterable[Pattern]) -> Grammar:
    """The grammar of what `start` needs of these rules and patterns.

    A rule without alternatives cannot be written: nor can what needs it.
    """
    by_name = _writable({rule.name: rule for rule in rules})
    all_patterns = {pattern.name: pattern for pattern in patterns}
    needed: dict[str, None] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        needed[name] = None
        if name not in all_patterns:
            waiting += (p.symbol for a in by_name[name].alternatives for p in a.parts)
    return Grammar(
        start,
        {name: rule for name, rule in by_name.items() if name in needed},
        {name: pattern for name, pattern in all_patterns.items() if name in needed},
    )


def _writable(rules: dict[str, Rule]) -> dict[str, Rule]:
    empty = {name for name, rule in rules.items() if not rule.alternatives}
    if not empty:
        return rules
    kept = {
        name: Rule(
            name, tuple(_without(a, empty) for a in rule.alternatives if not _needs(a, empty))
        )
        for name, rule in rules.items()
        if name not in empty
    }
    return _writable(kept)


def _needs(alternative: Alternative, empty: set[str]) -> bool:
    return any(part.least and part.symbol in empty for part in alternative.parts)


def _without(alternative: Alternative, empty: set[str]) -> Alternative:
    items = (i for i in alternative.items if not (isinstance(i, Part) and i.symbol in empty))
    return Alternative(tuple(items), alternative.tag)


def rule(name: str, *alternatives: Alternative) -> Rule:
    return Rule(name, alternatives)


def says(*items: Item | str, tag: str = "") -> Alternative:
    """One way to write a rule; strings are words, joined where they stand side by side."""
    joined: list[Item] = []
    for item in (Word(item) if isinstance(item, str) else item for item in items):
        last = joined[-1] if joined else None
        if isinstance(item, Word) and isinstance(last, Word):
            joined[-1] = Word(last.text + item.text)
        else:
            joined.append(item)
    return Alternative(tuple(joined), tag)


def one(symbol: str, role: str = "") -> Part:
    return Part(symbol, role or symbol)


def maybe(symbol: str, role: str = "") -> Part:
    return Part(symbol, role or symbol, 0, 1)


def some(symbol: str, least: int, most: int, role: str = "") -> Part:
    return Part(symbol, role or symbol, least, most)
