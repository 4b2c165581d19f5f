"""A program in an editor: its text with everything that is asked about it, worked out once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rewardlang.api import Analysis, analyze
from rewardlang.checking.names import Names, Report
from rewardlang.inspecting.scene_card import Card, card
from rewardlang.lsp.roles import Place, Role, place
from rewardlang.scene import Scene, SceneError, load
from rewardlang.source import Source, Span
from rewardlang.syntax import nodes
from rewardlang.syntax.parser import MAX_CHARACTERS, scan_text
from rewardlang.syntax.scanner import Scanned, Token


@dataclass(frozen=True)
class Declaration:
    """An `object` line: the words of the alias and of the scene's name."""

    alias: Token
    target: Token


@dataclass(frozen=True)
class Document:
    """One version of a program's text."""

    source: Source

    @cached_property
    def analysis(self) -> Analysis:
        """The whole program, checked."""
        return analyze(self.source.text, name=self.source.name)

    @cached_property
    def scanned(self) -> Scanned:
        """The words and comments; none of a text that is longer than a program may be."""
        is_too_long = len(self.source.text) > MAX_CHARACTERS
        return Scanned((), (), ()) if is_too_long else scan_text(self.source)

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The words."""
        return self.scanned.tokens

    @cached_property
    def scene(self) -> Scene | None:
        """The scene that the program names."""
        named = _after(self.tokens, "SCENE", "STRING")
        try:
            return load(named.text[1:-1], self.source.folder) if named else None
        except SceneError:
            return None

    @cached_property
    def card(self) -> Card | None:
        """What there is in the scene."""
        return card(self.scene) if self.scene else None

    @cached_property
    def declarations(self) -> tuple[Declaration, ...]:
        """The complete `object` lines, of equal aliases the first."""
        found: dict[str, Declaration] = {}
        for start, *rest in _windows(self.tokens, 4):
            kinds = [token.kind for token in rest]
            if start.kind == "OBJECT" and kinds == ["NAME", "EQUAL", "NAME"]:
                found.setdefault(rest[0].text, Declaration(rest[0], rest[2]))
        return tuple(found.values())

    @property
    def aliases(self) -> dict[str, str]:
        """Alias -> the scene's name."""
        return {item.alias.text: item.target.text for item in self.declarations}

    @cached_property
    def scope(self) -> Names:
        """What the names stand for."""
        return scope(self.scene, self.declarations, lambda _: None)

    def named_at(self, offset: int) -> tuple[int, Token] | None:
        """The word that `offset` is in, or the name that it is at the end of, with its index."""
        last = bisect_right(self.tokens, offset, key=lambda token: token.span.start) - 1
        for index in (last - 1, last):
            if index >= 0 and _is_at(self.tokens[index], offset):
                return index, self.tokens[index]
        return None

    @cached_property
    def names(self) -> tuple[tuple[Token, Place], ...]:
        """Every name with what it is used as."""
        tokens = self.tokens
        names = (index for index, token in enumerate(tokens) if token.kind == "NAME")
        return tuple((tokens[index], place(tokens, index)) for index in names)

    def role_at(self, span: Span) -> Role | None:
        """What the name that stands in `span` is used as."""
        return next((where.role for token, where in self.names if token.span == span), None)

    def things(self, name: str) -> list[Span]:
        """Where `name` stands for a thing: as an alias, or as an argument."""
        roles = (Role.ALIAS, Role.ARGUMENT)
        return [
            token.span
            for token, where in self.names
            if where.role in roles and self.written(token.span) == name
        ]

    def written(self, span: Span) -> str:
        """The text of a span."""
        return self.source.text[span.start : span.end]


def _is_at(token: Token, offset: int) -> bool:
    span = token.span
    return span.start <= offset < span.end or (span.end == offset and token.kind == "NAME")


def scope(scene: Scene | None, declarations: Iterable[Declaration], report: Report) -> Names:
    """What names stand for after `declarations`; `report` is told what is wrong with them."""
    names = Names(scene, report)
    names.declare(
        nodes.Object(_name(item.alias), _name(item.target), item.alias.span.to(item.target.span))
        for item in declarations
    )
    return names


def _name(token: Token) -> nodes.Name:
    return nodes.Name(token.text, token.span)


def _after(tokens: Sequence[Token], kind: str, wanted: str) -> Token | None:
    """The first word of kind `wanted` that follows one of `kind`."""
    pairs = _windows(tokens, 2)
    return next((b for a, b in pairs if a.kind == kind and b.kind == wanted), None)


def _windows(tokens: Sequence[Token], size: int) -> Iterator[tuple[Token, ...]]:
    return zip(*(tokens[start:] for start in range(size)), strict=False)
