"""What may be written at a place of a program: names by kind, keywords, units, scenes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from rewardlang.checking.library import (
    GRIPPER,
    HANDLE,
    HANDLE_PART,
    MACROS,
    MEASURES,
    PREDICATES,
)
from rewardlang.checking.names import sayable
from rewardlang.checking.signatures import (
    Amount,
    Measure,
    Measured,
    Parameter,
    Thing,
    Threshold,
    amount_text,
)
from rewardlang.datatypes import UNITS, UNITS_OF, Dimension, Kind
from rewardlang.lsp import keywords, things
from rewardlang.lsp.document import Document
from rewardlang.lsp.fitting import fitting
from rewardlang.lsp.roles import (
    Place,
    Role,
    Row,
    measured,
    parameter_of_quantity,
    place,
)
from rewardlang.scene import known_scenes
from rewardlang.source import Span
from rewardlang.syntax.parser import expected_after
from rewardlang.syntax.scanner import Token


class What(Enum):
    """What is offered."""

    THING = "thing"
    PREDICATE = "predicate"
    MEASURE = "measure"
    MACRO = "macro"
    KEYWORD = "keyword"
    UNIT = "unit"
    QUANTITY = "quantity"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class Completion:
    """Something that may be written. `doc` is Markdown.

    text: what is put in. snippet: the same with `${1:places}` to fill in, where there are any.
    rank: those with a smaller one come first.
    """

    text: str
    what: What
    detail: str = ""
    doc: str = ""
    snippet: str = ""
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Completions:
    """What may stand in place of the text in `span`."""

    span: Span
    items: tuple[Completion, ...]


def complete(document: Document, offset: int) -> Completions:
    """What may be written at `offset`, in place of the word there. Never raises."""
    offset = min(max(offset, 0), len(document.source.text))
    if any(c.span.start < offset <= c.span.end for c in document.scanned.comments):
        return Completions(Span(offset, offset), ())
    tokens, index = _with_a_name_at(document, offset)
    word = tokens[index]
    if word.kind == "STRING":
        return _in_string(document, tokens, index)
    expected = expected_after(document.source, word.span.start)
    items = [
        *(_names(document, tokens, index) if "NAME" in expected else ()),
        *(_quantities(tokens, index) if "NUMBER" in expected else ()),
        *(_strings(document, tokens, index, '"') if "STRING" in expected else ()),
        *(_units(tokens, index) if expected & set(UNITS) else ()),
        *_keywords(expected),
    ]
    return Completions(word.span, tuple(items))


def _with_a_name_at(document: Document, offset: int) -> tuple[list[Token], int]:
    """The words as if the one at `offset` were a name, or with an empty one put in there."""
    tokens = list(document.tokens)
    for index, token in enumerate(tokens):
        span = token.span
        if token.kind == "STRING" and span.start < offset <= span.end:
            return tokens, index
        if span.start <= offset <= span.end and document.written(span)[:1].isalpha():
            tokens[index] = Token("NAME", token.text, span)
            return tokens, index
        if span.start >= offset:
            break
    else:
        index = len(tokens)
    return [*tokens[:index], Token("NAME", "", Span(offset, offset)), *tokens[index:]], index


def _names(document: Document, tokens: list[Token], index: int) -> Iterator[Completion]:
    where = place(tokens, index)
    has_call = index + 1 < len(tokens) and tokens[index + 1].kind == "LPAR"
    match where.role:
        case Role.TARGET:
            yield from _targets(document)
        case Role.MACRO:
            yield from _calls(MACROS.values(), What.MACRO, has_call)
        case Role.PREDICATE:
            yield from _calls(PREDICATES.values(), What.PREDICATE, has_call)
        case Role.MEASURE:
            yield from _calls(MEASURES.values(), What.MEASURE, has_call)
        case Role.ARGUMENT:
            yield from _arguments(document, where, has_call)
        case Role.ALIAS | Role.LABEL | Role.UNKNOWN:
            return
        case _:
            assert_never(where.role)


def _targets(document: Document) -> Iterator[Completion]:
    """The scene's things; last those that have a name already."""
    scene, named = document.scene, document.aliases.values()
    if scene is not None:
        for name in sayable(scene):
            detail, doc = things.brief(document, name), things.described(document, name)
            yield Completion(name, What.THING, detail, doc, rank=int(name in named))


