"""A checked program and a simulator -> its audit: the one row from episodes to verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rewardlang import ir
from rewardlang.api import Analysis
from rewardlang.auditing.checks import judge
from rewardlang.auditing.collecting import Amount, Collected, Tell, collect
from rewardlang.auditing.evidence import Evidence
from rewardlang.auditing.mutation_score import Judged, judge_mutants
from rewardlang.auditing.mutations import mutants
from rewardlang.auditing.results import Result, Verdict
from rewardlang.auditing.suite import suite
from rewardlang.auditing.trace import Role, all_facts, traces
from rewardlang.runtime.evaluator import compile
from rewardlang.scene import Scene
from rewardlang.simulator import RecordedEpisode, Simulator


@dataclass(frozen=True)
class Audit:
    """What all checks say of one program.

    starts, demonstrations, exploits: number of episodes. unplayed: script -> why there is none of
    it. mutants: None where they were not asked for.
    """

    program: ir.Program
    results: tuple[Result, ...]
    starts: int
    demonstrations: int
    exploits: int
    unplayed: Mapping[str, str]
    mutants: tuple[Judged, ...] | None

    def of(self, verdict: Verdict) -> tuple[Result, ...]:
        """The results with this verdict."""
        return tuple(result for result in self.results if result.verdict is verdict)

    def passes(self, *, strict: bool) -> bool:
        """No check failed; strictly: and none was not measured."""
        return not self.of(Verdict.FAILED) and not (strict and self.of(Verdict.NOT_MEASURED))


def audit(
    simulator: Simulator,
    analysis: Analysis,
    recordings: Sequence[RecordedEpisode],
    amount: Amount,
    *,
    mutate: bool,
    tell: Tell,
) -> Audit:
    """The audit of a program without errors. Everything is simulated once, mutants included.

    `tell` hears what is being done. Raises SimulatorError, BindError.
    """
    program, scene = analysis.program, analysis.scene
    assert program is not None
    assert scene is not None
    made = mutants(analysis) if mutate else []
    programs = [program, *(m.analysis.program for m in made if m.analysis.program)]
    requirements = all_facts([compile(item) for item in programs], scene)
    exploits = suite(program, scene)
    collected = collect(simulator, scene, exploits, recordings, requirements, amount, tell)
    max_steps = simulator.max_steps(scene)
    results = judged(program, scene, collected, max_steps)
    roles = [episode.role for episode in collected.episodes]
    if made:
        tell(f"{scene.id}: {len(made)} mutants")
    return Audit(
        program=program,
        results=results,
        starts=roles.count(Role.START),
        demonstrations=roles.count(Role.DEMONSTRATION),
        exploits=roles.count(Role.EXPLOIT),
        unplayed=collected.unplayed,
        mutants=judge_mutants(
            analysis, made, results, lambda item: judged(item, scene, collected, max_steps)
        )
        if mutate
        else None,
    )


def judged(
    program: ir.Program, scene: Scene, collected: Collected, max_steps: int
) -> tuple[Result, ...]:
    """What all checks say of a program on episodes that hold its facts."""
    evidence = Evidence(
        program=program,
        own_goal=program.success.expr is not None and program.task != scene.instruction,
        traces=traces(compile(program), scene, collected.episodes, max_steps=max_steps),
        unplayed=collected.unplayed,
        max_steps=max_steps,
    )
    return judge(evidence)
