"""A stage as Python: when it is done, when it is undone, what it is worth meanwhile."""

from __future__ import annotations

from rewardlang import ir
from rewardlang.codegen.emission import HERE, Emission, wants_goal
from rewardlang.codegen.emit_while import emit_while, freeze, watch
from rewardlang.codegen.layout import Cell
from rewardlang.source import Span


def emit_stage(e: Emission, cell: Cell, stage: ir.Stage) -> None:
    """The functions of a stage."""
    e.page.quote(f"stage {stage.path}", stage.span)
    e.condition(f"until_{cell.number}", stage.until)
    emit_while(e, cell)
    if stage.live:
        goal = stage.goal_atoms
        expr = goal[0] if len(goal) == 1 else ir.And(goal, stage.span)
        e.condition(f"goal_{cell.number}", expr)
    _judge_stage(e, cell, stage)
    _value_stage(e, cell, stage)
    with e.page.function(f"active_{cell.number}(m)", stage.span):
        label = f"({stage.path!a},)"
        e.page.add(f"return () if m[{cell.slots['done']}] else {label}", stage.span)


def _judge_stage(e: Emission, cell: Cell, stage: ir.Stage) -> None:
    page, slots, span = e.page, cell.slots, stage.span
    with page.function(f"judge_{cell.number}({HERE})", span):
        with page.block(f"if m[{slots['done']}]:", span, "done"):
            if stage.live:
                _judge_again(e, cell, span)
            page.add("return NOWHERE", span)
        watch(e, cell)
        with page.block(f"if {_finished(e, cell, stage)}:", span):
            page.add(f"m[{slots['done']}] = 1", span, "done")
            page.add(f"m[{slots['value']}] = 1.0", span)
        page.add("return NOWHERE", span)


def _judge_again(e: Emission, cell: Cell, span: Span) -> None:
    """A live stage that is done is undone by its goal atoms alone, two steps in a row."""
    page, missed = e.page, f"m[{cell.slots['missed']}]"
    page.add(f"{missed} = 0 if goal_{cell.number}({HERE}) else {missed} + 1", span, "missed")
    with page.block(f"if {missed} >= {ir.LIVE_PATIENCE}:", span):
        page.add(cell.cleared(), span, "undone")
        if cell.while_ is not None:
            page.add(f"m[{cell.slots['entered']}] = 1", span)


def _finished(e: Emission, cell: Cell, stage: ir.Stage) -> str:
    """The condition for "done", with its dwell counted; the next stage's `until` may do."""
    until = f"until_{cell.number}({HERE})"
    if stage.dwell > 1:
        held = f"m[{cell.slots['held']}]"
        e.page.add(f"{held} = {held} + 1 if {until} else 0", stage.span, "held for so many steps")
        until = f"{held} >= {stage.dwell}"
    following = _overtaken_by(e, cell, stage)
    if following is None:
        return until
    passed = f"until_{following.number}({HERE})"
    if following.while_ is not None:
        passed += f" and while_{following.number}({HERE})"
    return f"{until} or {passed}"


def _overtaken_by(e: Emission, cell: Cell, stage: ir.Stage) -> Cell | None:
    """The stage whose `until` ends this one as well: the next in a `seq`, after a process stage."""
    if cell.parent is None or cell.parent.mode != "seq" or wants_goal(stage, e.program):
        return None
    later = cell.parent.children[cell.index + 1 : cell.index + 2]
    return later[0] if later and isinstance(later[0].node, ir.Stage) else None


def _value_stage(e: Emission, cell: Cell, stage: ir.Stage) -> None:
    page, slots, span = e.page, cell.slots, stage.span
    with page.function(f"value_{cell.number}({HERE})", span):
        with page.block(f"if m[{slots['done']}]:", span, "done"):
            page.add("return 1.0", span)
        freeze(e, cell)
        degree = _progress(e, stage.progress) if stage.progress else e.degree(stage.until)
        value = "0.0" if degree is None else f"min({ir.PHI_CAP!r}, {degree})"
        page.add(f"x = m[{slots['value']}] = {value}", stage.until.span)
        page.add("return x", span)


def _progress(e: Emission, progress: ir.Progress) -> str:
    now = e.writer.measure(progress.measure)
    start, end = (
        e.writer.reset_value(now) if bound is None else repr(float(bound))
        for bound in (progress.start, progress.end)
    )
    return f"between({now}, {start}, {end})"
