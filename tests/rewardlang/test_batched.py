"""Batches: what a program says of N states at once is what it says of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewardlang import ir
from rewardlang.runtime import array_geometry, batched, geometry
from rewardlang.runtime.batched import BatchedRewardFn, BatchedSteps
from rewardlang.runtime.evaluator import RewardFn, RewardStep, compile
from tests.rewardlang.episodes import HELD
from tests.rewardlang.programs import (
    PREDICATES,
    atom,
    keep,
    place_in,
    program,
    random_atom,
    random_program,
    seq,
    stage,
)
from tests.rewardlang.worlds import KITCHEN, World, reader, wander

LAWS = settings(max_examples=12)
EPISODES, STEPS, HORIZON = 4, 20, 15
randoms = st.randoms(use_true_random=False)
seeds = st.integers(0, 2**20)


def worlds_of(seed: int, count: int = EPISODES, steps: int = STEPS) -> list[list[World]]:
    return [wander(seed + number, steps + 1) for number in range(count)]


def values_of(played: ir.Program, episodes: list[list[World]]) -> np.ndarray:
    """(N, T + 1, width)"""
    read = reader(compile(played).requirements(KITCHEN))
    return np.array([[read(world).values for world in worlds] for worlds in episodes])


def batched_fn(played: ir.Program, horizon: int = HORIZON) -> BatchedRewardFn:
    return compile(played).batched(KITCHEN, max_steps=horizon)


def one_by_one(played: ir.Program, episodes: list[list[World]]) -> list[list[RewardStep]]:
    evaluator = compile(played)
    read = reader(evaluator.requirements(KITCHEN))
    reward_fn = evaluator.attach(read, KITCHEN, max_steps=HORIZON)
    return [scored(reward_fn, worlds) for worlds in episodes]


def scored(reward_fn: RewardFn, states: Sequence[Any]) -> list[RewardStep]:
    """One episode, one step after the other."""
    memory, steps = reward_fn.reset(states[0]), []
    for state in states[1:]:
        step, memory = reward_fn(state, memory)
        steps.append(step)
    return steps


def assert_equal(together: BatchedSteps, expected: list[list[RewardStep]]) -> None:
    for n, steps in enumerate(expected):
        for name in ("reward", "phi"):
            numbers = [getattr(step, name) for step in steps]
            got = getattr(together, name)[n, : len(steps)].tolist()
            assert got == pytest.approx(numbers, abs=1e-9), (n, name)
        for name in ("success", "native_success"):
            flags = [getattr(step, name) for step in steps]
            assert getattr(together, name)[n, : len(steps)].tolist() == flags, (n, name)
        for t, step in enumerate(steps):
            marks = together.active[n, t].tolist()
            paths = tuple(p for p, on in zip(together.stages, marks, strict=True) if on)
            assert paths == step.stages, (n, t)


@LAWS
@given(randoms, seeds)
def test_a_batch_equals_the_evaluator_on_numpy(rng: Random, seed: int) -> None:
    played, episodes = random_program(rng), worlds_of(seed)
    together = batched_fn(played).score(values_of(played, episodes))
    assert_equal(together, one_by_one(played, episodes))


@settings(max_examples=8)
@given(randoms, seeds, st.booleans())
def test_a_batch_equals_the_evaluator_on_torch(rng: Random, seed: int, device: bool) -> None:
    """In main memory through numpy, elsewhere with torch's own operations: both are tried."""
    torch = pytest.importorskip("torch")
    played, episodes = random_program(rng), worlds_of(seed, steps=12)
    values = torch.from_numpy(values_of(played, episodes))
    with pytest.MonkeyPatch.context() as patch:
        if device:
            patch.setattr(batched, "in_main_memory", lambda _: False)
        together = batched_fn(played).score(values)
    assert isinstance(together.reward, torch.Tensor)
    assert together.reward.dtype == values.dtype
    assert_equal(together, one_by_one(played, episodes))


