"""Where in a place with room to spare an object is put: geometry, no simulator."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgrpo.scripted.grasps import Box
from tgrpo.scripted.obstacles import Obstacles
from tgrpo.scripted.placements import Placement
from tgrpo.scripted.spots import Spots

NOTHING = Obstacles.from_boxes(np.zeros((0, 3)), np.zeros((0, 3, 3)), np.zeros((0, 3)))
HERE = np.array([0.1, 0.2, 0.03])
ITEM = Box(HERE, np.eye(3), np.array([0.02, 0.03, 0.03]))
GRIP = np.array([0.1, 0.2, 0.04])
POINT = np.array([0.4, -0.1])
WIDE = Placement(POINT, release=0.02, rim=0.02, spare=np.array([0.06, 0.06]))


def post(x, y, height=0.2):
    return Obstacles.from_boxes(
        np.array([[x, y, height / 2]]), np.eye(3)[None], np.array([[0.01, 0.01, height / 2]])
    )


def spot(placement=WIDE, sharing=1, obstacles=NOTHING):
    return Spots.of(placement, sharing, ITEM, obstacles).best(GRIP, 0.0)


def test_the_middle_where_nothing_stands_in_the_way():
    assert spot() == pytest.approx(0.0)


@given(st.floats(-0.05, 0.05), st.floats(-0.05, 0.05))
def test_it_stays_within_what_is_to_spare_and_off_what_stands_there(x, y):
    beside = spot(obstacles=post(POINT[0] + x, POINT[1] + y))
    assert (np.abs(beside) <= WIDE.spare + 1e-12).all()
    gap = np.abs(beside - [x, y]) - [0.02 + 0.01, 0.03 + 0.01]
    assert gap.max() > 0.0


def test_what_is_lower_than_the_surface_is_not_in_the_way():
    assert spot(obstacles=post(*POINT, height=0.015)) == pytest.approx(0.0)


def test_things_that_share_a_place_stand_side_by_side_along_their_narrow_side():
    first = spot(sharing=2)
    assert first == pytest.approx([WIDE.spare[0], 0.0])
    second = spot(sharing=2, obstacles=post(*(POINT + first)))
    assert second == pytest.approx(-first)


def test_a_place_without_room_to_spare_is_its_point():
    assert spot(Placement(POINT, 0.02, 0.0), sharing=2) == pytest.approx(0.0)


def test_a_surface_above_its_region_counts():
    low = Placement(POINT, release=0.02, rim=0.02, spare=np.array([0.06, 0.06]))
    assert low.on_surface(POINT, post(*POINT, height=0.04)).release == pytest.approx(0.048)
    assert low.on_surface(POINT, post(*POINT, height=0.2)).release == 0.02  # a thing, no surface
    assert low.on_surface(POINT + 0.05, post(*POINT, height=0.04)).release == 0.02
