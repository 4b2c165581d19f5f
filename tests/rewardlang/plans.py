"""The plans of all tasks, and what a plan says, for the tests of the planner."""

from __future__ import annotations

import re
from typing import Any

from rewardlang.checking.library import GOAL_PREDICATES
from rewardlang.planning.planner import plan
from rewardlang.scene import Scene, load, suite_scenes, suites
from rewardlang.source import Source
from rewardlang.syntax import nodes
from rewardlang.syntax.parser import parse

Atom = tuple[str, ...]

SCENES = [scene for suite in suites() for scene in suite_scenes(suite).values()]
SOUP = load("libero_object/pick_up_the_alphabet_soup_and_place_it_in_the_basket")
STACK = load(
    "libero_90/LIVING_ROOM_SCENE4_stack_the_left_bowl_on_the_right_bowl_and_place_them_in_the_tray"
)
TWO_PLATES = load(
    "libero_10/LIVING_ROOM_SCENE5_put_the_white_mug_on_the_left_plate_and_put_the_yellow_and_"
    "white_mug_on_the_right_plate"
)
MICROWAVE = load(
    "libero_10/KITCHEN_SCENE6_put_the_yellow_and_white_mug_in_the_microwave_and_close_it"
)

PLANS = {scene.id: plan(scene) for scene in SCENES}


def tree(text: str) -> nodes.Program:
    parsed = parse(Source(text))
    assert not parsed.diagnostics
    assert parsed.tree is not None
    return parsed.tree


def changed(scene: Scene, **fields: Any) -> Scene:
    """A scene of its own: `model_copy` alone would keep what is cached about the old one."""
    return Scene.model_validate(scene.model_copy(update=fields).model_dump())


def leaves(node: nodes.Node) -> list[nodes.Stage | nodes.Keep]:
    match node:
        case nodes.Stage() | nodes.Keep():
            return [node]
        case nodes.Group(children=children):
            return [leaf for child in children for leaf in leaves(child)]
        case _:
            raise AssertionError(node)


def stages(node: nodes.Node) -> list[nodes.Stage]:
    return [leaf for leaf in leaves(node) if isinstance(leaf, nodes.Stage)]


def calls(expr: nodes.Expr) -> list[Atom]:
    """The predicates of a condition with the names that they are about."""
    match expr:
        case nodes.Call():
            names = [arg.text for arg in expr.args if isinstance(arg, nodes.Name)]
            return [(expr.name.text, *names)]
        case nodes.Not():
            return calls(expr.operand)
        case nodes.And() | nodes.Or():
            return [call for operand in expr.operands for call in calls(operand)]
        case _:
            raise AssertionError(expr)


def in_scene_words(program: nodes.Program, expr: nodes.Expr) -> list[Atom]:
    """The same with the scene's names for the program's, and LIBERO's predicates for ours."""
    meaning = {item.alias.text: item.target.text for item in program.objects}
    libero = {ours: theirs for theirs, ours in GOAL_PREDICATES.items()}
    return [
        (libero.get(head, head), *(meaning.get(name, name) for name in names))
        for head, *names in calls(expr)
    ]


def waited_for(program: nodes.Program) -> list[Atom]:
    """The goal atoms, of the scene or not, that stages wait for, in program order."""
    found = (in_scene_words(program, stage.until.expr) for stage in stages(program.root))
    return [atom for atoms in found for atom in atoms if atom[0] in GOAL_PREDICATES]


def kept(program: nodes.Program) -> list[Atom]:
    keeps = (leaf for leaf in leaves(program.root) if isinstance(leaf, nodes.Keep))
    return [atom for keep in keeps for atom in in_scene_words(program, keep.expr)]


def stage_texts(text: str) -> dict[str, str]:
    """Stage name -> its text on one line, without comments; of a program with one goal."""
    bare = re.sub(r"#.*", "", text)
    found = re.findall(r"stage (\w+) weight \d+ \{(.*?)\}", bare, re.DOTALL)
    return {name: " ".join(body.split()) for name, body in found}
