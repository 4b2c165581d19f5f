"""Seeded faults: a program -> programs that each have one mistake of the kind people make.

The operators were fixed before the thresholds of `checks` were, and are not to be tuned to them.
They work on the syntax tree with macros written out, so that a mutant is a text like any other and
what `rewardlang check` says of it is what an author would read. A mutant that means the same as
the program (`inspecting.meaning`) is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from rewardlang import ir
from rewardlang.api import Analysis, analyze
from rewardlang.checking.library import PREDICATES
from rewardlang.checking.signatures import Amount, amount_text
from rewardlang.datatypes import Kind
from rewardlang.inspecting.expansion import expand
from rewardlang.inspecting.meaning import node_key, penalty_key, success_key
from rewardlang.scene import Scene
from rewardlang.syntax import nodes
from rewardlang.syntax.formatter import format_call, format_program, format_quantity

HEAVY = 9.0  # weight of one child against 1 of all its siblings together
MOST_OTHERS = 2  # that stand in for one object or region
_DIGITS = 4  # of a number's fraction, as the grammar has it

Found = Iterator[tuple[str, Any]]
"""What changed, in words, and what stands there instead."""

Change = Callable[[Any, Scene], Found]
"""The ways in which an operator changes one node of a tree, of whatever kind it is."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A program with one fault. `fault` says what and where; `analysis` is of its own text."""

    operator: str
    fault: str
    analysis: Analysis

    @property
    def name(self) -> str:
        return f"{self.operator}: {self.fault}"


def mutants(program: Analysis) -> list[Mutant]:
    """Every mutant of a program without errors, in the order of operators and text."""
    assert program.tree is not None
    assert program.program is not None
    assert program.scene is not None
    tree, scene = expand(program.tree), program.scene
    meant, made, seen = meaning(program.program), [], {format_program(tree)}
    for operator, change in OPERATORS.items():
        for fault, changed in one_change(tree, scene, change):
            text = format_program(changed)
            analysis = analyze(text, name=program.source.name, scene=scene)
            same = analysis.program is not None and meaning(analysis.program) == meant
            if text not in seen and not same:
                seen.add(text)
                made.append(Mutant(operator, fault, analysis))
    return made


def meaning(program: ir.Program) -> tuple[object, ...]:
    """Equal for programs that pay the same."""
    penalties = tuple(penalty_key(penalty) for penalty in program.penalties)
    return (
        node_key(program.root),
        success_key(program.success),
        program.shaping,
        program.gamma,
        penalties,
    )


def one_change(node: Any, scene: Scene, change: Change) -> Found:
    """The tree below `node` with one node changed, once for each idea that `change` has."""
    yield from change(node, scene)
    name = getattr(node, "name", None)
    within = f"{name.text}: " if isinstance(node, nodes.Stage) and name else ""
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, tuple):
            for at, item in enumerate(value):
                if is_dataclass(item):
                    for what, new in one_change(item, scene, change):
                        rest = (*value[:at], new, *value[at + 1 :])
                        yield within + what, replace(node, **{field.name: rest})
        elif is_dataclass(value):
            for what, new in one_change(value, scene, change):
                yield within + what, replace(node, **{field.name: new})


def _swapped_objects(node: Any, _scene: Scene) -> Found:
    """Two things of one condition exchanged, and what two `object` lines stand for."""
    if isinstance(node, nodes.Program):
        for at, first in enumerate(node.objects):
            for behind, second in enumerate(node.objects[at + 1 :], at + 1):
                lines = list(node.objects)
                lines[at] = replace(first, target=second.target)
                lines[behind] = replace(second, target=first.target)
                what = f"{first.alias.text} and {second.alias.text}"
                yield what, replace(node, objects=tuple(lines))
    elif isinstance(node, nodes.Call):
        match node.args:
            case (nodes.Name() as one, nodes.Name() as two, *rest):
                if "gripper" not in (one.text, two.text):
                    yield f"in {format_call(node)}", replace(node, args=(two, one, *rest))


