"""Which thing of a simulator model is each required fact? Names become ids, once.

Works on a `mujoco.MjModel` without importing mujoco. What is missing is collected, so that one
error names all of it with the nearest names that the model or the scene does have.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from rewardlang.fittings import Handle, Vector, handle_of, mouth_of
from rewardlang.scene import Joint, Object, Region, Scene
from rewardlang.state import (
    BindError,
    Fact,
    FactKind,
    JointScale,
    Model,
    Requirements,
    part_values,
)

GRIP_SITE = "gripper0_grip_site"  # between the fingertips
GRIPPER_BODY = "gripper0_right_gripper"  # hand and fingers
PADS = ("gripper0_finger1_pad_collision", "gripper0_finger2_pad_collision")
FINGERS = ("gripper0_finger1_collision", "gripper0_finger2_collision", *PADS)
FINGER_JOINTS = ("gripper0_finger_joint1", "gripper0_finger_joint2")

Geoms = frozenset[int]
POINT: Vector = (0.0, 0.0, 0.0)
OF_HANDLE = 1e-3  # m: how far the middle of a handle's geom may stand out of its box

_HANDLE_NAME = re.compile(r"handle\((\w+)\)")  # of a handle, where contacts are asked for


@dataclass(frozen=True)
class JointPart:
    """Floats that are worked out from joint values: where they go, the joints' addresses, how."""

    offset: int
    addresses: tuple[int, ...]
    values: Callable[[list[float]], tuple[float, ...]]


@dataclass
class Binding:
    """Where the floats of a snapshot come from.

    indices     array of `mjData` -> flat indices into it
    pairs       geoms that make a contact, per float
    constants   floats that never change
    places      (offset in the snapshot, stretch, index in it) of each of those; a stretch is an
                array's name, "pairs" or "constants"
    joints      what is worked out from joint values
    """

    indices: dict[str, list[int]] = field(default_factory=dict)
    pairs: list[tuple[Geoms, Geoms]] = field(default_factory=list)
    constants: list[float] = field(default_factory=list)
    places: list[tuple[int, str, int]] = field(default_factory=list)
    joints: list[JointPart] = field(default_factory=list)

    def order(self, width: int) -> list[int]:
        """For each float of the snapshot, its index where all stretches stand in a row."""
        lengths = {name: len(indices) for name, indices in self.indices.items()}
        lengths |= {"pairs": len(self.pairs), "constants": len(self.constants)}
        starts, position = {}, 0
        for name, length in lengths.items():
            starts[name] = position
            position += length
        order = [0] * width
        for offset, stretch, index in self.places:
            order[offset] = starts[stretch] + index
        return order

    def read(self, offset: int, array: str, start: int, count: int) -> None:
        """`count` floats of an array of `mjData`, from flat index `start`."""
        indices = self.indices.setdefault(array, [])
        for index in range(count):
            self.places.append((offset + index, array, len(indices)))
            indices.append(start + index)

    def constant(self, offset: int, numbers: Iterable[float]) -> None:
        for index, number in enumerate(numbers):
            self.places.append((offset + index, "constants", len(self.constants)))
            self.constants.append(number)

    def contact(self, offset: int, first: Geoms, second: Geoms) -> None:
        self.places.append((offset, "pairs", len(self.pairs)))
        self.pairs.append((first, second))


def bind_facts(model: Model, scene: Scene, requirements: Requirements) -> Binding:
    """Where each required fact is in the model. Raises BindError with everything missing."""
    binder = _Binder(model, scene)
    for fact, offset in requirements.offsets().items():
        binder.fact(fact, offset)
    if binder.missing:
        raise BindError(f"a program for scene {scene.id}", dict.fromkeys(binder.missing))
    return binder.bound


class _MissingError(Exception):
    """Something that the model or the scene does not have."""


