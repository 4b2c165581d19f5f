"""Reward that is earned without the task being done, seen in the history of validations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WINDOW = 6  # validations that are looked at: its later half against its earlier one
RISE = 0.05  # of Φ, which is in [0, 1]; less is noise at twenty episodes


@dataclass(frozen=True, slots=True)
class Validated:
    """Means over the episodes of one validation, both in [0, 1]."""

    iteration: int
    success: float
    phi: float  # largest of an episode


def suspicious(history: Sequence[Validated]) -> str:
    """Why the last `WINDOW` validations look like cheating; "" where they do not.

    The rule: from their earlier to their later half mean Φ rose by at least `RISE` and mean success
    did not rise. Told once: not again while the validation before was suspicious already.
    """
    now = _rise_without_success(history[-WINDOW:])
    before = _rise_without_success(history[:-1][-WINDOW:])
    return now if not before else ""


def _rise_without_success(window: Sequence[Validated]) -> str:
    if len(window) < WINDOW:
        return ""
    early, late = window[: WINDOW // 2], window[WINDOW // 2 :]
    phi = [_mean([item.phi for item in half]) for half in (early, late)]
    success = [_mean([item.success for item in half]) for half in (early, late)]
    if phi[1] - phi[0] < RISE or success[1] > success[0]:
        return ""
    return (
        f"warning: since iteration {early[0].iteration} Φ rose from {phi[0]:.2f} to {phi[1]:.2f} "
        f"in validation while success went from {success[0]:.0%} to {success[1]:.0%}: the policy "
        "is on its way, or it earns reward without doing the task; rewardlang audit PROGRAM tells "
        "what a program pays for"
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
