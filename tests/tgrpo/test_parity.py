"""Compiled success against LIBERO's own test, and whether that comparison would see a mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardlang
from rewardlang import Scene
from tgrpo.parity.answers import Counts, Parity, Quota
from tgrpo.parity.comparison import bddl_task, bddl_tasks, compare, compare_task
from tgrpo.parity.search import edge
from tgrpo.parity.states import ALWAYS, FINEST, Sample, Space, space_of
from tgrpo.parity.world import LiberoTests
from tgrpo.tasks import UnknownTaskError

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "native_parity.py"
SMALL = Quota(each=40, near=20)
GOALS = sorted(
    {
        (scene.id, atom)
        for suite in rewardlang.suites()
        for scene in rewardlang.suite_scenes(suite).values()
        for atom in scene.goal
    }
)


# --- states, as data -----------------------------------------------------------------------------


def spaces() -> list[tuple[tuple[str, ...], Space]]:
    """The states of every goal atom of the catalogue, with nothing turned."""
    return [
        (atom, space_of(rewardlang.load_scene(scene_id), atom, lambda _: np.eye(3)))
        for scene_id, atom in GOALS
    ]


def test_every_goal_of_the_catalogue_has_states_and_ways_through_them() -> None:
    rng = np.random.default_rng(0)
    for atom, space in spaces():
        sample, way = space.draw(rng), space.way(rng)
        assert sample.numbers.shape == way.shape, atom
        assert np.isfinite(sample.numbers).all(), atom
        assert np.linalg.norm(way) == pytest.approx(1.0), atom
        assert (sample.names == atom[1:]) == (sample.quaternion is not None), atom
        assert 0.0 < space.near < space.reach, atom


def test_joints_stand_exactly_on_their_thresholds_among_others() -> None:
    scenes = {atom: rewardlang.load_scene(scene_id) for scene_id, atom in GOALS}
    for atom, space in spaces():
        if len(atom) == 2:
            place = scenes[atom].regions_by_name.get(atom[1]) or scenes[atom].object(atom[1])
            values = {float(value) for sample in space.exact for value in sample.numbers}
            ends = {end for joint in place.joints for end in (joint.on_at, joint.off_at)}
            assert values == ends | set(ALWAYS), atom


def test_a_predicate_without_states_is_named() -> None:
    scene = rewardlang.load_scene(GOALS[0][0])
    with pytest.raises(ValueError, match="no states are known for the goal"):
        space_of(scene, ("up", "milk_1", "high", "higher"), lambda _: np.eye(3))


@given(flip=st.floats(0.0, 0.6), near=st.floats(1e-4, 0.01))
def test_an_edge_is_where_the_answer_changes(flip: float, near: float) -> None:
    rng = np.random.default_rng(0)
    sample = Sample(("x",), np.zeros(1))
    space = Space(lambda _: sample, lambda _: rng.normal(size=1), near, reach=0.6)
    found = edge(lambda distance: distance < flip, space)
    assert found is not None
    assert abs(found - flip) <= FINEST * near


def test_an_answer_that_never_changes_has_no_edge() -> None:
    sample = Sample(("x",), np.zeros(1))
    space = Space(lambda _: sample, lambda _: np.ones(1), near=0.01, reach=0.6)
    assert edge(lambda _: True, space) is None


def test_what_is_short_of_the_quota_is_said_in_words() -> None:
    placements = (Counts(100, 100, 50, 3), Counts(120, 90, 50, 4))
    found = Parity((("close", "drawer"),), placements, 0, ())
    assert found.missing(Quota()) == ("190 false of 200", "7 near_false of 100")


def test_an_unknown_task_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownTaskError, match="did you mean 'libero_goal_swap'"):
        bddl_tasks("libero_goal_swop")
    with pytest.raises(UnknownTaskError, match="'turn_on_the_stove'"):
        bddl_task("libero_goal_swap/turn_the_stove")


# --- against LIBERO ------------------------------------------------------------------------------


def assert_parity(found: tuple[Parity, ...], quota: Quota) -> None:
    assert found
    for item in found:
        assert item.differing == 0, item.differences
        assert item.missing(quota) == (), item.atoms


def tasks(*suites: str) -> list[str]:
    return [task.id for suite in suites for task in bddl_tasks(suite)]


QUICK = [*tasks("libero_object")[:2], *tasks("libero_spatial")[4:6], *tasks("libero_goal_swap")[:1]]
ALL = tasks(*rewardlang.suites()) + tasks(
    *(
        f"{suite}_{kind}"
        for suite in rewardlang.suites()
        for kind in ("swap", "task")
        if suite != "libero_90"
    )
)


@pytest.mark.sim
@pytest.mark.parametrize("task", QUICK)
def test_success_equals_libero(task: str) -> None:
    assert_parity(compare_task(bddl_task(task), SMALL, seed=3), SMALL)


@pytest.mark.sim
@pytest.mark.full
@pytest.mark.parametrize("task", ALL)
def test_success_equals_libero_in_every_task(task: str) -> None:
    assert_parity(compare_task(bddl_task(task), Quota(), seed=7), Quota())


EVERY_PREDICATE = "libero_goal/put_the_bowl_on_the_stove"
ATOMS = (
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
)


@pytest.mark.sim
def test_every_goal_predicate_equals_libero() -> None:
    task = bddl_task(EVERY_PREDICATE)
    found = compare(rewardlang.load_scene(task.id), task.bddl_file, ATOMS, SMALL, seed=5)
    assert [item.atoms for item in found] == [(atom,) for atom in ATOMS]
    assert_parity(found, SMALL)


def with_a_millimetre_too_much(scene: Scene) -> Scene:
    """Every region 1 mm larger, every joint's thresholds 1 % of its range further on."""
    regions = []
    for region in scene.regions:
        larger = tuple(half + 0.001 for half in region.half_extents)
        joints = tuple(
            joint.model_copy(update={"on_at": joint.on_at + shift, "off_at": joint.off_at + shift})
            for joint in region.joints
            for shift in (0.01 * abs(joint.on_at - joint.off_at),)
        )
        regions.append(region.model_copy(update={"half_extents": larger, "joints": joints}))
    return scene.model_copy(update={"regions": tuple(regions)})


