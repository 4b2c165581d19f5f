"""Program text -> data of the JSON schema, by the grammar: what `document.written` undoes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

from rewardlang.grammars.model import (
    GAP,
    Alternative,
    Chars,
    Gap,
    Grammar,
    Item,
    Part,
    Pattern,
    Word,
)

Found = Iterator[tuple[Any, int]]
"""Each way to read something: its data, and where it ends."""


class UnreadableError(ValueError):
    """A text that the grammar does not accept. `offset`: where it leaves the grammar."""

    def __init__(self, text: str, offset: int):
        super().__init__(f"not in the grammar from here on: {text[offset : offset + 40]!r}")
        self.offset = offset


def read(grammar: Grammar, text: str) -> Any:
    """The data of a program in the formatter's layout, without comments and `object` lines.

    Raises UnreadableError.
    """
    reader = _Reader(grammar, text)
    for value, end in reader.symbol(grammar.start, 0):
        if end == len(text):
            return value
    raise UnreadableError(text, reader.farthest)


class _Reader:
    """Tries alternatives in order and goes back; longer repetitions come first."""

    def __init__(self, grammar: Grammar, text: str):
        self._grammar, self._text = grammar, text
        self.farthest = 0

    def symbol(self, symbol: str, start: int) -> Found:
        if symbol in self._grammar.patterns:
            ends = self._ends(self._grammar.patterns[symbol], start)
            yield from ((self._text[start:end], end) for end in ends)
            return
        for alternative in self._grammar.rules[symbol].alternatives:
            yield from self._alternative(alternative, start)

    def _alternative(self, alternative: Alternative, start: int) -> Found:
        for values, end in self._sequence(alternative.items, start):
            yield alternative.data(values), end

    def _sequence(self, items: Sequence[Item], start: int) -> Iterator[tuple[dict[str, Any], int]]:
        if not items:
            yield {}, start
            return
        for values, middle in self._item(items[0], start):
            for others, end in self._sequence(items[1:], middle):
                yield {**values, **others}, end

    def _item(self, item: Item, start: int) -> Iterator[tuple[dict[str, Any], int]]:
        match item:
            case Word():
                if self._says(item.text, start):
                    yield {}, start + len(item.text)
            case Gap():
                yield from (({}, end) for end in self._ends(GAP, start))
            case Part():
                for values, end in self._repeated(item, item.most, start):
                    if len(values) >= item.least:
                        yield {item.role: item.data(values)}, end

    def _repeated(self, part: Part, most: int, start: int) -> Iterator[tuple[list[Any], int]]:
        if most:
            for value, middle in self.symbol(part.symbol, start):
                for others, end in self._repeated(part, most - 1, middle):
                    yield [value, *others], end
        yield [], start

    def _says(self, word: str, start: int) -> bool:
        said = self._text[start : start + len(word)]
        pairs = takewhile(lambda pair: pair[0] == pair[1], zip(said, word, strict=False))
        self._seen(start + sum(1 for _ in pairs))
        return said == word

    def _ends(self, pattern: Pattern, start: int) -> Iterator[int]:
        for alternative in pattern.alternatives:
            yield from self._run(alternative, start)

    def _run(self, alternative: Sequence[Chars], start: int) -> Iterator[int]:
        """Where these characters can end, the farthest first."""
        if not alternative:
            yield start
            return
        first, *rest = alternative
        most = self._count(first, start)
        for count in range(most, first.least - 1, -1):
            yield from self._run(rest, start + count)

    def _count(self, chars: Chars, start: int) -> int:
        found = re.compile(f"{chars.one}{{0,{chars.most}}}").match(self._text, start)
        assert found is not None  # nothing at all would do
        self._seen(found.end())
        return found.end() - start

    def _seen(self, end: int) -> None:
        self.farthest = max(self.farthest, end)
