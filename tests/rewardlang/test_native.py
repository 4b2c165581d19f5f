"""Native success, compiled: equal to LIBERO's own test, read from the same simulator state."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import mujoco
import numpy as np
import pytest

import rewardlang
from rewardlang.runtime.native import goal_test, native_success
from rewardlang.scene import Scene
from rewardlang.state import BindError, Collector
from tests.rewardlang.worlds import DRAWER, KITCHEN, STOVE, at_rest, reader, yaw

NEAR = 1e-6  # m: how close to a threshold the states on both sides of it come
ASIDE = np.array([0.021, -0.017, 0.0])  # m: where things that are moved away go


def test_a_goal_that_the_scene_cannot_hold_is_reported_whole() -> None:
    goal = (
        ("in", "cup_2", "basket_1_contain_region"),
        ("up", "cup_1"),
        ("on", "cup_1", "plate_1"),
    )
    with pytest.raises(BindError) as caught:
        goal_test(KITCHEN.model_copy(update={"goal": goal}), Collector())
    assert caught.value.missing == (
        "goal (in cup_2 basket_1_contain_region): no object or region is called cup_2",
        "goal (up cup_1): LIBERO has no such test",
    )


def test_all_atoms_of_a_goal_must_hold() -> None:
    goal = (("in", "cup_1", "basket_1_contain_region"), ("close", DRAWER), ("turnoff", STOVE))
    facts = Collector()
    test = goal_test(KITCHEN.model_copy(update={"goal": goal}), facts)
    read = reader(facts.requirements)

    inside = at_rest().moved(cup_1=(0.0, 0.4, 0.07))
    shut = inside.with_joints(cabinet_1_top_level=0.001, cabinet_1_top_flap=-0.01)
    off = shut.with_joints(stove_1_button=-0.001)
    assert [test(read(world).values) for world in (inside, shut, off)] == [False, False, True]


def test_at_their_rest_positions_a_drawer_is_not_closed_and_a_stove_not_off() -> None:
    for atom in (("close", DRAWER), ("turnoff", STOVE), ("open", DRAWER), ("turnon", STOVE)):
        facts = Collector()
        test = goal_test(KITCHEN.model_copy(update={"goal": (atom,)}), facts)
        assert not test(reader(facts.requirements)(at_rest()).values), atom


def test_a_basket_turned_by_45_degrees_holds_nothing_as_in_libero() -> None:
    facts = Collector()
    test = goal_test(KITCHEN, facts)
    read = reader(facts.requirements)
    world = at_rest().moved(cup_1=(0.002, 0.4, 0.07))
    assert test(read(world).values)
    assert not test(read(world.turned("basket_1_contain_region", yaw(math.pi / 4))).values)


# --- against LIBERO ------------------------------------------------------------------------------


class Libero:
    """A LIBERO environment whose state the tests write by hand."""

    def __init__(self, scene: Scene) -> None:
        from tgrpo.libero_package import libero_path, make_environment

        self.scene = scene
        self.env = make_environment(libero_path("bddl_files") / scene.suite / f"{scene.task}.bddl")
        self.env.seed(0)
        self.env.reset()
        inner = self.env.env
        self.model, self.data = inner.sim.model._model, inner.sim.data._data
        self._qpos = self.data.qpos.copy()
        self._bodies = self.model.body_pos.copy(), self.model.body_quat.copy()

    def close(self) -> None:
        self.env.close()

    def holds(self, atom: tuple[str, ...]) -> bool:
        return bool(self.env.env._eval_predicate(list(atom)))

    def success(self) -> bool:
        return bool(self.env.env._check_success())

    def restore(self) -> None:
        self.data.qpos[:] = self._qpos
        self.model.body_pos[:], self.model.body_quat[:] = self._bodies

    def put(self, name: str, position: np.ndarray, quaternion: np.ndarray | None = None) -> None:
        """Moves an object's root body, by its free joint or, for a fixture, in the model."""
        item = self.scene.object(name)
        body = self.model.body(item.body)
        if item.fixture:
            self.model.body_pos[body.id] = position
            if quaternion is not None:
                self.model.body_quat[body.id] = quaternion
            return
        start = self.model.jnt_qposadr[body.jntadr[0]]
        self.data.qpos[start : start + 3] = position
        if quaternion is not None:
            self.data.qpos[start + 3 : start + 7] = quaternion

    def set_joint(self, name: str, value: float) -> None:
        self.data.qpos[self.model.jnt_qposadr[self.model.joint(name).id]] = value

    def forward(self) -> None:
        mujoco.mj_forward(self.model, self.data)

    def position(self, name: str) -> np.ndarray:
        return self.data.xpos[self.model.body(self.scene.object(name).body).id].copy()


Write = Callable[[Libero], None]


