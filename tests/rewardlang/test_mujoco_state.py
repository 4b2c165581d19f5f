"""Snapshots of a MuJoCo model: a small hand-made one, then LIBERO's with robosuite as the rival."""

from __future__ import annotations

from itertools import combinations

import mujoco
import numpy as np
import pytest

import rewardlang
from rewardlang.runtime.model_names import FINGER_JOINTS, FINGERS, PADS
from rewardlang.runtime.mujoco_state import SnapshotReader
from rewardlang.state import BindError, Fact, FactKind, Requirements
from tests.rewardlang.worlds import DRAWER, KITCHEN, MOVABLES, STOVE

MODEL = """
<mujoco>
  <worldbody>
    <body name="table"><geom name="table_collision" type="box" size="1 1 0.01" pos="0 0 -0.01"/>
      <site name="main_table_front_region" type="box" size="0.05 0.04 0.007" pos="-0.3 -0.3 0"/>
    </body>
    <body name="cup_1_main"><freejoint name="cup_1_joint0"/>
      <geom name="cup_1_g0" type="box" size="0.03 0.04 0.05" pos="0.001 -0.002 0.01"/>
      <geom name="cup_1_visual" type="sphere" size="0.2" group="1"/></body>
    <body name="plate_1_main"><freejoint name="plate_1_joint0"/>
      <geom name="plate_1_g0" type="box" size="0.07 0.068 0.01"/></body>
    <body name="basket_1_main"><freejoint name="basket_1_joint0"/>
      <geom name="basket_1_g0" type="box" size="0.085 0.08 0.01"/>
      <site name="basket_1_contain_region" type="box" size="0.061 0.062 0.069" pos="0 0 0.07"/>
    </body>
    <body name="cabinet_1_main" pos="0.6 0.6 0.2">
      <geom name="cabinet_1_g0" type="box" size="0.13 0.11 0.11"/>
      <body name="cabinet_1_drawer"><joint name="cabinet_1_top_level" type="slide" axis="0 1 0"/>
        <geom name="cabinet_1_g1" type="box" size="0.1 0.1 0.02" pos="0 -0.2 0"/>
        <site name="cabinet_1_top_region" type="box" size="0.03 0.075 0.1"/>
        <body name="cabinet_1_flap"><joint name="cabinet_1_top_flap" type="hinge" axis="1 0 0"/>
          <geom name="cabinet_1_g2" type="sphere" size="0.01" pos="0 -0.2 0.1"/></body></body>
    </body>
    <body name="stove_1_main" pos="-0.6 0.6 0.1">
      <geom name="stove_1_g0" type="box" size="0.1 0.1 0.02"/>
      <site name="stove_1_cook_region" type="box" size="0.075 0.075 0.0025"/>
      <body name="stove_1_knob"><joint name="stove_1_button" type="hinge" axis="0 0 1"/>
        <geom name="stove_1_g1" type="sphere" size="0.02" pos="0.2 0 0"/></body>
    </body>
    <body name="gripper0_right_gripper"><freejoint name="hand"/>
      <geom name="gripper0_hand_collision" type="box" size="0.05 0.05 0.02" pos="0 0 0.1"/>
      <site name="gripper0_grip_site"/>
      <body name="gripper0_leftfinger">
        <joint name="gripper0_finger_joint1" type="slide" axis="0 1 0" range="0 0.04"/>
        <geom name="gripper0_finger1_collision" type="box" size="0.01 0.005 0.03"
              pos="0 0.01 0.05"/>
        <geom name="gripper0_finger1_pad_collision" type="box" size="0.01 0.005 0.02"
              pos="0 0.01 0"/></body>
      <body name="gripper0_rightfinger">
        <joint name="gripper0_finger_joint2" type="slide" axis="0 1 0" range="-0.04 0"/>
        <geom name="gripper0_finger2_collision" type="box" size="0.01 0.005 0.03"
              pos="0 -0.01 0.05"/>
        <geom name="gripper0_finger2_pad_collision" type="box" size="0.01 0.005 0.02"
              pos="0 -0.01 0"/></body>
    </body>
  </worldbody>
</mujoco>
"""

