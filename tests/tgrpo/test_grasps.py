import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgrpo.scripted import servo
from tgrpo.scripted.grasps import (
    Box,
    line_of,
    plan_grasp,
    room_around,
    rotation_of,
    yaw_of,
)
from tgrpo.scripted.grips import OTHER, STYLES, Hold
from tgrpo.scripted.obstacles import Obstacles

BASE = np.array([-0.6, 0.0, 0.0])
NOTHING = Obstacles.from_boxes(np.zeros((0, 3)), np.zeros((0, 3, 3)), np.zeros((0, 3)))
angles = st.floats(-np.pi, np.pi)
unit = st.floats(-1, 1)


def about_z(angle):
    return rotation_of(np.array([np.cos(angle / 2), 0, 0, np.sin(angle / 2)]))


def box(half, centre=(0.0, -0.1, None), angle=0.0):
    height = half[2] if centre[2] is None else centre[2]
    return Box(np.array([*centre[:2], height]), about_z(angle), np.array(half))


def obstacles(*boxes):
    return Obstacles.from_boxes(
        np.array([item.centre for item in boxes]),
        np.array([item.axes for item in boxes]),
        np.array([item.half for item in boxes]),
    )


def plan(category, thing, others=NOTHING, move=(0.0, 0.3, 0.0)):
    return plan_grasp(category, thing.centre, thing, others, base=BASE, move=np.array(move))


BOWL = box((0.053, 0.053, 0.025))
FLAT = box((0.04, 0.02, 0.009))


@given(angles)
def test_a_line_of_fingers_has_one_yaw(angle):
    line = line_of(angle)
    yaw = yaw_of(np.array([*line, 0.0]))
    assert -np.pi / 2 < yaw <= np.pi / 2
    assert abs(line @ line_of(yaw)) == pytest.approx(1.0)


@given(angles, st.floats(0, 0.3), angles)
def test_a_hand_points_down_with_its_fingers_on_their_line(yaw, lean, azimuth):
    away = np.array([np.cos(azimuth), np.sin(azimuth)])
    hand = servo.hand_rotation(yaw, lean, away)
    assert np.allclose(hand @ hand.T, np.eye(3))
    assert np.linalg.det(hand) == pytest.approx(1.0)
    assert hand[2, 2] == pytest.approx(-np.cos(lean))
    assert hand[:2, 2] @ away == pytest.approx(np.sin(lean))  # its tips away from the base
    if lean == 0.0:
        assert np.allclose(hand[:2, 0], line_of(yaw))


@given(st.floats(-1.5, 1.5), angles)
def test_turns_lead_from_one_orientation_to_the_other_within_the_wrists_reach(first, second):
    away = np.array([1.0, 0.0])
    start, end = (servo.hand_rotation(yaw, 0.0, away) for yaw in (first, second))
    turn = servo.turn_between(start, end)
    reached = about_z(turn[2]) @ start
    assert abs(reached[:, 0] @ end[:, 0]) == pytest.approx(1.0, abs=1e-6)
    assert reached[1, 0] > -0.11  # a hand's yaw is at most 96 degrees from the initial one
    if np.cos(second - first) ** 2 > 0.5 and np.cos(second) ** 2 > 0.02:
        assert np.linalg.norm(turn) < np.pi


@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=2))
def test_translation_is_an_odd_monotonic_saturating_law(errors):
    low, high = sorted(errors)
    first, second = (servo.translation(np.full(3, error)) for error in (low, high))
    assert (np.abs(first) <= 1).all()
    assert (first <= second).all()
    assert np.array_equal(servo.translation(-np.full(3, low)), -first)
    assert np.array_equal(servo.translation(np.zeros(3)), np.zeros(3))
    assert (np.abs(servo.translation(np.full(3, 0.04))) == 1).all()


@given(unit, unit, angles)
def test_room_is_the_gap_to_a_box(x, y, angle):
    other = box((0.03, 0.02, 0.2), (x, y, 0.0), angle)
    centre, axes, half = np.zeros(2), np.eye(2), np.array([0.1, 0.05])
    room = obstacles(other).room(centre, axes, half)
    corners = (
        other.centre[:2]
        + np.array([[a, b] for a in (-0.03, 0.03) for b in (-0.02, 0.02)]) @ other.axes[:2, :2].T
    )
    outside = np.maximum(np.abs(corners) - half, 0.0)
    nearest = np.hypot(*outside.T).min()  # never less than the gap of the rectangles
    assert room <= nearest + 1e-9
    if np.hypot(x, y) > 0.2:
        assert room > 0
    if abs(x) < 0.05 and abs(y) < 0.03:
        assert room < 0


@given(unit, unit)
def test_needed_heights_fall_off_with_the_distance(x, y):
    wall = obstacles(box((0.1, 0.01, 0.05)))
    point = np.array([[x, y]])
    gap = wall.gaps(point)[0, 0]
    height = wall.least_heights(point, 0.02, 3.0)[0]
    assert height == pytest.approx(0.1 - 3.0 * max(0.0, gap - 0.02))
    assert NOTHING.least_heights(point, 0.02, 3.0)[0] == -np.inf
    assert NOTHING.room(point[0], np.eye(2), np.ones(2)) == np.inf


