"""Warnings that look at one stage, and at what stands before, after and around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from rewardlang import ir
from rewardlang.checking.reasoning import (
    asserted,
    atom_key,
    conjuncts,
    exclude,
    goal_key,
    goal_keys,
    said,
    said_key,
    things,
)
from rewardlang.diagnostics import Diagnostic
from rewardlang.fittings import mouth_of
from rewardlang.scene import Scene

MOST_COMPARED = 50  # atoms of one condition that are compared with each other
_PLACEMENTS = ("in", "on", "resting")
_FROM_ABOVE = ("over", "above")
_CARRYING = (*_FROM_ABOVE, "at_mouth")


@dataclass(frozen=True)
class Brought:
    """What an earlier or later stage brings about: whole atoms, and (predicate, thing).

    `asserted` are the atoms themselves, `waited_for` those of its own `while`.
    """

    name: str
    asserted: tuple[ir.Atom, ...]
    waited_for: frozenset[tuple[str, ...]]
    atoms: frozenset[tuple[str, ...]]
    about: frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class View:
    """A stage in its place: what the `seq`s around it bring about before and after it.

    `held` are the atoms of its `while` and those of the groups around it.
    """

    stage: ir.Stage
    program: ir.Program
    scene: Scene
    before: tuple[Brought, ...]
    after: tuple[Brought, ...]
    held: tuple[ir.Atom, ...]

    @property
    def has_own_goal(self) -> bool:
        """`success when`: the scene's goal does not count."""
        return self.program.success.expr is not None

    @property
    def until(self) -> tuple[ir.Atom, ...]:
        return conjuncts(self.stage.until)

    def came_before(self, predicate: str, thing: str) -> bool:
        """Whether an earlier stage brings `predicate(thing, …)` about."""
        return any((predicate, thing) in stage.about for stage in self.before)

    def is_reached(self, key: tuple[str, ...]) -> bool:
        """Whether an earlier stage brings this very atom about."""
        return any(key in stage.atoms for stage in self.before)

    def is_to_enter(self, item: str, place: str) -> bool:
        """Whether this stage or a later one puts the item there."""
        entered = {(predicate, item, place) for predicate in _PLACEMENTS}
        return any(entered & stage.atoms for stage in (_brought(self.stage), *self.after))

    def called(self, name: str) -> str:
        return self.program.called(name)

    def holds(self, predicates: Sequence[str], *about: str) -> bool:
        """Whether `while`, or `until` itself, asks for one of the predicates of the things."""
        return any(
            atom.predicate in predicates and things(atom)[: len(about)] == about
            for atom in (*self.held, *self.until)
        )


def views(program: ir.Program, scene: Scene) -> Iterator[View]:
    """The program's stages, each in its place."""
    yield from _views(program.root, _Around(program, scene))


@dataclass(frozen=True)
class _Around:
    """A `View` without its stage."""

    program: ir.Program
    scene: Scene
    before: tuple[Brought, ...] = ()
    after: tuple[Brought, ...] = ()
    held: tuple[ir.Atom, ...] = ()


def _views(node: ir.Node, around: _Around) -> Iterator[View]:
    if isinstance(node, ir.Keep):
        return
    held = (*around.held, *(conjuncts(node.while_) if node.while_ else ()))
    if isinstance(node, ir.Stage):
        yield View(node, around.program, around.scene, around.before, around.after, held)
        return
    if node.mode != "seq":
        for child in node.children:
            yield from _views(child, replace(around, held=held))
        return
    below = [tuple(map(_brought, stages_below(child))) for child in node.children]
    before, after = around.before, (*chain.from_iterable(below), *around.after)
    for child, own in zip(node.children, below, strict=True):
        after = after[len(own) :]
        yield from _views(child, replace(around, before=before, after=after, held=held))
        before = (*before, *own)


def _brought(stage: ir.Stage) -> Brought:
    atoms = asserted(stage.until)
    about = ((atom.predicate, *things(atom)[:1]) for atom in atoms)
    waited_for = conjuncts(stage.while_) if stage.while_ else ()
    return Brought(
        stage.name,
        atoms,
        frozenset(map(atom_key, waited_for)),
        frozenset(map(atom_key, atoms)),
        frozenset(about),
    )


def _lift_before_grasp(view: View) -> Iterator[Diagnostic]:
    for atom in view.until:
        if atom.predicate != "lifted":
            continue
        item = things(atom)[0]
        if not view.came_before("grasped", item) and not view.holds(("grasped",), item):
            message = (
                f"`{view.stage.name}` lifts `{view.called(item)}`, which no stage before grasps"
            )
            yield Diagnostic("lift-before-grasp", message, atom.span)


def _carry_without_grasp(view: View) -> Iterator[Diagnostic]:
    for atom in view.until:
        if atom.predicate not in _CARRYING:
            continue
        item = things(atom)[0]
        if view.came_before("grasped", item) and not view.holds(("grasped",), item):
            called = view.called(item)
            message = f"`{view.stage.name}` goes on when `{called}` is dropped on the way"
            hint = f"add `while grasped({called})`"
            yield Diagnostic("carry-without-grasp", message, atom.span, hint)


def _lower_without_over(view: View) -> Iterator[Diagnostic]:
    for atom in _first_placements(view):
        item, place = things(atom)
        if view.holds(_CARRYING, item, place) or view.holds(("grasped",), item):
            continue
        what, where = view.called(item), view.called(place)
        message = f"`{view.stage.name}` still pays when `{what}` is dropped beside `{where}`"
        held = f"grasped({what})" if _has_mouth(view, place) else f"over({what}, {where})"
        hint = f"add `while {held}`"
        yield Diagnostic("lower-without-over", message, atom.span, hint)


