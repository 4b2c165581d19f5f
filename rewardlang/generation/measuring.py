"""Recorded episodes of a scene -> ranges of what was measured on those that succeeded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rewardlang.datatypes import Kind
from rewardlang.fittings import handle_of
from rewardlang.generation.moments import Item, Moment, Part, Pose, Thing, Track
from rewardlang.runtime.readings import Readings
from rewardlang.scene import Scene
from rewardlang.simulator import RecordedEpisode, Replay

_MEASURED_BY = ((Kind.OPENABLE, "openness"), (Kind.SWITCHABLE, "knob"))


@dataclass(frozen=True, slots=True)
class Range:
    """Least and greatest value in SI units, and in how many episodes there was one."""

    low: float
    high: float
    episodes: int


@dataclass(frozen=True)
class Measured:
    """What was measured on `episodes` that succeeded; `failed` others were left out."""

    ranges: dict[Pose, Range]
    episodes: int
    failed: int


def measure(scene: Scene, recordings: Iterable[RecordedEpisode]) -> Measured:
    """The ranges of the episodes that succeeded. Raises BindError."""
    moved = things(scene)
    readings = Readings([reading for thing in moved for reading in thing.readings])
    tracks, failed = [], 0
    for episode in recordings:
        replay = episode.replay(readings.requirements)
        if episode.solved or any(replay.native_success):
            tracks.append(track(replay, readings))
        else:
            failed += 1
    return Measured(ranges(moved, tracks), len(tracks), failed)


def things(scene: Scene) -> tuple[Thing, ...]:
    """All that can be moved, what the goal speaks of first."""
    targets: dict[str, tuple[str, ...]] = {}
    for _, name, *where in scene.goal:
        targets[name] = (*targets.get(name, ()), *where)
    found: list[Thing] = []
    for name, kind in scene.kinds.items():
        if kind & Kind.MOVABLE:
            found.append(Item(name, targets.get(name, ())))
        for flag, measured_by in _MEASURED_BY:
            if kind & flag:
                has_handle = handle_of(scene, name) is not None
                found.append(Part(name, flag, measured_by, name in targets, has_handle))
    return tuple(sorted(found, key=lambda thing: thing.name not in targets))


def track(replay: Replay, readings: Readings) -> Track:
    """The episode up to its success; to its end where the states end before that."""
    success = next((now for now, held in enumerate(replay.native_success) if held), None)
    snapshots = replay.snapshots if success is None else replay.snapshots[: success + 1]
    return Track(readings.read(snapshots), snapshots, readings.requirements)


def ranges(moved: Sequence[Thing], tracks: Iterable[Track]) -> dict[Pose, Range]:
    """What was measured in all episodes: thing by thing, in the order of an episode."""
    found: defaultdict[Pose, list[list[float]]] = defaultdict(list)  # values, by episode
    for episode in tracks:
        values: defaultdict[Pose, list[float]] = defaultdict(list)
        for thing in moved:
            for pose, value in thing.poses(episode):
                values[pose].append(value)
        for pose, several in values.items():
            found[pose].append(several)
    names, moments = [thing.name for thing in moved], list(Moment)
    in_order = sorted(found, key=lambda p: (names.index(p.thing), moments.index(p.moment)))
    return {pose: _range(found[pose]) for pose in in_order}


def _range(values: Sequence[Sequence[float]]) -> Range:
    return Range(min(map(min, values)), max(map(max, values)), len(values))