class _Binder:
    def __init__(self, model: Model, scene: Scene) -> None:
        self.model = model
        self.scene = scene
        self.bound = Binding()
        self.missing: list[str] = []
        self._objects = {item.name: item for item in scene.objects}
        self._regions = {region.name: region for region in scene.regions}

    def fact(self, fact: Fact, offset: int) -> None:
        try:
            self._bind(fact, offset)
        except _MissingError as error:
            self.missing.append(str(error))

    def _bind(self, fact: Fact, offset: int) -> None:
        names = fact.names
        match fact.kind:
            case FactKind.FRAME:
                self._frame(offset, self._place(names[0]))
            case FactKind.GRIPPER:
                self._pose(offset, "site", self._id("site", GRIP_SITE), POINT, POINT)
            case FactKind.HANDLE:
                self._handle(offset, names[0])
            case FactKind.MOUTH:
                self._mouth(offset, names[0])
            case FactKind.PART:
                self._part(offset, names[0], inclusive=False)
            case FactKind.KNOB:
                self._part(offset, names[0], inclusive=True)
            case FactKind.CONTACT:
                self.bound.contact(offset, self._geoms(names[0]), self._geoms(names[1]))
            case FactKind.SUPPORT:
                self._support(offset, *names)
            case FactKind.HAND_CONTACT:
                hand = self._below(self._id("body", GRIPPER_BODY))
                self.bound.contact(offset, hand, self._geoms(names[0]))
            case FactKind.FINGER_CONTACT:
                fingers = frozenset(self._id("geom", name) for name in FINGERS)
                self.bound.contact(offset, fingers, self._geoms(names[0]))
            case FactKind.PAD_CONTACT:
                for index, name in enumerate(PADS):
                    pad = frozenset({self._id("geom", name)})
                    self.bound.contact(offset + index, pad, self._geoms(names[0]))
            case FactKind.WIDTH:
                self._width(offset)

    # --- places ----------------------------------------------------------------------------------

    def _place(self, name: str) -> Object | Region:
        found = self._objects.get(name) or self._regions.get(name)
        if found is None:
            known = [*self._objects, *self._regions]
            raise _MissingError(f"`{name}` is not in the scene{_nearest(name, known)}")
        return found

    def _frame(self, offset: int, place: Object | Region) -> None:
        if isinstance(place, Region):
            site = self._id("site", place.name)
            self._pose(offset, "site", site, POINT, place.half_extents)
        else:
            body = self._id("body", place.body)
            self._pose(offset, "body", body, place.centre, place.half_extents)

    def _handle(self, offset: int, name: str) -> None:
        joint, handle = self._handle_of(name)
        self._pose(offset, "body", self._moved_by(joint), handle.centre, handle.half_extents)

    def _handle_of(self, name: str) -> tuple[Joint, Handle]:
        found = handle_of(self.scene, self._place(name).name)
        if found is None:
            raise _MissingError(f"no handle is known for `{name}`")
        return found

    def _moved_by(self, joint: Joint) -> int:
        """Id of the body that a joint moves."""
        return int(self.model.jnt_bodyid[self._id("joint", joint.name)])

    def _mouth(self, offset: int, name: str) -> None:
        mouth = mouth_of(self.scene, self._place(name).name)
        if mouth is None:
            raise _MissingError(f"no mouth is known for `{name}`")
        self.bound.constant(offset, mouth)

    def _pose(
        self, offset: int, what: str, number: int, centre: Vector, half_extents: Vector
    ) -> None:
        prefix = "site_" if what == "site" else ""
        self.bound.read(offset, f"{prefix}xpos", 3 * number, 3)
        self.bound.read(offset + 3, f"{prefix}xmat", 9 * number, 9)
        self.bound.constant(offset + 12, (*centre, *half_extents))

    # --- joints ----------------------------------------------------------------------------------

    def _part(self, offset: int, name: str, *, inclusive: bool) -> None:
        place = self._place(name)
        scales = [
            JointScale(joint.on_at, joint.off_at, joint.direction, inclusive)
            for joint in place.joints
        ]
        addresses = tuple(self._address(joint.name) for joint in place.joints)
        self._worked_out(
            JointPart(offset, addresses, lambda q: part_values(list(zip(scales, q, strict=True)))),
            FactKind.PART.width,
        )

    def _width(self, offset: int) -> None:
        first, second = (self._id("joint", name) for name in FINGER_JOINTS)
        widest = float(self.model.jnt_range[first][1] - self.model.jnt_range[second][0])
        addresses = tuple(self._address(name) for name in FINGER_JOINTS)
        self._worked_out(
            JointPart(offset, addresses, lambda q: (min(1.0, max(0.0, (q[0] - q[1]) / widest)),)),
            FactKind.WIDTH.width,
        )

    def _worked_out(self, part: JointPart, width: int) -> None:
        self.bound.constant(part.offset, [0.0] * width)  # a place to write to
        self.bound.joints.append(part)

    def _address(self, joint: str) -> int:
        return int(self.model.jnt_qposadr[self._id("joint", joint)])

    # --- contacts --------------------------------------------------------------------------------

    def _support(self, offset: int, item: str, region: str) -> None:
        place = self._place(region)
        if isinstance(place, Region) and place.owner_is_surface:
            self.bound.constant(offset, (1.0,))  # LIBERO asks for no contact with the table
        else:
            self.bound.contact(offset, self._geoms(item), self._geoms(region))

    def _geoms(self, name: str) -> Geoms:
        """The geoms that touch for a place: an object's; for a region, those of its owner."""
        if handle := _HANDLE_NAME.fullmatch(name):
            return self._handle_geoms(handle[1])
        place = self._place(name)
        if isinstance(place, Object):
            return self._below(self._id("body", place.body))
        if place.owner in self._objects:
            return self._geoms(place.owner)
        body = int(self.model.site_bodyid[self._id("site", place.name)])
        return self._below(body)

    def _handle_geoms(self, name: str) -> Geoms:
        """Collision geoms of the moving body whose middle is in the handle's box."""
        joint, handle = self._handle_of(name)
        body = self._moved_by(joint)
        box = list(zip(handle.centre, handle.half_extents, strict=True))
        found = frozenset(
            geom
            for geom in range(self.model.ngeom)
            if int(self.model.geom_bodyid[geom]) == body
            and self.model.geom_group[geom] == 0
            and all(
                abs(middle - centre) <= half + OF_HANDLE
                for middle, (centre, half) in zip(self.model.geom_pos[geom], box, strict=True)
            )
        )
        if not found:
            moved = self.model.body(body).name
            raise _MissingError(
                f"contact with handle({name}): no collision geom of body `{moved}` is in its box"
            )
        return found

    def _below(self, body: int) -> Geoms:
        """Collision geoms of a body and everything that hangs on it.

        Geom group 0 is what robosuite calls contact geoms; LIBERO's tests look at these alone.
        """
        model = self.model
        inside = {body}
        for child in range(body + 1, model.nbody):  # parents come before their children
            if int(model.body_parentid[child]) in inside:
                inside.add(child)
        return frozenset(
            geom
            for geom in range(model.ngeom)
            if int(model.geom_bodyid[geom]) in inside and model.geom_group[geom] == 0
        )

    # --- ids -------------------------------------------------------------------------------------

    def _id(self, what: str, name: str) -> int:
        try:
            return int(getattr(self.model, what)(name).id)
        except KeyError:
            near = _nearest(name, self._names(what))
            raise _MissingError(f"the model has no {what} `{name}`{near}") from None

    def _names(self, what: str) -> list[str]:
        count = {"body": "nbody", "site": "nsite", "geom": "ngeom", "joint": "njnt"}[what]
        named: Callable[[int], Any] = getattr(self.model, what)
        return [named(number).name for number in range(getattr(self.model, count))]


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f" (nearest: {', '.join(close)})" if close else ""
