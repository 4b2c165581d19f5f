"""BDDL text -> nested forms: `(word (word …) …)` with places, and what is wrong with the brackets.

A section such as `(:goal` stands directly in `(define`. Where one begins elsewhere, a parenthesis
is missing or too many before it: that is said once, and reading goes on as if it were not so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rewardlang.diagnostics import Diagnostic, Label
from rewardlang.scene.errors import CODE
from rewardlang.source import Source, Span

MAX_CHARACTERS = 200_000
MAX_DEPTH = 20
MAX_STRAY = 5  # of parentheses and words outside of everything, how many are told

SECTIONS = (
    ":domain",
    ":requirements",
    ":language",
    ":regions",
    ":fixtures",
    ":objects",
    ":obj_of_interest",
    ":init",
    ":goal",
)

_TOKEN = re.compile(r";[^\n]*|[()]|[^\s();]+")
_NEXT_WORD = re.compile(r"\(\s*([^\s();]+)")


@dataclass(frozen=True, slots=True)
class Word:
    """A word in lower case, as LIBERO reads it."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Form:
    """Everything between a parenthesis and the one that closes it."""

    items: tuple[Word | Form, ...]
    span: Span

    @property
    def head(self) -> str:
        """The first word; empty where the form does not begin with one."""
        first = self.items[0] if self.items else None
        return first.text if isinstance(first, Word) else ""

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of the form itself, its head included."""
        return tuple(item for item in self.items if isinstance(item, Word))

    @property
    def forms(self) -> tuple[Form, ...]:
        """The forms of the form itself."""
        return tuple(item for item in self.items if isinstance(item, Form))


def read_forms(source: Source) -> tuple[tuple[Form, ...], list[Diagnostic]]:
    """The outermost forms of a text. Linear in its length; never raises."""
    if len(source.text) > MAX_CHARACTERS:
        message = f"a task has at most {MAX_CHARACTERS} characters, this file {len(source.text)}"
        return (), [Diagnostic(CODE, message, Span(0, 1))]
    reader = _Reader(source)
    reader.read()
    return tuple(reader.roots), reader.found


@dataclass
class _Open:
    """A form that is not closed yet."""

    start: int
    items: list[Word | Form] = field(default_factory=list)


@dataclass
class _Reader:
    source: Source
    roots: list[Form] = field(default_factory=list)
    found: list[Diagnostic] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    strays: int = 0

    def read(self) -> None:
        before = ""
        for token, span in self._tokens():
            name = token.lower()
            if token == "(":
                if not self._open(span):
                    return
            elif token == ")":
                self._close(span)
            elif name in SECTIONS and before != "(":
                self._section(name)
                self._report(f"a parenthesis is missing before `{name}`", span)
                self.stack.append(_Open(span.start, [Word(name, span)]))
            elif self.stack:
                self.stack[-1].items.append(Word(name, span))
            else:
                self._stray("this stands outside of `(define …)`", span)
            before = token
        self._end()

    def _tokens(self) -> Iterator[tuple[str, Span]]:
        for match in _TOKEN.finditer(self.source.text):
            if not match[0].startswith(";"):
                yield match[0], Span(match.start(), match.end())

    def _open(self, span: Span) -> bool:
        """Whether reading can go on."""
        word = _NEXT_WORD.match(self.source.text, span.start)
        if word and word[1].lower() in SECTIONS:
            self._section(word[1].lower())
        if len(self.stack) == MAX_DEPTH:
            self._report(f"more than {MAX_DEPTH} parentheses are open here", span)
            return False
        self.stack.append(_Open(span.start))
        return True

    def _section(self, name: str) -> None:
        """Put right what stands between the section that begins here and `(define`."""
        if len(self.stack) > 1:
            message = f"{self._named(self.stack[1])} is not closed before `({name}` begins"
            self._report(message, self._mark(self.stack[1]))
            end = self.stack[-1].start + 1
            while len(self.stack) > 1:
                self._finish(end)
        elif not self.stack and self.roots:
            early = self.roots.pop()
            message = f"this closes `({early.head or '…'}` too early: `({name}` is still to come"
            last = next((form for form in reversed(early.forms) if form.head in SECTIONS), early)
            label = Label(Span(last.span.start, last.span.start + 1), "a `(` less or a `)` more")
            place = Span(early.span.end - 1, early.span.end)
            self.found.append(Diagnostic(CODE, message, place, related=(label,)))
            self.stack.append(_Open(early.span.start, list(early.items)))

    def _close(self, span: Span) -> None:
        if self.stack:
            self._finish(span.end)
        else:
            self._stray("this parenthesis closes nothing", span)

    def _finish(self, end: int) -> None:
        done = self.stack.pop()
        form = Form(tuple(done.items), Span(done.start, end))
        (self.stack[-1].items if self.stack else self.roots).append(form)

    def _end(self) -> None:
        if not self.stack:
            return
        missing = len(self.stack)
        inner = self.stack[min(1, missing - 1)]
        hint = f"{missing} `)` {'is' if missing == 1 else 'are'} missing before the end of the file"
        self._report(f"{self._named(inner)} is never closed", self._mark(inner), hint)
        while self.stack:
            self._finish(len(self.source.text))

    def _named(self, form: _Open) -> str:
        first = form.items[0] if form.items else None
        return f"`({first.text}`" if isinstance(first, Word) else "this parenthesis"

    def _mark(self, form: _Open) -> Span:
        return Span(form.start, form.start + 1)

    def _stray(self, message: str, span: Span) -> None:
        self.strays += 1
        if self.strays <= MAX_STRAY:
            self._report(message, span)

    def _report(self, message: str, span: Span, hint: str = "") -> None:
        self.found.append(Diagnostic(CODE, message, span, hint))