def test_upright_and_lying_boxes_have_the_right_footprint():
    lying = Box(np.zeros(3), np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]), np.array([1, 2, 3]))
    assert lying.reach.tolist() == [1, 3, 2]
    assert obstacles(lying).tops.tolist() == [2]
    assert sorted(obstacles(lying).half[0].tolist()) == [1, 3]


def test_a_flat_box_is_held_across_its_narrow_side_just_above_the_floor():
    for angle in (0.0, 0.3, -0.5):
        grasp = plan("butter", box((0.04, 0.02, 0.009), angle=angle))
        assert grasp.yaw == pytest.approx(angle)
        assert grasp.width == pytest.approx(0.04)
        assert grasp.offset[2] + 0.009 == pytest.approx(0.012)  # fingertips 3 mm above the floor
        assert np.allclose(grasp.offset[:2], 0.0)


def test_a_neighbour_moves_the_hand_along_the_box():
    beside = obstacles(box((0.03, 0.03, 0.1), (0.06, -0.2, None)))
    grasp = plan("butter", FLAT, beside)
    assert grasp.offset[0] < -0.005
    assert room_around(FLAT.centre + grasp.offset, grasp.yaw, beside) == pytest.approx(grasp.room)
    assert grasp.room > room_around(np.array([0, -0.1, 0.012]), 0.0, beside)


def test_a_round_can_is_held_the_way_that_has_room():
    can = box((0.031, 0.031, 0.038), (0.0, 0.0, None))
    assert plan("alphabet_soup", can, move=(0, 0.2, 0)).yaw == 0.0
    beside = obstacles(box((0.03, 0.03, 0.1), (0.045, -0.1, None)))
    turned = plan("alphabet_soup", can, beside, move=(0, 0.2, 0))
    assert turned.yaw != 0.0
    assert turned.room > room_around(can.centre + turned.offset, 0.0, beside)


def test_a_bowl_is_held_at_its_rim_with_the_fingers_across_it():
    grasp = plan("akita_black_bowl", BOWL)
    out = grasp.offset[:2] / np.linalg.norm(grasp.offset[:2])
    assert abs(out @ line_of(grasp.yaw)) == pytest.approx(1.0)
    assert 0.025 < np.linalg.norm(grasp.offset[:2]) < 0.053
    assert BOWL.centre[2] + grasp.offset[2] == pytest.approx(BOWL.top - 0.020)


def test_a_bowl_is_held_away_from_its_neighbour():
    for side in (-1.0, 1.0):
        neighbour = obstacles(box((0.05, 0.05, 0.05), (0.0, -0.1 + side * 0.13, None)))
        assert plan("akita_black_bowl", BOWL, neighbour).offset[1] * side < 0.01


def test_a_tilted_bowl_is_held_at_its_tilted_rim():
    tilt = rotation_of(np.array([np.cos(0.1), np.sin(0.1), 0, 0]))
    bowl = Box(np.array([0.0, -0.1, 0.05]), tilt, np.array([0.053, 0.053, 0.025]))
    grasp = plan("akita_black_bowl", bowl)
    rim = tilt.T @ (grasp.offset + np.array([0, 0, 0.020]))
    assert rim[2] == pytest.approx(0.025)


def test_the_hand_leans_only_where_the_arm_is_stretched():
    near = plan("akita_black_bowl", box((0.053, 0.053, 0.025), (-0.15, 0.0, None)))
    far = plan("akita_black_bowl", box((0.053, 0.053, 0.025), (0.18, 0.0, None)))
    assert near.lean == 0.0
    assert far.lean == pytest.approx(0.3)
    assert far.offset[0] < 0  # the side of the rim that is nearer to the robot


def test_an_unknown_category_is_pinched_at_what_its_box_says():
    grasp = plan("teapot", box((0.03, 0.02, 0.06)))
    assert [style.hold for style in OTHER] == [Hold.PINCH]
    assert grasp.yaw == pytest.approx(0.0)  # the side that needs no turn of the hand
    assert grasp.width == pytest.approx(0.04)


@given(angles)
def test_a_mug_is_held_at_its_rim_away_from_its_handle_or_by_it(angle):
    """The handle is at the frame's -x; what is held turns with the mug."""
    mug = box((0.062, 0.048, 0.053), angle=angle)
    grasp = plan("porcelain_mug", mug)
    local = about_z(angle).T @ grasp.offset
    rim, handle = STYLES["porcelain_mug"]
    if grasp.width == rim.width:
        off = local[:2] - rim.middle
        assert np.hypot(*off) == pytest.approx(rim.radius)
        assert off[0] / rim.radius > -0.61
    else:
        assert np.allclose(local[:2], handle.middle)
        across = about_z(angle)[:, 1]
        assert abs(line_of(grasp.yaw) @ across[:2]) == pytest.approx(1.0)


def test_styles_are_of_categories_and_name_a_width_for_rims():
    assert not any("libero" in name or name[-1].isdigit() for name in STYLES)
    rims = [style for ways in STYLES.values() for style in ways if style.hold is Hold.RIM]
    assert rims
    assert all(style.width is not None for style in rims)
