"""The vocabulary table as reference: one entry per predicate, measure and macro."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from textwrap import dedent
from typing import Any, assert_never

from rewardlang.checking.library import MACROS, MEASURES, PREDICATES
from rewardlang.checking.names import nearest
from rewardlang.checking.signatures import (
    Amount,
    Macro,
    Measure,
    Parameter,
    Predicate,
    amount_text,
)
from rewardlang.inspecting.page import filled

MOST_SUGGESTIONS = 3

Row = Predicate | Measure | Macro


@dataclass(frozen=True)
class Argument:
    """A parameter in words. `usual` is the band outside of which a quantity is a warning."""

    name: str
    takes: str
    default: str = ""
    usual: str = ""

    @property
    def in_words(self) -> str:
        """All of it in one line."""
        default = f", {self.default} where not given" if self.default else ""
        return f"{self.takes}{default}{f', usually {self.usual}' if self.usual else ''}"


@dataclass(frozen=True)
class Entry:
    """A row of the vocabulary, in words.

    table: "predicate", "measure" or "macro". meaning: one line. degree: what the value follows
    while a predicate is false, "" for none. goal: LIBERO's own name, "" where it has none.
    source: what a macro stands for.
    """

    name: str
    table: str
    signature: str
    meaning: str
    arguments: tuple[Argument, ...]
    doc: str = ""
    degree: str = ""
    goal: str = ""
    dimension: str = ""
    source: str = ""
    also: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The entry as plain data."""
        return asdict(self)


class UnknownEntryError(LookupError):
    """A name that the vocabulary does not have. `near` holds what was probably meant."""

    def __init__(self, name: str, near: Sequence[str]):
        super().__init__(name)
        self.name = name
        self.near = tuple(near)


def entries() -> tuple[Entry, ...]:
    """The whole vocabulary, in the order of the table."""
    rows: list[Row] = [*PREDICATES.values(), *MEASURES.values(), *MACROS.values()]
    return tuple(_entry(row) for row in rows)


def entry(name: str) -> Entry:
    """The entry called `name`. Raises UnknownEntryError."""
    known = {item.name: item for item in entries()}
    if name in known:
        return known[name]
    meant = [item.name for item in known.values() if name in item.also]
    words = {word: item.name for item in known.values() for word in (*item.also, item.name)}
    near = dict.fromkeys([*meant, *(words[word] for word in nearest(name, words))])
    raise UnknownEntryError(name, tuple(near)[:MOST_SUGGESTIONS])


def markdown(listed: Sequence[Entry]) -> str:
    """The entries as a Markdown page."""
    return filled("vocabulary.md.jinja", tables=_by_table(listed))


def prompt(listed: Sequence[Entry]) -> str:
    """The entries in few words, for the prompt of a language model."""
    return filled("vocabulary.prompt.jinja", tables=_by_table(listed))


def _by_table(listed: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Table -> its entries; tables without any are left out."""
    tables: dict[str, list[Entry]] = {}
    for item in listed:
        tables.setdefault(item.table, []).append(item)
    return tables


def _entry(row: Row) -> Entry:
    given: dict[str, Any] = {
        "name": row.name,
        "signature": row.signature,
        "meaning": row.summary,
        "arguments": tuple(_argument(parameter) for parameter in row.parameters),
        "also": row.also,
    }
    match row:
        case Predicate():
            given |= {"doc": row.doc, "degree": row.degree, "goal": row.goal}
            return Entry(table="predicate", **given)
        case Measure():
            return Entry(table="measure", dimension=row.dimension.phrase, **given)
        case Macro():
            return Entry(table="macro", source=dedent(row.source).strip(), **given)
        case _:
            assert_never(row)


def _argument(parameter: Parameter) -> Argument:
    takes = parameter.explained.removeprefix(f"{parameter.name}: ")
    if not isinstance(parameter, Amount):
        return Argument(parameter.name, takes)
    default, low, high = (
        "" if value is None else amount_text(value, parameter.dimension)
        for value in (parameter.default, parameter.low, parameter.high)
    )
    return Argument(parameter.name, takes, default, f"{low} to {high}")
