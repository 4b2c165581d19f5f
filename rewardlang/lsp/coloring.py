"""What each name is, for colours that a grammar of words alone cannot tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from rewardlang.checking.library import GRIPPER, HANDLE, MACROS, MEASURES, PREDICATES
from rewardlang.lsp.document import Document
from rewardlang.lsp.roles import Place, Role
from rewardlang.source import Span


class Color(Enum):
    """The protocol's names of token types."""

    VARIABLE = "variable"  # an alias
    ENUM_MEMBER = "enumMember"  # a name of the scene
    FUNCTION = "function"  # a predicate or measure
    MACRO = "macro"
    PROPERTY = "property"  # of a stage, group, keep or penalty


def colored(document: Document) -> Iterator[tuple[Span, Color]]:
    """The names that mean something, in order."""
    aliases = document.aliases
    for token, where in document.names:
        color = _color(token.text, where, aliases)
        if color is not None:
            yield token.span, color


def _color(name: str, where: Place, aliases: dict[str, str]) -> Color | None:
    match where.role:
        case Role.ALIAS:
            return Color.VARIABLE
        case Role.TARGET:
            return Color.ENUM_MEMBER
        case Role.LABEL:
            return Color.PROPERTY
        case Role.MACRO:
            return Color.MACRO if name in MACROS else None
        case Role.PREDICATE | Role.MEASURE:
            return Color.FUNCTION if name in PREDICATES or name in MEASURES else None
        case Role.ARGUMENT if where.wants_measure or name in (GRIPPER, HANDLE):
            return Color.FUNCTION
        case Role.ARGUMENT:
            return Color.VARIABLE if name in aliases else Color.ENUM_MEMBER
        case _:
            return None
