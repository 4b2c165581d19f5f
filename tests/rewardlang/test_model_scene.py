"""Scenes read from models: small hand-made ones, then LIBERO's as the rival."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest

import rewardlang
from rewardlang import HandleBox, Joint, RegionSite, Scene, scene_of
from rewardlang.datatypes import Kind
from rewardlang.fittings import handle_of
from rewardlang.runtime.model_boxes import body_frame, box_around, collision_geoms
from rewardlang.runtime.model_things import in_programs
from rewardlang.state import BindError

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "other-simulators.md"
MODEL = """
<mujoco><compiler angle="radian"/>
  <worldbody>
    <geom name="floor" type="plane" size="2 2 0.1"/>
    <body name="table" pos="0 0 0.4"><geom type="box" size="0.5 0.4 0.4"/>
      <site name="table_top" pos="0 0 0.4" size="0.001"/></body>
    <body name="redCup_main" pos="0 0 0.9"><freejoint/>
      <geom type="box" size="0.03 0.04 0.05" pos="0 0 0.05"/>
      <geom type="box" size="0.01 0.01 0.01" pos="0 0.06 0.05"/>
      <geom type="sphere" size="0.5" group="1" contype="0" conaffinity="0"/></body>
    <body name="lying_main" pos="0.3 0 0.9" quat="0.7071067811865476 0.7071067811865476 0 0">
      <freejoint/><geom type="cylinder" size="0.02 0.1"/></body>
    <body name="ghost"><freejoint/>
      <geom type="sphere" size="0.1" contype="0" conaffinity="0"/></body>
    <body name="robot0_base"><geom type="box" size="0.1 0.1 0.1"/></body>
    <body name="cabinet_main" pos="0.8 0 0.2">
      <geom type="box" size="0.2 0.2 0.01" pos="0 0 -0.2"/>
      <body name="cabinet_drawer" pos="0 0 0.1">
        <joint name="slide" type="slide" axis="0 -1 0" range="0 0.2"/>
        <geom type="box" size="0.18 0.18 0.01"/>
        <geom name="grip" type="box" size="0.05 0.01 0.01" pos="0 -0.19 0"/>
        <site name="drawer_inside" type="box" size="0.15 0.16 0.04" pos="0 0 0.05"/></body>
      <body name="cabinet_lid" pos="0 0.2 0.2">
        <joint name="hinge" type="hinge" axis="1 0 0" range="-1.5 0"/>
        <geom name="lid_knob" type="sphere" size="0.01" pos="0 -0.4 0"/></body>
    </body>
  </worldbody>
