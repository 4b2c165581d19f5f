"""Handles and mouths: the table against the catalogue, the checker, and LIBERO's own models."""

from __future__ import annotations

import math
from dataclasses import dataclass

import mujoco
import numpy as np
import pytest

import rewardlang
from rewardlang import Region, Scene, compile, load_scene, suite_scenes
from rewardlang.api import analyze
from rewardlang.datatypes import Kind
from rewardlang.fittings import Handle, handle_of, mouth_of
from tests.rewardlang.worlds import DRAWER, KITCHEN, STOVE

SCENES = [scene for suite in rewardlang.suites() for scene in suite_scenes(suite).values()]
DRAWERS = "libero_goal/open_the_middle_drawer_of_the_cabinet"  # with a stove beside it
MICROWAVE = "libero_10/KITCHEN_SCENE6_put_the_yellow_and_white_mug_in_the_microwave_and_close_it"
CADDY = "libero_90/STUDY_SCENE1_pick_up_the_book_and_place_it_in_the_left_compartment_of_the_caddy"
SHELF = "libero_90/STUDY_SCENE4_pick_up_the_book_on_the_right_and_place_it_on_the_cabinet_shelf"
WHITE = (
    "libero_10/KITCHEN_SCENE4_put_the_black_bowl_in_the_bottom_drawer_of_the_cabinet_and_close_it"
)
ON_TOP = {  # a region on each fixture's outside, away from its handles
    "wooden_cabinet": "top_side",
    "white_cabinet": "top_side",
    "microwave": "top_side",
    "flat_stove": "cook_region",
}


def parts(scene: Scene) -> list[str]:
    wanted = Kind.OPENABLE | Kind.SWITCHABLE
    return [name for name, kind in scene.kinds.items() if kind & wanted]


def mouths(scene: Scene) -> list[Region]:
    return [region for region in scene.regions if mouth_of(scene, region.name)]


# --- the table and the catalogue ---------------------------------------------------------------


def test_whatever_opens_or_turns_has_a_handle() -> None:
    assert all(handle_of(scene, part) for scene in SCENES for part in parts(scene))
    assert sum(len(parts(scene)) for scene in SCENES) > 100


def test_what_is_roofed_has_a_mouth_and_a_mouth_points_along_one_axis() -> None:
    for scene in SCENES:
        found = mouths(scene)
        assert {region.name for region in scene.regions if region.roofed} <= {r.name for r in found}
        for region in found:
            assert not region.openable
            assert sorted(map(abs, mouth_of(scene, region.name) or ())) == [0.0, 0.0, 1.0]


def test_things_without_either_have_none() -> None:
    scene = load_scene(DRAWERS)
    assert mouth_of(scene, "main_table_stove_front_region") is None
    assert mouth_of(scene, "flat_stove_1_cook_region") is None
    assert handle_of(scene, "akita_black_bowl_1") is None
    assert handle_of(scene, "main_table_stove_front_region") is None
    assert handle_of(KITCHEN, DRAWER) is None


# --- the checker, where no row knows a handle --------------------------------------------------

HEAD = 'rewardlang 1 task "tidy the kitchen" scene "made_up/tidy_the_kitchen" '


def test_a_part_whose_handle_is_unknown_is_reported_where_it_is_asked_for() -> None:
    text = f"{HEAD}stage a {{ until near(gripper, handle({DRAWER})) }} success bddl"
    (found,) = (d for d in analyze(text, scene=KITCHEN).diagnostics if d.is_error)
    assert found.message == f"where to take hold of `{DRAWER}` is not known"
    assert found.notes == ("nothing in this scene has a handle that is known",)
    assert text[found.span.start : found.span.end] == DRAWER


def test_inside_a_macro_it_is_reported_where_the_macro_is_used() -> None:
    use = f"use switch_on({STOVE})"
    text = f"{HEAD}seq {{ {use} }} success bddl"
    (found,) = (d for d in analyze(text, scene=KITCHEN).diagnostics if d.is_error)
    assert found.message == f"where to take hold of `fixture` (`{STOVE}`) is not known"
    assert text[found.span.start : found.span.end] == use
    assert found.notes == ("nothing in this scene has a handle that is known",)


def test_another_handle_of_the_scene_is_proposed() -> None:
    scene = load_scene(DRAWERS)
    odd = [
        {**item.model_dump(), "category": "oven" if item.switchable else item.category}
        for item in scene.objects
    ]
    changed = Scene.model_validate({**scene.model_dump(), "objects": odd})
    text = (
        f'rewardlang 1 task "{scene.instruction}" scene "{scene.id}" '
        "object middle = wooden_cabinet_1_middle_region "
        "stage a { until near(middle, handle(flat_stove_1)) } success bddl"
    )
    (found,) = (d for d in analyze(text, scene=changed).diagnostics if d.is_error)
    assert "middle" in {fix.replacement for fix in found.suggestions}
    assert "flat_stove_1" not in {fix.replacement for fix in found.suggestions}


