"""Demonstrations -> key poses in words, for the prompt: thresholds come from the scene."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor
from pathlib import Path

from rewardlang.datatypes import UNITS, Dimension, format_number
from rewardlang.generation.measuring import Measured, Range, measure
from rewardlang.generation.moments import Pose
from rewardlang.scene import Scene
from rewardlang.scoring.loading import load
from rewardlang.simulator import Simulator, SimulatorError
from rewardlang.state import BindError

_SHOWN = {  # unit, and how fine: steps per unit
    Dimension.LENGTH: ("cm", 10),
    Dimension.ANGLE: ("deg", 1),
    Dimension.FRACTION: ("%", 1),
}
_NOISE = 0.01  # of such a step: no reason to round to the next


@dataclass(frozen=True, slots=True)
class KeyPoses:
    """`text` for the prompt; the episodes that it is of, and those that did not succeed."""

    text: str
    episodes: int
    failed: int

    @property
    def told(self) -> str:
        """`3 episodes, 1 without success left out`."""
        left_out = f", {self.failed} without success left out" if self.failed else ""
        return f"{_counted(self.episodes)}{left_out}"


def measured(simulator: Simulator, scene: Scene, paths: Sequence[Path]) -> KeyPoses:
    """What was measured on the episodes in files and in the files below folders.

    Raises OtherSceneError where folders hold none of `scene`, SimulatorError with everything else
    that is wrong with the files, or where no episode succeeded.
    """
    recordings = load(simulator, scene, paths).episodes
    try:
        found = measure(scene, recordings)
    except BindError as error:
        raise SimulatorError(str(error)) from error
    if not found.episodes:
        listed = ", ".join(map(str, paths))
        raise SimulatorError(
            f"{listed}: none of the {found.failed} episodes of {scene.id} succeeded; key poses "
            "are measured on episodes that did"
        )
    return KeyPoses(words(found), found.episodes, found.failed)


def words(found: Measured) -> str:
    """The ranges, a line per thing; in how many episodes, where it was not in all of them."""
    lines = [f"From {_counted(found.episodes)}:"]
    for thing, poses in groupby(found.ranges, key=lambda pose: pose.thing):
        lines.append(f"- {thing}: {_of_thing(poses, found)}")
    return "\n".join(lines)


def _of_thing(poses: Iterable[Pose], found: Measured) -> str:
    """`at reset openness(a) 0 %; at success ...`."""
    return "; ".join(
        f"{moment} {', '.join(_measured(pose, found) for pose in same)}"
        for moment, same in groupby(poses, key=lambda pose: f"{pose.moment} {pose.place}".rstrip())
    )


def _measured(pose: Pose, found: Measured) -> str:
    span = found.ranges[pose]
    seen = "" if span.episodes == found.episodes else f" (in {span.episodes})"
    return f"{pose.quantity} {_span(span, pose.dimension)}{seen}"


def _span(span: Range, dimension: Dimension) -> str:
    """`14.2 to 19 cm`, rounded outwards: what is said holds of every episode."""
    unit, steps = _SHOWN[dimension]
    scale = steps / UNITS[unit][1]
    low = format_number(floor(span.low * scale + _NOISE) / steps)
    high = format_number(ceil(span.high * scale - _NOISE) / steps)
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"


def _counted(episodes: int) -> str:
    return f"{episodes} episode{'' if episodes == 1 else 's'}"