@pytest.mark.parametrize("predicate", PREDICATES)
def test_a_predicate_and_its_degree_are_the_same_in_a_batch(predicate: str) -> None:
    """On states where it holds, and where it does not."""
    seen: set[bool] = set()
    for seed in range(80):
        said = random_atom(Random(seed), predicate)
        played = program(seq(stage("a", said, dwell=2), keep("holds", said)), shaping="telescope")
        episodes = worlds_of(seed, count=2, steps=11)
        together = batched_fn(played).score(values_of(played, episodes))
        expected = one_by_one(played, episodes)
        assert_equal(together, expected)
        seen |= {step.terms["holds"] == 1.0 for steps in expected for step in steps}
        if seen == {False, True}:
            return
    raise AssertionError(f"{predicate} was always the same")


@LAWS
@given(randoms, seeds)
def test_step_by_step_gives_what_whole_episodes_give(rng: Random, seed: int) -> None:
    played, episodes = random_program(rng), worlds_of(seed, steps=8)
    values, reward_fn = values_of(played, episodes), batched_fn(played)
    whole = reward_fn.score(values)
    memory = reward_fn.reset(values[:, 0])
    for t in range(8):
        before = memory.slots.copy()
        step, after = reward_fn(values[:, t + 1], memory)
        assert np.array_equal(memory.slots, before), "a memory is not changed"
        memory = after
        for name in ("reward", "phi", "success", "native_success", "active"):
            assert np.array_equal(getattr(step, name), getattr(whole, name)[:, t]), (t, name)
    assert memory.phi.tolist() == whole.phi[:, -1].tolist()


@LAWS
@given(randoms, seeds)
def test_what_is_padding_changes_nothing_and_pays_nothing(rng: Random, seed: int) -> None:
    played, episodes = random_program(rng), worlds_of(seed)
    values, reward_fn = values_of(played, episodes), batched_fn(played)
    lengths = np.array([rng.randint(0, STEPS) for _ in episodes])
    padded = values.copy()
    for n, length in enumerate(lengths):
        padded[n, length + 1 :] = np.nan
    short, whole = reward_fn.score(padded, lengths), reward_fn.score(values)
    for n, length in enumerate(lengths):
        for name in ("reward", "phi", "success", "native_success", "active"):
            assert np.array_equal(
                getattr(short, name)[n, :length], getattr(whole, name)[n, :length]
            )
        assert not short.reward[n, length:].any()
        assert not short.active[n, length:].any()


@LAWS
@given(randoms, seeds)
def test_episodes_of_a_batch_do_not_see_each_other(rng: Random, seed: int) -> None:
    played = random_program(rng)
    values, reward_fn = values_of(played, worlds_of(seed)), batched_fn(played)
    order = rng.sample(range(EPISODES), EPISODES)
    together, shuffled = reward_fn.score(values), reward_fn.score(values[order])
    assert np.array_equal(shuffled.reward, together.reward[order])
    assert np.array_equal(shuffled.active, together.active[order])


def test_large_batches_are_scored_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    played = program(place_in("cup_1", "basket_1_contain_region"))
    values, reward_fn = values_of(played, worlds_of(7, count=5)), batched_fn(played)
    whole = reward_fn.score(values)
    for states in (2 * (STEPS + 1), 4):  # two episodes at a time; one, four steps at a time
        monkeypatch.setattr(batched, "BLOCK", states)
        parts = reward_fn.score(values, np.full(5, STEPS))
        for field in fields(BatchedSteps):
            name = field.name
            assert np.array_equal(getattr(parts, name), getattr(whole, name)), (states, name)


def test_broken_physics_stays_in_its_own_lane() -> None:
    played = program(place_in("cup_1", "basket_1_contain_region"))
    values = values_of(played, worlds_of(3))
    whole = batched_fn(played).score(values)
    values[1, 5:] = np.nan
    broken = batched_fn(played).score(values)
    others = [0, 2, 3]
    assert np.array_equal(broken.reward[others], whole.reward[others])
    assert ((broken.phi >= 0.0) & (broken.phi <= 1.0)).all()


def test_the_answer_has_the_precision_of_the_question() -> None:
    played = program(place_in("cup_1", "basket_1_contain_region"))
    values = values_of(played, worlds_of(3)).astype(np.float32)
    assert batched_fn(played).score(values).reward.dtype == np.float32


