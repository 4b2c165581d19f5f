"""What exists in a task, as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rewardlang.datatypes import Kind

CATALOGUE_FORMAT = 1

MAX_INSTRUCTION = 200  # characters
UNSPEAKABLE = re.compile(r'["\\\n]')
"""What no instruction holds: it stands between quotes, in a program's `task` line."""

GOAL_KINDS: Mapping[str, tuple[Kind, ...]] = {
    "in": (Kind.MOVABLE, Kind.REGION),
    "on": (Kind.MOVABLE, Kind.SUPPORT),
    "open": (Kind.OPENABLE,),
    "close": (Kind.OPENABLE,),
    "turnon": (Kind.SWITCHABLE,),
    "turnoff": (Kind.SWITCHABLE,),
}
"""What a goal may say, and of what; a test holds it to the vocabulary."""


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, ignored_types=(cached_property,)
    )


class Joint(_Frozen):
    """A hinge or slide of an openable or switchable part. Units: m or rad, as in the model.

    `on_at`/`off_at` are LIBERO's thresholds for open/turned on and closed/turned off, with
    `direction` +1 where larger values mean more open (on), -1 where smaller ones do. LIBERO's
    comparisons: open  <=> direction * q >  direction * on_at  (turned on: >=),
                 close <=> direction * q < direction * off_at.
    """

    name: str
    on_at: float
    off_at: float
    direction: Literal[1, -1]


class Object(_Frozen):
    """A movable object or a fixture."""

    name: str
    category: str
    body: str  # root body in the MuJoCo model
    fixture: bool
    half_extents: tuple[float, float, float]  # m, of the collision geoms' box in the body frame
    centre: tuple[float, float, float]  # m, of that box in the body frame
    height: float = 0.0  # m, of that box along the vertical, as the object stands at reset
    joints: tuple[Joint, ...] = ()  # articulation of the object as a whole (stove, microwave)
    openable: bool = False
    switchable: bool = False


class Region(_Frozen):
    """A box-shaped site: container, surface, drawer, or zone of a table or floor."""

    name: str  # "<target>_<region>", also the site's name in the model
    owner: str  # object, fixture, or the table/floor ("main_table")
    owner_is_surface: bool  # True: belongs to table or floor, LIBERO asks for no contact there
    half_extents: tuple[float, float, float]  # m, the site's `size`
    # m, its bottom and top above the owner's lowest point, as the owner stands at reset; None for
    # a zone of table or floor
    levels: tuple[float, float] | None = None
    roofed: bool = False  # its owner reaches over it (drawers pulled out): no way in from above
    joints: tuple[Joint, ...] = ()  # a drawer's
    openable: bool = False
    is_surface: bool  # LIBERO's class has `under`: `On` is decided by geometry
    placement_only: bool = False  # only used to place objects at reset
    ranges: tuple[float, float, float, float] | None = None  # m, table zones: x0 y0 x1 y1


class HandleBox(_Frozen):
    """What a hand takes hold of to move a part, where `fittings` has no row for its category."""

    part: str  # object or region, openable or switchable
    joint: str  # one of the part's
    centre: tuple[float, float, float]  # m, in the frame of the body that the joint moves
    half_extents: tuple[float, float, float]  # m


class Scene(_Frozen):
    """What exists in one task: LIBERO's, or that of another simulator."""

    suite: str
    task: str
    instruction: str  # the policy's; LIBERO's stands in the file's name
    other_instructions: tuple[str, ...] = ()  # as good as the first: see `folders.worded`
    language: str  # the BDDL's (:language ...), differs in some tasks
    problem: str  # LIBERO's problem class, lower case: the scene family
    goal: tuple[tuple[str, ...], ...]  # ("in", "soup_1", "basket_1_contain_region"), conjunction
    initial: tuple[tuple[str, ...], ...]  # BDDL (:init ...)
    goal_true_at_reset: tuple[int, ...] = ()  # indices into `goal`
    objects_of_interest: tuple[str, ...] = ()
    objects: tuple[Object, ...]
    regions: tuple[Region, ...]
    handles: tuple[HandleBox, ...] = ()
    path: str = ""  # of the .bddl file that it goes by; empty where it goes by suite and task

    @property
    def id(self) -> str:
        """What a program's `scene` line says: `suite/task`, or the path of a file."""
        return self.path or f"{self.suite}/{self.task}"

    @property
    def instructions(self) -> tuple[str, ...]:
        """Every sentence that counts as the scene's own, its `instruction` first."""
        return (self.instruction, *self.other_instructions)

    def told(self, instruction: str) -> Scene:
        """The same scene with this one of its `instructions` as the first."""
        if instruction == self.instruction:
            return self
        others = tuple(one for one in self.instructions if one != instruction)
        update = {"instruction": instruction, "other_instructions": others}
        return self.model_copy(update=update)

    @cached_property
    def _objects(self) -> dict[str, Object]:
        return {item.name: item for item in self.objects}

    @cached_property
    def regions_by_name(self) -> dict[str, Region]:
        """The regions by name."""
        return {item.name: item for item in self.regions}

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """Every name that a program may use, with everything it may be used as."""
        kinds: dict[str, Kind] = {}
        for item in self.objects:
            kind = Kind.FIXTURE if item.fixture else Kind.MOVABLE
            if item.openable:
                kind |= Kind.OPENABLE
            if item.switchable:
                kind |= Kind.SWITCHABLE
            kinds[item.name] = kind
        for region in self.regions:
            kinds[region.name] = Kind.REGION | (Kind.OPENABLE if region.openable else Kind.REGION)
        return kinds

    def object(self, name: str) -> Object:
        """The object or fixture called `name` (KeyError where there is none)."""
        return self._objects[name]

    def region(self, name: str) -> Region:
        """The region called `name` (KeyError where there is none)."""
        return self.regions_by_name[name]


class SuiteCatalogue(_Frozen):
    """One file of a catalogue."""

    format: int = CATALOGUE_FORMAT
    suite: str
    generated_with: dict[str, str] = Field(default_factory=dict)  # distribution -> version
    scenes: tuple[Scene, ...]
