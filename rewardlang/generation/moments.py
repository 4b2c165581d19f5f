"""An episode -> its key poses: what is measured of each thing that is moved, and when.

In the language's own words, so that a program can say it as it is; but for how deep the gripper
reaches, which no program can ask for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rewardlang import ir
from rewardlang.checking.library import GRIPPER, MEASURES
from rewardlang.codegen.atoms import spell
from rewardlang.codegen.readings import Reading
from rewardlang.datatypes import Dimension, Kind
from rewardlang.runtime.geometry import bottom
from rewardlang.source import Span
from rewardlang.state import Fact, FactKind, Requirements, Snapshot

MOVES = 0.01  # of a part's openness in one control step: less is jitter
MOVED = 0.1  # of a part's openness in an episode: less is a nudge

_NO_PLACE = Span(0, 0)  # readings stand in no program
_HAND = ir.Ref(GRIPPER, Kind.GRIPPER)


class Moment(StrEnum):
    """When something is measured, in the order of an episode."""

    RESET = "at reset"
    GRASP = "when first grasped"
    HELD = "largest while grasped"
    OVER = "when first carried over"  # a place
    MOVING = "while it moves"
    SUCCESS = "at success"


@dataclass(frozen=True, slots=True)
class Pose:
    """What is measured: of which thing, when, and which quantity."""

    thing: str
    moment: Moment
    quantity: str
    dimension: Dimension
    place: str = ""  # for `Moment.OVER`


Found = Iterator[tuple[Pose, float]]


@dataclass(frozen=True)
class Track:
    """An episode up to its success: readings by moment, and the snapshots that they are of."""

    readings: Mapping[Reading, Sequence[float]]
    snapshots: Sequence[Snapshot]
    requirements: Requirements

    def __getitem__(self, reading: Reading) -> Sequence[float]:
        return self.readings[reading]

    def above_bottom(self, item: str, now: int) -> float:
        """How far the point between the fingertips is above the lowest point of an item (m)."""
        at, values = self.requirements.offsets(), self.snapshots[now].values
        frame = at[Fact(FactKind.FRAME, (item,))]
        return values[at[Fact(FactKind.GRIPPER)] + 2] - bottom(values, frame)


@dataclass(frozen=True)
class Item:
    """A movable object, and where the goal wants it; no targets: it is not in the goal."""

    name: str
    targets: tuple[str, ...] = ()

    @property
    def readings(self) -> tuple[Reading, ...]:
        return (self._grasped, self._reach, *self._stance, *self._offsets)

    def poses(self, track: Track) -> Found:
        """What is neither wanted somewhere nor ever held has none."""
        held = [now for now, on in enumerate(track[self._grasped]) if on]
        if held:
            yield from self._grasp(track, held[0])
            for reading in self._stance:
                largest = max(track[reading][now] for now in held)
                yield _pose(self.name, Moment.HELD, reading), largest
        for target in self.targets:
            yield from self._carried_over(track, held, target)
        if held or self.targets:
            for reading in (*self._stance, *self._offsets):
                yield _pose(self.name, Moment.SUCCESS, reading), track[reading][-1]

    def _grasp(self, track: Track, now: int) -> Found:
        yield _pose(self.name, Moment.GRASP, self._reach), track[self._reach][now]
        depth = f"the {GRIPPER} above the lowest point of {self.name}"
        pose = Pose(self.name, Moment.GRASP, depth, Dimension.LENGTH)
        yield pose, track.above_bottom(self.name, now)

    def _carried_over(self, track: Track, held: Sequence[int], target: str) -> Found:
        beside, height = track[self._to("dist_xy", target)], self._stance[0]
        for now in held:
            if now > 0 and beside[now] == 0.0 < beside[now - 1]:
                yield _pose(self.name, Moment.OVER, height, target), track[height][now]
                return

    @property
    def _ref(self) -> ir.Ref:
        return ir.Ref(self.name, Kind.MOVABLE)

    @property
    def _grasped(self) -> ir.Atom:
        return ir.Atom("grasped", (self._ref,), _NO_PLACE)

    @property
    def _reach(self) -> ir.MeasureCall:
        return _measure("dist", _HAND, self._ref)

    @property
    def _stance(self) -> tuple[ir.MeasureCall, ...]:
        return _measure("height", self._ref), _measure("tilt", self._ref)

    @property
    def _offsets(self) -> tuple[ir.MeasureCall, ...]:
        heads = ("dist", "dist_xy")
        return tuple(self._to(head, target) for target in self.targets for head in heads)

    def _to(self, head: str, target: str) -> ir.MeasureCall:
        return _measure(head, self._ref, ir.Ref(target, Kind.SUPPORT))


@dataclass(frozen=True)
class Part:
    """What opens or is switched. measure: `openness` or `knob`. wanted: the goal speaks of it."""

    name: str
    kind: Kind
    measure: str
    wanted: bool
    has_handle: bool

    @property
    def readings(self) -> tuple[Reading, ...]:
        return (self._value, self._reach) if self.has_handle else (self._value,)

    def poses(self, track: Track) -> Found:
        """What is neither wanted nor ever moved has none."""
        values = track[self._value]
        if not self.wanted and max(values) - min(values) <= MOVED:
            return
        yield _pose(self.name, Moment.RESET, self._value), values[0]
        if self.has_handle:
            reach = track[self._reach]
            for now in range(1, len(values)):
                if abs(values[now] - values[now - 1]) > MOVES:
                    yield _pose(self.name, Moment.MOVING, self._reach), reach[now]
        yield _pose(self.name, Moment.SUCCESS, self._value), values[-1]

    @property
    def _value(self) -> ir.MeasureCall:
        return _measure(self.measure, ir.Ref(self.name, self.kind))

    @property
    def _reach(self) -> ir.MeasureCall:
        return _measure("dist", _HAND, ir.Ref(self.name, Kind.HANDLE))


Thing = Item | Part


def _measure(head: str, *args: ir.Ref) -> ir.MeasureCall:
    return ir.MeasureCall(head, args, _NO_PLACE)


def _pose(thing: str, moment: Moment, reading: ir.MeasureCall, place: str = "") -> Pose:
    dimension = MEASURES[reading.measure].dimension
    return Pose(thing, moment, spell(reading), dimension, place)