PLACES = (*MOVABLES, *(region.name for region in KITCHEN.regions), "cabinet_1", "stove_1")
EVERYTHING = Requirements(
    (
        *(Fact(FactKind.FRAME, (name,)) for name in PLACES),
        Fact(FactKind.GRIPPER),
        Fact(FactKind.PART, (DRAWER,)),
        Fact(FactKind.KNOB, (STOVE,)),
        Fact(FactKind.WIDTH),
        *(Fact(FactKind.CONTACT, pair) for pair in combinations(PLACES, 2)),
        *(
            Fact(FactKind.SUPPORT, (item, region.name))
            for item in MOVABLES
            for region in KITCHEN.regions
        ),
        *(
            Fact(kind, (item,))
            for kind in (FactKind.HAND_CONTACT, FactKind.FINGER_CONTACT, FactKind.PAD_CONTACT)
            for item in MOVABLES
        ),
    )
)
AT = EVERYTHING.offsets()


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(MODEL)


@pytest.fixture(scope="module")
def states(model: mujoco.MjModel) -> list[mujoco.MjData]:
    """Random states in which many things touch."""
    rng = np.random.default_rng(1)
    states = []
    for _ in range(40):
        data = mujoco.MjData(model)
        for joint in range(model.njnt):
            at = model.jnt_qposadr[joint]
            if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_FREE:
                data.qpos[at : at + 3] = rng.uniform(-0.12, 0.12, 3)
                data.qpos[at + 3 : at + 7] = rng.normal(size=4)
            else:
                data.qpos[at] = rng.uniform(*model.jnt_range[joint]) or rng.uniform(-0.3, 1.5)
        mujoco.mj_forward(model, data)
        states.append(data)
    return states


def read(model: mujoco.MjModel, data: mujoco.MjData) -> list[float]:
    return SnapshotReader(model, KITCHEN, EVERYTHING).read(data).values


def geoms(model: mujoco.MjModel, place: str) -> set[str]:
    owner = {"main_table_front_region": "table"}.get(place, "_".join(place.split("_")[:2]))
    named = {model.geom(number).name for number in range(model.ngeom)}
    return {name for name in named if name.startswith(owner) and not name.endswith("visual")}


def touch(model: mujoco.MjModel, data: mujoco.MjData, first: set[str], second: set[str]) -> bool:
    """Contact as a person would look it up, name by name."""
    for contact in data.contact:
        names = model.geom(contact.geom1).name, model.geom(contact.geom2).name
        if (names[0] in first and names[1] in second) or (names[1] in first and names[0] in second):
            return True
    return False


def test_frames_are_positions_rotations_and_the_scenes_boxes(
    model: mujoco.MjModel, states: list[mujoco.MjData]
) -> None:
    data = states[0]
    values = read(model, data)
    cup = values[AT[Fact(FactKind.FRAME, ("cup_1",))] :][:18]
    body = data.body("cup_1_main")
    assert cup == pytest.approx([*body.xpos, *body.xmat, 0.001, -0.002, 0.01, 0.03, 0.04, 0.05])
    region = values[AT[Fact(FactKind.FRAME, (DRAWER,))] :][:18]
    site = data.site(DRAWER)
    assert region == pytest.approx([*site.xpos, *site.xmat, 0, 0, 0, 0.03, 0.075, 0.1])
    gripper = values[AT[Fact(FactKind.GRIPPER)] :][:3]
    assert gripper == pytest.approx(data.site("gripper0_grip_site").xpos)


