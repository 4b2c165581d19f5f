"""Checks of Φ over time, and of what success is. Each is a pure function of the evidence."""

from __future__ import annotations

from statistics import median

from rewardlang.auditing.evidence import GIVE_DEMOS, Evidence
from rewardlang.auditing.results import Bound, Result, judged, not_measured
from rewardlang.auditing.statistics import rise as rise_of
from rewardlang.auditing.statistics import separation as separation_of
from rewardlang.auditing.trace import Role

PARITY = Bound("≥", 1.0)  # share of steps
START = Bound("≤", 0.1)  # Φ
CHANGE = Bound("≥", 0.01)  # of Φ, within some episode
RISE = Bound("≥", 0.8)  # Spearman's correlation
END = Bound("≥", 0.8)  # Φ
SEPARATION = Bound("≥", 0.95)  # area under the ROC curve
_LEAST_MOMENTS = 3  # of a trace, for its correlation with time to mean something


def parity(evidence: Evidence) -> Result:
    """The program's success is the benchmark's, at every step."""
    steps = sum(trace.steps for trace in evidence.traces)
    differs = [trace.name for trace in evidence.traces if trace.differs]
    if evidence.own_goal:
        seen = "the program has a task and a goal of its own"
        return not_measured("parity", seen, "nothing to do: no benchmark's success to compare with")
    if not steps:
        return not_measured("parity", "no episode has a step", GIVE_DEMOS)
    wrong = sum(trace.differs for trace in evidence.traces)
    if not wrong and not any(trace.success for trace in evidence.traces):
        return not_measured("parity", "neither success came in any episode", GIVE_DEMOS)
    return judged(
        "parity",
        1.0 - wrong / steps,
        PARITY,
        seen=f"success was not the benchmark's at {wrong} of {steps} steps{_in(differs)}",
        advice="write `success bddl`, or give `task` a text of its own if another goal is meant",
    )


def start(evidence: Evidence) -> Result:
    """Φ is next to nothing before anything was done."""
    firsts = (t for t in evidence.traces if t.role is Role.START or not t.state)
    values = {trace.name: trace.phi[0] for trace in firsts}  # each initial state once
    if not values:
        return not_measured("start", "there is no initial state", "ask for some with --states")
    worst = max(values, key=lambda name: values[name])
    return judged(
        "start",
        values[worst],
        START,
        seen=f"Φ after settling is at most {values[worst]:.2f} ({worst}), of {len(values)} states",
        advice="what holds at reset should pay nothing: say it with `keep`, or measure `progress` "
        "from `reset`",
    )


def change(evidence: Evidence) -> Result:
    """Φ changes: a program that is always worth the same teaches nothing."""
    spans = [max(trace.phi) - min(trace.phi) for trace in evidence.moved if len(trace.phi) > 1]
    if not spans:
        return not_measured("change", "the hand moved in no episode", GIVE_DEMOS)
    return judged(
        "change",
        max(spans),
        CHANGE,
        seen=f"within an episode, Φ changes by {max(spans):.2f} at most",
        advice="no stage earned anything: begin with one that a first move advances, "
        "such as `near(gripper, …)`",
    )


def rise(evidence: Evidence) -> Result:
    """Φ rises with time where the task is being done."""
    values = [
        rise_of(trace.phi) for trace in evidence.successes if len(trace.phi) >= _LEAST_MOMENTS
    ]
    if not values:
        return not_measured("rise", evidence.why_no_success, GIVE_DEMOS)
    return judged(
        "rise",
        median(values),
        RISE,
        seen=f"Φ follows time with a rank correlation of {median(values):.2f} (median; least "
        f"{min(values):.2f}) over {_count(values, 'success', 'successes')}",
        advice="Φ stands still or falls while the task is done: look with `rewardlang score` for "
        "a stage without a degree, or a `while` that sends a good episode back",
    )


def end(evidence: Evidence) -> Result:
    """Φ has come near to 1 when success comes."""
    values = [trace.phi[-1] for trace in evidence.successes]
    if not values:
        return not_measured("end", evidence.why_no_success, GIVE_DEMOS)
    return judged(
        "end",
        median(values),
        END,
        seen=f"one step before success Φ is {median(values):.2f} (median; least "
        f"{min(values):.2f}) over {_count(values, 'success', 'successes')}",
        advice="success comes while much is still to be earned: drop what comes after the goal, "
        "or give the last stage less weight",
    )


def separation(evidence: Evidence) -> Result:
    """The most that Φ comes to tells successes from everything else."""
    good = [max(trace.phi) for trace in evidence.successes]
    bad = {trace.name: max(trace.phi) for trace in evidence.failures}
    if not good:
        return not_measured("separation", evidence.why_no_success, GIVE_DEMOS)
    if not bad:
        return not_measured("separation", "no episode failed", "play more initial states")
    best = max(bad, key=lambda name: bad[name])
    area = separation_of(good, list(bad.values()))
    return judged(
        "separation",
        area,
        SEPARATION,
        seen=f"the largest Φ of {_count(good, 'success', 'successes')} exceeds that of "
        f"{_count(list(bad.values()), 'failure', 'failures')} in {area:.0%} of pairs; best "
        f"failure: {best}, {bad[best]:.2f}",
        advice="what fails earns as much as what succeeds: put more weight on the stages that "
        "only a success finishes, and hold the others with `while`",
    )


def _in(names: list[str]) -> str:
    return f", first in {names[0]}" if names else ""


def _count(values: list[float], one: str, many: str) -> str:
    return f"{len(values)} {one if len(values) == 1 else many}"
