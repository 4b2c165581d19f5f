"""Generated Python, line by line, each with its place in the program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rewardlang.source import Source, Span


class Page:
    """Collects lines of Python. `spans[i]` is the program's place of line i + 1."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._indent = ""
        self.lines: list[str] = []
        self.spans: list[Span | None] = []

    def add(self, text: str, span: Span | None = None, note: str = "") -> None:
        """One line; with a span, the program's line number stands behind it, then the note."""
        assert "\n" not in text, text
        line = f"{self._indent}{text}" if text else ""
        if span is not None:
            number, _ = self._source.line_column(span.start)
            line = f"{line:<70}  # {number} {comment(note)}".rstrip()
        self.lines.append(line)
        self.spans.append(span)

    @contextmanager
    def block(self, head: str, span: Span | None = None, note: str = "") -> Iterator[None]:
        """A line that ends in a colon, and what is added meanwhile indented below it."""
        self.add(head, span, note)
        with self.indented():
            yield

    @contextmanager
    def indented(self) -> Iterator[None]:
        """What is added meanwhile stands further in."""
        self._indent += "    "
        yield
        self._indent = self._indent[:-4]

    @contextmanager
    def function(self, head: str, span: Span | None) -> Iterator[None]:
        """A function, two lines away from what stands before."""
        self.add("")
        self.add("")
        with self.block(f"def {head}:", span):
            yield

    def quote(self, text: str, span: Span) -> None:
        """A heading: `text`, and the line of the program that it is about, as comments."""
        number, _ = self._source.line_column(span.start)
        words = self._source.text[span.start : span.end].split("\n")[0]
        self.add("")
        self.add("")
        self.add(f"# {comment(text)}; line {number}: {comment(words)}")
        self.spans[-1] = span

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def comment(text: str) -> str:
    """`text` such that it cannot leave the comment it stands in."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
