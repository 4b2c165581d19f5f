"""Tree + scene -> checked program: shares, paths, macros, live stages; mistakes are in cases/."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

import rewardlang
from rewardlang import ir
from rewardlang.api import Analysis, analyze
from rewardlang.checking.library import MACROS, MEASURES, PREDICATES, RESERVED
from rewardlang.checking.reasoning import asserted
from rewardlang.checking.signatures import Thing
from rewardlang.datatypes import Dimension, Kind, format_number, kind_phrase, to_si
from rewardlang.diagnostics import render
from rewardlang.scene import Scene
from rewardlang.source import Source, Span
from rewardlang.syntax import nodes
from rewardlang.syntax.parser import parse, parse_node
from tests.rewardlang.trees import KEYWORDS

CASES = Path(__file__).parent / "cases"
HEAD = """\
rewardlang 1
task "put both the alphabet soup and the tomato sauce in the basket"
scene "libero_10/LIVING_ROOM_SCENE2_put_both_the_alphabet_soup_and_the_tomato_sauce_in_the_basket"

object soup = alphabet_soup_1
object sauce = tomato_sauce_1
object basket = basket_1_contain_region
"""


def checked(body: str, head: str = HEAD, scene: Scene | None = None) -> ir.Program:
    analysis = analyze(head + body, scene=scene)
    assert analysis.program is not None, render(analysis.diagnostics, analysis.source)
    return analysis.program


def codes(body: str, head: str = HEAD, scene: Scene | None = None) -> list[str]:
    return [found.code for found in analyze(head + body, scene=scene).diagnostics]


def stage(body: str) -> ir.Stage:
    program = checked(f"stage only {{ {body} }} success bddl")
    assert isinstance(program.root, ir.Stage)
    return program.root


# ---------------------------------------------------------------- numbers


def test_weights_become_shares_of_the_siblings() -> None:
    program = checked(
        """
        seq {
          stage a weight 1 { until near(gripper, soup) }
          stage b weight 2 { until grasped(soup) }
          all weight 5 { use place_in(soup, basket) weight 3 use place_in(sauce, basket) }
          any { stage c weight 7 { until released(soup) } stage d { until released(sauce) } }
          keep up weight 0.9 { upright(soup, 30 deg) }
        }
        success bddl"""
    )
    root = program.root
    assert isinstance(root, ir.Group)
    *earning, keep = root.children
    assert [child.share for child in earning] == pytest.approx([1 / 9, 2 / 9, 5 / 9, 1 / 9])
    assert keep.share == pytest.approx(0.1)
    both, either = earning[2:]
    assert isinstance(both, ir.Group)
    assert isinstance(either, ir.Group)
    assert [child.share for child in both.children] == [0.75, 0.25]
    assert [child.share for child in either.children] == [1.0, 1.0]


def test_shares_of_every_group_sum_to_one() -> None:
    for case in CASES.glob("good_*.rl"):
        program = analyze(case.read_text("utf-8")).program
        assert program is not None
        for node in ir.walk(program.root):
            if isinstance(node, ir.Group) and node.mode != "any":
                earning = [c.share for c in node.children if not isinstance(c, ir.Keep)]
                assert sum(earning) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "value"),
    [("7 cm", 0.07), ("3 mm", 0.003), ("0.1 m", 0.1), ("180 deg", math.pi), ("2 rad", 2.0)],
)
def test_quantities_are_in_si_without_rounding_noise(text: str, value: float) -> None:
    number, unit = text.split()
    assert to_si(float(number), unit) == value


def test_optional_arguments_have_their_defaults() -> None:
    until = stage("until near(gripper, soup) and above(soup, basket) and over(soup, basket, 5 mm)")
    assert isinstance(until.until, ir.And)
    near, above, over = until.until.operands
    assert isinstance(near, ir.Atom)
    assert isinstance(above, ir.Atom)
    assert isinstance(over, ir.Atom)
    assert near.args == (
        ir.Ref("gripper", Kind.GRIPPER),
        ir.Ref("alphabet_soup_1", Kind.MOVABLE),
        0.03,
    )
    assert above.args[1:] == (ir.Ref("basket_1_contain_region", Kind.REGION), 0.02)
    assert over.args[2] == 0.005


def test_progress_is_kept_in_si_with_none_for_reset() -> None:
    found = stage("until grasped(soup) progress dist(gripper, soup) from reset to 2 cm").progress
    assert found is not None
    assert (found.measure.measure, found.start, found.end) == ("dist", None, 0.02)


# ---------------------------------------------------------------- names and macros


def test_paths_are_unique_and_made_of_names() -> None:
    program = checked(
        """
        all {
          seq soup_in { use place_in(soup, basket) as going use place_in(soup, basket) }
          use place_in(sauce, basket)
          seq { stage one { until near(gripper, sauce) } }
          seq { stage two { until near(gripper, soup) } }
        }
        success bddl"""
    )
    paths = [item.path for item in ir.stages(program)]
    assert len(set(paths)) == len(paths)
    assert paths[0] == "soup_in.going.reach"
    assert "soup_in.place_in_soup.release" in paths
    assert "place_in_sauce.lower" in paths
    assert {"seq.one", "seq_2.two"} <= set(paths)


def test_a_macro_is_a_group_of_its_stages() -> None:
    program = checked("use place_in(soup, basket) while upright(soup, 60 deg) success bddl")
    root = program.root
    assert isinstance(root, ir.Group)
    assert root.mode == "seq"
    assert isinstance(root.while_, ir.Atom)
    assert [item.name for item in root.children] == [
        "reach", "grasp", "lift", "carry", "lower", "release",
    ]  # fmt: skip
    assert [item.share for item in root.children] == [w / 10 for w in (1, 2, 1, 3, 2, 1)]
    text = program.source.text
    for item in ir.stages(program):  # every part of it points at the line that uses it
        assert text[item.span.start :].startswith("use place_in")
        assert item.until.span == item.span


@pytest.mark.parametrize("name", MACROS)
def test_macros_are_sound(name: str) -> None:
    """A macro's text parses, and its free names are its parameters and `gripper`."""
    row = MACROS[name]
    body = parse_node(row.source)
    assert isinstance(body, nodes.Group)
    scene = rewardlang.load_scene("libero_goal/push_the_plate_to_the_front_of_the_stove")
    names = {
        Kind.MOVABLE: "plate_1",
        Kind.REGION: "wooden_cabinet_1_top_region",
        Kind.SUPPORT: "main_table_stove_front_region",
        Kind.OPENABLE: "wooden_cabinet_1_top_region",
        Kind.SWITCHABLE: "flat_stove_1",
    }
    given = [names[p.kinds] for p in row.parameters if isinstance(p, Thing)]
    text = text_for(scene, scene.id, scene.instruction)
    used = text.replace("stage a {", f"seq {{ use {name}({', '.join(given)}) stage a {{") + "}}"
    used = used.replace("} success bddl}}", "}} success bddl")
    program = analyze(used).program
    assert program is not None, render(analyze(used).diagnostics, Source(used))
    stages = [stage for stage in ir.stages(program) if stage.path.startswith(name)]
    assert len(stages) == len(body.children)
    about = {thing for stage in stages for thing in things(stage)}
    assert about == {*given, "gripper"}