def test_contacts_are_those_of_the_simulator(
    model: mujoco.MjModel, states: list[mujoco.MjData]
) -> None:
    found = set()
    for data in states:
        values = read(model, data)
        for fact, at in AT.items():
            match fact.kind:
                case FactKind.CONTACT | FactKind.SUPPORT:
                    table = fact.kind is FactKind.SUPPORT and fact.names[1].startswith("main_table")
                    pair = (geoms(model, name) for name in fact.names)
                    expected = [table or touch(model, data, *pair)]
                case FactKind.HAND_CONTACT:
                    hand = {*FINGERS, "gripper0_hand_collision"}
                    expected = [touch(model, data, hand, geoms(model, fact.names[0]))]
                case FactKind.FINGER_CONTACT:
                    expected = [touch(model, data, {*FINGERS}, geoms(model, fact.names[0]))]
                case FactKind.PAD_CONTACT:
                    item = geoms(model, fact.names[0])
                    expected = [touch(model, data, {pad}, item) for pad in PADS]
                case _:
                    continue
            own = fact.names[0] == fact.names[-1] or geoms(model, fact.names[0]) == geoms(
                model, fact.names[-1]
            )
            if fact.kind is not FactKind.CONTACT or not own:
                assert values[at : at + len(expected)] == expected, fact
                found.update((fact.kind, answer) for answer in expected)
    assert len(found) == 10, "each kind of contact was seen, and seen missing"


def test_joints_give_openness_and_libero_thresholds(model: mujoco.MjModel) -> None:
    data = mujoco.MjData(model)
    cases = [
        # drawer, flap, knob -> openness, open, closed; knob, on, off
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((0.01, 0.004, -0.001), (0.0, 0.0, 1.0), (0.0, 0.0, 1.0)),
        ((-0.07, 0.0, 0.25), (0.5, 0.0, 0.0), (0.5, 0.0, 0.0)),
        ((-0.14, 0.0, 0.5), (1.0, 0.0, 0.0), (1.0, 1.0, 0.0)),
        ((0.01, 1.31, 0.6), (1.0, 1.0, 0.0), (1.0, 1.0, 0.0)),
    ]
    for (drawer, flap, knob), part, stove in cases:
        data.joint("cabinet_1_top_level").qpos = drawer
        data.joint("cabinet_1_top_flap").qpos = flap
        data.joint("stove_1_button").qpos = knob
        values = read(model, data)
        at = AT[Fact(FactKind.PART, (DRAWER,))]
        assert values[at : at + 3] == pytest.approx(part)
        at = AT[Fact(FactKind.KNOB, (STOVE,))]
        assert values[at : at + 3] == pytest.approx(stove)


def test_the_grippers_width_is_a_fraction_of_its_largest(model: mujoco.MjModel) -> None:
    data = mujoco.MjData(model)
    widths = []
    for opening in (0.0, 0.02, 0.04, 0.05):
        for joint, sign in zip(FINGER_JOINTS, (1, -1), strict=True):
            data.joint(joint).qpos = sign * opening
        widths.append(read(model, data)[AT[Fact(FactKind.WIDTH)]])
    assert widths == pytest.approx([0.0, 0.5, 1.0, 1.0])


def test_only_what_is_required_is_read(model: mujoco.MjModel, states: list[mujoco.MjData]) -> None:
    for fact in EVERYTHING.facts:
        alone = SnapshotReader(model, KITCHEN, Requirements((fact,))).read(states[3]).values
        at = AT[fact]
        assert alone == read(model, states[3])[at : at + fact.kind.width]
    assert SnapshotReader(model, KITCHEN, Requirements()).read(states[3]).values == []


