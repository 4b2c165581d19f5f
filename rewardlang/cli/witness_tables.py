"""Witnesses as tables for a terminal, and what kept them from success."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rewardlang import ir

if TYPE_CHECKING:
    from rewardlang.witnessing.following import Walk
    from rewardlang.witnessing.witness import Witness

_STYLES = {"satisfied": "green", "not satisfied": "bold red", "no motion known": "yellow"}


def print_witness(witness: Witness, share: float | None) -> None:
    """A column per initial state, what was missing below, and the verdict."""
    console = Console(highlight=False)
    console.print(Text(witness.program.source.name, style="bold"), soft_wrap=True)
    console.print(_stages(witness))
    for walk in witness.walks:
        if walk.ending != "satisfied":
            _print_missing(console, walk)
    for path, words in witness.unknown.items():
        console.print(f"no motion known for {path}: {'; '.join(words)}", soft_wrap=True)
    console.print(_verdict(witness, share), soft_wrap=True)


def _stages(witness: Witness) -> Table:
    """When each stage was finished, then how the episodes ended."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("stage, finished at step", overflow="fold")
    for walk in witness.walks:
        table.add_column(walk.state.replace(" state ", "\n"), justify="right")
    for stage in ir.stages(witness.program):
        table.add_row(stage.path, *(_finished(walk, stage.path) for walk in witness.walks))
    table.add_section()
    table.add_row("Φ at the end", *(f"{walk.score.phi[-1]:.2f}" for walk in witness.walks))
    table.add_row("program's success", *(_step(w.score.success) for w in witness.walks))
    table.add_row("benchmark's success", *(_step(w.score.native_success) for w in witness.walks))
    endings = (Text(walk.ending, _STYLES[walk.ending]) for walk in witness.walks)
    table.add_row("ending", *endings)
    return table


def _finished(walk: Walk, path: str) -> str:
    """A stage that was passed over, or cut off by success, was followed in no step."""
    if path in walk.score.finished:
        return str(walk.score.finished[path])
    return "never" if path in walk.steps_in and walk.stage == path else "-"


def _step(number: int | None) -> str:
    return "-" if number is None else str(number)


def _print_missing(console: Console, walk: Walk) -> None:
    where = f"stage {walk.stage}" if walk.stage else "every stage was finished, but not the program"
    text = Text(f"{walk.state}: {walk.ending}: ", style=_STYLES[walk.ending])
    text.append(where, style="bold")
    left = walk.left.get(walk.stage, 0)
    if left:
        text.append(f", left {left} {'time' if left == 1 else 'times'} before it was finished")
    for shortfall in walk.shortfalls:
        text.append(f"\n  stayed false: {shortfall}", style="none")
    if walk.doing:
        text.append(f"\n  the hand: {walk.doing}", style="none")
    console.print(text, soft_wrap=True)


def _verdict(witness: Witness, share: float | None) -> Text:
    number, of = witness.satisfied, len(witness.walks)
    if witness.proves(share):
        return Text(f"witnessed: satisfied from {number} of {of} initial states", "green")
    stuck = not any(walk.ending == "no motion known" for walk in witness.walks)
    says = (
        "which is no proof that it cannot be satisfied"
        if stuck
        else ("which says nothing about the program: it was not followed to its end")
    )
    return Text(
        f"not witnessed: satisfied from {number} of {of} initial states, {says}",
        "bold red" if stuck else "yellow",
    )
