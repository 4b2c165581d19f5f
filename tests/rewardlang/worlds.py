"""A simulator for tests: poses, joints and contacts as plain data, by name.

It answers `Requirements` as `mujoco_state` does, so that programs run without MuJoCo.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from rewardlang.scene import Joint, Object, Region, Scene
from rewardlang.state import FactKind, JointScale, Requirements, Snapshot, part_values

HAND = ("left pad", "right pad", "finger", "palm")  # what of the gripper can touch something
FINGERS = HAND[:3]


def _object(name: str, half: tuple[float, float, float], centre=(0.0, 0.0, 0.0), **more) -> Object:
    return Object(
        name=name,
        category=name.rsplit("_", 1)[0],
        body=f"{name}_main",
        fixture=more.pop("fixture", False),
        half_extents=half,
        centre=centre,
        **more,
    )


def _region(name: str, owner: str, half: tuple[float, float, float], **more) -> Region:
    table = more.pop("table", False)
    return Region(
        name=name, owner=owner, owner_is_surface=table, half_extents=half, is_surface=True, **more
    )


KITCHEN = Scene(
    suite="made_up",
    task="tidy_the_kitchen",
    instruction="tidy the kitchen",
    language="tidy the kitchen",
    problem="libero_made_up",
    goal=(("in", "cup_1", "basket_1_contain_region"),),
    initial=(),
    objects=(
        _object("cup_1", (0.03, 0.04, 0.05), (0.001, -0.002, 0.01)),
        _object("plate_1", (0.07, 0.068, 0.01), (0.0, 0.001, 0.006)),
        _object("basket_1", (0.085, 0.08, 0.07), (0.0, 0.0, 0.075)),
        _object("cabinet_1", (0.13, 0.11, 0.11), fixture=True),
        _object(
            "stove_1",
            (0.15, 0.1, 0.035),
            fixture=True,
            switchable=True,
            joints=(Joint(name="stove_1_button", on_at=0.5, off_at=0.0, direction=1),),
        ),
    ),
    regions=(
        _region("basket_1_contain_region", "basket_1", (0.061, 0.062, 0.069)),
        _region("stove_1_cook_region", "stove_1", (0.075, 0.075, 0.0025)),
        _region("main_table_front_region", "main_table", (0.05, 0.04, 0.007), table=True),
        _region(
            "cabinet_1_top_region",
            "cabinet_1",
            (0.03, 0.075, 0.1),
            openable=True,
            joints=(
                Joint(name="cabinet_1_top_level", on_at=-0.14, off_at=0.0, direction=-1),
                Joint(name="cabinet_1_top_flap", on_at=1.3, off_at=0.005, direction=1),
            ),
        ),
    ),
)
"""Everything that a program can speak of, once."""

MOVABLES = ("cup_1", "plate_1", "basket_1")
REGIONS = tuple(region.name for region in KITCHEN.regions)
DRAWER, STOVE = "cabinet_1_top_region", "stove_1"
MOUTHS = {  # region -> way out of it, in its own frame
    "basket_1_contain_region": (0.0, 0.0, 1.0),
    "stove_1_cook_region": (1.0, 0.0, 0.0),
    "main_table_front_region": (0.0, 0.0, -1.0),
    DRAWER: (0.0, -1.0, 0.0),
}
HANDLES = (f"handle({DRAWER})", f"handle({STOVE})")
PLACES = (*MOVABLES, *REGIONS, "gripper", *HANDLES)
JOINTS = ("stove_1_button", "cabinet_1_top_level", "cabinet_1_top_flap")


@dataclass(frozen=True)
class World:
    """What is true at one moment. Units: m, rad; rotations are (3, 3) matrices.

    positions, rotations   of objects (root body), regions (site), `gripper`, `handle(…)`
    touching               pairs of objects and handles, or of one and "table"
    held_by                object or handle -> parts of the gripper (`HAND`) that touch it
    """

    positions: dict[str, np.ndarray]
    rotations: dict[str, np.ndarray]
    joints: dict[str, float] = field(default_factory=lambda: dict.fromkeys(JOINTS, 0.0))
    touching: frozenset[frozenset[str]] = frozenset()
    held_by: dict[str, frozenset[str]] = field(default_factory=dict)
    width: float = 1.0

    def moved(self, **positions: tuple[float, float, float]) -> World:
        """The same with things elsewhere."""
        there = {name: np.array(position, float) for name, position in positions.items()}
        return replace(self, positions=self.positions | there)

    def turned(self, name: str, rotation: np.ndarray) -> World:
        return replace(self, rotations=self.rotations | {name: rotation})

    def in_hand(self, name: str, *parts: str) -> World:
        """The same with `name` touched by these parts of the gripper only."""
        return replace(self, held_by=self.held_by | {name: frozenset(parts)})

    def in_contact(self, *pairs: tuple[str, str]) -> World:
        return replace(self, touching=frozenset(frozenset(pair) for pair in pairs))

    def with_joints(self, **joints: float) -> World:
        return replace(self, joints=self.joints | joints)

    def contact(self, a: str, b: str) -> bool:
        """Contact between two places, regions standing for their owners."""
        return frozenset((carrier(a), carrier(b))) in self.touching

    def hand_on(self, name: str) -> frozenset[str]:
        """What of the gripper touches a place."""
        return self.held_by.get(carrier(name), frozenset())


def carrier(place: str) -> str:
    """The object that a place belongs to; the table for its zones, a handle for itself."""
    for region in KITCHEN.regions:
        if region.name == place:
            return "table" if region.owner_is_surface else region.owner
    return place


def box(place: str) -> tuple[np.ndarray, np.ndarray]:
    """Centre and half extents of a place's bounding box in its own frame."""
    for item in KITCHEN.objects:
        if item.name == place:
            return np.array(item.centre), np.array(item.half_extents)
    for region in KITCHEN.regions:
        if region.name == place:
            return np.zeros(3), np.array(region.half_extents)
    return np.zeros(3), np.full(3, 0.01 if place.startswith("handle") else 0.0)


