"""A simulator -> the episodes of an audit, each with all facts that some program may ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rewardlang.auditing.trace import Episode, Role
from rewardlang.scene import Scene
from rewardlang.simulator import (
    Act,
    RecordedEpisode,
    Script,
    Simulation,
    Simulator,
    UnsupportedScriptError,
)
from rewardlang.state import Requirements

SPLIT = "train"
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is played.

    states: initial states whose Φ is read. plays: of these, how many the demonstration and every
    exploit are played from. seed: which states.
    """

    states: int
    plays: int
    seed: int


@dataclass(frozen=True)
class Collected:
    """Episodes, and script -> why there is none of it."""

    episodes: tuple[Episode, ...]
    unplayed: dict[str, str]


def collect(
    simulator: Simulator,
    scene: Scene,
    exploits: Sequence[Script],
    recordings: Sequence[RecordedEpisode],
    requirements: Requirements,
    amount: Amount,
    tell: Tell,
) -> Collected:
    """Play what is to be played; with `recordings`, these are the demonstrations.

    `tell` hears what is being done. Raises SimulatorError, BindError.
    """
    found = [_recorded(episode, requirements) for episode in recordings]
    scripts = [*exploits] if recordings else [Script(Act.DEMONSTRATION), *exploits]
    player = _Player(simulator.open(scene), requirements, simulator.max_steps(scene), {})
    try:
        indices = _indices(simulator.states(scene).get(SPLIT, 0), amount)
        tell(f"{scene.id}: {len(indices)} initial states")
        found += [player.start(index) for index in indices]
        for number, script in enumerate(scripts, start=1):
            tell(f"{scene.id}: {script}, act {number} of {len(scripts)}")
            found += player.play(script, indices[: amount.plays])
    finally:
        player.simulation.close()
    return Collected(tuple(found), player.unplayed)


def _indices(number: int, amount: Amount) -> list[int]:
    """States without doubles: all of them where there are no more."""
    order = np.random.default_rng(amount.seed).permutation(number)
    return [int(index) for index in order[: amount.states]]


def _recorded(episode: RecordedEpisode, requirements: Requirements) -> Episode:
    return Episode.of(
        episode,
        requirements,
        name=f"{episode.file} {episode.name}",
        role=Role.DEMONSTRATION,
    )


@dataclass(frozen=True)
class _Player:
    simulation: Simulation
    requirements: Requirements
    max_steps: int
    unplayed: dict[str, str]

    def start(self, index: int) -> Episode:
        return self._episode(Script(Act.IDLE), index, 0, Role.START)

    def play(self, script: Script, indices: Sequence[int]) -> list[Episode]:
        """From each state; nothing, with the reason kept, where the script cannot be acted out."""
        if not indices:
            self.unplayed[str(script)] = f"the scene has no `{SPLIT}` states to play it from"
        role = Role.DEMONSTRATION if script.act is Act.DEMONSTRATION else Role.EXPLOIT
        try:
            return [self._episode(script, index, self.max_steps, role) for index in indices]
        except UnsupportedScriptError as error:
            self.unplayed[str(script)] = str(error)
            return []

    def _episode(self, script: Script, index: int, steps: int, role: Role) -> Episode:
        played = self.simulation.play(script, SPLIT, index, steps)
        state = f"{SPLIT} state {index}"
        return Episode.of(
            played,
            self.requirements,
            name=state if role is Role.START else f"{script}, {state}",
            role=role,
            script=str(script),
            state=state,
        )