def things(stage: ir.Stage) -> Iterator[str]:
    """The names that a stage's conditions are about."""
    for expr in (stage.until, stage.while_):
        for atom in asserted(expr) if expr else ():
            yield from (arg.name for arg in atom.args if isinstance(arg, ir.Ref))


def test_placing_is_written_out_as_in_the_language_reference() -> None:
    explicit = (CASES / "good_both.rl").read_text("utf-8")
    program = analyze(explicit).program
    assert program is not None
    written, macro = program.root.children
    assert isinstance(written, ir.Group)
    assert isinstance(macro, ir.Group)
    for ours, theirs in zip(written.children, macro.children, strict=True):
        assert isinstance(ours, ir.Stage)
        assert isinstance(theirs, ir.Stage)
        assert (ours.name, ours.share, ours.dwell, ours.live) == (
            theirs.name, theirs.share, theirs.dwell, theirs.live,
        )  # fmt: skip
        assert shape(ours.until) == shape(theirs.until)
        assert (ours.while_ and shape(ours.while_)) == (theirs.while_ and shape(theirs.while_))


def shape(expr: ir.Expr) -> object:
    """An expression without its places and without the names it is about."""
    if isinstance(expr, ir.Atom):
        kinds = [arg.kind if isinstance(arg, ir.Ref) else arg for arg in expr.args]
        return expr.predicate, kinds
    if isinstance(expr, ir.Not):
        return shape(expr.operand)
    return [shape(operand) for operand in expr.operands]


