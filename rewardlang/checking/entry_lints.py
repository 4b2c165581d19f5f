"""Warnings about how a stage is entered and left: what `while` waits for, what `latch` keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rewardlang import ir
from rewardlang.checking.reasoning import asserted, atom_key, conjuncts, goal_keys, said, things
from rewardlang.checking.signatures import amount_text
from rewardlang.checking.stage_lints import MOST_COMPARED, Brought, View
from rewardlang.datatypes import Dimension
from rewardlang.diagnostics import Diagnostic

_BROUGHT_ABOUT_BY = {  # what is false at reset but for rare cases -> what brings it about
    "grasped": ("grasped", "lifted"),
    "near": ("near", "grasped", "touching"),  # of the gripper
    "over": ("over", "above", "at_mouth", "in", "on", "resting"),
    "above": ("above",),
    "at_mouth": ("at_mouth",),
}
_SAME_TOLERANCE = ({"near"}, {"over", "above"}, {"at_mouth"})  # it is their last argument


def _unprepared_while(view: View) -> Iterator[Diagnostic]:
    """A `seq` enters a stage only while its `while` holds; until then nothing is paid.

    A stage that stands alone says nothing about how its beginning is to come about.
    """
    if not (view.before or view.after):
        return
    waited_for = conjuncts(view.stage.while_) if view.stage.while_ else ()
    for atom in filter(_is_made, waited_for[:MOST_COMPARED]):
        key = atom_key(atom)
        if any(key in stage.waited_for for stage in view.before):
            continue
        preparing = [stage for stage in view.before if _prepares(stage, atom)]
        made = [one for stage in preparing for one in _preparing(stage, atom)]
        if not preparing:
            yield _nobody_prepares(view, atom)
        elif not any(_is_close_enough(one, atom) for one in made):
            yield _ends_too_far(view, atom, preparing[-1])


def _is_made(atom: ir.Atom) -> bool:
    """Whether somebody has to bring it about, as far as the text tells."""
    known = atom.predicate in _BROUGHT_ABOUT_BY and bool(things(atom))
    return known and (atom.predicate != "near" or len(things(atom)) == 1)


def _prepares(stage: Brought, atom: ir.Atom) -> bool:
    """Whether the stage brings `atom` about, or nearly so."""
    item = things(atom)[0]
    return any((made, item) in stage.about for made in _BROUGHT_ABOUT_BY[atom.predicate])


def _preparing(stage: Brought, atom: ir.Atom) -> list[ir.Atom]:
    """What it is that does."""
    return [
        made
        for made in stage.asserted
        if made.predicate in _BROUGHT_ABOUT_BY[atom.predicate]
        and things(made)[:1] == things(atom)[:1]
    ]


def _is_close_enough(made: ir.Atom, atom: ir.Atom) -> bool:
    return not (_compares(made, atom) and _tolerance(made) > _tolerance(atom))


def _compares(made: ir.Atom, atom: ir.Atom) -> bool:
    """Whether both have a tolerance of the same kind, and of the same things."""
    predicates = {made.predicate, atom.predicate}
    same = any(predicates <= alike for alike in _SAME_TOLERANCE)
    return same and made.args[:2] == atom.args[:2]


def _tolerance(atom: ir.Atom) -> float:
    value = atom.args[-1]
    assert isinstance(value, float)
    return value


def _nobody_prepares(view: View, atom: ir.Atom) -> Diagnostic:
    text = _said(view, atom)
    message = f"`{view.stage.name}` waits for `{text}`, which no stage before brings about"
    return Diagnostic("unprepared-while", message, atom.span, "nothing is paid until then")


def _ends_too_far(view: View, atom: ir.Atom, before: Brought) -> Diagnostic:
    done = max(_tolerance(made) for made in _preparing(before, atom))
    text, wanted = _said(view, atom), _tolerance(atom)
    message = (
        f"`{view.stage.name}` waits for `{text}` within {amount_text(wanted, Dimension.LENGTH)}, "
        f"but `{before.name}` is done at {amount_text(done, Dimension.LENGTH)}"
    )
    return Diagnostic("unprepared-while", message, atom.span, "nothing is paid in between")


def _said(view: View, atom: ir.Atom) -> str:
    text = said(view.program, atom)
    return text.replace("near(", "near(gripper, ") if atom.predicate == "near" else text


def _latched_goal(view: View) -> Iterator[Diagnostic]:
    """Only `latch` takes a part of the goal from being judged again."""
    goal = goal_keys(view.program)
    if view.stage.live or len(goal) < 2:
        return
    for atom in asserted(view.stage.until):
        if atom_key(atom) in goal:
            text = said(view.program, atom)
            message = f"`{view.stage.name}` keeps its pay when `{text}` is undone again"
            yield Diagnostic("latched-goal", message, atom.span, "drop `latch`")


ENTRY_RULES: tuple[Callable[[View], Iterator[Diagnostic]], ...] = (
    _unprepared_while,
    _latched_goal,
)