def test_values_of_another_shape_or_kind_are_refused() -> None:
    reward_fn = batched_fn(program(stage("a", HELD)))
    with pytest.raises(ValueError, match=r"floats \(N, T \+ 1, 38\) here, not float64 \(3, 38\)"):
        reward_fn.score(np.zeros((3, 38)))
    with pytest.raises(ValueError, match=r"floats \(N, 38\) here, not float64 \(3, 39\)"):
        reward_fn.reset(np.zeros((3, 39)))
    with pytest.raises(ValueError, match=r"floats \(N, 38\) here, not float64 \(0, 38\)"):
        reward_fn.reset(np.zeros((0, 38)))
    with pytest.raises(ValueError, match=r"floats \(N, 38\) here, not int64 \(3, 38\)"):
        reward_fn.reset(np.zeros((3, 38), np.int64))
    with pytest.raises(TypeError, match="a numpy array or a torch tensor, not list"):
        reward_fn.reset([[0.0] * 38])
    with pytest.raises(ValueError, match="max_steps must be at least 1, not 0"):
        batched_fn(program(stage("a", HELD)), horizon=0)


def test_what_goes_with_the_values_has_to_fit_them() -> None:
    reward_fn = batched_fn(program(stage("a", HELD)))
    episodes, now = np.zeros((3, 5, 38)), np.zeros((3, 38))
    memory = reward_fn.reset(now)
    with pytest.raises(ValueError, match=r"lengths are integers \(3,\) here, not int64 \(2,\)"):
        reward_fn.score(episodes, np.array([1, 2]))
    with pytest.raises(ValueError, match=r"lengths are integers \(3,\) here, not float64 \(3,\)"):
        reward_fn.score(episodes, np.ones(3))
    with pytest.raises(ValueError, match=r"lengths are from 0 to T = 4 here, not -1 to 5"):
        reward_fn.score(episodes, np.array([-1, 2, 5]))
    with pytest.raises(ValueError, match=r"running are truth values \(3,\) here, not int64 \(3,\)"):
        reward_fn(now, memory, np.array([1, 0, 1]))
    with pytest.raises(
        ValueError, match=r"memories are floats \(\d+, 2\) here, not float64 \(\d+, 3\)"
    ):
        reward_fn(now[:2], memory)
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="lengths are an array of torch here, as the values are"):
        reward_fn.score(torch.zeros(3, 5, 38), np.array([1, 2, 3]))


def test_no_episode_is_no_answer() -> None:
    reward_fn = batched_fn(program(stage("a", HELD)))
    assert reward_fn.score(np.zeros((0, 4, 38))).reward.shape == (0, 3)
    assert reward_fn.score(np.zeros((3, 1, 38))).active.shape == (3, 0, 1)


def test_every_goal_of_the_benchmark_is_the_same_condition_in_a_batch() -> None:
    goals = (
        ("in", "cup_1", "basket_1_contain_region"), ("on", "cup_1", "plate_1"),
        ("on", "cup_1", "main_table_front_region"), ("open", "cabinet_1_top_region"),
        ("close", "cabinet_1_top_region"), ("turnon", "stove_1"), ("turnoff", "stove_1"),
    )  # fmt: skip
    played = program(stage("a", atom("grasped", "cup_1")))
    for goal in [(), *((goal,) for goal in goals), goals[3:6:2]]:
        scene = KITCHEN.model_copy(update={"goal": goal})
        evaluator = compile(played)
        read = reader(evaluator.requirements(scene))
        worlds = [world for seed in range(12) for world in wander(seed, 25)]
        values = np.array([[read(world).values for world in worlds]])
        together = evaluator.batched(scene, max_steps=9).score(values).native_success[0]
        scalar = evaluator.attach(read, scene, max_steps=9)
        assert together.tolist() == [scalar.native_success(world) for world in worlds[1:]], goal


def test_geometry_has_two_spellings_of_the_same_words() -> None:
    public = {name for name in vars(geometry) if not name.startswith("_")}
    words = {name for name in public if getattr(geometry, name).__class__.__name__ == "function"}
    words -= {"acos", "hypot"}
    assert {name for name in words if not hasattr(array_geometry, name)} == set()
