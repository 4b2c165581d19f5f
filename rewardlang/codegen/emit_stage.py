"""A stage as Python: when it is done, when it is undone, what it is worth meanwhile."""

from __future__ import annotations

from rewardlang import ir
from rewardlang.codegen.emission import HERE, Emission, conjuncts, wants_goal
from rewardlang.codegen.emit_while import emit_while, freeze, watch
from rewardlang.codegen.layout import Cell
from rewardlang.codegen.sharing import Scope


def emit_stage(e: Emission, cell: Cell, stage: ir.Stage) -> None:
    """The functions of a stage."""
    e.page.quote(f"stage {stage.path}", stage.span)
    # whether conditions become functions or not: places in a snapshot are asked for in one order
    e.truth(stage.until)
    if e.apart:
        e.condition(f"until_{cell.number}", stage.until)
    emit_while(e, cell)
    if stage.live:
        e.truth(_goal(stage))
        if e.apart:
            e.condition(f"goal_{cell.number}", _goal(stage))
    degree = _progress(e, stage.progress) if stage.progress else e.degree(stage.until)
    if e.apart:
        _judge_apart(e, cell, stage)
    else:
        _judge_stage(e, cell, stage, degree or "0.0")
    _value_stage(e, cell, stage, degree or "0.0")
    with e.page.function(f"active_{cell.number}(m)", stage.span):
        label = f"({stage.path!a},)"
        e.page.add(f"return () if m[{cell.slots['done']}] else {label}", stage.span)


def _judge_stage(e: Emission, cell: Cell, stage: ir.Stage, degree: str) -> None:
    """Judged and, where it is not done, valued: what both ask for is worked out once."""
    page, span = e.page, stage.span
    until, following = e.truth(stage.until), _overtaken_by(e, cell, stage)
    passed = () if following is None else _passed(following)
    degree = degree.replace(f"graded({until}, ", "graded(until, ")
    asked = [] if cell.while_ is None else [e.truth(cell.while_)]
    scope = Scope(page, [*asked, until, *map(e.truth, passed), degree])
    with page.function(f"judge_{cell.number}({HERE})", span):
        if stage.live or cell.parent is None or cell.parent.mode != "seq":
            _judge_done(e, cell, stage)  # others are not asked again once they are done
        watch(e, cell, scope)
        e.write("until =", conjuncts(stage.until), scope)
        finished = _held(e, cell, stage, "until")
        if passed:
            e.write(f"if {finished} or", passed, scope, end=":")
        else:
            page.add(f"if {finished}:", span)
        with page.indented():
            _done(e, cell, stage)
            page.add("return 1.0", span)
        _worth(e, cell, stage, scope(degree, stage.until.span))


def _judge_apart(e: Emission, cell: Cell, stage: ir.Stage) -> None:
    """The same without its value; conditions are functions."""
    page, span = e.page, stage.span
    with page.function(f"judge_{cell.number}({HERE})", span):
        _judge_done(e, cell, stage)
        watch(e, cell, Scope(page, ()))
        finished = _held(e, cell, stage, f"until_{cell.number}({HERE})")
        following = _overtaken_by(e, cell, stage)
        if following is not None:
            finished += f" or until_{following.number}({HERE})"
            if following.while_ is not None:
                finished += f" and while_{following.number}({HERE})"
        with page.block(f"if {finished}:", span):
            _done(e, cell, stage)
        page.add("return NOWHERE", span)


def _judge_done(e: Emission, cell: Cell, stage: ir.Stage) -> None:
    """Stays done, but for a live stage: its goal atoms alone, missed for long enough, undo it."""
    page, span = e.page, stage.span
    with page.block(f"if m[{cell.slots['done']}]:", span, "done"):
        if stage.live:
            missed = f"m[{cell.slots['missed']}]"
            holds = f"goal_{cell.number}({HERE})" if e.apart else e.truth(_goal(stage))
            page.add(f"{missed} = 0 if {holds} else {missed} + 1", span, "missed")
            with page.block(f"if {missed} >= {ir.LIVE_PATIENCE}:", span):
                page.add(cell.cleared(), span, "undone")
                if cell.while_ is not None:
                    page.add(f"m[{cell.slots['entered']}] = 1", span)
                if not e.apart:
                    page.add(f"return value_{cell.number}({HERE})", span)
        e.answer("1.0", span)


def _goal(stage: ir.Stage) -> ir.Expr:
    goal = stage.goal_atoms
    return goal[0] if len(goal) == 1 else ir.And(goal, stage.span)


def _held(e: Emission, cell: Cell, stage: ir.Stage, until: str) -> str:
    """The condition that `until` has held for long enough, with its steps counted."""
    if stage.dwell == 1:
        return until
    held = f"m[{cell.slots['held']}]"
    e.page.add(f"{held} = {held} + 1 if {until} else 0", stage.span, "held for so many steps")
    return f"{held} >= {stage.dwell}"


def _done(e: Emission, cell: Cell, stage: ir.Stage) -> None:
    e.page.add(f"m[{cell.slots['done']}] = 1", stage.span, "done")
    e.page.add(f"m[{cell.slots['value']}] = 1.0", stage.span)


def _passed(following: Cell) -> tuple[ir.Expr, ...]:
    """The conditions under which the next stage ends this one as well."""
    assert isinstance(following.node, ir.Stage)
    permitted = () if following.while_ is None else conjuncts(following.while_)
    return (*conjuncts(following.node.until), *permitted)


def _overtaken_by(e: Emission, cell: Cell, stage: ir.Stage) -> Cell | None:
    """The stage whose `until` ends this one as well: the next in a `seq`, after a process stage."""
    if cell.parent is None or cell.parent.mode != "seq" or wants_goal(stage, e.program):
        return None
    later = cell.parent.children[cell.index + 1 : cell.index + 2]
    return later[0] if later and isinstance(later[0].node, ir.Stage) else None


def _worth(e: Emission, cell: Cell, stage: ir.Stage, degree: str) -> None:
    """What a stage that is not done is worth: its degree, brought below 1 where need be."""
    page, span, value = e.page, stage.until.span, f"m[{cell.slots['value']}]"
    if isinstance(stage.until, ir.Atom) and stage.dwell == 1 and stage.progress is None:
        # a single condition that does not hold: its degree is below 1 by itself
        page.add(f"x = {value} = {degree}", span)
    else:
        page.add(f"x = {degree}", span)
        page.add(f"x = {value} = x if x < {ir.PHI_CAP!r} else {ir.PHI_CAP!r}", span)
    page.add("return x", span)


def _value_stage(e: Emission, cell: Cell, stage: ir.Stage, degree: str) -> None:
    page, slots, span = e.page, cell.slots, stage.span
    with page.function(f"value_{cell.number}({HERE})", span):
        with page.block(f"if m[{slots['done']}]:", span, "done"):
            page.add("return 1.0", span)
        freeze(e, cell)
        value = "0.0" if degree == "0.0" else f"min({ir.PHI_CAP!r}, {degree})"
        page.add(f"x = m[{slots['value']}] = {value}", stage.until.span)
        page.add("return x", span)


def _progress(e: Emission, progress: ir.Progress) -> str:
    now = e.writer.measure(progress.measure)
    start, end = (
        e.writer.reset_value(now) if bound is None else repr(float(bound))
        for bound in (progress.start, progress.end)
    )
    return f"between({now}, {start}, {end})"
