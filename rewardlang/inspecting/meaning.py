"""Parts of checked programs -> keys that are equal exactly where the parts mean the same.

Meaning is what can change a reward: things, quantities, weight shares, structure. Not meaning:
spans, comments, what objects, stages and penalties are called, the order of what stands side by
side (operands, the children of `all` and `any`, penalties), and weights without siblings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import assert_never

from rewardlang import ir

Key = tuple[object, ...]
_DIGITS = 12  # significant ones that count: the rest is how a share or an angle was computed


def condition_key(expr: ir.Expr | None) -> Key:
    """Equal for conditions that always have the same truth and degree by what they say."""
    return _expr_key(expr, with_quantities=True)


def shape_key(expr: ir.Expr | None) -> Key:
    """The same without quantities: equal for conditions that differ in thresholds alone."""
    return _expr_key(expr, with_quantities=False)


def stage_key(stage: ir.Stage) -> Key:
    return (
        "stage",
        condition_key(stage.until),
        stage.dwell,
        condition_key(stage.while_),
        judged_key(stage),
        progress_key(stage.progress),
    )


def judged_key(stage: ir.Stage) -> Key:
    """What judges a live stage again."""
    return (stage.live, unordered(condition_key(atom) for atom in stage.goal_atoms))


def progress_key(progress: ir.Progress | None) -> Key:
    if progress is None:
        return ()
    bounds = (number_key(progress.start), number_key(progress.end))
    return (_measure_key(progress.measure), *bounds)


def node_key(node: ir.Node) -> Key:
    """What a node means, whatever it is called and whatever its share among its siblings."""
    match node:
        case ir.Stage():
            return stage_key(node)
        case ir.Keep():
            return ("keep", condition_key(node.expr))
        case ir.Group():
            return (node.mode, condition_key(node.while_), _members_key(node))
        case _:
            assert_never(node)


def _members_key(group: ir.Group) -> Key:
    """In `seq` the order of stages counts; where a `keep` stands never does."""
    keys = [(number_key(child.share), node_key(child)) for child in group.children]
    earning = [not isinstance(child, ir.Keep) for child in group.children]
    kept = unordered(key for key, earns in zip(keys, earning, strict=True) if not earns)
    others = [key for key, earns in zip(keys, earning, strict=True) if earns]
    return (tuple(others) if group.mode == "seq" else unordered(others), kept)


def success_key(success: ir.Success) -> Key:
    return (condition_key(success.expr), success.dwell)


def penalty_key(penalty: ir.Penalty) -> Key:
    return (number_key(penalty.cost), condition_key(penalty.expr))


def number_key(value: float | None) -> str:
    return "" if value is None else f"{value:.{_DIGITS}g}"


def unordered(keys: Iterable[Key]) -> Key:
    """The keys as a multiset."""
    counted = Counter(keys)
    return tuple(sorted(counted.items(), key=repr))


def _expr_key(expr: ir.Expr | None, *, with_quantities: bool) -> Key:
    match expr:
        case None:
            return ()
        case ir.Atom():
            args = (_argument_key(arg, with_quantities) for arg in expr.args)
            return (expr.predicate, *args)
        case ir.Not():
            return ("not", _expr_key(expr.operand, with_quantities=with_quantities))
        case ir.And() | ir.Or():
            word = "and" if isinstance(expr, ir.And) else "or"
            operands = (_expr_key(o, with_quantities=with_quantities) for o in expr.operands)
            return (word, unordered(operands))
        case _:
            assert_never(expr)


def _argument_key(arg: ir.Ref | float | ir.MeasureCall, with_quantities: bool) -> object:
    match arg:
        case ir.Ref():
            return str(arg)
        case ir.MeasureCall():
            return _measure_key(arg)
        case _:
            return number_key(float(arg)) if with_quantities else None


def _measure_key(call: ir.MeasureCall) -> Key:
    return (call.measure, *(str(ref) for ref in call.args))