@pytest.mark.parametrize(
    ("category", "hint"),
    [
        ("microwave", "`at_mouth(white_yellow_mug_1, microwave_1_heating_region)` first, then in "),
        ("oven", "in "),  # its mouth is not known, so that `at_mouth` would be an error
    ],
)
def test_a_roof_is_gone_around_by_what_is_known_of_it(category: str, hint: str) -> None:
    fields = load_scene(MICROWAVE).model_dump()
    for item in fields["objects"]:
        if item["name"] == "microwave_1":
            item["category"] = category
    text = (
        f'rewardlang 1 task "x" scene "{MICROWAVE}" '
        "use place_in(white_yellow_mug_1, microwave_1_heating_region) "
        "success when in(white_yellow_mug_1, microwave_1_heating_region)"
    )
    found = analyze(text, scene=Scene.model_validate(fields)).diagnostics
    assert [(d.code, d.hint) for d in found] == [
        ("roof-from-above", f"{hint}`while grasped(white_yellow_mug_1)`")
    ]


# --- LIBERO's models ---------------------------------------------------------------------------


@dataclass
class Place:
    """A LIBERO model with its fixtures set apart, turned, and its objects out of the way."""

    scene: Scene
    model: mujoco.MjModel
    data: mujoco.MjData

    def forward(self) -> None:
        mujoco.mj_forward(self.model, self.data)

    def put(self, item: str, where: np.ndarray) -> None:
        """An object's middle at a point, the object upright."""
        thing = self.scene.object(item)
        at = self.model.jnt_qposadr[self.model.body(thing.body).jntadr[0]]
        self.data.qpos[at : at + 7] = [*(where - np.array(thing.centre)), 1, 0, 0, 0]
        self.forward()

    def open(self, openness: float) -> None:
        """All joints at this fraction of the way to LIBERO's threshold for open or on."""
        for thing in (*self.scene.objects, *self.scene.regions):
            for joint in thing.joints:
                self.data.joint(joint.name).qpos[0] = openness * joint.on_at
        self.forward()

    def holds(self, condition: str) -> bool:
        """Whether a condition, as a program says it, holds now."""
        text = (
            f'rewardlang 1 task "t" scene "{self.scene.id}" '
            f"seq {{ stage a {{ until gripper_open() }} keep it {{ {condition} }} }} "
            f"success when {condition}"
        )
        program = analyze(text).program
        assert program is not None, analyze(text).diagnostics
        reward = compile(program).bind(self.model, self.scene, max_steps=10)
        return reward(self.data, reward.reset(self.data))[0].success


def place(scene_id: str) -> Place:
    from tgrpo.simulation.model_cache import compiled_task
    from tgrpo.tasks import find_task

    task = find_task(scene_id)
    model = compiled_task(task).model
    fixtures = [item for item in task.scene.objects if item.fixture]
    for number, item in enumerate(fixtures):
        angle = 0.3 + number
        model.body(item.body).pos = [2.0 * number, 3.0, 1.0]
        model.body(item.body).quat = [math.cos(angle / 2), 0, 0, math.sin(angle / 2)]
    made = Place(task.scene, model, mujoco.MjData(model))
    for number, item in enumerate(task.scene.objects):
        if not item.fixture:
            made.put(item.name, np.array([2.0 * number, -5.0, 1.0]))
    return made


def own_geoms(here: Place, body: int, *, below: bool) -> list[int]:
    """Collision geoms of a body, or of all that hangs on it."""
    model = here.model

    def belongs(other: int) -> bool:
        while below and other not in (0, body):
            other = int(model.body_parentid[other])
        return other == body

    geoms = range(model.ngeom)
    return [g for g in geoms if model.geom_group[g] == 0 and belongs(int(model.geom_bodyid[g]))]