def scales(name: str) -> list[tuple[str, JointScale]]:
    """The joints of an openable or switchable thing."""
    found = next(thing for thing in (*KITCHEN.regions, *KITCHEN.objects) if thing.name == name)
    return [
        (joint.name, JointScale(joint.on_at, joint.off_at, joint.direction, name == STOVE))
        for joint in found.joints
    ]


def reader(requirements: Requirements):
    """What `SnapshotReader(...).read` is for MuJoCo, for a `World`."""

    def read(world: World) -> Snapshot:
        return Snapshot([number for fact in requirements.facts for number in _floats(fact, world)])

    return read


def _floats(fact, world: World) -> list[float]:
    names = fact.names
    match fact.kind:
        case FactKind.FRAME:
            return _frame(world, names[0])
        case FactKind.GRIPPER:
            return _frame(world, "gripper")
        case FactKind.HANDLE:
            return _frame(world, f"handle({names[0]})")
        case FactKind.MOUTH:
            return list(MOUTHS[names[0]])
        case FactKind.PART | FactKind.KNOB:
            return list(part_values([(s, world.joints[joint]) for joint, s in scales(names[0])]))
        case FactKind.CONTACT:
            return [float(world.contact(*names))]
        case FactKind.SUPPORT:
            return [float(carrier(names[1]) == "table" or world.contact(*names))]
        case FactKind.HAND_CONTACT:
            return [float(bool(world.hand_on(names[0])))]
        case FactKind.FINGER_CONTACT:
            return [float(bool(world.hand_on(names[0]) & {*FINGERS}))]
        case FactKind.PAD_CONTACT:
            return [float(pad in world.hand_on(names[0])) for pad in HAND[:2]]
        case FactKind.WIDTH:
            return [world.width]


def _frame(world: World, place: str) -> list[float]:
    centre, half = box(place)
    parts = (world.positions[place], world.rotations[place].ravel(), centre, half)
    return [float(number) for part in parts for number in part]


def yaw(angle: float) -> np.ndarray:
    """Rotation about the vertical."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def roll(angle: float) -> np.ndarray:
    """Rotation about the x axis: tilts things."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def at_rest() -> World:
    """Everything apart from everything, upright, untouched, shut and off."""
    spots = {
        "cup_1": (0.0, 0.0, 0.05),
        "plate_1": (0.3, 0.0, 0.01),
        "basket_1": (0.0, 0.4, 0.0),
        "basket_1_contain_region": (0.0, 0.4, 0.07),
        "stove_1_cook_region": (-0.3, 0.3, 0.05),
        "main_table_front_region": (-0.3, -0.3, 0.0),
        DRAWER: (0.5, 0.5, 0.2),
        "gripper": (0.0, 0.0, 0.35),
        f"handle({DRAWER})": (0.5, 0.35, 0.2),
        f"handle({STOVE})": (-0.3, 0.2, 0.05),
    }
    return World(
        positions={name: np.array(spot) for name, spot in spots.items()},
        rotations={name: np.eye(3) for name in spots},
    )


def wander(seed: int, steps: int) -> list[World]:
    """A random sequence of states: things drift, jump on one another, touch and let go.

    No distance in it is a round number, so that no comparison is a tie.
    """
    rng = np.random.default_rng(seed)
    world = at_rest()
    states = []
    for _ in range(steps):
        states.append(world)
        world = _nudge(world, rng)
    return states


def _nudge(world: World, rng: np.random.Generator) -> World:
    names = list(world.positions)
    positions = dict(world.positions)
    for name in names:
        if rng.random() < 0.5:
            positions[name] = positions[name] + rng.normal(0.0, 0.02, 3)
        if rng.random() < 0.15:
            other = names[rng.integers(len(names))]
            positions[name] = world.positions[other] + rng.normal(0.0, 0.03, 3)
    rotations = dict(world.rotations)
    for name in names:
        if rng.random() < 0.2:
            rotations[name] = yaw(rng.uniform(-3, 3)) @ roll(rng.normal(0.0, 0.4))
    joints = {name: float(rng.uniform(-0.3, 2.0) * rng.choice([0.1, 1.0])) for name in JOINTS}
    touching, held_by = set(world.touching), dict(world.held_by)
    for a in MOVABLES:
        for b in (*MOVABLES, "cabinet_1", "stove_1", "table", *HANDLES):
            if a != b and rng.random() < 0.3:
                touching ^= {frozenset((a, b))}
    for a in (*MOVABLES, *HANDLES):
        if rng.random() < 0.4:
            held_by[a] = frozenset(part for part in HAND if rng.random() < 0.5)
    if rng.random() < 0.3:
        joints = world.joints
    return World(
        positions, rotations, joints, frozenset(touching), held_by, float(rng.uniform(0.01, 0.99))
    )
