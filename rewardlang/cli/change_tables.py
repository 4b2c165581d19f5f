"""What changed in meaning between two programs, for people."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from rewardlang.inspecting.differences import Change


def print_changes(changes: tuple[Change, ...]) -> None:
    """Each with what was there and what is."""
    console = Console(soft_wrap=True, highlight=False)
    for change in changes:
        console.print(Text.assemble((change.where, "bold"), f": {_what(change)}"))
        for mark, text, style in (("-", change.before, "red"), ("+", change.after, "green")):
            if text is not None:
                console.print(Text(f"  {mark} {text}", style))
    count = f"{len(changes)} difference{'' if len(changes) == 1 else 's'}"
    console.print(f"{count} in meaning" if changes else "no difference in meaning")


def _what(change: Change) -> str:
    if change.before is None:
        return f"{change.what} added"
    return f"{change.what} removed" if change.after is None else change.what
