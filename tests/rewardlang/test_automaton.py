"""Control as an automaton: what it has found out is what the generated Python of one state says."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from rewardlang import ir
from rewardlang.codegen.lanes import LaneCode
from rewardlang.runtime import batched
from rewardlang.runtime.automaton import WORD, Automaton
from rewardlang.runtime.evaluator import compile
from tests.rewardlang.programs import all_, atom, place_in, program, seq, stage
from tests.rewardlang.test_batched import assert_equal, batched_fn, one_by_one, values_of, worlds_of
from tests.rewardlang.worlds import KITCHEN


def code_of(played: ir.Program) -> LaneCode:
    return compile(played).batched(KITCHEN, max_steps=9).code


def long_program() -> ir.Program:
    """More conditions than a word has bits, some of them asked in one step."""
    near = [atom("near", "gripper", "cup_1", 0.1 + 0.02 * i) for i in range(12)]
    return program(seq(*(stage(f"s{i}", a, while_=near[i - 3]) for i, a in enumerate(near))))


def test_branches_of_all_are_automata_of_their_own() -> None:
    cup, plate = (place_in(item, "basket_1_contain_region") for item in ("cup_1", "plate_1"))
    alone, together = code_of(program(cup)), code_of(program(all_(cup, plate)))
    assert len(together.parts) == len(alone.parts) + 1
    slots = [slot for part in together.parts for slot in part.slots]
    assert len(set(slots)) == len(slots), "no slot belongs to two parts"


def test_branches_that_go_back_together_are_one_automaton() -> None:
    branches = all_(
        stage("a", atom("grasped", "cup_1")),
        stage("b", atom("grasped", "plate_1")),
        while_=atom("near", "gripper", "cup_1"),
    )
    assert len(code_of(program(branches)).parts) == len(code_of(program(seq(branches))).parts)


def test_conditions_that_do_not_fit_into_one_word_are_asked_all_the_same() -> None:
    played = long_program()
    automaton = Automaton(code_of(played), ())
    assert max(map(len, automaton.words)) <= WORD
    assert len(automaton.words) > len(code_of(played).parts)
    for seed in range(4):
        episodes = worlds_of(seed)
        assert_equal(
            batched_fn(played).score(values_of(played, episodes)), one_by_one(played, episodes)
        )


def test_what_is_known_is_not_found_out_again() -> None:
    automaton = Automaton(code_of(long_program()), ())
    shape = (30, len(automaton.words), 5)
    words = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    first = np.repeat(automaton.first[:, None], 5, axis=1)
    once = automaton.run(words, None, first)
    found = len(automaton)
    assert np.array_equal(automaton.run(words, None, first), once)
    assert len(automaton) == found


def test_lanes_that_are_off_stay_where_they_are() -> None:
    automaton = Automaton(code_of(long_program()), ())
    rng = np.random.default_rng(0)
    words = rng.integers(0, 256, (6, len(automaton.words), 5), np.uint8)
    on = rng.random((6, 5)) < 0.5
    before = np.repeat(automaton.first[:, None], 5, axis=1)
    for now, here in zip(automaton.run(words, on, before), on, strict=True):
        assert np.array_equal(now[:, ~here], before[:, ~here])
        before = now


def test_forgetting_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    played = program(place_in("cup_1", "basket_1_contain_region"))
    values = values_of(played, worlds_of(Random(3).randrange(99)))
    whole = batched_fn(played).score(values)
    monkeypatch.setattr(batched, "FORGETTING", 0)
    monkeypatch.setattr(batched, "BLOCK", 8)
    assert np.array_equal(batched_fn(played).score(values).reward, whole.reward)