def turn(angle: float, axis: tuple[float, float, float] = (0.0, 0.0, 1.0)) -> np.ndarray:
    return np.array([math.cos(angle / 2), *(math.sin(angle / 2) * np.array(axis))])


def states(scene: Scene, atom: tuple[str, ...], rng: np.random.Generator) -> Iterator[Write]:
    """Ways to write states in which `atom` is true, false, and close to its thresholds."""
    yield lambda _: None
    match atom:
        case ("in", item, region):
            yield from _inside(scene, item, region, rng)
        case ("on", item, support) if support in scene.regions_by_name:
            yield from _upon_region(scene, item, support, rng)
        case ("on", item, support):
            yield from _upon_object(item, support, rng)
        case (_, part):
            yield from _joint_values(scene, part)


def _inside(scene: Scene, item: str, region: str, rng: np.random.Generator) -> Iterator[Write]:
    half = np.array(scene.region(region).half_extents)
    owner = scene.region(region).owner
    for angle in (0.0, 0.35, math.pi / 4, 1.1, rng.uniform(-3, 3)):
        for axis in range(3):
            for sign in (-1.0, 1.0):
                # LIBERO's half extent along the axis: near it from both sides, and far from it
                for by in (-NEAR, NEAR, -0.02, 0.02):
                    yield _beside(owner, region, item, half, angle, axis, sign, by)
    for _ in range(15):
        offset = rng.uniform(-1.3, 1.3, 3) * np.max(half)
        yield _at_offset(owner, region, item, rng.uniform(-3, 3), offset)


def _beside(
    owner: str,
    region: str,
    item: str,
    half: np.ndarray,
    angle: float,
    axis: int,
    sign: float,
    by: float,
) -> Write:
    def write(libero: Libero) -> None:
        _turn_owner(libero, owner, angle)
        site = libero.data.site(region)
        reach = np.abs(site.xmat.reshape(3, 3) @ half)
        offset = np.zeros(3)
        lower = 0.01 if axis == 2 and sign < 0 else 0.0
        offset[axis] = sign * (reach[axis] + lower + by)
        libero.put(item, site.xpos + offset, turn(0.4))

    return write


def _at_offset(owner: str, region: str, item: str, angle: float, offset: np.ndarray) -> Write:
    def write(libero: Libero) -> None:
        _turn_owner(libero, owner, angle)
        libero.put(item, libero.data.site(region).xpos + offset, turn(angle / 2, (1.0, 0.0, 0.0)))

    return write


def _turn_owner(libero: Libero, owner: str, angle: float) -> None:
    """Turns what a region belongs to about the vertical, and moves it a little."""
    if owner in {item.name for item in libero.scene.objects}:
        libero.put(owner, libero.position(owner) + ASIDE, turn(angle))
    libero.forward()


def _upon_region(scene: Scene, item: str, region: str, rng: np.random.Generator) -> Iterator[Write]:
    half = np.array(scene.region(region).half_extents)
    owner = scene.region(region).owner
    for height in (half[2] - 0.005 - NEAR, half[2] - 0.005 + NEAR, half[2] + 0.02, half[2] + 0.05):
        yield _at_offset(owner, region, item, 0.0, np.array([0.0, 0.0, height]))
    for height in (half[2] + 0.10 - NEAR, half[2] + 0.10 + NEAR):
        yield _at_offset(owner, region, item, 0.0, np.array([0.0, 0.0, height]))
    for axis in range(2):
        for by in (-NEAR, NEAR):
            offset = np.array([0.0, 0.0, half[2] + 0.003])
            offset[axis] = half[axis] + by
            yield _at_offset(owner, region, item, 0.0, offset)
    for _ in range(25):
        offset = np.append(rng.uniform(-1.2, 1.2, 2) * half[:2], half[2] + rng.uniform(-0.01, 0.05))
        yield _at_offset(owner, region, item, rng.uniform(-0.5, 0.5), offset)


def _upon_object(item: str, support: str, rng: np.random.Generator) -> Iterator[Write]:
    for aside in (0.0, 0.02, 0.03 - NEAR, 0.03 + NEAR, 0.04):
        for height in (0.0, NEAR, -NEAR, 0.004, 0.008, 0.012, 0.02, 0.10):
            angle = float(rng.uniform(-3, 3))
            yield _over(item, support, aside, angle, height)
    for _ in range(25):
        yield _over(item, support, rng.uniform(0, 0.05), rng.uniform(-3, 3), rng.uniform(0, 0.03))


def _over(item: str, support: str, aside: float, angle: float, height: float) -> Write:
    def write(libero: Libero) -> None:
        away = np.array([aside * math.cos(angle), aside * math.sin(angle), height])
        libero.put(item, libero.position(support) + away, turn(angle))

    return write