def test_everything_missing_is_in_one_error_with_the_nearest_names() -> None:
    without = MODEL.replace('name="cup_1_main"', 'name="cup_2_main"')
    without = without.replace('name="stove_1_button"', 'name="stove_1_buton"')
    without = without.replace('name="gripper0_grip_site"', 'name="grip"')
    requirements = Requirements(
        (
            *EVERYTHING.facts,
            Fact(FactKind.FRAME, ("plate_2",)),
            Fact(FactKind.HANDLE, (DRAWER,)),
            Fact(FactKind.HAND_CONTACT, (f"handle({DRAWER})",)),
            Fact(FactKind.MOUTH, ("basket_1_contain_region",)),
        )
    )
    with pytest.raises(BindError) as caught:
        SnapshotReader(mujoco.MjModel.from_xml_string(without), KITCHEN, requirements)
    assert caught.value.missing == (
        "the model has no body `cup_1_main` (nearest: cup_2_main, plate_1_main, cabinet_1_main)",
        "the model has no site `gripper0_grip_site`",
        "the model has no joint `stove_1_button` (nearest: stove_1_buton, plate_1_joint0)",
        "`plate_2` is not in the scene (nearest: plate_1)",
        "no handle is known for `cabinet_1_top_region`",
        "no mouth is known for `basket_1_contain_region`",
    )
    assert str(caught.value).count("\n") == 6


# --- LIBERO --------------------------------------------------------------------------------------


@pytest.mark.sim
def test_grasps_and_contacts_equal_robosuites() -> None:
    from tgrpo.libero_package import libero_path, make_environment

    scene = rewardlang.load_scene(
        "libero_spatial/pick_up_the_black_bowl_on_the_stove_and_place_it_on_the_plate"
    )
    env = make_environment(libero_path("bddl_files") / scene.suite / f"{scene.task}.bddl")
    try:
        env.seed(0)
        env.reset()
        inner = env.env
        model, data = inner.sim.model._model, inner.sim.data._data
        items = [item.name for item in scene.objects if not item.fixture]
        pairs = list(combinations([item.name for item in scene.objects], 2))
        requirements = Requirements(
            (
                *(Fact(FactKind.PAD_CONTACT, (item,)) for item in items),
                *(Fact(FactKind.FINGER_CONTACT, (item,)) for item in items),
                *(Fact(FactKind.CONTACT, pair) for pair in pairs),
            )
        )
        at = requirements.offsets()
        read_now = SnapshotReader(model, scene, requirements).read
        gripper = inner.robots[0].gripper
        fingers = [g for s in ("left", "right") for g in gripper.important_geoms[f"{s}_finger"]]
        seen = set()
        for world in _handled(model, data, scene, items):
            values = read_now(data).values
            for item in items:
                pads = values[at[Fact(FactKind.PAD_CONTACT, (item,))] :][:2]
                grasped = inner._check_grasp(gripper, inner.get_object(item))
                assert all(pads) == grasped, (world, item)
                held = inner.check_contact(fingers, inner.get_object(item))
                assert bool(values[at[Fact(FactKind.FINGER_CONTACT, (item,))]]) == held
                seen.add(("grasped", grasped))
            for pair in pairs:
                contact = inner.check_contact(*map(inner.get_object, pair))
                assert bool(values[at[Fact(FactKind.CONTACT, pair)]]) == contact, (world, pair)
                seen.add(("contact", contact))
        assert len(seen) == 4
    finally:
        env.close()


def _handled(model, data, scene, items):
    """Objects put between the fingers and onto one another."""
    rng = np.random.default_rng(2)
    start = data.qpos.copy()
    for number in range(16):
        data.qpos[:] = start
        mujoco.mj_forward(model, data)
        spots = [
            data.site("gripper0_grip_site").xpos.copy(),
            *(data.body(item.body).xpos.copy() for item in scene.objects),
        ]
        for name in FINGER_JOINTS:
            data.joint(name).qpos = rng.uniform(0.0, 0.03) * (1 if name.endswith("1") else -1)
        for item in items:
            joint = model.body(scene.object(item).body).jntadr[0]
            at = model.jnt_qposadr[joint]
            spot = spots[rng.integers(len(spots))] if number % 4 else spots[0]
            data.qpos[at : at + 3] = spot + rng.normal(0.0, 0.02, 3)
        mujoco.mj_forward(model, data)
        yield number
