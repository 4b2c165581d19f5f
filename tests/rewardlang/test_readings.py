"""Measures and conditions read off snapshots say what the language's description says."""

from __future__ import annotations

from random import Random

import pytest

from rewardlang import ir
from rewardlang.runtime.readings import Readings
from tests.rewardlang.programs import PREDICATES, atom, measure, random_atom, random_measure
from tests.rewardlang.sight import Sight
from tests.rewardlang.worlds import reader, wander


@pytest.mark.parametrize("seed", range(8))
def test_readings_are_what_the_description_says(seed: int) -> None:
    rng = Random(seed)
    wanted = [random_atom(rng, name) for name in PREDICATES]
    wanted += [random_measure(rng) for _ in range(12)]
    worlds = wander(seed, 25)
    readings = Readings(wanted)
    found = readings.read(list(map(reader(readings.requirements), worlds)))
    for number, now in enumerate(worlds):
        sight = Sight(worlds[0], worlds[max(0, number - 1)], now)
        for reading in wanted:
            if isinstance(reading, ir.MeasureCall):
                expected = sight.measure(reading, now)
            else:
                expected = float(sight.holds(reading))
            assert found[reading][number] == pytest.approx(expected, abs=1e-9), (number, reading)


def test_readings_that_are_asked_for_twice_are_read_once() -> None:
    height, held = measure("height", "cup_1"), atom("grasped", "cup_1")
    readings = Readings([height, held, height])
    snapshots = [reader(readings.requirements)(world) for world in wander(0, 4)]
    found = readings.read(snapshots)
    assert list(found) == [height, held]
    assert [len(values) for values in found.values()] == [4, 4]


def test_no_readings_are_no_trouble() -> None:
    readings = Readings([])
    assert readings.requirements.facts == ()
    assert readings.read([reader(readings.requirements)(world) for world in wander(0, 3)]) == {}
