"""Checks of a program's parts: does each stage, `keep` and penalty have a say?"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

from rewardlang import ir
from rewardlang.auditing.evidence import GIVE_DEMOS, Evidence
from rewardlang.auditing.results import Bound, Result, judged, not_measured

COVERAGE = Bound("≥", 0.8)  # share of successes that finish a stage
DEAD = Bound("≤", 0)  # parts
ALWAYS = Bound("<", 1.0)  # share of successes in which a penalty fires
_PLAY_MORE = "play more initial states, or give episodes that do it with --demos"


def coverage(evidence: Evidence) -> Result:
    """Every stage is entered and finished where the task is done."""
    done = evidence.successes
    if not done:
        return not_measured("coverage", evidence.why_no_success, GIVE_DEMOS)
    optional = _optional(evidence.program.root)
    shares: dict[str, float] = {}
    for stage in ir.stages(evidence.program):
        taken = any(stage.path in trace.worked_on | trace.finished for trace in done)
        if taken or stage.path not in optional:
            finished = sum(stage.path in trace.finished for trace in done)
            shares[stage.path] = finished / len(done)
    untaken = tuple(s.path for s in ir.stages(evidence.program) if s.path not in shares)
    least = min(shares.values(), default=0.0)
    low = tuple(path for path, share in shares.items() if not COVERAGE.holds(share))
    seen = f"the stage finished least often is finished by {least:.0%} of {len(done)} successes"
    if untaken and not low:
        seen = f"no success came to {', '.join(untaken)}"
        return not_measured("coverage", seen, _PLAY_MORE, paths=untaken)
    return judged(
        "coverage",
        least,
        COVERAGE,
        seen=seen,
        advice="a success does without these stages: loosen their thresholds, or drop them",
        paths=low,
    )


def _optional(node: ir.Node, *, within: bool = False) -> frozenset[str]:
    """Stages that a success may not come to.

    Those in a branch of `any`, and in one of several branches of `all`: success cuts off the end
    of whichever comes last, and another order may show it.
    """
    match node:
        case ir.Stage():
            return frozenset({node.path} if within else ())
        case ir.Keep():
            return frozenset()
        case ir.Group():
            inside = within or (node.mode != "seq" and len(node.children) > 1)
            return frozenset().union(*(_optional(child, within=inside) for child in node.children))


def dead_components(evidence: Evidence) -> Result:
    """Every part can change: no stage is worth the same throughout, none is only passed over."""
    nodes = [node for node in ir.walk(evidence.program.root) if not isinstance(node, ir.Group)]
    signs = {node.path: _sign(evidence, node) for node in nodes}
    dead = [path for path, sign in signs.items() if sign is _Sign.DEAD]
    passed = [path for path, sign in signs.items() if sign is _Sign.PASSED_OVER]
    uncovered = tuple(path for path, sign in signs.items() if sign is _Sign.UNCOVERED)
    if not (dead or passed) and uncovered:
        seen = f"no episode did anything about {', '.join(uncovered)}"
        return not_measured("dead-component", seen, _PLAY_MORE, paths=uncovered)
    found = [
        f"worth the same throughout: {', '.join(dead)}" if dead else "",
        f"passed over, but never true in any episode: {', '.join(passed)}" if passed else "",
    ]
    return judged(
        "dead-component",
        len(dead) + len(passed),
        DEAD,
        seen="; ".join(filter(None, found)) or "every part changes",
        advice="a part that never changes rewards nothing: it holds from the start, cannot be "
        "reached, or has no degree; change its threshold or condition, or drop it",
        paths=(*dead, *passed),
    )


class _Sign(Enum):
    ALIVE = auto()
    DEAD = auto()
    PASSED_OVER = auto()  # done in successes, because the next one's `until` held, not its own
    UNCOVERED = auto()


def _sign(evidence: Evidence, node: ir.Stage | ir.Keep) -> _Sign:
    low, high = _range(evidence, node.path)
    if isinstance(node, ir.Keep):
        judged = any(node.path in trace.ranges for trace in evidence.moved)
        if not judged or low == 1.0:
            return _Sign.UNCOVERED
        return _Sign.DEAD if high == 0.0 else _Sign.ALIVE
    if not any(node.path in trace.worked_on for trace in evidence.moved):
        return _Sign.UNCOVERED
    if low == high:  # at 0 without a success, perhaps nobody did what it asks for
        return _Sign.DEAD if high > 0.0 or evidence.successes else _Sign.UNCOVERED
    done = any(node.path in trace.finished for trace in evidence.successes)
    held = any(node.path in trace.held for trace in evidence.moved)
    return _Sign.PASSED_OVER if done and not held else _Sign.ALIVE


def _range(evidence: Evidence, path: str) -> tuple[float, float]:
    """Least and greatest value in any episode."""
    found = [trace.ranges[path] for trace in evidence.moved if path in trace.ranges]
    lows, highs = [low for low, _ in found], [high for _, high in found]
    return min(lows, default=0.0), max(highs, default=0.0)


def penalties(evidence: Evidence) -> Iterator[Result]:
    """Every penalty fires sometimes, and not in every success."""
    for penalty in evidence.program.penalties:
        path = f"penalty.{penalty.name}"
        fired = [trace for trace in evidence.acted if trace.ranges.get(path, (0.0, 0.0))[0] < 0]
        good = [trace for trace in evidence.successes if trace in fired]
        if not fired:
            seen = f"it fired in none of {len(evidence.acted)} episodes"
            yield not_measured("penalty", seen, _PLAY_MORE, paths=(path,), subject=penalty.name)
        elif not evidence.successes and len(fired) < len(evidence.acted):
            seen = f"it fired in {len(fired)} episodes; {evidence.why_no_success}"
            yield not_measured("penalty", seen, GIVE_DEMOS, paths=(path,), subject=penalty.name)
        else:
            share = len(good) / len(evidence.successes) if evidence.successes else 1.0
            yield judged(
                "penalty",
                share,
                ALWAYS,
                seen=f"it fired in {len(fired)} of {len(evidence.acted)} episodes, "
                f"{len(good)} of them successes",
                advice="a penalty that every success pays says nothing: narrow its condition",
                paths=(path,),
                subject=penalty.name,
            )
