"""What a word of a program means, as Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from rewardlang import ir
from rewardlang.checking.library import GRIPPER, HANDLE
from rewardlang.checking.signatures import Amount
from rewardlang.datatypes import format_number
from rewardlang.inspecting.reference import Entry, entries
from rewardlang.inspecting.scene_card import markdown
from rewardlang.lsp import keywords, things
from rewardlang.lsp.document import Document
from rewardlang.lsp.roles import Place, Role, parameter_of_quantity, place
from rewardlang.source import Span
from rewardlang.syntax.scanner import Token


@dataclass(frozen=True, slots=True)
class Hover:
    """What is said (Markdown) of the text in `span`."""

    text: str
    span: Span


def hover(document: Document, offset: int) -> Hover | None:
    """What the word at `offset` means; None where there is nothing to say. Never raises."""
    found = document.named_at(offset)
    if found is None:
        return None
    index, token = found
    text = _said(document, index, token)
    return Hover(text, token.span) if text else None


def _said(document: Document, index: int, token: Token) -> str:
    match token.kind:
        case "NAME":
            return _of_name(document, token, place(document.tokens, index))
        case "NUMBER":
            return _of_number(document, index)
        case "STRING":
            is_scene = index and document.tokens[index - 1].kind == "SCENE"
            return markdown(document.card) if is_scene and document.card else ""
        case _:
            meaning = keywords.described(token.text)
            return f"`{token.text}`: {meaning}" if meaning else ""


def _of_name(document: Document, token: Token, where: Place) -> str:
    match where.role:
        case Role.MACRO | Role.PREDICATE | Role.MEASURE:
            return _of_row(token.text)
        case Role.LABEL:
            return _of_label(document, token)
        case Role.ARGUMENT if where.wants_measure:
            return _of_row(token.text)
        case Role.ALIAS | Role.TARGET | Role.ARGUMENT:
            return _of_thing(document, token.text)
        case _:
            return ""


def _of_row(name: str) -> str:
    """A row of the vocabulary: signature, meaning, what it is worth, expansion."""
    row = _rows().get(name)
    if row is None:
        return ""
    parts = [f"```rewardlang\n{row.signature}\n```"]
    if row.table == "predicate":
        worth = f"Worth while false: {row.degree}." if row.degree else "Worth nothing while false."
        parts += [f"True when {row.meaning}. {row.doc}", worth]
    else:
        parts += [f"{row.meaning}{f' Measured as {row.dimension}.' if row.dimension else ''}"]
    parts += ["\n".join(f"- {item.name}: {item.in_words}" for item in row.arguments)]
    parts += [f"```rewardlang\n{row.source}\n```"] if row.source else []
    return "\n\n".join(part for part in parts if part)


def _of_thing(document: Document, name: str) -> str:
    if name == GRIPPER:
        return "**gripper**: the robot's own; needs no `object` line."
    if name == HANDLE:
        return "**handle(part)**: where a door, a drawer or a knob is held."
    return things.described(document, document.aliases.get(name, name))


def _of_number(document: Document, index: int) -> str:
    """What a quantity is for, and what is usual there."""
    parameter = parameter_of_quantity(document.tokens, index)
    if not isinstance(parameter, Amount):
        return ""
    row = _rows()[place(document.tokens, index).callee]
    return next(f"{a.name}: {a.in_words}" for a in row.arguments if a.name == parameter.name)


@cache
def _rows() -> dict[str, Entry]:
    """The vocabulary by name."""
    return {row.name: row for row in entries()}


def _of_label(document: Document, token: Token) -> str:
    """What the stage, group or penalty called so is worth, where the program is sound."""
    program = document.analysis.program
    if program is None:
        return ""
    for penalty in program.penalties:
        if penalty.span.start <= token.span.start < penalty.span.end:
            return f"**{penalty.name}**: costs {format_number(penalty.cost)}"
    around = [
        node
        for node in ir.walk(program.root)
        if node.name == token.text and node.span.start <= token.span.start < node.span.end
    ]
    return _worth(min(around, key=lambda node: node.span.end - node.span.start)) if around else ""


def _worth(node: ir.Node) -> str:
    lines = [f"**{node.path}**: {100 * node.share:.3g} % of what it stands in"]
    if isinstance(node, ir.Stage):
        lines.append(
            "live: judged again at each step by its goal"
            if node.live
            else "latched: once done, it stays done"
        )
    return "\n\n".join(lines)