def _joint_values(scene: Scene, part: str) -> Iterator[Write]:
    found = scene.regions_by_name.get(part) or scene.object(part)
    for joint in found.joints:
        for edge in (joint.on_at, joint.off_at, (joint.on_at + joint.off_at) / 2):
            for by in (-0.01, -NEAR, 0.0, NEAR, 0.01):
                yield lambda libero, name=joint.name, q=edge + by: libero.set_joint(name, q)


def with_fixtures_moved(write: Write) -> Write:
    """The same state, with every fixture elsewhere."""

    def moved(libero: Libero) -> None:
        for item in libero.scene.objects:
            if item.fixture:
                libero.put(item.name, libero.position(item.name) + ASIDE)
        libero.forward()
        write(libero)

    return moved


def compare(
    libero: Libero,
    atoms: tuple[tuple[str, ...], ...],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> list[bool]:
    """LIBERO's answers for many states of the atoms; ours must be the same without LIBERO."""
    rng = np.random.default_rng(seed)
    writes = [write for atom in atoms for write in states(libero.scene, atom, rng)]
    writes += [with_fixtures_moved(write) for write in writes[::3]]

    def visit(answer: Callable[[], bool]) -> list[bool]:
        answers = []
        for write in writes:
            libero.restore()
            libero.forward()
            write(libero)
            libero.forward()
            answers.append(answer())
        return answers

    scene = libero.scene.model_copy(update={"goal": atoms})
    theirs = visit(
        libero.success
        if atoms == libero.scene.goal
        else lambda: all(libero.holds(atom) for atom in atoms)
    )
    with monkeypatch.context() as patch:
        _forbid(patch)
        ours = native_success(scene).bind(libero.model)
        assert visit(lambda: ours(libero.data)) == theirs
    return theirs


def _forbid(patch: pytest.MonkeyPatch) -> None:
    """Makes LIBERO's predicates raise: what is compiled must not ask them."""
    from libero.libero.envs import predicates
    from libero.libero.envs.object_states import base_object_states

    def refuse(*_: object) -> bool:
        raise AssertionError("LIBERO was asked")

    for name in list(predicates.VALIDATE_PREDICATE_FN_DICT):
        patch.setitem(predicates.VALIDATE_PREDICATE_FN_DICT, name, refuse)
    for state in (base_object_states.ObjectState, base_object_states.SiteObjectState):
        for name in ("check_contact", "check_contain", "check_ontop", "is_open", "is_close"):
            patch.setattr(state, name, refuse)


def tasks(*suites: str) -> list[str]:
    return [scene.id for suite in suites for scene in rewardlang.suite_scenes(suite).values()]


QUICK = [*tasks("libero_object")[:2], *tasks("libero_spatial")[4:6]]
FULL = [task for task in tasks("libero_object", "libero_spatial") if task not in QUICK]


@pytest.mark.sim
@pytest.mark.parametrize(
    "task", [*QUICK, *(pytest.param(task, marks=pytest.mark.full) for task in FULL)]
)
def test_success_equals_libero(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = rewardlang.load_scene(task)
    libero = Libero(scene)
    try:
        answers = compare(libero, scene.goal, monkeypatch, seed=3)
    finally:
        libero.close()
    assert 10 < sum(answers) < len(answers) - 10, "states on both sides of the threshold"


EVERY_PREDICATE = "libero_goal/put_the_bowl_on_the_stove"
ATOMS = [
    ("on", "akita_black_bowl_1", "flat_stove_1_cook_region"),
    ("on", "akita_black_bowl_1", "wooden_cabinet_1_top_side"),
    ("on", "akita_black_bowl_1", "main_table_stove_front_region"),
    ("on", "wine_bottle_1", "wine_rack_1_top_region"),
    ("on", "cream_cheese_1", "akita_black_bowl_1"),
    ("in", "akita_black_bowl_1", "wooden_cabinet_1_top_region"),
    ("open", "wooden_cabinet_1_middle_region"),
    ("close", "wooden_cabinet_1_bottom_region"),
    ("turnon", "flat_stove_1"),
    ("turnoff", "flat_stove_1"),
]


@pytest.mark.sim
def test_every_goal_predicate_equals_libero(monkeypatch: pytest.MonkeyPatch) -> None:
    libero = Libero(rewardlang.load_scene(EVERY_PREDICATE))
    try:
        for atom in ATOMS:
            answers = compare(libero, (atom,), monkeypatch, seed=5)
            assert True in answers, atom
            assert False in answers, atom
    finally:
        libero.close()


@pytest.mark.sim
@pytest.mark.full
@pytest.mark.parametrize("task", tasks("libero_goal", "libero_10", "libero_90"))
def test_success_equals_libero_in_the_other_suites(
    task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = rewardlang.load_scene(task)
    libero = Libero(scene)
    try:
        for atom in scene.goal:
            compare(libero, (atom,), monkeypatch, seed=7)
        compare(libero, scene.goal, monkeypatch, seed=8)
    finally:
        libero.close()