def test_the_program_remembers_what_things_are_called() -> None:
    program = checked("use place_in(soup, basket) success bddl")
    assert program.called("alphabet_soup_1") == "soup"
    assert program.called("milk_1") == "milk_1"


def test_scene_names_may_stand_anywhere() -> None:
    program = checked("use place_in(alphabet_soup_1, basket_1_contain_region) success bddl")
    assert len(ir.stages(program)) == 6


def test_vocabulary_and_grammar_do_not_collide() -> None:
    assert not RESERVED & KEYWORDS
    assert not set(PREDICATES) & set(MEASURES)
    assert not set(MACROS) & (set(PREDICATES) | set(MEASURES))
    for row in (*PREDICATES.values(), *MEASURES.values(), *MACROS.values()):
        assert row.doc.endswith((".", "`."))
        assert not KEYWORDS & {parameter.name for parameter in row.parameters}


# ---------------------------------------------------------------- live and latched


@pytest.mark.parametrize(
    ("body", "live", "atoms"),
    [
        ("stage s { until in(soup, basket) }", True, ["in"]),
        ("stage s { until in(soup, basket) and released(soup) }", True, ["in"]),
        ("stage s latch { until in(soup, basket) }", False, []),
        ("stage s { until grasped(soup) }", False, []),
        (
            "stage s live { until grasped(soup) and lifted(soup, 8 cm) }",
            True,
            ["grasped", "lifted"],
        ),
        ("stage s { until not in(soup, basket) }", False, []),
        ("stage s { until in(soup, basket) or grasped(soup) }", False, []),
        ("stage s { until in(milk_1, basket) }", False, []),
    ],
)
def test_a_stage_about_the_goal_is_live(body: str, live: bool, atoms: list[str]) -> None:
    program = checked(f"{body} success bddl")
    assert isinstance(program.root, ir.Stage)
    assert program.root.live == live
    assert [atom.predicate for atom in program.root.goal_atoms] == atoms


def test_a_goal_of_ones_own_decides_what_is_live() -> None:
    program = checked(
        """seq { stage a { until in(soup, basket) } stage b { until upright(soup, 30 deg) } }
        success when upright(soup, 30 deg) for 5 steps"""
    )
    assert [item.live for item in ir.stages(program)] == [False, True]
    assert program.success.dwell == 5
    assert program.goal == (
        ir.GoalAtom("in", ("alphabet_soup_1", "basket_1_contain_region")),
        ir.GoalAtom("in", ("tomato_sauce_1", "basket_1_contain_region")),
    )


# ---------------------------------------------------------------- the scene


@pytest.fixture
def scene() -> Scene:
    return rewardlang.load_scene("libero_object/pick_up_the_milk_and_place_it_in_the_basket")


def text_for(scene: Scene, scene_id: str, task: str) -> str:
    name = next(item.name for item in scene.objects if not item.fixture)
    head = f'rewardlang 1 task "{task}" scene "{scene_id}"'
    return f"{head} stage a {{ until grasped({name}) }} success bddl"