def _other_names(kind: Kind) -> Change:
    """The scene's own names of one kind, each replaced by some others of that kind."""

    def change(node: Any, scene: Scene) -> Found:
        if isinstance(node, nodes.Name) and scene.kinds.get(node.text, Kind(0)) & kind:
            others = [name for name, of in scene.kinds.items() if of & kind and name != node.text]
            for other in others[:MOST_OTHERS]:
                yield f"{other} for {node.text}", nodes.Name(other)

    return change


def _dropped_stage(node: Any, _scene: Scene) -> Found:
    if isinstance(node, nodes.Group) and len(node.children) > 1:
        for at, child in enumerate(node.children):
            rest = (*node.children[:at], *node.children[at + 1 :])
            yield _called(child), replace(node, children=rest)


def _flipped_order(node: Any, _scene: Scene) -> Found:
    if isinstance(node, nodes.Group) and node.mode == "seq":
        for at, (one, two) in enumerate(zip(node.children, node.children[1:], strict=False)):
            order = (*node.children[:at], two, one, *node.children[at + 2 :])
            yield f"{_called(two)} before {_called(one)}", replace(node, children=order)


def _scaled(factor: float) -> Change:
    """Thresholds times `factor`; one that is left to its default is written out."""

    def change(node: Any, _scene: Scene) -> Found:
        if isinstance(node, nodes.Quantity):
            more = replace(node, value=round(node.value * factor, _DIGITS))
            yield f"{format_quantity(more)} for {format_quantity(node)}", more
        elif isinstance(node, nodes.Call) and node.name.text in PREDICATES:
            parameters = PREDICATES[node.name.text].parameters
            for missing in parameters[len(node.args) :]:
                if isinstance(missing, Amount) and missing.default:
                    number, unit = amount_text(missing.default, missing.dimension).split()
                    more = nodes.Quantity(round(float(number) * factor, _DIGITS), unit)
                    what = f"{format_quantity(more)} for the default of {format_call(node)}"
                    yield what, replace(node, args=(*node.args, more))

    return change


def _latch_live(node: Any, _scene: Scene) -> Found:
    """Both; the one that the stage is already means the same, and so is no mutant."""
    if isinstance(node, nodes.Stage):
        for mode in ("latch", "live"):
            yield f"{mode} {node.name.text}", replace(node, mode=mode)


def _nine_to_one(node: Any, _scene: Scene) -> Found:
    if not isinstance(node, nodes.Group) or node.mode == "any":
        return
    earning = [at for at, child in enumerate(node.children) if not isinstance(child, nodes.Keep)]
    for heavy in earning[: len(earning) if len(earning) > 1 else 0]:
        children = list(node.children)
        others = sum(_weight(children[at]) for at in earning if at != heavy)
        weight = nodes.Number(round(HEAVY * others, _DIGITS))
        children[heavy] = replace(children[heavy], weight=weight)
        yield _called(node.children[heavy]), replace(node, children=tuple(children))


def _weight(node: nodes.Node) -> float:
    return 1.0 if node.weight is None else node.weight.value


def _called(node: nodes.Node) -> str:
    """What people would call a node."""
    if node.name is not None:
        return node.name.text
    return node.mode if isinstance(node, nodes.Group) else "a macro"


OPERATORS: dict[str, Change] = {
    "swapped objects": _swapped_objects,
    "wrong object": _other_names(Kind.MOVABLE),
    "wrong region": _other_names(Kind.REGION),
    "dropped stage": _dropped_stage,
    "flipped order": _flipped_order,
    "threshold × 1.5": _scaled(1.5),
    "threshold × 3": _scaled(3.0),
    "threshold × 10": _scaled(10.0),
    "latch ↔ live": _latch_live,
    "weight 9:1": _nine_to_one,
}
"""Name -> what it does to one node of the tree."""
