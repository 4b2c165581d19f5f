"""Instruction, scene and findings -> messages to a model. Pure: equal in, equal out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from rewardlang.api import Analysis
from rewardlang.diagnostics import Diagnostic
from rewardlang.inspecting import reference, scene_card
from rewardlang.inspecting.page import filled
from rewardlang.llm.model import Message
from rewardlang.prompting.failures import CLASSES, class_of
from rewardlang.scene import Scene

_EXAMPLES = ("two_goals", "drawer", "own_goal")
_MOST_OF_A_LINE = 200  # characters that a finding repeats


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a program is to be written for.

    own_goal   the instruction is not the scene's: the program says `success when`, and otherwise
               `success bddl`; None where either will do
    poses      what was measured on demonstrations, in words; "" for nothing
    """

    scene: Scene
    instruction: str
    own_goal: bool | None = False
    poses: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake as the repair prompt tells it."""

    code: str
    message: str
    line: int = 0  # from 1; 0 where it is about the program as a whole
    text: str = ""  # the line's
    hint: str = ""

    def as_json(self) -> dict[str, Any]:
        shown = {"class": class_of(self.code), "code": self.code, "message": self.message}
        more = {"line": self.line, "text": self.text, "hint": self.hint}
        return {**shown, **{key: value for key, value in more.items() if value}}


def opening(wanted: Wanted) -> tuple[Message, ...]:
    """The language, and what is wanted."""
    card = scene_card.prompt(scene_card.card(wanted.scene))
    task = _filled(
        "task",
        card=card,
        own_goal=wanted.own_goal,
        instruction=wanted.instruction,
        poses=wanted.poses,
    )
    return (Message("system", _system(wanted.scene.id)), Message("user", task))


def asking_for_plan(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages, ending in the wish for a plan."""
    return _with_wish(messages, _filled("plan"))


def asking_for_program(
    messages: tuple[Message, ...], wanted: Wanted, plan: str = ""
) -> tuple[Message, ...]:
    """The messages, ending in the wish for the program; `plan` is what the model planned."""
    wish = _filled("write", instruction=wanted.instruction)
    if not plan:
        return _with_wish(messages, wish)
    return (*asking_for_plan(messages), Message("assistant", plan), Message("user", wish))


def asking_for_repair(
    messages: tuple[Message, ...], program: str, findings: Sequence[Finding], fault: str = ""
) -> tuple[Message, ...]:
    """The messages, the program as the model's answer, and what is wrong with it.

    `fault`: what was wrong with the answer itself, in a sentence.
    """
    wish = _repair(findings, fault)
    answered = (Message("assistant", program),) if program else ()
    return _with_wish((*messages, *answered), wish)


def asking_for_correction(
    wanted: Wanted, program: str, findings: Sequence[Finding]
) -> tuple[Message, ...]:
    """A program of any origin, and what is wrong with it."""
    given = _with_wish(opening(wanted), _filled("given", program=program))
    return _with_wish(given, _repair(findings, ""))


def asking_for_edit(wanted: Wanted, program: str, request: str) -> tuple[Message, ...]:
    """A program, and how it is to change."""
    given = _with_wish(opening(wanted), _filled("given", program=program))
    return _with_wish(given, _filled("edit", request=request))


def findings_of(analysis: Analysis) -> tuple[Finding, ...]:
    """The diagnostics of a program as findings."""
    return tuple(_finding(found, analysis) for found in analysis.diagnostics)


def _finding(found: Diagnostic, analysis: Analysis) -> Finding:
    line, _ = analysis.source.line_column(found.span.start)
    right = ", ".join(f"`{item.replacement}`" for item in found.suggestions)
    hint = found.hint or (f"did you mean {right}?" if right else "")
    notes = "; ".join((hint, *found.notes) if hint else found.notes)
    text = analysis.source.line(line).strip()[:_MOST_OF_A_LINE]
    return Finding(found.code, found.message, line, text, notes)


def _repair(findings: Sequence[Finding], fault: str) -> str:
    classes: Mapping[str, str] = {
        name: meaning
        for name, meaning in CLASSES.items()
        if any(class_of(finding.code) == name for finding in findings)
    }
    listed = [json.dumps(finding.as_json(), ensure_ascii=False) for finding in findings]
    return _filled("repair", findings=listed, classes=classes, fault=fault)


def _with_wish(messages: tuple[Message, ...], wish: str) -> tuple[Message, ...]:
    """The messages with one more of the user's; two of them in a row become one."""
    *before, last = messages
    if last.role != "user":
        return (*messages, Message("user", wish))
    return (*before, Message("user", f"{last.content.rstrip()}\n\n{wish}"))


def _system(scene_id: str) -> str:
    """The language; examples of other tasks than the one that is asked for."""
    shown = [text for text in _examples() if f'"{scene_id}"' not in text]
    vocabulary = reference.prompt(reference.entries())
    return _filled("system", vocabulary=vocabulary, examples=shown)


@cache
def _examples() -> tuple[str, ...]:
    folder = resources.files("rewardlang.prompting") / "examples"
    return tuple((folder / f"{name}.rl").read_text("utf-8") for name in _EXAMPLES)


def _filled(template: str, **values: Any) -> str:
    return filled(f"{template}.jinja", package="rewardlang.prompting", **values)