def _arguments(document: Document, where: Place, has_call: bool) -> Iterator[Completion]:
    match where.parameter:
        case Thing() as parameter:
            if not has_call:
                yield from _things(document, where, parameter)
            if Kind.HANDLE in parameter.kinds:
                yield from _handles(document, where, has_call)
        case Measured():
            yield from _calls(MEASURES.values(), What.MEASURE, has_call)
        case Amount() | Threshold():
            return
        case None:
            if where.row is None and not has_call:
                yield from _things(document, where, Thing("", Kind.PLACE))


def _things(document: Document, where: Place, parameter: Thing) -> Iterator[Completion]:
    """What fits the parameter, first by the names that the program gave."""
    if Kind.GRIPPER in parameter.kinds and GRIPPER not in where.others:
        yield Completion(GRIPPER, What.THING, "the gripper", "The middle between the fingers.")
    aliases = document.aliases
    for name in fitting(document, where, parameter):
        target = aliases.get(name, name)
        detail, doc = things.brief(document, target), things.described(document, target)
        yield Completion(name, What.THING, detail, doc, rank=int(name not in aliases))


def _handles(document: Document, where: Place, has_call: bool) -> Iterator[Completion]:
    inner = Place(Role.ARGUMENT, HANDLE, others=where.others)
    parts = fitting(document, inner, HANDLE_PART)
    for text in [HANDLE] if has_call and parts else [f"{HANDLE}({part})" for part in parts]:
        yield Completion(text, What.THING, "where it is held", rank=2)


def _calls(rows: Iterable[Row], what: What, has_call: bool) -> Iterator[Completion]:
    for row in rows:
        snippet = "" if has_call else _snippet(row)
        yield Completion(row.name, what, row.signature, row.doc, snippet)


def _snippet(row: Row) -> str:
    """`near(${1:first}, ${2:second})`: the arguments that must be given, to be filled in."""
    needed = row.parameters[: row.at_least]
    holes = [f"${{{number}:{parameter.name}}}" for number, parameter in enumerate(needed, 1)]
    return f"{row.name}({', '.join(holes)})"


def _quantities(tokens: list[Token], index: int) -> Iterator[Completion]:
    """The default of an optional argument: it shows the unit, and what is usual."""
    parameter = parameter_of_quantity(tokens, index)
    if isinstance(parameter, Amount) and parameter.default is not None:
        text = amount_text(parameter.default, parameter.dimension)
        yield Completion(text, What.QUANTITY, f"{parameter.name}, the default")


def _units(tokens: list[Token], index: int) -> Iterator[Completion]:
    """The units that fit what the number before is for."""
    dimension = _dimension(tokens, index - 1)
    for unit in UNITS_OF[dimension] if dimension else UNITS:
        yield Completion(unit, What.UNIT, keywords.UNIT_WORDS[unit])


def _dimension(tokens: list[Token], number: int) -> Dimension | None:
    parameter: Parameter | Measure | None = parameter_of_quantity(tokens, number)
    if isinstance(parameter, Threshold):
        parameter = measured(tokens, place(tokens, number))
    return parameter.dimension if isinstance(parameter, Amount | Measure) else None


def _keywords(expected: Iterable[str]) -> Iterator[Completion]:
    for word in sorted(expected):
        if word in keywords.KEYWORDS:
            yield Completion(word, What.KEYWORD, doc=keywords.described(word), rank=3)


def _in_string(document: Document, tokens: list[Token], index: int) -> Completions:
    """Inside of the quotes."""
    span = tokens[index].span
    is_closed = len(document.written(span)) > 1 and document.written(span).endswith('"')
    inside = Span(span.start + 1, span.end - is_closed)
    return Completions(inside, tuple(_strings(document, tokens, index, "")))


def _strings(
    document: Document, tokens: list[Token], index: int, quote: str
) -> Iterator[Completion]:
    before = tokens[index - 1].kind if index else ""
    if before == "TASK" and document.scene:
        for instruction in document.scene.instructions:
            yield Completion(f"{quote}{instruction}{quote}", What.STRING, "the scene's instruction")
    if before == "SCENE":
        task = next((t.text for t in tokens[: index - 1] if t.kind == "STRING"), "")
        yield from _scenes(task.strip('"'), quote)


def _scenes(task: str, quote: str) -> Iterator[Completion]:
    """All scenes; first those whose instruction is the program's task."""
    for scene in known_scenes():
        rank, text = int(task not in scene.instructions), f"{quote}{scene.id}{quote}"
        yield Completion(text, What.STRING, scene.instruction, rank=rank)
