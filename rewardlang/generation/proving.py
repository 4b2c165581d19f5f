"""A program in the simulator: what an audit finds, for a model to mend or for choosing by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

from rewardlang.api import analyze
from rewardlang.auditing.audit import audit
from rewardlang.auditing.collecting import Amount
from rewardlang.auditing.results import Result, Verdict
from rewardlang.prompting.messages import Finding, Wanted
from rewardlang.simulator import RecordedEpisode, Simulator

AMOUNT = Amount(5, 1, 0)  # enough to tell programs apart; `rewardlang audit` looks closer

Tell = Callable[[str], None]

_ONE_AT_A_TIME = Lock()


def audit_findings(
    simulator: Simulator,
    text: str,
    wanted: Wanted,
    recordings: Sequence[RecordedEpisode] = (),
    tell: Tell = lambda _: None,
) -> tuple[Finding, ...]:
    """What fails in the audit of a program without errors. Raises SimulatorError, BindError."""
    analysis = analyze(text, name="answer", scene=wanted.scene)
    with _ONE_AT_A_TIME:
        done = audit(simulator, analysis, recordings, AMOUNT, mutate=False, tell=tell)
    return tuple(_finding(result) for result in done.of(Verdict.FAILED))


def _finding(result: Result) -> Finding:
    measured = f": {result.number:.2f}, wanted {result.bound}" if result.bound else ""
    return Finding(
        result.name.replace(" ", "-"),
        f"in the simulator: {result.seen}{measured}",
        text=", ".join(result.paths),
        hint=result.advice,
    )
