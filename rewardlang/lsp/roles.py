"""What each word of a program is, from the words around it: also in a text that does not parse.

The syntax tree exists only where the syntax is right, which it rarely is while somebody types.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from rewardlang.checking.library import HANDLE, HANDLE_PART, MACROS, MEASURES, PREDICATES
from rewardlang.checking.signatures import Macro, Measure, Measured, Parameter, Predicate
from rewardlang.syntax.scanner import Token

Row = Predicate | Measure | Macro

_NODES = frozenset({"SEQ", "ALL", "ANY", "USE", "KEEP", "STAGE"})
_BEFORE_LABEL = (_NODES - {"USE"}) | {"AS", "PENALTY"}
_BEFORE_CONDITION = frozenset({"UNTIL", "WHILE", "WHEN", "AND", "OR", "NOT"})
_FAR = 64  # words between which a call is looked for: garbage must not take quadratic time
_OUTSIDE_CALLS = _NODES | {"LBRACE", "RBRACE", "UNTIL", "WHILE", "PROGRESS", "SUCCESS", "OBJECT"}


class Role(Enum):
    """What a name is used as."""

    ALIAS = auto()  # declared by `object`
    TARGET = auto()  # the scene's name in an `object` line
    LABEL = auto()  # of a stage, a group, a `keep` or a penalty
    MACRO = auto()
    PREDICATE = auto()
    MEASURE = auto()  # of `progress`
    ARGUMENT = auto()  # a thing, or the name of a call that is an argument
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a word stands. For arguments: of which call, the how many-th, beside which others.

    `opened` is the index of the call's parenthesis among the words.
    """

    role: Role
    callee: str = ""
    index: int = 0
    others: tuple[str, ...] = ()
    is_macro: bool = False
    opened: int = 0

    @property
    def row(self) -> Row | None:
        """The vocabulary's row of the call."""
        if self.is_macro:
            return MACROS.get(self.callee)
        return PREDICATES.get(self.callee) or MEASURES.get(self.callee)

    @property
    def wants_measure(self) -> bool:
        return self.role is Role.MEASURE or isinstance(self.parameter, Measured)

    @property
    def parameter(self) -> Parameter | None:
        """What the argument is for."""
        if self.callee == HANDLE:
            return HANDLE_PART
        row = self.row
        return row.parameters[self.index] if row and self.index < len(row.parameters) else None


def place(tokens: Sequence[Token], index: int) -> Place:
    """What a name at `tokens[index]` is, or would be."""
    before = tokens[index - 1].kind if index else ""
    if before == "OBJECT":
        return Place(Role.ALIAS)
    if before == "EQUAL":
        return Place(Role.TARGET)
    if before == "USE":
        return Place(Role.MACRO)
    if before in _BEFORE_LABEL:
        return Place(Role.LABEL)
    if before == "PROGRESS":
        return Place(Role.MEASURE)
    if before in _BEFORE_CONDITION or (before == "LBRACE" and _is_of_keep(tokens, index - 1)):
        return Place(Role.PREDICATE)
    return _in_parentheses(tokens, index)


def parameter_of_quantity(tokens: Sequence[Token], index: int) -> Parameter | Measure | None:
    """What a number at `tokens[index]` is for: a parameter, or the measure of `progress`."""
    parameter = place(tokens, index).parameter
    if parameter is not None or index == 0 or tokens[index - 1].kind not in ("FROM", "TO"):
        return parameter
    for at in range(index - 1, max(0, index - _FAR), -1):
        if tokens[at - 1].kind == "PROGRESS":
            return MEASURES.get(tokens[at].text)
        if tokens[at].kind in ("LBRACE", "RBRACE"):
            break
    return None


def measured(tokens: Sequence[Token], where: Place) -> Measure | None:
    """The measure that is the first argument of the call around `where`."""
    first = where.opened + 1
    return MEASURES.get(tokens[first].text) if first < len(tokens) else None


def _in_parentheses(tokens: Sequence[Token], index: int) -> Place:
    opened = _opening(tokens, index)
    if opened is None:
        return Place(Role.UNKNOWN)
    if not opened or tokens[opened - 1].kind != "NAME":
        is_start = tokens[index - 1].kind == "LPAR"
        return Place(Role.PREDICATE if is_start else Role.UNKNOWN)
    if tokens[index - 1].kind not in ("LPAR", "COMMA"):
        return Place(Role.UNKNOWN)
    position, others = _arguments(tokens, opened, index)
    is_macro = opened > 1 and tokens[opened - 2].kind == "USE"
    callee = tokens[opened - 1].text
    outer = _opening(tokens, opened - 1) if callee == HANDLE else None
    if outer is not None:  # what is beside `handle(…)` counts too
        others += _arguments(tokens, outer, opened - 1)[1]
    return Place(Role.ARGUMENT, callee, position, tuple(others), is_macro, opened)


def _opening(tokens: Sequence[Token], index: int) -> int | None:
    """The innermost parenthesis that is open before `tokens[index]`."""
    closed = 0
    for at in range(index - 1, max(-1, index - 1 - _FAR), -1):
        kind = tokens[at].kind
        if kind == "RPAR":
            closed += 1
        elif kind == "LPAR":
            if not closed:
                return at
            closed -= 1
        elif kind in _OUTSIDE_CALLS:
            break
    return None


def _arguments(tokens: Sequence[Token], opened: int, index: int) -> tuple[int, list[str]]:
    """The how many-th argument `tokens[index]` is in, and the names that are other arguments."""
    depth = position = at_index = 0
    names: list[tuple[int, str]] = []
    for at in range(opened + 1, min(len(tokens), index + _FAR)):
        kind = tokens[at].kind
        if at == index:
            at_index = position
        if kind in _OUTSIDE_CALLS or (kind == "RPAR" and not depth):
            break
        depth += (kind == "LPAR") - (kind == "RPAR")
        if kind == "COMMA" and not depth:
            position += 1
        elif kind == "NAME" and at != index:
            names.append((position, tokens[at].text))
    return at_index, [text for of, text in names if of != at_index]


def _is_of_keep(tokens: Sequence[Token], brace: int) -> bool:
    """Whether the brace opens a `keep`: then a condition follows, not a stage."""
    for at in range(brace - 1, max(-1, brace - 5), -1):
        if tokens[at].kind in _NODES:
            return tokens[at].kind == "KEEP"
    return False
