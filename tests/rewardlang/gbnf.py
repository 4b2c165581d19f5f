"""A recogniser that knows nothing but the text of a GBNF grammar."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

Ends = Callable[[str, int], Iterator[int]]

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\[[^\]]*\]|[a-z0-9-]+|\{\d+,\d+\}|[?|]')
Unit = tuple[str, int, int]  # literal, class or name; least and most times


class Gbnf:
    """Says of texts whether the grammar accepts them."""

    def __init__(self, text: str):
        self.rules = {name: _ways(body) for name, body in _lines(text)}

    def undefined(self) -> set[str]:
        """Names that are used and not defined."""
        used = {unit[0] for ways in self.rules.values() for way in ways for unit in way}
        return {name for name in used if name[0] not in '"['} - self.rules.keys()

    def accepts(self, text: str) -> bool:
        return len(text) in _Match(self.rules, text).ends("root", 0)


class _Match:
    def __init__(self, rules: dict[str, list[list[Unit]]], text: str):
        self.rules, self.text = rules, text
        self.known: dict[tuple[str, int], frozenset[int]] = {}

    def ends(self, name: str, start: int) -> frozenset[int]:
        """Where a unit that begins at `start` can end."""
        if name[0] == '"':
            word = json.loads(name)
            return frozenset({start + len(word)} if self.text.startswith(word, start) else ())
        if name[0] == "[":
            fits = start < len(self.text) and re.fullmatch(name, self.text[start])
            return frozenset({start + 1} if fits else ())
        if (name, start) not in self.known:
            ways = (self._sequence(way, start) for way in self.rules[name])
            self.known[name, start] = frozenset().union(*ways)
        return self.known[name, start]

    def _sequence(self, way: list[Unit], start: int) -> frozenset[int]:
        ends = frozenset({start})
        for name, least, most in way:
            ends = self._repeated(name, least, most, ends)
        return ends

    def _repeated(self, name: str, least: int, most: int, starts: frozenset[int]) -> frozenset[int]:
        ends = starts if least == 0 else frozenset()
        for count in range(1, most + 1):
            starts = frozenset(end for start in starts for end in self.ends(name, start))
            ends = ends | starts if count >= least else ends
        return ends


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, body = line.partition(" ::= ")
        assert re.fullmatch(r"[a-z0-9-]+", name), line
        yield name, body


def _ways(body: str) -> list[list[Unit]]:
    ways: list[list[Unit]] = [[]]
    for token in _TOKEN.findall(body):
        if token == "|":
            ways.append([])
        elif token == "?" or token[0] == "{":
            least, most = (0, 1) if token == "?" else map(int, token[1:-1].split(","))
            ways[-1][-1] = (ways[-1][-1][0], least, most)
        else:
            ways[-1].append((token, 1, 1))
    return ways
