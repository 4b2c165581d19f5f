"""One initial state -> how far following a program gets, and what was lacking where it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rewardlang.explaining.words import in_words
from rewardlang.runtime.evaluator import RewardFn
from rewardlang.scoring.score import EpisodeScore, score
from rewardlang.simulator import Replay, Simulation
from rewardlang.witnessing.acting import Actor, Ending, Log
from rewardlang.witnessing.plan import Plan
from rewardlang.witnessing.shortfalls import Shortfall, shortfalls


@dataclass(frozen=True)
class Walk:
    """One episode that followed a program.

    steps_in     stage -> control steps in which it was followed; without those never were
    left         stage -> how often another one's turn came before it was finished
    stage        where it ended; "" where the program is satisfied, or all stages are finished
    shortfalls   what that stage lacked, or success
    doing        what the hand did there last, or what ended the episode early
    """

    state: str
    ending: Ending
    score: EpisodeScore
    steps_in: Mapping[str, int]
    left: Mapping[str, int]
    stage: str
    shortfalls: tuple[Shortfall, ...]
    doing: str


def follow(
    simulation: Simulation,
    reward_fn: RewardFn,
    plan: Plan,
    *,
    split: str,
    index: int,
    max_steps: int,
) -> Walk:
    """Follow a program from one initial state. Raises SimulatorError, BindError."""
    simulation.reset(split, index)
    log = Actor(simulation, reward_fn, plan, max_steps).act()
    played = Replay(tuple(log.snapshots), tuple(log.native))
    state = f"{split} state {index}"
    result = score(reward_fn, played, file=simulation.scene.id, name=state)
    satisfied = log.ending is Ending.SATISFIED
    stage = "" if satisfied else _unfinished(log, result)
    return Walk(
        state=state,
        ending=log.ending,
        score=result,
        steps_in=Counter(turn for turn in log.turns[: result.steps] if turn),
        left=_left(log.turns, result),
        stage=stage,
        shortfalls=() if satisfied else _lacking(reward_fn, plan, stage, log),
        doing="" if satisfied else log.trouble or log.doing.get(stage, ""),
    )


def _unfinished(log: Log, result: EpisodeScore) -> str:
    """The stage in which the episode was cut off, or that took longest without being finished."""
    if log.trouble or log.ending is Ending.NO_MOTION:
        return log.turns[-1]
    turns = Counter(turn for turn in log.turns if turn and turn not in result.finished)
    return max(turns, key=lambda path: turns[path], default="")


def _lacking(reward_fn: RewardFn, plan: Plan, stage: str, log: Log) -> tuple[Shortfall, ...]:
    """Of a stage; where all are finished, of success itself."""
    if stage:
        return shortfalls(plan[stage], log.rows[stage])
    success = reward_fn.evaluator.program.success.expr
    return (Shortfall("the benchmark's goal" if success is None else in_words(success), ""),)


def _left(turns: Sequence[str], result: EpisodeScore) -> dict[str, int]:
    """Turns that ended before their stage was finished for the first time."""
    return Counter(
        now
        for number, (now, then) in enumerate(pairwise(turns), start=1)
        if now != then and result.finished.get(now, len(turns) + 1) > number
    )