@pytest.mark.sim
def test_a_millimetre_too_much_is_seen_in_every_kind_of_threshold() -> None:
    task = bddl_task(EVERY_PREDICATE)
    atoms = (ATOMS[0], ATOMS[5], ATOMS[6], ATOMS[7])
    wrong = with_a_millimetre_too_much(rewardlang.load_scene(task.id))
    for item in compare(wrong, task.bddl_file, atoms, SMALL, seed=5):
        assert item.differing > 0, item.atoms
        assert item.differences, item.atoms


@pytest.mark.sim
def test_libero_raises_while_forbidden_and_answers_again_afterwards() -> None:
    from libero.libero.envs import predicates
    from libero.libero.envs.object_states import base_object_states

    original = predicates.VALIDATE_PREDICATE_FN_DICT["true"], vars(base_object_states.ObjectState)
    before = original[0], dict(original[1])
    tests = LiberoTests()
    with tests.guarded():
        assert predicates.eval_predicate_fn("true")
        with tests.forbidden():
            with pytest.raises(AssertionError, match="a test of LIBERO was asked"):
                predicates.eval_predicate_fn("true")
            with pytest.raises(AssertionError, match="a test of LIBERO was asked"):
                base_object_states.ObjectState.is_open(None)
        assert predicates.eval_predicate_fn("true")
    after = predicates.VALIDATE_PREDICATE_FN_DICT["true"], dict(original[1])
    assert after == before


@pytest.mark.sim
@pytest.mark.full
def test_the_benchmark_goes_on_where_it_stopped(tmp_path: Path) -> None:
    out = tmp_path / "parity.json"
    command = [sys.executable, str(BENCHMARK), "--each", "4", "--near", "2", "--out", str(out)]
    command += ["--tasks", "libero_goal/turn_on_the_stove"]
    first, second = (
        subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2)
    )
    assert first.stdout.startswith("1 of 1 tasks to compare\n")
    assert second.stdout.startswith("0 of 1 tasks to compare\n")
    total = json.loads(second.stdout.splitlines()[-1])
    assert total == json.loads(first.stdout.splitlines()[-1])
    assert (total["tasks"], total["failed"], total["differences"]) == (1, 0, 0)
