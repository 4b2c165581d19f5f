"""What a model is told: true, the same each time, and short enough."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from rewardlang.api import analyze
from rewardlang.diagnostics import CODES
from rewardlang.generation.task import wanted_everywhere
from rewardlang.prompting import failures
from rewardlang.prompting.failures import CLASSES, class_of
from rewardlang.prompting.messages import (
    Finding,
    Wanted,
    asking_for_correction,
    asking_for_edit,
    asking_for_plan,
    asking_for_program,
    asking_for_repair,
    findings_of,
    opening,
)
from rewardlang.scene import load
from rewardlang.syntax.formatter import format_program
from tests.rewardlang.generation.scripted import GOOD, MILK, WANTED, WRONG

EXAMPLES = {
    file.name: file.read_text("utf-8")
    for file in (resources.files("rewardlang.prompting") / "examples").iterdir()
    if file.name.endswith(".rl")
}
EVERYWHERE = wanted_everywhere()
LONGEST = 14_000  # characters: some four thousand tokens


def said(messages: tuple) -> str:
    return "\n".join(message.content for message in messages)


@pytest.mark.parametrize("text", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_is_what_an_answer_should_be(text: str) -> None:
    analysis = analyze(text)
    assert analysis.diagnostics == ()
    assert analysis.tree is not None
    assert format_program(analysis.tree) == text
    assert "#" not in text
    assert not analysis.tree.objects, "names are added afterwards, so examples have none"


@pytest.mark.parametrize("text", EXAMPLES.values(), ids=EXAMPLES)
def test_the_example_of_the_asked_task_is_left_out(text: str) -> None:
    task, scene_id = re.findall(r'^(?:task|scene) "(.*)"$', text, re.MULTILINE)
    scene = load(scene_id)
    system = opening(Wanted(scene, scene.instruction))[0].content
    assert text not in system
    assert f'"{scene_id}"' not in system
    assert task not in system
    assert sum(other in system for other in EXAMPLES.values()) == len(EXAMPLES) - 1


def test_no_other_task_is_answered_by_an_example() -> None:
    heads = [
        re.findall(r'^(?:task|scene) "(.*)"$', text, re.MULTILINE) for text in EXAMPLES.values()
    ]
    scene_of = dict(heads)
    for wanted in EVERYWHERE:
        assert scene_of.get(wanted.instruction, wanted.scene.id) == wanted.scene.id


def test_every_code_has_a_class_and_every_class_a_meaning() -> None:
    named = [code for codes in failures._CODES.values() for code in codes.split()]
    assert sorted(named) == sorted(CODES)
    assert {class_of(code) for code in CODES} == set(CLASSES) - {"signal"}
    assert class_of("coverage") == "signal"


def test_prompts_are_the_same_each_time_and_short() -> None:
    for wanted in EVERYWHERE:
        first = asking_for_program(opening(wanted), wanted, "a plan")
        assert first == asking_for_program(opening(wanted), wanted, "a plan")
        assert len(said(first)) < LONGEST, wanted.scene.id
        assert wanted.instruction in first[1].content
        assert wanted.scene.id in first[1].content
        assert "{{" not in said(first)
        assert "{%" not in said(first)


def test_roles_take_turns() -> None:
    findings = findings_of(analyze(WRONG, scene=MILK))
    asked = asking_for_program(opening(WANTED), WANTED)
    for messages in (
        asking_for_plan(opening(WANTED)),
        asked,
        asking_for_program(opening(WANTED), WANTED, "a plan"),
        asking_for_repair(asked, WRONG, findings),
        asking_for_repair(asked, "", (), "Your answer was empty."),
        asking_for_correction(WANTED, WRONG, findings),
        asking_for_edit(WANTED, GOOD, "lift higher"),
    ):
        roles = [message.role for message in messages]
        assert roles == (["system", *["user", "assistant"] * 9])[: len(roles)]
        assert roles[-1] == "user"
        assert all(message.content.strip() for message in messages)


def test_a_goal_of_ones_own_and_measured_poses_are_told() -> None:
    own = Wanted(MILK, "leave the milk upright", own_goal=True, poses="grasp height 4 cm")
    task = opening(own)[1].content
    assert "the program ends with `success when`" in task
    assert "instruction: leave the milk upright" in task
    assert "grasp height 4 cm" in task
    assert "success when" not in opening(WANTED)[1].content
    assert "Measured" not in opening(WANTED)[1].content


def test_findings_are_told_as_they_are() -> None:
    odd = Finding("wrong-kind", "it's <b>&", 3, 'stage "ü"', "don't")
    wish = asking_for_repair(opening(WANTED), GOOD, (odd,))[-1].content
    assert (
        '{"class": "kind", "code": "wrong-kind", "message": "it\'s <b>&", '
        '"line": 3, "text": "stage \\"ü\\"", "hint": "don\'t"}'
    ) in wish


def test_a_long_line_is_told_by_its_beginning() -> None:
    (finding, *_) = findings_of(analyze("rewardlang 1 " + "x" * 10_000, scene=MILK))
    assert len(finding.text) <= 200
