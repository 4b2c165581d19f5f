"""What the evaluator may ask of a simulator, and the answer for one control step.

`codegen` collects the `Requirements` of a program, `mujoco_state` binds them to a model once and
then answers with one `Snapshot` per control step. Nothing here knows a simulator.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

Model = Any  # mujoco.MjModel; only `runtime` imports mujoco
Data = Any  # mujoco.MjData


class FactKind(Enum):
    """A kind of fact: its words, and the number of floats it takes in a snapshot."""

    # position (3, m), rotation matrix (9, row-major), centre of the bounding box in the own frame
    # (3, m), its half extents (3, m): the last six never change
    FRAME = ("frame", 18)  # of a movable object or fixture (its root body) or of a region (site)
    GRIPPER = ("gripper frame", 18)  # of the point between the fingertips; its box is that point
    HANDLE = ("handle frame", 18)  # of what a hand takes hold of to open a part or turn a knob
    PART = ("openness", 3)  # of a drawer or door: see `part_values`
    KNOB = ("knob", 3)  # of a switchable fixture: see `part_values`
    MOUTH = ("mouth", 3)  # of a region: unit vector out of it, in its own frame; never changes
    # 1.0 where the two touch; a region stands for what it belongs to, `handle(part)` for itself
    CONTACT = ("contact", 1)
    SUPPORT = ("support", 1)  # object, region: as CONTACT, but always 1.0 for a zone of the table
    HAND_CONTACT = ("contact with the gripper", 1)
    FINGER_CONTACT = ("contact with a finger", 1)
    PAD_CONTACT = ("contact with the finger pads", 2)  # one number per pad
    WIDTH = ("gripper width", 1)  # 0 shut, 1 wide open

    @property
    def words(self) -> str:
        return self.value[0]

    @property
    def width(self) -> int:
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to be known at each step, about scene names (none for what the gripper is)."""

    kind: FactKind
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.kind.words, *(["of", ", ".join(self.names)] if self.names else [])])


@dataclass(frozen=True)
class Requirements:
    """The facts of a snapshot, in the order in which their floats stand in `Snapshot.values`."""

    facts: tuple[Fact, ...] = ()

    @property
    def width(self) -> int:
        return sum(fact.kind.width for fact in self.facts)

    def offsets(self) -> dict[Fact, int]:
        """Index of the first float of each fact."""
        offsets, position = {}, 0
        for fact in self.facts:
            offsets[fact] = position
            position += fact.kind.width
        return offsets


class Collector:
    """Gives each fact its place in the snapshot, on first demand."""

    def __init__(self, start: Requirements = Requirements()) -> None:
        self._offsets = start.offsets()
        self._width = start.width

    def offset(self, kind: FactKind, *names: str) -> int:
        """Where the fact's first float stands."""
        fact = Fact(kind, names)
        if fact not in self._offsets:
            self._offsets[fact] = self._width
            self._width += kind.width
        return self._offsets[fact]

    @property
    def requirements(self) -> Requirements:
        return Requirements(tuple(self._offsets))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is true now: the floats of all required facts, in their order."""

    values: list[float]


class BindError(LookupError):
    """A program asks for things that this model does not have. `missing` holds all of them."""

    def __init__(self, what: str, missing: Iterable[str]) -> None:
        self.missing = tuple(missing)
        lines = "".join(f"\n  {line}" for line in self.missing)
        super().__init__(f"{what} does not fit this simulator model:{lines}")


@dataclass(frozen=True, slots=True)
class JointScale:
    """LIBERO's thresholds of one joint (`scene.Joint`, m or rad)."""

    on_at: float
    off_at: float
    direction: int
    inclusive: bool  # turned on: >= ; open: >


def part_values(joints: Sequence[tuple[JointScale, float]]) -> tuple[float, float, float]:
    """A part's openness in [0, 1], LIBERO's "open" (any joint) and "closed" (all) as 1.0 or 0.0.

    Openness is 0 at the closed threshold and 1 at the open one, of the joint that is most open.
    A part without joints is closed and never open, as LIBERO has it.
    """
    degree, opened, closed = 0.0, 0.0, 1.0
    for scale, q in joints:
        degree = max(degree, min(1.0, (q - scale.off_at) / (scale.on_at - scale.off_at)))
        position, on_at = scale.direction * q, scale.direction * scale.on_at
        if position > on_at or (scale.inclusive and position == on_at):
            opened = 1.0
        if not position < scale.direction * scale.off_at:
            closed = 0.0
    return degree, opened, closed
