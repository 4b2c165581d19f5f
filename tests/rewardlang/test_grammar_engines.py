"""The grammars in the engines that decoders use: all let through the same, to the byte."""

from __future__ import annotations

import json
from functools import cache
from random import Random

import pytest

pytest.importorskip("llguidance")
pytest.importorskip("xgrammar")

from rewardlang.grammars.build import build
from rewardlang.grammars.document import drawn, written
from rewardlang.grammars.reading import UnreadableError, read
from rewardlang.scene import load, suite_scenes, suites
from tests.rewardlang.engines import Engine, engines, json_engines
from tests.rewardlang.plain import plain
from tests.rewardlang.shipped import MILK, SHIPPED, name

SCENES = [scene for suite in suites() for scene in suite_scenes(suite).values()]
CHOSEN = SCENES[::13]


@cache
def of(scene_id: str) -> dict[str, Engine]:
    return engines(build(load(scene_id)))


@pytest.mark.parametrize("suite", suites())
def test_shipped_programs_are_let_through(suite: str) -> None:
    for path in [path for path in SHIPPED if path.parent.name == suite][::3]:
        text, scene = plain(path)
        for engine in of(scene.id).values():
            assert engine(text) == (len(text), True), path


def test_shipped_programs_are_let_through_as_json() -> None:
    for path in SHIPPED[::13]:
        text, scene = plain(path)
        grammar = build(scene)
        data = json.dumps(read(grammar, text))
        for engine in json_engines(grammar).values():
            assert engine(data) == (len(data), True), path


@pytest.mark.parametrize("scene", CHOSEN, ids=lambda scene: scene.id)
def test_random_programs_are_let_through(scene) -> None:
    grammar = build(scene)
    for seed in range(30):
        text = written(grammar, drawn(grammar, Random(seed)))
        for what, engine in of(scene.id).items():
            assert engine(text) == (len(text), True), (what, text)


@pytest.mark.parametrize("scene", CHOSEN[::3], ids=lambda scene: scene.id)
def test_random_documents_are_let_through(scene) -> None:
    grammar = build(scene)
    both = json_engines(grammar)
    for seed in range(10):
        data = json.dumps(drawn(grammar, Random(seed)))
        for what, engine in both.items():
            assert engine(data) == (len(data), True), (what, data)


@pytest.mark.parametrize(
    ("right", "wrong", "stops_at"),
    [
        ("grasped(milk_1)", "grasped(milk)", ")"),  # no such name
        ("grasped(milk_1)", "grasped(milk_2)", "2)"),
        ("grasped(milk_1)", "grasped(basket_1_contain_region)", "_contain_region)"),  # kind
        ("near(gripper, milk_1)", "near(gripper, gripper)", "gripper)"),  # the same twice
        ("lifted(milk_1, 16 cm)", "lifted(milk_1, 16 deg)", "deg)"),  # unit
        ("lifted(milk_1, 16 cm)", "lifted(milk_1)", ")"),  # argument count
        ("until grasped(milk_1)", "until holding(milk_1)", "holding(milk_1)"),  # no such predicate
        ("success bddl", "# done\nsuccess bddl", "# done"),  # comment
        ("success bddl", "succeed bddl", "ed bddl"),
    ],
)
def test_all_stop_where_the_text_leaves_the_grammar(right: str, wrong: str, stops_at: str) -> None:
    """At the byte: what a decoder may say next is never on the way to something wrong."""
    text, scene = plain(MILK)
    assert right in text
    broken = text.replace(right, wrong, 1)
    at = broken.index(wrong) + wrong.index(stops_at)
    for what, engine in of(scene.id).items():
        assert engine(broken)[0] == at, what
    with pytest.raises(UnreadableError) as caught:
        read(build(scene), broken)
    assert caught.value.offset == at


def test_a_program_cut_short_may_not_end() -> None:
    text, scene = plain(MILK)
    for what, engine in of(scene.id).items():
        for end in range(len(text) - 30, len(text)):
            assert engine(text[:end]) == (end, False), (what, text[:end])


def test_a_grammar_of_any_scene_lets_all_shipped_programs_through() -> None:
    every = engines(build())
    for path in SHIPPED[::10]:
        text, _ = plain(path)
        for what, engine in every.items():
            assert engine(text) == (len(text), True), (what, name(path))
