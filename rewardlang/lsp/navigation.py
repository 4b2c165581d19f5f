"""Where a name is declared, where it is used, and giving it another."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rewardlang.checking.library import GRIPPER
from rewardlang.datatypes import UNITS
from rewardlang.diagnostics import Diagnostic
from rewardlang.lsp.document import Declaration, Document, scope
from rewardlang.lsp.roles import Role, place
from rewardlang.source import Source, Span
from rewardlang.syntax.parser import scan_text
from rewardlang.syntax.scanner import Token


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a name cannot be given, in a sentence."""

    reason: str


def definition(document: Document, offset: int) -> Span | None:
    """The alias in the `object` line of the name at `offset`.

    A scene's name leads to the line that gives it another.
    """
    found = _declaration(document, offset)
    return found.alias.span if found else None


def references(document: Document, offset: int) -> tuple[Span, ...]:
    """Every place of the thing's name at `offset`, the declaration first."""
    token = _thing(document, offset)
    if token is None:
        return ()
    found = _declaration(document, offset)
    return tuple(document.things(found.alias.text if found else document.written(token.span)))


def renamable(document: Document, offset: int) -> Span | Refused:
    """The name at `offset`, or why it cannot be changed."""
    token = _thing(document, offset)
    if token is None:
        return Refused("only the names that `object` gives can be changed")
    if token.text in document.aliases and not _is_target(document, offset):
        return token.span
    if token.text == GRIPPER:
        return Refused("the gripper is always called `gripper`")
    message = f"`{token.text}` is the scene's own name; `object` gives it another"
    return Refused(message)


def rename(document: Document, offset: int, new: str) -> tuple[Span, ...] | Refused:
    """Where `new` has to be put in, or why it cannot be the name."""
    span = renamable(document, offset)
    if isinstance(span, Refused):
        return span
    old = document.written(span)
    if new == old:
        return ()
    refused = _no_name(new) or _taken(document, old, new)
    return refused or tuple(document.things(old))


def _thing(document: Document, offset: int) -> Token | None:
    """The word at `offset`, where it stands for a thing."""
    found = document.named_at(offset)
    if found is None or found[1].kind != "NAME":
        return None
    where = place(document.tokens, found[0])
    is_thing = where.role in (Role.ALIAS, Role.TARGET, Role.ARGUMENT)
    return found[1] if is_thing and not where.wants_measure else None


def _is_target(document: Document, offset: int) -> bool:
    found = document.named_at(offset)
    return found is not None and place(document.tokens, found[0]).role is Role.TARGET


def _declaration(document: Document, offset: int) -> Declaration | None:
    token = _thing(document, offset)
    if token is None:
        return None
    of_target = _is_target(document, offset)
    for item in document.declarations:
        if token.text == (item.target if of_target else item.alias).text:
            return item
    return next((d for d in document.declarations if d.target.text == token.text), None)


def _no_name(new: str) -> Refused | None:
    """Why `new` is no name of the language."""
    if new in UNITS:
        return Refused(f"`{new}` is a unit")
    scanned = scan_text(Source(new))
    whole = Span(0, len(new))
    is_word = len(scanned.tokens) == 1 and scanned.tokens[0].span == whole
    if is_word and scanned.diagnostics:
        return Refused(scanned.diagnostics[0].message)
    if not is_word or not new[0].isalpha():
        return Refused(f"`{new}` is not a name: a letter, then letters, digits and `_`")
    if scanned.tokens[0].kind != "NAME":
        return Refused(f"`{new}` is a word of the language")
    return None


def _taken(document: Document, old: str, new: str) -> Refused | None:
    """Why the program cannot use `new` for what it calls `old`."""
    found: list[Diagnostic] = []
    scope(
        document.scene, (_renamed(item, old, new) for item in document.declarations), found.append
    )
    message = next((d.message for d in found if _is_reserved(d, new)), "")
    if not message and document.things(new):
        message = f"`{new}` already stands for something in this program"
    return Refused(message) if message else None


def _is_reserved(found: Diagnostic, new: str) -> bool:
    return found.code == "reserved-name" and f"`{new}`" in found.message


def _renamed(item: Declaration, old: str, new: str) -> Declaration:
    if item.alias.text != old:
        return item
    return Declaration(replace(item.alias, text=new), item.target)
