"""Seeded faults, what is said of them, and which exploits a program is put to."""

from __future__ import annotations

from collections import Counter

import pytest

from rewardlang.api import Analysis, analyze
from rewardlang.auditing.mutation_score import by_operator, judge_mutants, score
from rewardlang.auditing.mutations import OPERATORS, Mutant, meaning, mutants
from rewardlang.auditing.results import Result, Verdict
from rewardlang.auditing.suite import suite
from rewardlang.simulator import Act, Script
from rewardlang.syntax.formatter import format_program
from tests.rewardlang.shipped import MILK, SHIPPED

DRAWER = next(path for path in SHIPPED if path.stem == "open_the_middle_drawer_of_the_cabinet")
MACRO = """\
rewardlang 1
task "put the bowl on the plate"
scene "libero_goal/put_the_bowl_on_the_plate"

use place_on(akita_black_bowl_1, plate_1)

success bddl
"""


@pytest.fixture(scope="module")
def milk() -> Analysis:
    return analyze(MILK.read_text(), name=MILK.name)


@pytest.fixture(scope="module")
def of_milk(milk: Analysis) -> list[Mutant]:
    return mutants(milk)


def faults(found: list[Mutant], operator: str) -> list[str]:
    return [item.fault for item in found if item.operator == operator]


# --- mutants -------------------------------------------------------------------------------------


def test_every_operator_makes_mutants_that_mean_something_else(milk, of_milk) -> None:
    assert {item.operator for item in of_milk} == set(OPERATORS)
    before = meaning(milk.program)
    for mutant in of_milk:
        program = mutant.analysis.program
        if program is None:
            assert not mutant.analysis.ok, mutant.name
        else:
            assert meaning(program) != before, mutant.name


def test_mutants_are_distinct_and_named_apart(of_milk) -> None:
    texts = Counter(item.analysis.source.text for item in of_milk)
    names = Counter(item.name for item in of_milk)
    assert max(texts.values()) == max(names.values()) == 1


def test_mutants_are_texts_in_the_canonical_layout(of_milk) -> None:
    for mutant in of_milk:
        if mutant.analysis.tree is not None:
            assert format_program(mutant.analysis.tree) == mutant.analysis.source.text


def test_what_the_operators_do(of_milk) -> None:
    assert faults(of_milk, "dropped stage") == ["reach", "grasp", "lift", "carry", "lower"]
    assert faults(of_milk, "flipped order")[0] == "grasp before reach"
    assert "milk and basket" in faults(of_milk, "swapped objects")
    assert "lift: 48 cm for 16 cm" in faults(of_milk, "threshold × 3")
    default = "reach: 9 cm for the default of near(gripper, milk)"
    assert default in faults(of_milk, "threshold × 3")
    # one mode per stage is what it is already
    modes = ["live reach", "live grasp", "live lift", "live carry", "latch lower"]
    assert faults(of_milk, "latch ↔ live") == modes
    heavy = next(m for m in of_milk if m.name == "weight 9:1: carry").analysis.program
    assert heavy is not None
    assert heavy.root.children[3].share == pytest.approx(0.9)


def test_macros_are_written_out_before_they_are_changed() -> None:
    found = mutants(analyze(MACRO))
    assert len(faults(found, "dropped stage")) >= 5
    assert faults(found, "threshold × 10")


# --- score ---------------------------------------------------------------------------------------


def test_static_and_dynamic_findings_are_told_apart(milk, of_milk) -> None:
    """The audit here finds one thing: fewer than five stages. The program itself fails `start`."""

    def audit(program) -> list[Result]:
        few = len(program.root.children) < 5
        verdict = Verdict.FAILED if few else Verdict.PASSED
        return [
            Result("start", Verdict.FAILED, "known before"),
            Result("coverage", verdict, "made up"),
        ]

    judged = judge_mutants(milk, of_milk, audit(milk.program), audit)
    rows = {row.operator: row for row in by_operator(judged)}
    assert rows["dropped stage"].dynamic == rows["dropped stage"].mutants == 5
    assert rows["weight 9:1"].static == rows["weight 9:1"].mutants
    assert rows["weight 9:1"].dynamic == 0
    assert rows["flipped order"].dynamic == 0
    swapped = [item for item in judged if item.mutant.operator == "swapped objects"]
    assert all(item.dynamic is None and "wrong-kind" in item.static for item in swapped)
    total = score("all", judged)
    assert total.mutants == len(of_milk) == sum(row.mutants for row in rows.values())
    assert total.either == total.mutants - sum(item.survives for item in judged)
    assert {name for item in judged for name in item.dynamic or ()} == {"coverage"}


def test_warnings_of_the_program_itself_find_no_mutant() -> None:
    warned = analyze(MILK.read_text().replace("weight 3", "weight 60"))
    assert [item.code for item in warned.diagnostics] == ["lopsided-weights"]
    judged = judge_mutants(warned, mutants(warned), (), lambda _: ())
    scaled = [item for item in judged if item.mutant.operator == "threshold × 1.5"]
    assert any(not item.static for item in scaled)
    assert not any("lopsided-weights" in item.static for item in scaled)


# --- exploits ------------------------------------------------------------------------------------


def test_exploits_are_about_the_things_of_the_program(milk) -> None:
    basket = "basket_1_contain_region"
    scripts = suite(milk.program, milk.scene)
    assert {script.act for script in scripts} == set(Act) - {
        Act.DEMONSTRATION,
        Act.OPEN_AND_CLOSE,
    }
    assert Script(Act.THROW, "milk_1", basket) in scripts
    (wrong,) = (script for script in scripts if script.act is Act.WRONG_OBJECT)
    assert wrong.target == basket
    assert wrong.item not in ("milk_1", "basket_1")


def test_a_drawer_is_opened_and_closed() -> None:
    analysis = analyze(DRAWER.read_text())
    drawer = "wooden_cabinet_1_middle_region"
    assert suite(analysis.program, analysis.scene) == (
        Script(Act.IDLE),
        Script(Act.HOVER, drawer),
        Script(Act.OPEN_AND_CLOSE, drawer),
    )


@pytest.mark.parametrize("path", SHIPPED[::13], ids=lambda path: path.stem[:40])
def test_every_script_names_things_of_its_scene(path) -> None:
    analysis = analyze(path.read_text())
    scripts = suite(analysis.program, analysis.scene)
    assert len({str(script) for script in scripts}) == len(scripts)
    for script in scripts:
        assert {script.item, script.target} <= {"", *analysis.scene.kinds}
