"""What a correct program probably does not mean: warnings on the checked program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations

from rewardlang import ir
from rewardlang.checking.entry_lints import ENTRY_RULES
from rewardlang.checking.reasoning import (
    asserted,
    atom_key,
    conjuncts,
    exclude,
    goal_key,
    said,
    said_key,
    says,
    things,
)
from rewardlang.checking.stage_lints import MOST_COMPARED, STAGE_RULES, stages_below, views
from rewardlang.diagnostics import Diagnostic
from rewardlang.scene import Scene
from rewardlang.source import Span

MOST_SHARE = 0.8  # of one child in its siblings' sum


def lint(program: ir.Program, scene: Scene) -> Iterator[Diagnostic]:
    """All warnings, in no particular order; the same one may come twice."""
    for view in views(program, scene):
        for rule in (*STAGE_RULES, *ENTRY_RULES):
            yield from rule(view)
    for node in ir.walk(program.root):
        if isinstance(node, ir.Group):
            yield from _lopsided(node)
            yield from _duplicates(node)
            yield from _impossible_order(node, program, scene)
    yield from _contradictions(program)
    yield from _goal(program, scene)


def _lopsided(group: ir.Group) -> Iterator[Diagnostic]:
    earning = [child for child in group.children if not isinstance(child, ir.Keep)]
    if group.mode == "any" or len(earning) < 2:
        return
    for child in earning:
        if child.share > MOST_SHARE:
            message = f"`{child.name}` has {child.share:.0%} of the weight among its siblings"
            hint = "the others hardly count"
            yield Diagnostic("lopsided-weights", message, child.span, hint)


def _duplicates(group: ir.Group) -> Iterator[Diagnostic]:
    """The same twice: next to each other in `seq`, anywhere in `all` and `any`."""
    seen: dict[object, ir.Node] = {}
    for child in group.children:
        key = _node_key(child)
        if key in seen:
            message = f"`{child.name}` says the same as `{seen[key].name}`"
            yield Diagnostic("duplicate-stage", message, child.span)
        if group.mode == "seq":
            seen.clear()
        seen[key] = child


def _impossible_order(group: ir.Group, program: ir.Program, scene: Scene) -> Iterator[Diagnostic]:
    """Closing a part before, or beside, putting something into it."""
    below = [stages_below(child) for child in group.children]
    if group.mode == "any":
        return
    for index, closing in enumerate(below):
        others = below[index + 1 :] if group.mode == "seq" else below[:index] + below[index + 1 :]
        for part, span in _closed_parts(closing):
            filling = _filled_while_closed(part, chain.from_iterable(others), scene)
            if filling is None:
                continue
            order = "before" if group.mode == "seq" else "in no fixed order with"
            called = program.called(part)
            message = f"`{called}` is closed {order} `{filling.name}`, which puts something into it"
            yield Diagnostic("impossible-order", message, span, "first in, then close: `seq`")


def _filled_while_closed(part: str, stages: Iterable[ir.Stage], scene: Scene) -> ir.Stage | None:
    """The first stage that puts something into `part` before another one opens it."""
    for stage in stages:
        if says(stage.until, "open", part):
            return None
        if any(part in _container(atom, scene) for atom in asserted(stage.until)):
            return stage
    return None


def _contradictions(program: ir.Program) -> Iterator[Diagnostic]:
    """The first one of each conjunction."""
    for expr in _expressions(program):
        for conjunction in _conjunctions(expr):
            message = _contradiction(program, conjunction)
            if message:
                yield Diagnostic("contradictory-condition", message, conjunction.span)


def _contradiction(program: ir.Program, conjunction: ir.And) -> str:
    wanted = {atom_key(atom): atom for atom in conjuncts(conjunction)}
    denied = [o.operand for o in conjunction.operands if isinstance(o, ir.Not)]
    for atom in denied:
        if isinstance(atom, ir.Atom) and atom_key(atom) in wanted:
            return f"`{said(program, atom)}` is both asked for and denied"
    for first, second in combinations(list(wanted.values())[:MOST_COMPARED], 2):
        if exclude(first, second):
            return f"`{said(program, first)}` and `{said(program, second)}` cannot both hold"
    return ""


def _goal(program: ir.Program, scene: Scene) -> Iterator[Diagnostic]:
    """Parts of the scene's goal that the program says nothing about."""
    if program.success.expr is not None:
        return
    mentioned = {atom_key(atom) for expr in _achieved(program) for atom in asserted(expr)}
    for index, atom in enumerate(program.goal):
        key = goal_key(atom)
        if key in mentioned:
            continue
        text = said_key(program, key)
        message = f"no stage is about `{text}`, a part of the goal"
        holds = index in scene.goal_true_at_reset
        hint = f"it holds from the start: `keep NAME {{ {text} }}`" if holds else ""
        yield Diagnostic("goal-not-mentioned", message, program.success.span, hint)


def _closed_parts(stages: Sequence[ir.Stage]) -> Iterator[tuple[str, Span]]:
    for stage in stages:
        for atom in asserted(stage.until):
            if atom.predicate in ("closed", "shut"):
                yield things(atom)[0], atom.span


def _container(atom: ir.Atom, scene: Scene) -> tuple[str, ...]:
    """What would have to be open for `in(item, region)`: the drawer, or the owner of the inside."""
    if atom.predicate != "in":
        return ()
    region = things(atom)[1]
    return region, scene.region(region).owner


def _expressions(program: ir.Program) -> Iterator[ir.Expr]:
    for node in ir.walk(program.root):
        match node:
            case ir.Stage():
                yield from [node.until, *([node.while_] if node.while_ else [])]
            case ir.Keep():
                yield node.expr
            case ir.Group():
                yield from [node.while_] if node.while_ else []
    yield from [program.success.expr] if program.success.expr else []
    yield from (penalty.expr for penalty in program.penalties)


def _achieved(program: ir.Program) -> Iterator[ir.Expr]:
    """What stages wait for and what `keep` keeps."""
    for node in ir.walk(program.root):
        match node:
            case ir.Stage():
                yield node.until
            case ir.Keep():
                yield node.expr
            case ir.Group():
                pass


def _conjunctions(expr: ir.Expr) -> Iterator[ir.And]:
    match expr:
        case ir.And():
            yield expr
            operands: tuple[ir.Expr, ...] = expr.operands
        case ir.Or():
            operands = expr.operands
        case ir.Not():
            operands = (expr.operand,)
        case ir.Atom():
            operands = ()
    for operand in operands:
        yield from _conjunctions(operand)


def _node_key(node: ir.Node) -> object:
    """Equal for nodes that say the same, whatever they are called and weigh."""
    match node:
        case ir.Stage():
            while_ = node.while_ and _expr_key(node.while_)
            return "stage", _expr_key(node.until), while_
        case ir.Group():
            while_ = node.while_ and _expr_key(node.while_)
            return node.mode, tuple(_node_key(child) for child in node.children), while_
        case ir.Keep():
            return "keep", _expr_key(node.expr)


def _expr_key(expr: ir.Expr) -> object:
    match expr:
        case ir.Atom():
            return atom_key(expr)
        case ir.Not():
            return "not", _expr_key(expr.operand)
        case ir.And() | ir.Or():
            return type(expr).__name__, tuple(_expr_key(operand) for operand in expr.operands)