def extent(model: mujoco.MjModel, geom: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner of a box or capsule in the frame of its body."""
    turned = np.zeros(9)
    mujoco.mju_quat2Mat(turned, model.geom_quat[geom])
    turned, size = turned.reshape(3, 3), model.geom_size[geom]
    if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_BOX:
        reach = np.abs(turned) @ size
    else:
        assert model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_CAPSULE
        reach = size[0] + np.abs(turned[:, 2]) * size[1]
    return model.geom_pos[geom] - reach, model.geom_pos[geom] + reach


def within(low: np.ndarray, high: np.ndarray, handle: Handle) -> bool:
    centre, half = np.array(handle.centre), np.array(handle.half_extents) + 5e-4
    return bool(np.all(low >= centre - half) and np.all(high <= centre + half))


@pytest.mark.sim
@pytest.mark.parametrize("scene_id", [DRAWERS, MICROWAVE, WHITE])
def test_a_handles_box_is_that_of_the_geoms_in_it(scene_id: str) -> None:
    here = place(scene_id)
    for part in parts(here.scene):
        joint, handle = handle_of(here.scene, part)
        body = int(here.model.jnt_bodyid[here.model.joint(joint.name).id])
        boxes = [extent(here.model, geom) for geom in own_geoms(here, body, below=False)]
        inside = [box for box in boxes if within(*box, handle)]
        assert inside, part
        assert len(inside) < len(boxes), "the handle is not the whole part"
        low = np.min([box[0] for box in inside], axis=0)
        high = np.max([box[1] for box in inside], axis=0)
        np.testing.assert_allclose((low + high) / 2, handle.centre, atol=5e-4)
        np.testing.assert_allclose((high - low) / 2, handle.half_extents, atol=5e-4)


@pytest.mark.sim
@pytest.mark.parametrize("scene_id", [DRAWERS, MICROWAVE, WHITE])
def test_a_handle_moves_with_its_part_and_can_be_touched_alone(scene_id: str) -> None:
    here = place(scene_id)
    item = next(thing.name for thing in here.scene.objects if not thing.fixture)
    for part in parts(here.scene):
        joint, handle = handle_of(here.scene, part)
        for openness in (0.0, 1.0):
            here.open(openness)
            body = here.data.body(here.model.jnt_bodyid[here.model.joint(joint.name).id])
            at = body.xpos + body.xmat.reshape(3, 3) @ np.array(handle.centre)
            here.put(item, at)
            assert here.holds(f"near({item}, handle({part}), 5 mm)")
            assert here.holds(f"touching({item}, handle({part}))")
        here.open(0.0)
        turns_in_place = here.scene.kinds[part] & Kind.SWITCHABLE
        assert here.holds(f"near({item}, handle({part}), 5 mm)") == bool(turns_in_place)
        top = ON_TOP[here.scene.object(carrier(here.scene, part)).category]
        standing = [0, 0, here.scene.object(item).half_extents[2] - 0.015]  # m, a little into it
        here.put(item, here.data.site(f"{carrier(here.scene, part)}_{top}").xpos + standing)
        assert here.holds(f"touching({item}, {carrier(here.scene, part)}_{top})")
        assert not here.holds(f"touching({item}, handle({part}))")


def carrier(scene: Scene, part: str) -> str:
    """The fixture that a part belongs to."""
    region = scene.regions_by_name.get(part)
    return region.owner if region else part


def hits(here: Place, geom: int, origin: np.ndarray, way: np.ndarray) -> bool:
    """Whether a ray meets a geom."""
    pose = here.data.geom_xpos[geom], here.data.geom_xmat[geom]
    kind = int(here.model.geom_type[geom])
    return mujoco.mju_rayGeom(*pose, here.model.geom_size[geom], origin, way, kind) >= 0


@pytest.mark.sim
@pytest.mark.parametrize("scene_id", [MICROWAVE, CADDY, SHELF])
def test_the_way_out_of_a_mouth_is_free_and_no_other_but_down(scene_id: str) -> None:
    here = place(scene_id)
    here.open(1.0)
    for region in mouths(here.scene):
        site = here.data.site(region.name)
        turned = site.xmat.reshape(3, 3)
        body = here.model.body(here.scene.object(region.owner).body).id
        geoms = own_geoms(here, body, below=True)
        half = np.array(region.half_extents)
        around = np.array([*np.ndindex(3, 3, 3)]) - 1.0
        free = {}
        for out in (*np.eye(3), *-np.eye(3)):
            # LIBERO's region of the microwave reaches into its panel: not all of it is open
            spots = around * (1 - np.abs(out)) * half * 0.5
            free[tuple(out)] = not any(
                hits(here, geom, site.xpos + turned @ spot, turned @ out)
                for spot in spots
                for geom in geoms
            )
        downwards = {way for way in free if (turned @ way)[2] < -0.9}
        open_ways = {way for way, is_free in free.items() if is_free} - downwards
        assert open_ways == {mouth_of(here.scene, region.name)}, region.name


@pytest.mark.sim
@pytest.mark.parametrize("scene_id", [MICROWAVE, CADDY, SHELF])
def test_at_mouth_holds_before_the_opening_alone(scene_id: str) -> None:
    here = place(scene_id)
    item = next(thing for thing in here.scene.objects if not thing.fixture)
    radius = float(np.linalg.norm(item.half_extents))  # the farthest that any side of it reaches
    for region in mouths(here.scene):
        site = here.data.site(region.name)
        turned, half = site.xmat.reshape(3, 3), np.array(region.half_extents)
        out = np.array(mouth_of(here.scene, region.name))
        aside = np.roll(out, 1)
        edge, side = (np.abs(out) @ half) * out, np.abs(aside * half).sum() * aside
        cases = [
            (edge + 0.01 * out, True),
            (edge + (radius + 0.06) * out, False),  # too far off
            (edge + 0.01 * out + 1.1 * side, False),  # beside the opening
            (edge - 0.01 * out, False),  # inside
            (-edge - 0.01 * out, False),  # behind
        ]
        for local, expected in cases:
            here.put(item.name, site.xpos + turned @ local)
            said = f"at_mouth({item.name}, {region.name})"
            assert here.holds(said) == expected, (region.name, local)