</mujoco>
"""
LID = {"hinge": (-0.1, -1.0)}
SLIDE = {"slide": (0.01, 0.15)}
INSIDE = {"drawer_inside": RegionSite("cabinet", joints=("slide",), roofed=True)}


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(MODEL)


def read(model: mujoco.MjModel, **given) -> Scene:
    return scene_of(model, **{"name": "made_up/tidy", "instruction": "tidy up"} | given)


# --- what a model says ---------------------------------------------------------------------------


def test_what_moves_freely_is_movable_and_what_else_stands_there_a_fixture(
    model: mujoco.MjModel,
) -> None:
    scene = read(model, openable=LID | SLIDE, regions=INSIDE)
    assert scene.kinds == {
        "red_cup": Kind.MOVABLE,
        "lying": Kind.MOVABLE,
        "table": Kind.FIXTURE,
        "cabinet": Kind.FIXTURE | Kind.OPENABLE,
        "drawer_inside": Kind.REGION | Kind.OPENABLE,
    }
    assert (scene.id, scene.instruction, scene.goal) == ("made_up/tidy", "tidy up", ())


def test_boxes_are_those_of_collision_geoms_in_the_bodys_frame(model: mujoco.MjModel) -> None:
    scene = read(model)
    cup, lying = scene.object("red_cup"), scene.object("lying")
    assert cup.body == "redCup_main"
    assert cup.centre == (0.0, 0.015, 0.05)
    assert cup.half_extents == (0.03, 0.055, 0.05)
    assert cup.height == 0.1
    assert lying.half_extents == (0.02, 0.02, 0.1)
    assert lying.height == 0.04, "along the vertical, as it lies"


@pytest.mark.parametrize("kind", ["box", "sphere", "capsule", "cylinder", "ellipsoid", "mesh"])
def test_a_box_holds_a_turned_shape_and_no_more(kind: str) -> None:
    rng = np.random.default_rng(5)
    for _ in range(10):
        size = rng.uniform(0.02, 0.2, 3)
        points = _surface(kind, size, rng)
        asset, shape = "", f'type="{kind}" size="{size[0]} {size[1]} {size[2]}"'
        if kind == "mesh":
            asset = f'<asset><mesh name="m" vertex="{" ".join(map(str, points.ravel()))}"/></asset>'
            shape = 'type="mesh" mesh="m"'
        pose = " ".join(map(str, rng.normal(size=4)))
        turned = " ".join(map(str, rng.normal(size=4)))
        model = mujoco.MjModel.from_xml_string(
            f'<mujoco>{asset}<worldbody><body name="b" quat="{pose}">'
            f'<geom {shape} pos="0.1 0.2 0.3" quat="{turned}"/></body></worldbody></mujoco>'
        )
        data = mujoco.MjData(model)
        mujoco.mj_kinematics(model, data)
        box = box_around(model, data, collision_geoms(model, 1), body_frame(data, 1))
        rotation = np.zeros(9)
        quaternion = np.array(turned.split(), float)
        mujoco.mju_quat2Mat(rotation, quaternion / np.linalg.norm(quaternion))
        inside = points @ rotation.reshape(3, 3).T + [0.1, 0.2, 0.3] - box.centre
        assert np.all(np.abs(inside) <= box.half_extents + 1e-6)
        for way in (inside.max(axis=0), -inside.min(axis=0)):
            assert way == pytest.approx(box.half_extents, rel=0.02, abs=1e-6)


def _surface(kind: str, size: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Points (n, 3) on a shape of MuJoCo's, in its own frame."""
    ways = rng.normal(size=(4000, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    ends = np.sign(ways[:, 2:]) * [0.0, 0.0, size[1]]
    match kind:
        case "sphere":
            return size[0] * ways
        case "ellipsoid":
            return size * ways
        case "capsule":
            return size[0] * ways + ends
        case "cylinder":
            round_ = ways[:, :2] / np.linalg.norm(ways[:, :2], axis=1, keepdims=True)
            return np.column_stack([size[0] * round_, np.zeros(len(ways))]) + ends
        case "mesh":
            return size * ways[:20]
        case _:
            return size * np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T


def test_a_region_is_its_site_with_levels_over_its_owners_foot(model: mujoco.MjModel) -> None:
    scene = read(model, openable=SLIDE, regions=INSIDE)
    region = scene.region("drawer_inside")
    assert region.half_extents == (0.15, 0.16, 0.04)
    assert region.levels == (0.32, 0.4), "the foot is at -1 cm, the site's middle at 35 cm"
    assert region.roofed
    assert not region.owner_is_surface, "so `on` asks for contact"
    zone = RegionSite("table", half_extents=(0.1, 0.2, 0.003))
    assert read(model, regions={"table_top": zone}).region("table_top").half_extents[1] == 0.2


def test_joints_belong_to_the_region_that_claims_them_or_to_what_they_are_part_of(
    model: mujoco.MjModel,
) -> None:
    scene = read(model, openable=LID | SLIDE, regions=INSIDE)
    (lid,) = scene.object("cabinet").joints
    assert lid == Joint(name="hinge", on_at=-1.0, off_at=-0.1, direction=-1)
    assert [joint.name for joint in scene.region("drawer_inside").joints] == ["slide"]
    inner = read(model, fixtures={"lid": "cabinet_lid", "box": "cabinet_main"}, openable=LID)
    assert inner.object("lid").openable
    assert not inner.object("box").openable
    assert read(model, switchable=LID).object("cabinet").switchable


def test_a_handle_is_the_box_of_its_geoms_where_the_joint_moves(model: mujoco.MjModel) -> None:
    scene = read(model, openable=SLIDE, regions=INSIDE, handles={"slide": ["grip"]})
    half, centre = (0.05, 0.01, 0.01), (0.0, -0.19, 0.0)
    assert scene.handles == (
        HandleBox(part="drawer_inside", joint="slide", centre=centre, half_extents=half),
    )
    joint, handle = handle_of(scene, "drawer_inside")
    assert (joint.name, handle.centre, handle.half_extents) == ("slide", centre, half)


@pytest.mark.parametrize(
    ("body", "name"),
    [("cubeA_main", "cube_a"), ("Door_main", "door"), ("milk_1_main", "milk_1"),
     ("Tea Pot-2", "tea_pot_2"), ("table", "table")],
)  # fmt: skip
def test_bodies_get_names_that_a_program_can_say(body: str, name: str) -> None:
    assert in_programs(body) == name


# --- programs ------------------------------------------------------------------------------------


def program(success: str, scene: str = "made_up/tidy") -> str:
    stage = "stage shove { until moved(red_cup, 5 cm) }"
    return f'rewardlang 1\ntask "tidy up"\nscene "{scene}"\n{stage}\nsuccess {success}\n'


def test_a_program_with_a_goal_of_its_own_checks_binds_and_sees_the_model_move(
    model: mujoco.MjModel,
) -> None:
    scene = read(model, openable=LID | SLIDE, regions=INSIDE, handles={"slide": ["grip"]})
    analysis = rewardlang.analyze(
        program("when open(drawer_inside) and open(cabinet)"), scene=scene
    )
    assert analysis.diagnostics == ()
    reward_fn = rewardlang.compile(analysis.program).bind(model, scene, max_steps=10)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    start = reward_fn.reset(data)
    answers = {}
    for slide, hinge in [(0.15, -1.01), (0.151, -1.0), (0.151, -1.01)]:
        data.joint("slide").qpos[0], data.joint("hinge").qpos[0] = slide, hinge
        step, _ = reward_fn(data, start)
        answers[slide, hinge] = step.success
    assert list(answers.values()) == [False, False, True]
    data.qpos[2] += 0.05
    mujoco.mj_forward(model, data)
    assert reward_fn(data, start)[0].terms["shove"] == 1.0


def test_there_is_no_benchmark_to_ask(model: mujoco.MjModel) -> None:
    asked = rewardlang.analyze(program("bddl"), scene=read(model))
    assert [found.code for found in asked.diagnostics] == ["empty-goal"]
    other = rewardlang.analyze(
        program("when lifted(red_cup, 5 cm)", "made_up/other"), scene=read(model)
    )
    assert [found.code for found in other.diagnostics if found.is_error] == ["scene-mismatch"]


def test_what_the_howto_says_works() -> None:
    namespace: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", HOWTO.read_text("utf-8"), re.M | re.S):
        exec(block, namespace)
    assert set(namespace["scene"].kinds) == {"cube_a", "table", "cabinet", "drawer_inside"}
    assert namespace["analysis"].diagnostics == ()


# --- what does not fit ---------------------------------------------------------------------------


def problems(model: mujoco.MjModel, **given) -> list[str]:
    with pytest.raises(BindError) as caught:
        read(model, **given)
    return list(caught.value.missing)


def test_everything_that_does_not_fit_is_in_one_error_with_the_names_there_are(
    model: mujoco.MjModel,
) -> None:
    found = problems(
        model,
        movables={"cup": "cup_main", "table": "table", "spirit": "ghost"},
        fixtures={"cabinet": "cabinet_main", "cup_2": "redCup_main"},
        openable={"hinge": (0.0, -2.0), "drawer": (0.0, 0.1), "slide": (0.1, 0.1)},
        handles={"slide": ["lid_knob", "grib"], "lock": []},
        regions={
            "table_to": RegionSite("table"),
            "table_top": RegionSite("desk", joints=("pull",)),
        },
    )
    bodies = "table, redCup_main, lying_main, ghost, cabinet_main, cabinet_drawer, cabinet_lid"
    assert found == [
        f"the model has no body `cup_main`: there is {bodies}",
        "body `table` has no free joint to move by",
        "body `ghost` has no collision geom in group 0: nothing can touch it",
        "body `redCup_main` has a free joint and is no fixture",
        "joint `hinge` moves between -1.5 and 0, and never gets to -2",
        "the model has no joint `drawer`: there is slide, hinge",
        "joint `slide` has one position, 0.1, for both ends",
        "the model has no site `table_to`: there is table_top, drawer_inside",
        "region `table_top`: joint `pull` is not in `openable`",
        "region `table_top`: no object is called `desk`: there is table, cabinet, cup_2",
        "the model has no geom `grib`: there is floor, grip, lid_knob",
        "geom `lid_knob` is no handle of joint `slide`: it does not move with it",
        "joint `lock` has a handle, but is neither in `openable` nor in `switchable`",
    ]


def test_a_joint_of_what_is_not_in_the_scene_has_no_owner(model: mujoco.MjModel) -> None:
    says = "joint `hinge` belongs to no object of the scene: name its body in `fixtures`"
    assert problems(model, fixtures={}, openable=LID) == [says]
    says = "joint `hinge` is both in `openable` and in `switchable`"
    assert problems(model, openable=LID, switchable=LID) == [says]


@pytest.mark.parametrize("name", ["stage", "cm", "near", "gripper", "Cup", "the cup", "1st", ""])
def test_a_name_that_no_program_can_say_is_refused(model: mujoco.MjModel, name: str) -> None:
    says = f"`{name}` cannot be said in a program: words of a-z, 0-9 and _, none reserved"
    assert problems(model, movables={name: "redCup_main"}) == [says]


def test_two_things_of_one_name_and_a_scene_without_a_suite_are_refused(
    model: mujoco.MjModel,
) -> None:
    both = {"table": "redCup_main"}
    says = "`table` would be 2 things: give `movables` or `fixtures` other names"
    assert problems(model, movables=both) == [says]
    assert problems(model, name="tidy") == ['a scene is called "suite/task", not "tidy"']


def test_contact_with_a_handle_whose_geoms_hang_on_another_body_is_refused() -> None:
    moved = MODEL.replace(
        '<geom name="grip" type="box" size="0.05 0.01 0.01" pos="0 -0.19 0"/>',
        '<body><geom name="grip" type="box" size="0.05 0.01 0.01" pos="0 -0.19 0"/></body>',
    )
    model = mujoco.MjModel.from_xml_string(moved)
    scene = read(model, openable=SLIDE, regions=INSIDE, handles={"slide": ["grip"]})
    text = program("when touching(red_cup, handle(drawer_inside))")
    evaluator = rewardlang.compile(rewardlang.analyze(text, scene=scene).program)
    with pytest.raises(BindError, match="no collision geom of body `cabinet_drawer` is in its box"):
        evaluator.bind(model, scene, max_steps=5)


# --- LIBERO's models -----------------------------------------------------------------------------


@pytest.mark.sim
@pytest.mark.parametrize(
    "scene_id",
    ["libero_object/pick_up_the_milk_and_place_it_in_the_basket", "libero_goal/turn_on_the_stove"],
)
def test_boxes_of_liberos_models_are_those_of_the_catalogue(scene_id: str) -> None:
    from tgrpo.simulation.envs import Simulation
    from tgrpo.tasks import find_task

    scene, model = rewardlang.load_scene(scene_id), Simulation(find_task(scene_id)).model
    given = {
        fixture: {item.name: item.body for item in scene.objects if item.fixture is fixture}
        for fixture in (False, True)
    }
    ours = scene_of(
        model, name=scene_id, instruction="", movables=given[False], fixtures=given[True]
    )
    assert len(ours.objects) == len(scene.objects) >= 6
    for item in ours.objects:
        theirs = scene.object(item.name)
        assert item.centre == pytest.approx(theirs.centre, abs=1e-6), item.name
        assert item.half_extents == pytest.approx(theirs.half_extents, abs=1e-6), item.name
