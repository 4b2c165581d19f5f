"""A checked program -> what to do in each of its stages. Pure: knows the scene, not its state.

A stage says what is to hold, not what it is done for. Yet how a thing is taken hold of depends on
where it goes: that is looked up in the stage itself, in those that come after it, and before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rewardlang import ir
from rewardlang.datatypes import Kind
from rewardlang.motions import Command, Motion
from rewardlang.scene import Scene
from rewardlang.witnessing.wishes import Wish, wish

_PART = Kind.OPENABLE | Kind.SWITCHABLE


@dataclass(frozen=True, slots=True)
class Aim:
    """One condition of a stage: `atom` holds, or does not; the motion towards it, if one is known.

    An `expr` that is no atom has none.
    """

    expr: ir.Expr
    command: Command | None

    @property
    def atom(self) -> ir.Atom | None:
        inner = self.expr.operand if isinstance(self.expr, ir.Not) else self.expr
        return inner if isinstance(inner, ir.Atom) else None

    @property
    def wanted(self) -> bool:
        """Whether `atom` is to hold."""
        return not isinstance(self.expr, ir.Not)


Plan = Mapping[str, tuple[Aim, ...]]


def plan(program: ir.Program, scene: Scene) -> Plan:
    """Stage path -> its conditions, which must hold together, in the order in which they stand."""
    found = list(_with_whiles(program.root, ()))
    aims = [_aims(stage.until) for stage, _ in found]
    wishes = [[wished for _, wished in of if wished is not None] for of in aims]
    plans = {}
    for number, ((stage, whiles), of) in enumerate(zip(found, aims, strict=True)):
        nearest = [*wishes[number:], *(row[::-1] for row in wishes[:number][::-1])]
        around = [wished for row in nearest for wished in row]
        held = _held([stage.until, *whiles])
        plans[stage.path] = tuple(
            Aim(expr, None if wished is None else _command(wished, around, held, scene))
            for expr, wished in of
        )
    return plans


def without_motion(plan: Plan) -> dict[str, tuple[ir.Expr, ...]]:
    """Stage path -> its conditions for which no motion is known; without stages that have none."""
    lacking = {
        path: tuple(aim.expr for aim in aims if aim.command is None) for path, aims in plan.items()
    }
    return {path: exprs for path, exprs in lacking.items() if exprs}


def _with_whiles(
    node: ir.Node, above: tuple[ir.Expr, ...]
) -> Iterator[tuple[ir.Stage, tuple[ir.Expr, ...]]]:
    """Every stage with the `while` of its own and of all groups around it."""
    if isinstance(node, ir.Keep):
        return
    whiles = (*above, node.while_) if node.while_ is not None else above
    if isinstance(node, ir.Stage):
        yield node, whiles
        return
    for child in node.children:
        yield from _with_whiles(child, whiles)


def _aims(expr: ir.Expr) -> list[tuple[ir.Expr, Wish | None]]:
    """Conditions that make `expr` true together; of alternatives, the first with all motions."""
    match expr:
        case ir.And():
            return [aim for operand in expr.operands for aim in _aims(operand)]
        case ir.Or():
            choices = [_aims(operand) for operand in expr.operands]
            return next((c for c in choices if all(wished for _, wished in c)), choices[0])
        case ir.Not(operand=ir.Atom() as atom):
            return [(expr, wish(atom, holds=False))]
        case ir.Not():
            return [(expr, None)]
        case ir.Atom():
            return [(expr, wish(expr, holds=True))]


def _held(exprs: Sequence[ir.Expr]) -> set[str]:
    """Things that must be in the fingers for all of `exprs` to hold."""
    atoms = [atom for expr in exprs for atom in _conjuncts(expr) if isinstance(atom, ir.Atom)]
    return {str(atom.args[0]) for atom in atoms if atom.predicate == "grasped"}


def _conjuncts(expr: ir.Expr) -> Iterator[ir.Expr]:
    if isinstance(expr, ir.And):
        for operand in expr.operands:
            yield from _conjuncts(operand)
    else:
        yield expr


def _command(wished: Wish, around: Sequence[Wish], held: set[str], scene: Scene) -> Command:
    return Command(
        wished.motion,
        wished.item,
        _goal(wished, around, scene),
        wished.height,
        hold=wished.item in held and wished.motion is not Motion.RELEASE,
    )


def _goal(wished: Wish, around: Sequence[Wish], scene: Scene) -> tuple[str, ...]:
    """The goal that a wish is a part of, by itself or by the nearest one about its item.

    `around`: the wishes of the same stage and of later ones, then of earlier ones, the nearest
    first. Empty where the item goes nowhere.
    """
    if not wished.item:
        return ()
    about = [other for other in (wished, *around) if other.item == wished.item]
    target = next((other.target for other in about if other.target), "")
    alike = [other.predicate for other in about if other.target == target and other.predicate]
    if target:
        default = "on" if _is_stood_on(target, scene) else "in"
        return (next(iter(alike), default), wished.item, target)
    if alike:
        return (alike[0], wished.item)
    kind = scene.kinds[wished.item]
    if kind & _PART:
        return ("open" if kind & Kind.OPENABLE else "turnon", wished.item)
    return ()


def _is_stood_on(target: str, scene: Scene) -> bool:
    region = scene.regions_by_name.get(target)
    return region is None or region.owner_is_surface or region.is_surface
