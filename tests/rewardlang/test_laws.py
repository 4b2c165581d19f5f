"""Laws that hold for any program on any states; the interpreter is their reference."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewardlang import ir
from tests.rewardlang.episodes import BASKET, Episode
from tests.rewardlang.interpreter import Interpreter
from tests.rewardlang.programs import (
    PREDICATES,
    atom,
    keep,
    measure,
    program,
    random_atom,
    random_program,
    seq,
    stage,
)
from tests.rewardlang.worlds import World, at_rest, wander

LAWS = settings(max_examples=40)
FEW = settings(LAWS, max_examples=10)
randoms = st.randoms(use_true_random=False)
seeds = st.integers(0, 2**20)


@LAWS
@given(randoms, seeds)
def test_generated_code_equals_the_interpreter(rng: Random, seed: int) -> None:
    played = random_program(rng)
    worlds = wander(seed, 25)
    episode = Episode(played, worlds[0], horizon=20)
    expected = Interpreter(played, worlds[0], 20)
    assert episode.memory.phi == pytest.approx(expected.phi)
    for world in worlds[1:]:
        step, other = episode.play(world), expected.step(world)
        assert step.reward == pytest.approx(other.reward)
        assert step.phi == pytest.approx(other.phi)
        assert (step.success, step.native_success) == (other.success, other.native)
        assert step.stages == other.stages
        assert step.terms == pytest.approx(other.terms)


@pytest.mark.parametrize("predicate", PREDICATES)
def test_a_predicate_and_its_degree_equal_the_interpreters(predicate: str) -> None:
    """On states where it holds, and where it does not: random programs rarely see both."""
    never, seen = atom("at_least", measure("gripper_width"), 2.0), set()
    for seed in range(80):
        said = random_atom(Random(seed), predicate)
        played = program(seq(stage("a", said), keep("holds", said)), success=never)
        first, *worlds = wander(seed, 12)
        episode, expected = Episode(played, first), Interpreter(played, first, 100)
        for world in worlds:
            step, other = episode.play(world), expected.step(world)
            assert step.terms == pytest.approx(other.terms), (seed, said)
            seen.add(step.terms["holds"])
        if seen == {0.0, 1.0}:
            return
    raise AssertionError(f"{predicate} was always the same")


@LAWS
@given(randoms, seeds)
def test_values_stay_in_their_range_on_any_states(rng: Random, seed: int) -> None:
    episode = Episode(random_program(rng), wander(seed, 1)[0], horizon=15)
    for world in wander(seed, 20):
        broken = world if rng.random() < 0.9 else world.moved(cup_1=(float("nan"),) * 3)
        step = episode.play(broken)
        assert 0.0 <= step.phi <= (1.0 if step.success else 0.99)
        for name, value in step.terms.items():
            assert (-0.5 if name.startswith("penalty.") else 0.0) <= value <= 1.0


@LAWS
@given(randoms, seeds, st.integers(1, 20))
def test_a_level_return_lies_in_0_to_1_plus_b(rng: Random, seed: int, horizon: int) -> None:
    played = random_program(rng)
    level = ir.Program(**{**_fields(played), "shaping": "level"})
    episode = Episode(level, wander(seed, 1)[0], horizon)
    episode.play(*wander(seed, horizon + 3))
    assert 0.0 <= episode.total <= 1 + ir.SUCCESS_BONUS + 1e-9


@FEW
@given(randoms, seeds, st.integers(2, 15))
def test_a_level_return_falls_strictly_with_the_step_of_success(
    rng: Random, seed: int, horizon: int
) -> None:
    played = random_program(rng)
    bddl = ir.Success(None, 1, played.success.span)
    level = ir.Program(**{**_fields(played), "shaping": "level", "success": bddl, "penalties": ()})
    # the cup never is in the basket by itself, and is put there in step M
    worlds = [world.moved(cup_1=(5.0, 5.0, 5.0)) for world in wander(seed, horizon)]
    returns = []
    for last in range(1, horizon):
        episode = Episode(level, worlds[0], horizon)
        episode.play(*worlds[1:last], _placed(worlds[last]))
        assert episode.steps[-1].success
        returns.append(episode.total)
    assert all(late < early for early, late in pairwise(returns))


def _placed(world: World) -> World:
    spot = tuple(world.positions[BASKET])
    return world.turned(BASKET, at_rest().rotations[BASKET]).moved(cup_1=spot)


@LAWS
@given(randoms, seeds)
def test_a_telescope_return_is_the_difference_of_phi_plus_b(rng: Random, seed: int) -> None:
    played = random_program(rng)
    telescope = ir.Program(**{**_fields(played), "shaping": "telescope", "penalties": ()})
    worlds = wander(seed, 15)
    episode = Episode(telescope, worlds[0])
    first = episode.memory.phi
    episode.play(*worlds[1:])
    last = episode.steps[-1]
    bonus = ir.SUCCESS_BONUS if last.success else 0.0
    assert episode.total == pytest.approx(last.phi - first + bonus)


@LAWS
@given(randoms, seeds)
def test_on_a_constant_state_the_value_rises_and_comes_to_rest(rng: Random, seed: int) -> None:
    played = random_program(rng)
    nodes = sum(1 for _ in ir.walk(played.root))
    still = wander(seed, 6)[5]
    without = ir.Program(
        **{**_fields(played), "root": _without_while(played.root), "penalties": ()}
    )
    phis = Episode(without, still).phis([still] * (3 * nodes + 6))  # dwells are at most 3
    assert phis == sorted(phis)
    assert phis[-1] == phis[-4]


def _without_while(node: ir.Node) -> ir.Node:
    match node:
        case ir.Keep():
            return node
        case ir.Stage():
            return replace(node, while_=None)
        case ir.Group():
            children = tuple(_without_while(child) for child in node.children)
            return replace(node, while_=None, children=children)


def _fields(played: ir.Program) -> dict:
    return {name: getattr(played, name) for name in played.__dataclass_fields__}
