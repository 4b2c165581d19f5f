"""Normalised actions to the robot's, and which data set's statistics are taken."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tgrpo.policies.openvla.statistics import (
    ActionStatistics,
    StatisticsError,
    from_libero,
    read_statistics,
    statistics_key,
    to_libero,
)

STATISTICS = ActionStatistics(
    low=(-0.5, -0.6, -0.9, -0.1, -0.15, -0.2, 0.0),
    high=(0.8, 0.7, 0.93, 0.12, 0.17, 0.11, 1.0),
    mask=(True,) * 6 + (False,),
)
normalised = arrays(np.float64, (3, 7), elements=st.floats(-1, 1))


def test_quantiles_are_the_ends_and_the_masked_dimension_is_kept():
    ends = STATISTICS.unnormalise(np.array([[-1.0] * 7, [1.0] * 7]))
    np.testing.assert_allclose(ends[0], [*STATISTICS.low[:6], -1.0], atol=1e-15)
    np.testing.assert_allclose(ends[1], [*STATISTICS.high[:6], 1.0], atol=1e-15)


@given(normalised)
def test_normalising_undoes_it(actions):
    again = STATISTICS.normalise(STATISTICS.unnormalise(actions))
    np.testing.assert_allclose(again, actions, atol=1e-9)


def test_a_dimension_that_never_moved_is_zero():
    still = ActionStatistics((0.2,) * 7, (0.2,) * 7, (True,) * 7)
    np.testing.assert_array_equal(still.normalise(np.full((2, 7), 0.7)), np.zeros((2, 7)))


@pytest.mark.parametrize(("value", "command"), [(0.0, 1.0), (0.4, 1.0), (0.6, -1.0), (1.0, -1.0)])
def test_gripper_opens_with_minus_one(value, command):
    actions = np.full((2, 7), 0.25)
    actions[:, 6] = value
    for_libero = to_libero(actions)
    np.testing.assert_array_equal(for_libero[:, 6], command)
    np.testing.assert_array_equal(for_libero[:, :6], actions[:, :6])
    np.testing.assert_array_equal(to_libero(from_libero(for_libero)), for_libero)


def test_key_is_the_suite_or_the_one_without_noops():
    both = {"libero_object": STATISTICS, "libero_object_no_noops": STATISTICS}
    assert statistics_key(both, "libero_object") == "libero_object"
    assert statistics_key({"libero_10_no_noops": STATISTICS}, "libero_10") == "libero_10_no_noops"


def test_another_suite_is_told_what_there_is():
    with pytest.raises(StatisticsError) as error:
        statistics_key({"libero_goal": STATISTICS, "bridge_orig": STATISTICS}, "libero_object")
    assert str(error.value) == (
        "no action statistics for 'libero_object' (nor 'libero_object_no_noops') in this "
        "checkpoint; it has: bridge_orig, libero_goal (--set openvla.unnorm_key=NAME takes one of "
        "them)"
    )


def table(**changes):
    action = {"q01": [0.0] * 7, "q99": [1.0] * 7, "mask": [True] * 6 + [False]}
    return {"action": {**action, **changes}, "num_transitions": 5}


def test_the_file_goes_before_the_configuration(tmp_path):
    found, problems = read_statistics(tmp_path, {"bridge_orig": table()})
    assert (list(found), problems) == (["bridge_orig"], [])
    (tmp_path / "dataset_statistics.json").write_text(json.dumps({"libero_10": table(mask=None)}))
    found, problems = read_statistics(tmp_path, {"bridge_orig": table()})
    assert (list(found), problems) == (["libero_10"], [])
    assert found["libero_10"].mask == (True,) * 7


def test_mistakes_are_named(tmp_path):
    _, problems = read_statistics(tmp_path, None)
    assert problems == [
        "no action statistics: neither dataset_statistics.json nor norm_stats in config.json "
        "is there"
    ]
    wrong = {"a": table(q01=[0.0] * 6), "b": {"proprio": {}}, "c": table()}
    found, problems = read_statistics(tmp_path, wrong)
    assert list(found) == ["c"]
    assert problems[0].startswith(
        "config.json: norm_stats: a.action.q01: List should have at least 7"
    )
    assert problems[1] == "config.json: norm_stats: b.action: Field required"
    (tmp_path / "dataset_statistics.json").write_text("{")
    assert read_statistics(tmp_path, wrong)[1][0].startswith("dataset_statistics.json: not JSON")