def _roof_from_above(view: View) -> Iterator[Diagnostic]:
    """`above` and `over` a roofed region that the item enters, in this stage or a later one."""
    for atom in (*view.until, *view.held):
        if atom.predicate not in _FROM_ABOVE:
            continue
        item, place = things(atom)
        region = view.scene.regions_by_name.get(place)
        if region is None or not region.roofed or not view.is_to_enter(item, place):
            continue
        what, where = view.called(item), view.called(place)
        message = f"`{where}` has a roof: nothing gets into it from above"
        first = f"`at_mouth({what}, {where})` first, then " if _has_mouth(view, place) else ""
        hint = f"{first}in `while grasped({what})`"
        yield Diagnostic("roof-from-above", message, atom.span, hint)


def _without_release(view: View) -> Iterator[Diagnostic]:
    for atom in _first_placements(view):
        item = things(atom)[0]
        letting_go = {("released", item), ("gripper_open",)}
        if any(letting_go & stage.about for stage in (_brought(view.stage), *view.after)):
            continue
        others = [key for key in goal_keys(view.program) if item not in key]
        if any(not view.is_reached(key) and key not in _held_at_reset(view) for key in others):
            called = view.called(item)
            message = f"`{called}` is placed and never let go, and another part of the goal follows"
            hint = f"add a stage `until released({called})`"
            yield Diagnostic("placement-without-release", message, atom.span, hint)


def _while_repeats_goal(view: View) -> Iterator[Diagnostic]:
    """A stage is entered only while its `while` holds: its goal would have to be reached first."""
    held = {atom_key(atom) for atom in view.held}
    wanted = view.stage.goal_atoms or view.until
    if wanted and all(atom_key(atom) in held for atom in wanted):
        message = f"`while` of `{view.stage.name}` asks beforehand for what its `until` waits for"
        yield Diagnostic("while-repeats-goal", message, wanted[0].span)


def _while_contradicts(view: View) -> Iterator[Diagnostic]:
    for atom in view.until[:MOST_COMPARED]:
        for held in view.held[:MOST_COMPARED]:
            if exclude(atom, held):
                wanted, meanwhile = said(view.program, atom), said(view.program, held)
                message = f"`{wanted}` cannot come true while `{meanwhile}`"
                yield Diagnostic("while-contradicts-until", message, atom.span)


def _true_at_reset(view: View) -> Iterator[Diagnostic]:
    if view.has_own_goal:
        return
    for atom in asserted(view.stage.until):
        if atom_key(atom) in _held_at_reset(view):
            text = said(view.program, atom)
            message = f"`{text}` holds from the start: `{view.stage.name}` pays for nothing"
            hint = f"write `keep {view.stage.name} {{ {text} }}`"
            yield Diagnostic("goal-true-at-reset", message, atom.span, hint)


def _extra_goal(view: View) -> Iterator[Diagnostic]:
    """`in`/`on` of an object that the goal wants somewhere else."""
    if view.has_own_goal:
        return
    goals = [goal_key(atom) for atom in view.program.goal]
    for atom in asserted(view.stage.until):
        if atom.predicate not in ("in", "on") or atom_key(atom) in goals:
            continue
        item = things(atom)[0]
        wanted = [key for key in goals if key[0] in ("in", "on") and key[1] == item]
        if wanted:
            message = f"`{said(view.program, atom)}` is not part of the goal"
            hint = f"the goal is `{said_key(view.program, wanted[0])}`"
            yield Diagnostic("extra-goal", message, atom.span, hint)


def _look_alike(view: View) -> Iterator[Diagnostic]:
    """An object of the same category as one of the goal's, which is not in the goal."""
    if view.has_own_goal:
        return
    in_goal = {name for atom in view.program.goal for name in atom.args}
    categories = {item.name: item.category for item in view.scene.objects if not item.fixture}
    twins = {categories[name]: name for name in sorted(in_goal) if name in categories}
    for atom in asserted(view.stage.until):
        for name in things(atom):
            twin = twins.get(categories.get(name, ""))
            if twin and name not in in_goal:
                message = (
                    f"`{view.called(name)}` looks like `{view.called(twin)}`, which is in the goal"
                )
                yield Diagnostic("look-alike", message, atom.span)


STAGE_RULES: tuple[Callable[[View], Iterator[Diagnostic]], ...] = (
    _lift_before_grasp,
    _carry_without_grasp,
    _lower_without_over,
    _roof_from_above,
    _without_release,
    _while_repeats_goal,
    _while_contradicts,
    _true_at_reset,
    _extra_goal,
    _look_alike,
)


def _has_mouth(view: View, place: str) -> bool:
    return place in view.scene.regions_by_name and mouth_of(view.scene, place) is not None


def _held_at_reset(view: View) -> set[tuple[str, ...]]:
    """The parts of the scene's goal that hold before anything is done."""
    goal = view.program.goal
    return {goal_key(goal[index]) for index in view.scene.goal_true_at_reset}


def _first_placements(view: View) -> Iterator[ir.Atom]:
    """The atoms that set a grasped object down, where no earlier stage has done so."""
    for atom in view.until:
        placed = atom.predicate in _PLACEMENTS and not view.is_reached(atom_key(atom))
        if placed and view.came_before("grasped", things(atom)[0]):
            yield atom


def stages_below(node: ir.Node) -> tuple[ir.Stage, ...]:
    """The stages of a part of the program, in order."""
    return tuple(below for below in ir.walk(node) if isinstance(below, ir.Stage))
