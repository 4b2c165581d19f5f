"""All checks of a program, in the order in which people should read them."""

from __future__ import annotations

from rewardlang.auditing.component_checks import coverage, dead_components, penalties
from rewardlang.auditing.evidence import Evidence
from rewardlang.auditing.exploit_checks import exploits
from rewardlang.auditing.results import Result
from rewardlang.auditing.trajectory_checks import change, end, parity, rise, separation, start

CHECKS = (parity, start, change, coverage, rise, end, separation, dead_components)
"""Those that every program has one result of."""


def judge(evidence: Evidence) -> tuple[Result, ...]:
    """What every check says, penalties and exploits last."""
    return (
        *(check(evidence) for check in CHECKS),
        *penalties(evidence),
        *exploits(evidence),
    )
