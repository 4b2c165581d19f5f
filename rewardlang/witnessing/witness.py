"""A checked program and a simulator -> its witness: episodes that follow its stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rewardlang import ir
from rewardlang.api import Analysis
from rewardlang.explaining.words import in_words
from rewardlang.scoring.score import scorer
from rewardlang.simulator import Simulator, SimulatorError
from rewardlang.witnessing.acting import Ending
from rewardlang.witnessing.following import Walk, follow
from rewardlang.witnessing.plan import plan, without_motion

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Witness:
    """What following a program from some initial states came to.

    unknown: stage -> its conditions, in words, for which no motion is known.
    """

    program: ir.Program
    walks: tuple[Walk, ...]
    unknown: Mapping[str, tuple[str, ...]]

    @property
    def satisfied(self) -> int:
        """From how many states."""
        return sum(walk.ending is Ending.SATISFIED for walk in self.walks)

    def proves(self, share: float | None) -> bool:
        """It was satisfied from this share of the states; from at least one where `share` is None.

        False proves nothing against the program.
        """
        least = 1 if share is None else share * len(self.walks)
        return self.satisfied >= max(least, 1)


def witness(
    simulator: Simulator,
    analysis: Analysis,
    *,
    split: str,
    states: int,
    max_steps: int | None,
    tell: Tell,
) -> Witness:
    """Follow a program without errors from the first `states` of `split`.

    `max_steps`: of an episode; None: the suite's own. `tell` hears what is being done. Raises
    SimulatorError, BindError.
    """
    program, scene = analysis.program, analysis.scene
    assert program is not None
    assert scene is not None
    known = simulator.states(scene)
    if not known.get(split):
        raise SimulatorError(
            f"{scene.id} has no initial states of split {split!r}; there are {', '.join(known)}"
        )
    steps = max_steps or simulator.max_steps(scene)
    stages, reward_fn = plan(program, scene), scorer(program, scene, max_steps=steps)
    simulation = simulator.open(scene)
    try:
        walks = []
        for index in range(min(states, known[split])):
            tell(f"{scene.id}: {split} state {index}")
            walks.append(
                follow(simulation, reward_fn, stages, split=split, index=index, max_steps=steps)
            )
    finally:
        simulation.close()
    unknown = {
        path: tuple(in_words(expr) for expr in exprs)
        for path, exprs in without_motion(stages).items()
    }
    return Witness(program, tuple(walks), unknown)
