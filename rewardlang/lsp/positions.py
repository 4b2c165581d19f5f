"""An editor's positions <-> offsets in a text.

An editor counts lines from 0 and columns in units of an encoding, by default UTF-16, where a
character beyond the basic plane takes two. Our spans count characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from rewardlang.source import Span

_LINE_END = re.compile(r"\r\n|\n|\r")


class Encoding(Enum):
    """What a column counts: the protocol's names."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"

    def width(self, text: str) -> int:
        """The number of units that `text` takes."""
        match self:
            case Encoding.UTF8:
                return len(text.encode("utf-8", "surrogatepass"))
            case Encoding.UTF16:
                return len(text.encode("utf-16-le", "surrogatepass")) // 2
            case Encoding.UTF32:
                return len(text)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """0-based line, and 0-based column in units of the encoding."""

    line: int
    column: int


@dataclass(frozen=True)
class Positions:
    """The positions of one text."""

    text: str
    encoding: Encoding = Encoding.UTF16

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def position(self, offset: int) -> Position:
        """The position of an offset; of the nearest one where there is none such."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self._starts, offset) - 1
        return Position(line, self.encoding.width(self.text[self._starts[line] : offset]))

    def offset(self, position: Position) -> int:
        """The offset of a position.

        A column behind the end of its line stands for that end, one inside of a character for
        the start of it, a line behind the last one for the end of the text.
        """
        if position.line >= len(self._starts):
            return len(self.text)
        line = self._line(max(position.line, 0))
        start = self._starts[max(position.line, 0)]
        if line.isascii():
            return start + min(max(position.column, 0), len(line))
        units = 0
        for index, char in enumerate(line):
            units += self.encoding.width(char)
            if units > position.column:
                return start + index
        return start + len(line)

    def range(self, span: Span) -> tuple[Position, Position]:
        """The positions of a span's two ends."""
        return self.position(span.start), self.position(span.end)

    def _line(self, number: int) -> str:
        """The text of the 0-based line, without its end."""
        start = self._starts[number]
        stop = self._starts[number + 1] if number + 1 < len(self._starts) else len(self.text)
        return self.text[start:stop].rstrip("\r\n")
