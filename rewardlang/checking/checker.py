"""Syntax tree + scene -> checked program, or what is wrong with it. All of it, not the first.

Names and kinds are `names`' and `conditions`' part; here stand the structure and the numbers:
weights become shares, macros are expanded, stages become live or latched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import assert_never

from rewardlang import ir
from rewardlang.checking.conditions import Conditions
from rewardlang.checking.library import MACROS, MEASURES
from rewardlang.checking.names import Known, Names
from rewardlang.checking.reasoning import asserted, atom_key, conjuncts, goal_key
from rewardlang.checking.signatures import Macro, Thing
from rewardlang.datatypes import format_number
from rewardlang.diagnostics import Diagnostic, Label, Suggestion
from rewardlang.scene import Scene
from rewardlang.source import Source, Span
from rewardlang.syntax import nodes
from rewardlang.syntax.formatter import format_call
from rewardlang.syntax.parser import parse_node

MAX_PLAUSIBLE_DWELL = 100  # control steps; the shortest suite has 220 per episode
MOST_LINES = 8  # that a note lists
LEAST_PROGRESS = 0.1  # of the larger end: a shorter span of `progress` is next to nothing


@dataclass(frozen=True, slots=True)
class Checked:
    """`program` is None where there are errors."""

    program: ir.Program | None
    diagnostics: tuple[Diagnostic, ...]


def check(tree: nodes.Program, scene: Scene | None, source: Source) -> Checked:
    """Check `tree` against its scene; without one, only what needs none."""
    found: list[Diagnostic] = []
    names = Names(scene, found.append)
    names.declare(tree.objects)
    checker = _Checker(Conditions(names), found)
    success = checker.success(tree.success, tree.task)
    root = checker.root(tree.root)
    gamma = checker.gamma(tree.shaping)
    penalties = checker.penalties(tree.penalties)
    if scene:
        names.unused(tree.objects)
    if scene is None or success is None or root is None or any(d.is_error for d in found):
        return Checked(None, tuple(_merged(found, source)))
    program = ir.Program(
        task=tree.task.text.value,
        scene=scene.id,
        root=root,
        success=success,
        goal=_goal(scene),
        shaping=tree.shaping.mode if tree.shaping else "level",
        gamma=gamma,
        penalties=penalties,
        source=source,
        aliases=tuple((item.alias.text, item.target.text) for item in tree.objects),
    )
    return Checked(program, tuple(found))


def _merged(found: Iterable[Diagnostic], source: Source) -> list[Diagnostic]:
    """A name that is unknown in many places is reported once, with the other lines in a note."""
    first: dict[object, Diagnostic] = {}
    lines: dict[object, list[int]] = {}
    for item in sorted(found, key=lambda d: d.span):
        same = item.message if item.code.startswith("unknown-") else item
        first.setdefault(same, item)
        lines.setdefault(same, []).append(source.line_column(item.span.start)[0])
    return [
        _with_places(item, [line for line in lines[same] if line != lines[same][0]])
        for same, item in first.items()
    ]


def _with_places(found: Diagnostic, lines: Sequence[int]) -> Diagnostic:
    if not lines:
        return found
    numbers = [str(line) for line in dict.fromkeys(lines)]
    shown = ", ".join(numbers[:MOST_LINES]) + (", …" if len(numbers) > MOST_LINES else "")
    note = f"also in line{'s' if len(numbers) > 1 else ''} {shown}"
    return replace(found, notes=(*found.notes, note))


def _goal(scene: Scene) -> tuple[ir.GoalAtom, ...]:
    return tuple(ir.GoalAtom(predicate, tuple(things)) for predicate, *things in scene.goal)


@dataclass
class _Checker:
    """One scope: the program, or the inside of a macro (then `at` is where it is used)."""

    conditions: Conditions
    found: list[Diagnostic]
    success_keys: frozenset[tuple[str, ...]] = frozenset()
    at: Span | None = None

    def success(self, success: nodes.Success, task: nodes.Task) -> ir.Success | None:
        """What success is; its atoms decide which stages are live."""
        scene = self.conditions.names.scene
        dwell = self._dwell(success.dwell)
        if success.expr is not None:
            expr = self.conditions.expr(success.expr)
            if expr is None:
                return None
            self.success_keys = frozenset(atom_key(atom) for atom in asserted(expr))
            return ir.Success(expr, dwell, success.span)
        if scene is None:
            return None
        if not success.is_hole:
            self._native_goal(success, task, scene)
        self.success_keys = frozenset(goal_key(atom) for atom in _goal(scene))
        return ir.Success(None, 1, success.span)

    def _native_goal(self, success: nodes.Success, task: nodes.Task, scene: Scene) -> None:
        """`success bddl` needs a goal in the scene, and the instruction that goes with it."""
        if not scene.goal:
            hint = "say what success is: `success when …`"
            self._report("empty-goal", "the goal of this scene is empty", success.span, hint)
        if task.text.value and task.text.value not in scene.instructions:
            self._other_task(task, scene)

    def root(self, node: nodes.Node) -> ir.Node | None:
        if isinstance(node, nodes.Keep):
            message = "`keep` alone earns nothing: it can only subtract"
            self._report("misplaced-keep", message, node.span, "put it into `seq` or `all`")
        elif node.weight:
            self._without_effect(node.weight, "there is nothing beside it")
        name = node.name.text if node.name else ""
        return self._node(node, name, "", 1.0)

    def gamma(self, shaping: nodes.Shaping | None) -> float:
        if shaping is None or shaping.gamma is None:
            return 1.0
        gamma, span = shaping.gamma.value, shaping.gamma.span
        if shaping.mode in ("level", "sparse"):
            message = f"`{shaping.mode}` has no `gamma`: its rewards are no differences"
            hint = "`gamma` belongs to `telescope` and `pbrs`"
            self._report("bad-gamma", message, span, hint)
        elif not 0 < gamma <= 1:
            message = f"`gamma` is greater than 0 and at most 1, not {format_number(gamma)}"
            self._report("bad-gamma", message, span)
        elif gamma != 1:
            message = "`gamma` below 1 is right only with a learner that discounts by the same"
            hint = "with 0.99, holding an object returns -0.9 under `telescope`, and idling 0"
            self._report("discounting", message, span, hint)
        return gamma

    def penalties(self, penalties: Sequence[nodes.Penalty]) -> tuple[ir.Penalty, ...]:
        self._distinct([item.name for item in penalties])
        checked = []
        for item in penalties:
            expr = self.conditions.expr(item.expr)
            if item.cost.value == 0:
                self._report("bad-penalty", "a penalty costs more than 0", item.cost.span)
            if expr is not None:
                checked.append(ir.Penalty(item.name.text, item.cost.value, expr, item.span))
        self._limit_costs(penalties)
        return tuple(checked)

    def _limit_costs(self, penalties: Sequence[nodes.Penalty]) -> None:
        """Report the penalty with which they cost too much together."""
        total = 0.0
        for item in penalties:
            total += item.cost.value
            if total > ir.MAX_TOTAL_PENALTY + 1e-9:
                message = f"with this one, penalties cost {format_number(round(total, 4))} together"
                hint = f"at most {ir.MAX_TOTAL_PENALTY} may be lost"
                self._report("bad-penalty", message, item.cost.span, hint)
                return

    def _node(self, node: nodes.Node, name: str, path: str, share: float) -> ir.Node | None:
        match node:
            case nodes.Stage():
                return self._stage(node, name, path or name, share)
            case nodes.Group():
                while_ = self._while(node.while_)
                return self._group(node, name, path, share, while_)
            case nodes.Use():
                return self._use(node, name, path, share)
            case nodes.Keep():
                expr = self.conditions.expr(node.expr)
                span = self._span(node)
                return ir.Keep(name, path, share, expr, span) if expr is not None else None
            case _:
                assert_never(node)

    def _stage(self, stage: nodes.Stage, name: str, path: str, share: float) -> ir.Stage | None:
        until = self.conditions.expr(stage.until.expr)
        dwell = self._dwell(stage.until.dwell)
        progress = self._progress(stage.progress) if stage.progress else None
        while_ = self._while(stage.while_)
        if until is None or (stage.while_ and while_ is None):
            return None
        judged = self._judged_again(stage, until)
        live, span = bool(judged), self._span(stage)
        return ir.Stage(name, path, share, until, dwell, while_, live, judged, progress, span)

    def _judged_again(self, stage: nodes.Stage, until: ir.Expr) -> tuple[ir.Atom, ...]:
        """The atoms that re-judge the stage after it was done; none where it is latched."""
        needed = conjuncts(until)
        of_goal = tuple(atom for atom in needed if atom_key(atom) in self.success_keys)
        if stage.mode == "latch":
            return ()
        if stage.mode == "live" and not needed:
            message = "a `live` stage is judged again by conditions joined with `and`"
            self._report("bad-live", message, stage.until.span, "there is none in this `until`")
        return of_goal or (needed if stage.mode == "live" else ())

    def _group(
        self,
        group: nodes.Group,
        name: str,
        path: str,
        share: float,
        while_: ir.Expr | None,
    ) -> ir.Group | None:
        self._distinct([child.name for child in group.children if child.name])
        self._check_members(group)
        weights = [self._weight(child.weight) for child in group.children]
        earning = [not isinstance(child, nodes.Keep) for child in group.children]
        total = sum(w for w, earns in zip(weights, earning, strict=True) if earns) or 1.0
        children, names = [], sibling_names(group.children)
        for child, weight, own in zip(group.children, weights, names, strict=True):
            below = f"{path}.{own}" if path else own
            part = 1.0 if group.mode == "any" else weight / total
            children.append(self._node(child, own, below, part))
        good = tuple(child for child in children if child is not None)
        if len(good) < len(children) or (group.while_ and while_ is None):
            return None
        return ir.Group(group.mode, name, path, share, while_, good, self._span(group))

    def _check_members(self, group: nodes.Group) -> None:
        """`keep` and `weight` where they mean something."""
        if all(isinstance(child, nodes.Keep) for child in group.children):
            message = f"this `{group.mode}` holds nothing but `keep`"
            self._report("nothing-to-earn", message, group.span, "`keep` can only subtract")
        if group.mode != "any":
            return
        for child in group.children:
            if isinstance(child, nodes.Keep):
                message = "`keep` has no place in `any`: there is no sum to subtract from"
                self._report("misplaced-keep", message, child.span, "put it into `seq` or `all`")
            elif child.weight:
                self._without_effect(child.weight, "`any` is worth its best branch")

    def _use(self, use: nodes.Use, name: str, path: str, share: float) -> ir.Group | None:
        while_ = self._while(use.while_)
        macro = MACROS.get(use.macro.text)
        if macro is None:
            self.conditions.names.unknown_call(use.macro, "macro")
            self._mention(use.args)
            return None
        scope = self._macro_scope(macro, use)
        if scope is None or (use.while_ and while_ is None):
            return None
        at = self._span(use)
        inside = _Checker(Conditions(scope, at), self.found, self.success_keys, at)
        return inside._group(macro_body(macro.source), name, path, share, while_)

    def _macro_scope(self, macro: Macro, use: nodes.Use) -> Names | None:
        """The names inside of the macro: its parameters, as what they are given."""
        if any(isinstance(arg, nodes.Name) and arg.is_hole for arg in use.args):
            self._mention(use.args)
            return None
        if len(use.args) != len(macro.parameters):
            count = len(macro.parameters)
            message = f"`{macro.name}` takes {count} arguments, not {len(use.args)}"
            notes = (f"`use {macro.signature}`", macro.explained)
            self._add(Diagnostic("wrong-argument-count", message, use.span, notes=notes))
            self._mention(use.args)
            return None
        things: dict[str, ir.Ref | None] = {}
        for parameter, arg in zip(macro.parameters, use.args, strict=True):
            assert isinstance(parameter, Thing)
            where = f"`{parameter.name}` of `{macro.name}`"
            things[parameter.name] = self.conditions.thing(arg, parameter.kinds, where)
        given = {name: ref for name, ref in things.items() if ref}
        text = format_call(nodes.Call(use.macro, use.args))
        if len(given) < len(things) or not self.conditions.differ(
            tuple(given.values()), text, use.span
        ):
            return None
        aliases = {name: Known(ref.name, ref.kind) for name, ref in given.items()}
        return Names(self.conditions.names.scene, self._add, dict(aliases))

    def _mention(self, args: Iterable[nodes.Arg]) -> None:
        for arg in args:
            if isinstance(arg, nodes.Name):
                self.conditions.names.find(arg)

    def _progress(self, progress: nodes.Progress) -> ir.Progress | None:
        measure = self.conditions.measure(progress.measure)
        if measure is None:
            return None
        row = MEASURES[measure.measure]
        what = f"`{row.name}`"
        start, end = (
            None if bound is None else self.conditions.quantity(bound, row.dimension, what)
            for bound in (progress.start, progress.end)
        )
        given = [bound for bound in (start, end) if bound is not None]
        if progress.start is None and progress.end is None:
            message = "`progress` from `reset` to `reset` goes nowhere"
            self._report("bad-progress", message, progress.span)
        elif len(given) == 2 and abs(given[1] - given[0]) <= LEAST_PROGRESS * max(given):
            message = f"`{format_call(progress.measure)}` has next to nothing to go here"
            hint = "the two ends differ by 10 % or less"
            self._report("bad-progress", message, progress.span, hint)
        return ir.Progress(measure, start, end)

    def _while(self, clause: nodes.While | None) -> ir.Expr | None:
        return self.conditions.expr(clause.expr) if clause else None

    def _weight(self, weight: nodes.Number | None) -> float:
        if weight is None:
            return 1.0
        if weight.value == 0:
            message = "a weight is greater than 0"
            self._report("bad-weight", message, weight.span, "leave the stage out instead")
        return weight.value

    def _dwell(self, dwell: nodes.Number | None) -> int:
        if dwell is None:
            return 1
        steps = int(dwell.value)
        if steps != dwell.value:
            message = f"{format_number(dwell.value)} steps: a control step has no fractions"
            self._report("bad-dwell", message, dwell.span, "a whole number")
        elif steps == 0:
            message = "`for 0 steps` would hold before anything happened"
            self._report("bad-dwell", message, dwell.span, "1 is the least, and the default")
        elif steps > MAX_PLAUSIBLE_DWELL:
            message = f"`for {steps} steps` is a large part of an episode"
            self._report("implausible-threshold", message, dwell.span, "usual are 1 to 20")
        return steps

    def _distinct(self, names: Sequence[nodes.Name]) -> None:
        """Siblings' names are unique."""
        first: dict[str, nodes.Name] = {}
        for name in names:
            if name.is_hole or first.setdefault(name.text, name) is name:
                continue
            message = f"`{name.text}` is already the name of a sibling"
            label = (Label(first[name.text].span, "first here"),)
            self._add(Diagnostic("duplicate-name", message, name.span, related=label))

    def _other_task(self, task: nodes.Task, scene: Scene) -> None:
        message = "`task` is not the instruction of this scene, whose goal `success bddl` judges"
        fix = tuple(Suggestion(f'"{own}"', "the instruction") for own in scene.instructions)
        note = "for a goal of your own write `success when …`; then any `task` will do"
        found = Diagnostic("task-mismatch", message, task.text.span, suggestions=fix, notes=(note,))
        self._add(found)

    def _without_effect(self, weight: nodes.Number, why: str) -> None:
        self._report("weight-without-effect", f"this weight has no effect: {why}", weight.span)

    def _report(self, code: str, message: str, span: Span, hint: str = "") -> None:
        self._add(Diagnostic(code, message, span, hint))

    def _add(self, found: Diagnostic) -> None:
        self.found.append(found)

    def _span(self, node: nodes.Node) -> Span:
        return self.at or node.span


def sibling_names(siblings: Sequence[nodes.Node]) -> list[str]:
    """The siblings' names; those without one get a name that no other has.

    A macro is called after itself and what it is about: `place_in_soup`.
    """
    taken = {node.name.text for node in siblings if node.name}
    names = []
    for node in siblings:
        name = base = node.name.text if node.name else _name_for(node)
        count = 1
        while not node.name and name in taken:
            count += 1
            name = f"{base}_{count}"
        taken.add(name)
        names.append(name)
    return names


def _name_for(node: nodes.Node) -> str:
    if isinstance(node, nodes.Use):
        things = [arg.text for arg in node.args[:1] if isinstance(arg, nodes.Name)]
        return "_".join([node.macro.text, *things])
    assert isinstance(node, nodes.Group)
    return node.mode


@cache
def macro_body(source: str) -> nodes.Group:
    """A macro's body."""
    body = parse_node(source)
    assert isinstance(body, nodes.Group)
    return body
