"""Snapshots of an episode -> its trace: what the checks look at.

Φ is read *before* success: at success the language sets it to 1, and whatever is true by
construction would be checked. The same for B, which is no part of Φ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from rewardlang import ir
from rewardlang.runtime.evaluator import Evaluator, RewardFn, RewardStep, compile
from rewardlang.scene import Scene
from rewardlang.simulator import RecordedEpisode
from rewardlang.state import Collector, Requirements, Snapshot


class Role(Enum):
    """Why an episode was collected."""

    START = auto()  # an initial state and nothing more
    DEMONSTRATION = auto()  # somebody tries to do the task
    EXPLOIT = auto()  # somebody tries to earn without doing it


@dataclass(frozen=True)
class Episode:
    """An episode of T control steps with every fact that some program may ask for.

    script: what was acted out. state: the initial state from which; "" for a recorded episode.
    facts (T + 1, W): after settling and after each step, as `requirements` orders them.
    native_success: what the benchmark's own code said of the same states.
    """

    name: str
    role: Role
    script: str
    state: str
    requirements: Requirements
    facts: NDArray[np.float64]
    native_success: tuple[bool, ...]  # (T + 1,)
    solved: bool | None  # what the file says

    @classmethod
    def of(
        cls,
        recorded: RecordedEpisode,
        requirements: Requirements,
        *,
        name: str,
        role: Role,
        script: str = "",
        state: str = "",
    ) -> Episode:
        """Raises SimulatorError, BindError."""
        snapshots = recorded.replay(requirements).snapshots
        facts = np.array([snapshot.values for snapshot in snapshots], dtype=np.float64)
        success = recorded.benchmark_success()
        return cls(name, role, script, state, requirements, facts, success, recorded.solved)

    @property
    def ends_early(self) -> bool:
        """The file calls the episode a success, but none is in its states."""
        return self.solved is True and not any(self.native_success)

    def rows(self, wanted: Requirements) -> list[list[float]]:
        """The facts that `wanted` names, in its order, moment by moment."""
        at = self.requirements.offsets()
        columns = [at[fact] + number for fact in wanted.facts for number in range(fact.kind.width)]
        rows: list[list[float]] = self.facts[:, columns].tolist()
        return rows


@dataclass(frozen=True, slots=True)
class Trace:
    """What a program says of one episode.

    phi        Φ after settling and after each step before success; (T + 1,) without success
    success    the program's success came, or the file says that it comes after the last state
    worked_on  paths of the stages that some step worked on
    finished   paths of those that were done, in the step of success at the latest
    held       paths of those whose own `until` held at some time, whoever was working on them:
               what is finished without was passed because the next one's held
    ranges     stage, keep, or `penalty.NAME` -> least and greatest value after any step; of a
               keep, from when its group is entered, and nothing where it never is
    differs    steps at which the program's success was not the benchmark's
    steps      steps that were judged
    """

    name: str
    role: Role
    script: str
    state: str
    phi: tuple[float, ...]
    success: bool
    worked_on: frozenset[str]
    finished: frozenset[str]
    held: frozenset[str]
    ranges: Mapping[str, tuple[float, float]]
    differs: int
    steps: int


def all_facts(evaluators: Sequence[Evaluator], scene: Scene) -> Requirements:
    """What one recording must hold for all of these programs."""
    facts = Collector()
    for evaluator in evaluators:
        for fact in evaluator.requirements(scene).facts:
            facts.offset(fact.kind, *fact.names)
    return facts.requirements


def traces(
    evaluator: Evaluator, scene: Scene, episodes: Iterable[Episode], *, max_steps: int
) -> tuple[Trace, ...]:
    """The trace of each episode, in order."""
    reward_fn = evaluator.attach(Snapshot, scene, max_steps=max_steps)
    probe = compile(apart(evaluator.program)).attach(Snapshot, scene, max_steps=max_steps)
    return tuple(_trace(reward_fn, probe, scene, episode) for episode in episodes)


def apart(program: ir.Program) -> ir.Program:
    """The same stages side by side, none of which waits for another or for a `while`."""
    stages = tuple(
        replace(stage, while_=None, live=False, goal_atoms=()) for stage in ir.stages(program)
    )
    span = program.root.span
    return replace(program, root=ir.Group("all", "", "", 1.0, None, stages, span), penalties=())


def _trace(reward_fn: RewardFn, probe: RewardFn, scene: Scene, episode: Episode) -> Trace:
    program = reward_fn.evaluator.program
    rows = episode.rows(reward_fn.evaluator.requirements(scene))
    memory = reward_fn.reset(rows[0])
    at_reset, first = memory.phi, reward_fn.stages(memory)
    steps = list(_until_success(reward_fn, rows))
    probed = list(_until_success(probe, episode.rows(probe.evaluator.requirements(scene))))
    before = [step for step in steps if not step.success]
    success = len(before) < len(steps)
    return Trace(
        name=episode.name,
        role=episode.role,
        script=episode.script,
        state=episode.state,
        phi=(at_reset, *(step.phi for step in before)),
        success=success or (program.success.expr is None and episode.ends_early),
        worked_on=frozenset(chain(first, *(step.stages for step in before))),
        finished=_done(program, steps),
        held=_done(program, probed),
        ranges=_ranges(program, steps),
        differs=sum(
            step.success != native
            for step, native in zip(steps, episode.native_success[1:], strict=False)
        ),
        steps=len(steps),
    )


def _until_success(reward_fn: RewardFn, rows: list[list[float]]) -> Iterator[RewardStep]:
    memory = reward_fn.reset(rows[0])
    for row in rows[1:]:
        step, memory = reward_fn(row, memory)
        yield step
        if step.success:
            return


def _done(program: ir.Program, steps: Sequence[RewardStep]) -> frozenset[str]:
    """What is not done is worth 0.99 at most."""
    return frozenset(
        stage.path
        for stage in ir.stages(program)
        if any(step.terms[stage.path] >= 1.0 for step in steps)
    )


def _ranges(program: ir.Program, steps: Sequence[RewardStep]) -> dict[str, tuple[float, float]]:
    """Of every part that had a say."""
    entered = _entered(program, steps)
    values = {
        path: [step.terms[path] for step in steps[entered.get(path, 0) :]]
        for path in (steps[0].terms if steps else ())
    }
    return {path: (min(of), max(of)) for path, of in values.items() if of}


def _entered(program: ir.Program, steps: Sequence[RewardStep]) -> dict[str, int]:
    """`keep` -> the first step that judged it: before, its value is 0 because nobody asked.

    That is when it holds, or when a stage beside it is worth something. The number of steps where
    its group was never entered.
    """
    return {
        child.path: next(
            (
                number
                for number, step in enumerate(steps)
                if any(step.terms[path] > 0.0 for path in (child.path, *_stages_below(group)))
            ),
            len(steps),
        )
        for group in ir.walk(program.root)
        if isinstance(group, ir.Group)
        for child in group.children
        if isinstance(child, ir.Keep)
    }


def _stages_below(group: ir.Group) -> list[str]:
    return [node.path for node in ir.walk(group) if isinstance(node, ir.Stage)]
