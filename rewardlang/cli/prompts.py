"""What a model would be told, to read or to take elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import typer

from rewardlang.llm.model import Message
from rewardlang.prompting.messages import (
    Wanted,
    asking_for_plan,
    asking_for_program,
    opening,
)


def print_prompt(wanted: Wanted, *, plan: bool) -> None:
    """The first question as text."""
    for message in _first_question(wanted, plan):
        typer.echo(f"=== {message.role}\n\n{message.content}")


def print_all_prompts(tasks: Sequence[Wanted]) -> None:
    """One question per task that asks for the program at once, a line of JSON each."""
    for wanted in tasks:
        asked = asking_for_program(opening(wanted), wanted)
        line = {"scene": wanted.scene.id, "messages": [asdict(message) for message in asked]}
        typer.echo(json.dumps(line, ensure_ascii=False))


def _first_question(wanted: Wanted, plan: bool) -> tuple[Message, ...]:
    messages = opening(wanted)
    return asking_for_plan(messages) if plan else asking_for_program(messages, wanted)
