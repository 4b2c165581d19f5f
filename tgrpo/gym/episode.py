"""An episode as Gymnasium tells of it: reward, terminated, truncated, info.

    terminated   the program's success has been reached; without a program, LIBERO's own
    truncated    the time limit, or the physics diverged (`info["unstable"]`); never with the former

Diverged physics is a fault of the simulator and no state of the task, hence no termination: the
observation is then the last one before it, from which a value may be bootstrapped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tgrpo.gym.spaces import as_observation
from tgrpo.rollouts.episodes import Assignment, Moment, Scores
from tgrpo.simulation.envs import UnstablePhysicsError

ObsType = dict[str, Any]  # robot (9,) and objects (K, 7), float32


@dataclass(frozen=True, slots=True)
class Transition:
    """What `step` of a single environment returns, in its order."""

    observation: ObsType
    reward: float
    terminated: bool
    truncated: bool
    info: dict[str, Any]


class Episode:
    """One episode: what was seen last, and how long it may still go on."""

    def __init__(self, assignment: Assignment, first: Moment) -> None:
        """`first` is the moment after settling. Raises UnstablePhysicsError where it diverged."""
        if first.unstable:
            raise UnstablePhysicsError(f"{assignment}: physics diverged while it settled")
        self._assignment = assignment
        self._seen = first.observation
        self._steps = 0
        self.over = False
        self.info = self._told(first)

    @property
    def observation(self) -> ObsType:
        return as_observation(self._seen)

    def step(self, moment: Moment) -> Transition:
        """`moment` is the one after the next control step."""
        self._steps += 1
        if not moment.unstable:
            self._seen = moment.observation
        terminated = moment.scores.success
        late = self._steps >= self._assignment.max_steps
        truncated = not terminated and (late or moment.unstable)
        self.over = terminated or truncated
        self.info = self._told(moment)
        reward = self._reward(moment.scores)
        return Transition(self.observation, reward, terminated, truncated, self.info)

    def _reward(self, scores: Scores) -> float:
        if self._assignment.program is None:
            return float(scores.success)  # sparse, as LIBERO's own
        return scores.reward

    def _told(self, moment: Moment) -> dict[str, Any]:
        scores = moment.scores
        return {
            "state": self._assignment.state.index,
            "phi": scores.phi,
            "success": scores.success,
            "native_success": scores.native_success,
            "unstable": moment.unstable,
            "stages": scores.stages,
            "terms": dict(scores.terms),
        }
