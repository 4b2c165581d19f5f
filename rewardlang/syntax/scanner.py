"""Text -> tokens and comments. Accepts any text: what no word of the language is becomes junk.

The words themselves come from the grammar (`Words`, filled by `parser`); this module knows only
where one lexeme ends, more generously than the grammar does, so that `Soup`, `-3` and `12345`
are one lexeme each and can be told what is wrong with them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rewardlang.datatypes import UNITS
from rewardlang.diagnostics import Diagnostic, Suggestion
from rewardlang.source import Source, Span

JUNK = "JUNK"  # the kind of a token that the grammar does not know
END = "$END"

_LEXEME = re.compile(
    r"""
      (?P<space>[ \t\r\n]+|\A\ufeff)
    | (?P<comment>\#[^\n]*)
    | (?P<string>"[^"\n]*"?)
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<sign>[={}(),%])
    | (?P<other>[<>=!&|]+|'[^'\n]*'?|```[^\n]*|-->?|.)
    """,
    re.VERBOSE | re.DOTALL,
)

_HINTS = {
    "<": "compare with `at_most(measure, quantity)`",
    "<=": "compare with `at_most(measure, quantity)`",
    ">": "compare with `at_least(measure, quantity)`",
    ">=": "compare with `at_least(measure, quantity)`",
    "==": "there is no equality; see `at_least` and `at_most`",
    "!=": "there is no equality; see `at_least` and `at_most`",
    "!": "write `not`",
    "&": "write `and`",
    "&&": "write `and`",
    "|": "write `or`",
    "||": "write `or`",
    ";": "nothing stands between lines",
    "[": "groups and stages stand in `{ }`",
    "]": "groups and stages stand in `{ }`",
    "/": "comments start with `#`",
    "*": "there is no arithmetic",
    "+": "there is no arithmetic",
    "-": "there is no arithmetic",
    ":": "groups and stages stand in `{ }`",
    "°": "write `deg`",
    ".": "names have no dots",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the program; `kind` is the grammar's terminal. Inserted ones have an empty span."""

    kind: str
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Comment:
    text: str
    span: Span


@dataclass(frozen=True)
class Words:
    """The grammar's terminals: literals by text, and the shapes of the others."""

    literals: Mapping[str, str]
    name: re.Pattern[str]
    number: re.Pattern[str]
    string: re.Pattern[str]


@dataclass(frozen=True)
class Scanned:
    """`tokens` without the end token. A diagnostic belongs to the token with the same span."""

    tokens: tuple[Token, ...]
    comments: tuple[Comment, ...]
    diagnostics: tuple[Diagnostic, ...]


def scan(source: Source, words: Words, start: int = 0, stop: int | None = None) -> Scanned:
    """The words in `source.text[start:stop]`."""
    tokens: list[Token] = []
    comments: list[Comment] = []
    diagnostics: list[Diagnostic] = []
    for match in _LEXEME.finditer(source.text, start, len(source.text) if stop is None else stop):
        text, span = match.group(), Span(*match.span())
        match match.lastgroup:
            case "space":
                continue
            case "comment":
                comments.append(Comment(text.rstrip(), span))
                continue
        token, problem = _token(str(match.lastgroup), text, span, words)
        tokens.append(token)
        if problem:
            diagnostics.append(problem)
    return Scanned(tuple(tokens), tuple(comments), tuple(diagnostics))


def _token(group: str, text: str, span: Span, words: Words) -> tuple[Token, Diagnostic | None]:
    """The token of one lexeme; where it is none, the nearest one and what is wrong."""
    if text in words.literals:
        return Token(words.literals[text], text, span), None
    match group:
        case "word":
            return _word(text, span, words)
        case "number":
            problem = None if words.number.fullmatch(text) else _bad_number(text, span)
            return Token("NUMBER", "1" if problem else text, span), problem
        case "string":
            problem = None if words.string.fullmatch(text) else _bad_string(text, span)
            return Token("STRING", '""' if problem else text, span), problem
        case _:
            return Token(JUNK, text, span), _unknown_sign(text, span)


def _word(text: str, span: Span, words: Words) -> tuple[Token, Diagnostic | None]:
    if words.name.fullmatch(text):
        return Token("NAME", text, span), None
    lower = text.lower()
    if lower in words.literals and lower not in UNITS:
        message = f"`{text}` is written in lower case"
        fix = (Suggestion(lower),)
        problem = Diagnostic("misspelt-keyword", message, span, suggestions=fix)
        return Token(words.literals[lower], lower, span), problem
    if words.name.fullmatch(lower):
        message = f"`{text}` is not a name: names are lower case"
        problem = Diagnostic("bad-name", message, span, suggestions=(Suggestion(lower),))
        return Token("NAME", lower, span), problem
    if len(text) > 64:
        message = f"this name has {len(text)} characters; at most 64 are allowed"
    else:
        message = f"`{text}` is not a name: a letter, then letters, digits and `_`, in lower case"
    return Token("NAME", "", span), Diagnostic("bad-name", message, span)


def _bad_number(text: str, span: Span) -> Diagnostic:
    whole, _, fraction = text.lstrip("-").partition(".")
    if text.startswith("-"):
        message = f"`{text}` is negative; all numbers here are 0 or greater"
    elif len(whole) > 4:
        message = f"`{text}` has {len(whole)} digits before the point; at most 4 are allowed"
    else:
        message = f"`{text}` has {len(fraction)} digits after the point; at most 4 are allowed"
    return Diagnostic("bad-number", message, span)


def _bad_string(text: str, span: Span) -> Diagnostic:
    if len(text) == 1 or not text.endswith('"'):
        return Diagnostic("bad-string", "this string is not closed", span, 'a `"` is missing')
    if len(text) == 2:
        message = "this string is empty"
    elif "\\" in text:
        message = "a string holds no backslash: there are no escapes"
    else:
        message = f"this string has {len(text) - 2} characters; at most 200 are allowed"
    return Diagnostic("bad-string", message, span)


def _unknown_sign(text: str, span: Span) -> Diagnostic:
    if text.startswith("'"):
        return Diagnostic("unknown-character", "strings stand in `\"`, not in `'`", span)
    shown = f"`{text}`" if text.isprintable() else f"the character U+{ord(text[0]):04X}"
    return Diagnostic(
        "unknown-character", f"{shown} is not part of the language", span, _HINTS.get(text, "")
    )
