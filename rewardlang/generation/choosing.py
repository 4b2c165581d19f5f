"""Several drafts of one program -> the best: by checks, and where those tie, by audit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rewardlang.generation.drafting import Attempt, Draft
from rewardlang.llm.model import Usage, total

Audited = Callable[[str], float]
"""A program's text -> how bad it turns out in a simulator; the number of checks that it fails."""


@dataclass(frozen=True)
class Choice:
    """The best attempt of several drafts. audited: its badness there; None where nobody looked."""

    attempt: Attempt
    drafts: tuple[Draft, ...]
    audited: float | None = None

    @property
    def usage(self) -> Usage:
        return total([draft.usage for draft in self.drafts])

    @property
    def answers(self) -> int:
        """How many programs the model wrote, wrong ones included."""
        return sum(len(draft.attempts) for draft in self.drafts)


def choose(drafts: Sequence[Draft], audit: Audited | None = None) -> Choice:
    """The best of the drafts' attempts, which are at least one; of equals the first.

    `audit` is asked only where there is something to choose, once per different text.
    """
    best = [draft.best for draft in drafts]
    least = min(attempt.badness for attempt in best)
    tied: dict[str, Attempt] = {}
    for attempt in best:
        if attempt.badness == least:
            tied.setdefault(attempt.text, attempt)
    ordered = list(tied.values())
    if audit is None or len(ordered) == 1 or not ordered[0].is_usable:
        return Choice(ordered[0], tuple(drafts))
    worth = [audit(attempt.text) for attempt in ordered]
    place = worth.index(min(worth))
    return Choice(ordered[place], tuple(drafts), worth[place])