def test_a_given_scene_is_used_and_must_be_the_one_that_is_named(scene: Scene) -> None:
    other = scene.model_copy(update={"suite": "my_suite"})
    good = analyze(text_for(scene, other.id, scene.instruction), scene=other)
    assert good.scene is other
    assert good.ok
    bad = analyze(text_for(scene, scene.id, scene.instruction), scene=other)
    (found,) = (d for d in bad.diagnostics if d.is_error)
    assert found.code == "scene-mismatch"
    assert found.suggestions[0].replacement == f'"{other.id}"'
    assert bad.program is None


def test_an_empty_goal_cannot_be_success(scene: Scene) -> None:
    empty = scene.model_copy(update={"goal": ()})
    found = analyze(text_for(scene, scene.id, scene.instruction), scene=empty).diagnostics
    assert [d.code for d in found if d.is_error] == ["empty-goal"]


def test_a_task_of_ones_own_is_free_where_the_goal_is_ones_own() -> None:
    own = HEAD.replace("put both the", "put, some day, the")
    assert "task-mismatch" in codes("use place_in(soup, basket) success bddl", own)
    body = "use place_in(soup, basket) success when in(soup, basket)"
    assert codes(body, own) == ["unused-object"]


@pytest.mark.parametrize(
    "success",
    ["", "success", "success when", "success when bddl", "success = in(soup, basket)"],
)
def test_of_a_success_that_cannot_be_read_nothing_is_concluded(success: str) -> None:
    """A goal of one's own with a slip in it must not be told to take the scene's instruction."""
    own = HEAD.replace("put both the", "put, some day, the")
    found = codes(f"use place_in(soup, basket) {success}", own)
    assert found
    assert "task-mismatch" not in found


def test_suggestions_can_be_applied() -> None:
    """Replacing what a name error points at by its first suggestion removes the error."""
    text = HEAD.replace("= alphabet_soup_1", "= alphabet_soup")
    text += "stage a { until graspd(soup) or grasped(sauc) } success bddl"
    for _ in range(3):
        found = next(d for d in analyze(text).diagnostics if d.is_error)
        fix = found.suggestions[0]
        span = fix.span or found.span
        text = text[: span.start] + fix.replacement + text[span.end :]
    assert analyze(text).ok


# ---------------------------------------------------------------- the whole


def test_everything_is_frozen_and_every_span_points_into_the_text() -> None:
    program = checked((CASES / "good_both.rl").read_text("utf-8"), head="")

    def visit(item: object) -> None:
        if isinstance(item, Span):
            assert 0 <= item.start < item.end <= len(program.source.text)
        elif isinstance(item, tuple):
            for part in item:
                visit(part)
        elif is_dataclass(item) and not isinstance(item, Source):
            assert item.__dataclass_params__.frozen
            for field in fields(item):
                visit(getattr(item, field.name))

    visit(program)


def test_checking_is_deterministic() -> None:
    text = (CASES / "kinds.rl").read_text("utf-8")
    first, second = analyze(text), analyze(text)
    assert first == second
    assert isinstance(first, Analysis)


def test_words_for_kinds_and_numbers() -> None:
    assert kind_phrase(Kind.SUPPORT, "or") == "a movable object or a region"
    assert kind_phrase(Kind.FIXTURE | Kind.SWITCHABLE, "and") == "a switchable fixture"
    assert kind_phrase(Kind.FIXTURE, "and") == "a fixture"
    assert Dimension.ANGLE.phrase == "an angle (deg, rad)"
    assert [format_number(n) for n in (1.0, 0.5, 0.0001, 9999.9999)] == [
        "1", "0.5", "0.0001", "9999.9999",
    ]  # fmt: skip


def test_parsing_alone_needs_no_scene() -> None:
    assert parse(Source((CASES / "unknown_suite.rl").read_text("utf-8"))).diagnostics == ()
