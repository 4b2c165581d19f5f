"""A scene's own goal as a generated condition, for programs that leave the evaluator.

`runtime.native` says the same with closures, for evaluation without a program; a test holds the
two together.
"""

from __future__ import annotations

from rewardlang import ir
from rewardlang.checking.library import GOAL_PREDICATES
from rewardlang.codegen import atoms
from rewardlang.codegen.layout import Layout
from rewardlang.scene import Scene
from rewardlang.state import Collector, Requirements


def emit_goal(program: ir.Program, scene: Scene, start: Requirements) -> tuple[str, Requirements]:
    """`native(v)`, and what a snapshot must hold for it: `start`, then the goal's own facts."""
    writer = atoms.Writer(Layout(program), Collector(start))
    conditions = [writer.condition(_atom(goal, scene, program)) for goal in scene.goal]
    body = " and ".join(f"({condition})" for condition in conditions) or "True"
    return f"def native(v):\n    return {body}\n", writer.facts.requirements


def _atom(goal: tuple[str, ...], scene: Scene, program: ir.Program) -> ir.Atom:
    head, *names = goal
    refs = tuple(ir.Ref(name, scene.kinds[name]) for name in names)
    return ir.Atom(GOAL_PREDICATES[head], refs, program.success.span)
