"""The language's semantics once more, for comparison: a tree walk over `ir.Program` and `World`.

Written from the description, not from the generated code: done is asked of the tree instead of
kept for groups, a `seq` has no pointer but a first child that is not done, geometry is numpy.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rewardlang import ir
from rewardlang.datatypes import Kind
from tests.rewardlang.sight import Sight
from tests.rewardlang.worlds import HAND, KITCHEN, World

CAP = 0.99


@dataclass
class Step:
    reward: float
    phi: float
    success: bool
    native: bool
    stages: tuple[str, ...]
    terms: dict[str, float]


@dataclass
class Interpreter:
    """One episode of one program. Call `step` once per control step, after the step."""

    program: ir.Program
    first: World  # after settling
    horizon: int
    bonus: float = 2.0
    steps: int = 0
    succeeded: bool = False
    success_held: int = 0
    fired: dict[str, int] = field(default_factory=dict)  # penalty -> steps violated, capped
    done: set[int] = field(default_factory=set)  # stages, by id
    entered: set[int] = field(default_factory=set)  # nodes with a `while`
    violated: dict[int, int] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)
    missed: dict[int, int] = field(default_factory=dict)
    value_of: dict[int, float] = field(default_factory=dict)
    starts: dict[tuple[int, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sight = Sight(self.first, self.first, self.first)
        self.parents = {
            id(child): node
            for node in ir.walk(self.program.root)
            if isinstance(node, ir.Group)
            for child in node.children
        }
        self.enter(self.program.root)
        self.phi = min(CAP, self.value(self.program.root))

    # --- one step --------------------------------------------------------------------------------

    def step(self, world: World) -> Step:
        self.sight = Sight(self.first, self.sight.now, world)
        native = self.native()
        if self.succeeded:
            return Step(0.0, self.phi, True, native, (), self.terms())
        self.steps += 1
        for penalty in self.program.penalties:
            count = self.fired.get(penalty.name, 0)
            if count < 2:
                self.fired[penalty.name] = count + 1 if self.holds(penalty.expr) else 0
        self.judge(self.program.root)
        worth = min(CAP, self.value(self.program.root))
        self.succeeded = self.success(native)
        cost = sum(p.cost for p in self.program.penalties if self.fired[p.name] == 2)
        phi = max(0.0, (1.0 if self.succeeded else worth) - min(0.5, cost))
        reward = self.pay(self.phi, phi, self.bonus - min(0.5, cost))
        self.phi = phi
        stages = () if self.succeeded else tuple(self.active(self.program.root))
        return Step(reward, phi, self.succeeded, native, stages, self.terms())

    def success(self, native: bool) -> bool:
        if self.program.success.expr is None:
            return native
        holds = self.holds(self.program.success.expr)
        self.success_held = self.success_held + 1 if holds else 0
        return self.success_held >= self.program.success.dwell

    def pay(self, before: float, phi: float, bonus: float) -> float:
        gamma = self.program.gamma
        extra = bonus if self.succeeded else 0.0
        match self.program.shaping:
            case "level":
                left = max(0, self.horizon - self.steps + 1)
                if self.succeeded:
                    return phi * left / self.horizon + extra
                return phi / self.horizon if left else 0.0
            case "telescope":
                return gamma * phi - before + extra
            case "pbrs":
                if self.steps > self.horizon:
                    return extra
                terminal = self.succeeded or self.steps == self.horizon
                return gamma * (0.0 if terminal else phi) - before + extra
            case _:
                return extra

    def native(self) -> bool:
        names = {"close": "closed", "turnon": "turned_on", "turnoff": "turned_off"}
        return all(
            self.holds(ir.Atom(names.get(head, head), tuple(map(_ref, args)), None))
            for head, *args in KITCHEN.goal
        )

    # --- the tree --------------------------------------------------------------------------------

    def children(self, node: ir.Node) -> list[ir.Node]:
        if not isinstance(node, ir.Group):
            return []
        return [child for child in node.children if not isinstance(child, ir.Keep)]

    def is_done(self, node: ir.Node) -> bool:
        if isinstance(node, ir.Stage):
            return id(node) in self.done
        together = any if node.mode == "any" else all
        return together(self.is_done(child) for child in self.children(node))

    def judge(self, node: ir.Node) -> ir.Node | None:
        """`move`, then the value of what is worked on, unless something around it went back."""
        was_done = self.is_done(node)
        back = self.move(node)
        stays = back is None or back in ir.walk(node)
        if stays and not (was_done and self.is_done(node)):
            self.value(node)
        return back

    def move(self, node: ir.Node) -> ir.Node | None:
        """Moves one step on; answers with the group that was taken back, if any."""
        if isinstance(node, ir.Stage) and self.is_done(node):
            self.judge_again(node)
            return None
        if node.while_ is not None and not self.is_done(node):
            permitted, back = self.watch(node)
            if not permitted:
                return back
        match node:
            case ir.Stage():
                self.judge_stage(node)
                return None
            case ir.Group(mode="seq"):
                return self.judge_seq(node)
            case _:
                return self.judge_branches(node)

    def judge_again(self, stage: ir.Stage) -> None:
        if not stage.live:
            return
        holds = all(self.holds(atom) for atom in stage.goal_atoms)
        self.missed[id(stage)] = 0 if holds else self.missed.get(id(stage), 0) + 1
        if self.missed[id(stage)] == 2:
            self.forget(stage)
            if stage.while_ is not None:
                self.entered.add(id(stage))

    def watch(self, node: ir.Node) -> tuple[bool, ir.Node | None]:
        """Whether the node's `while` lets it be judged; what was taken back otherwise."""
        key = id(node)
        if self.holds(node.while_):
            self.entered.add(key)
            self.violated[key] = 0
            return True, None
        if key not in self.entered:
            led_here = self.previous(node)
            if led_here is None or led_here.while_ is None:
                return False, None
            holds = self.holds(led_here.while_)
            self.violated[key] = 0 if holds else self.violated.get(key, 0) + 1
        else:
            self.violated[key] = self.violated.get(key, 0) + 1
            self.held[key] = 0
        return False, self.go_back(node) if self.violated[key] >= 2 else None

    def previous(self, node: ir.Node) -> ir.Node | None:
        parent = self.parents.get(id(node))
        if parent is None or parent.mode != "seq":
            return None
        siblings = self.children(parent)
        index = siblings.index(node)
        return siblings[index - 1] if index else None

    def judge_stage(self, stage: ir.Stage) -> None:
        key = id(stage)
        self.held[key] = self.held.get(key, 0) + 1 if self.holds(stage.until) else 0
        if self.held[key] >= stage.dwell or self.overtaken(stage):
            self.done.add(key)

    def overtaken(self, stage: ir.Stage) -> bool:
        """A process stage counts as passed when the next stage's `until` holds."""
        parent = self.parents.get(id(stage))
        if parent is None or parent.mode != "seq" or self.is_goal_stage(stage):
            return False
        siblings = self.children(parent)
        after = siblings[siblings.index(stage) + 1 :]
        if not after or not isinstance(after[0], ir.Stage):
            return False
        return self.holds(after[0].until) and self.permitted(after[0])

    def is_goal_stage(self, stage: ir.Stage) -> bool:
        if stage.live:
            return True
        success = self.program.success
        if success.expr is not None:
            goal = {repr((a.predicate, a.args)) for a in _atoms(success.expr)}
            return any(repr((a.predicate, a.args)) in goal for a in _atoms(stage.until))
        ours = {"closed": "close", "turned_on": "turnon", "turned_off": "turnoff"}
        spoken = {
            (ours.get(a.predicate, a.predicate), *map(str, a.args)) for a in _atoms(stage.until)
        }
        return any((atom.predicate, *atom.args) in spoken for atom in self.program.goal)

    def judge_seq(self, seq: ir.Group) -> ir.Node | None:
        children = self.children(seq)
        for index, child in enumerate(children):
            if not self.is_done(child):
                break
            self.judge(child)
            if not self.is_done(child):
                for later in children[index + 1 :]:
                    self.forget(later)
                return None
        current = next((child for child in children if not self.is_done(child)), None)
        if current is None:
            return None
        back = self.judge(current)
        if self.is_done(current):
            after = children[children.index(current) + 1 :]
            if after:
                self.enter(after[0])
        return back

    def judge_branches(self, group: ir.Group) -> ir.Node | None:
        resting = group.mode == "any" and self.is_done(group)
        for child in self.children(group):
            if resting and not self.is_done(child):
                continue
            back = self.judge(child)
            if back is not None and back is not group and group in ir.walk(back):
                return back
        return None

    def enter(self, node: ir.Node) -> None:
        if node.while_ is not None:
            if not self.holds(node.while_):
                return
            self.entered.add(id(node))
        if isinstance(node, ir.Group):
            for child in self.children(node)[: 1 if node.mode == "seq" else None]:
                self.enter(child)

    def forget(self, node: ir.Node) -> None:
        for below in ir.walk(node):
            self.done.discard(id(below))
            self.entered.discard(id(below))
            for counter in (self.violated, self.held, self.missed, self.value_of):
                counter.pop(id(below), None)

    def permitted(self, node: ir.Node) -> bool:
        return node.while_ is None or self.holds(node.while_)

    def go_back(self, node: ir.Node) -> ir.Node:
        scope, here = node, node
        while id(here) in self.parents:
            parent = self.parents[id(here)]
            if parent.mode == "seq":
                siblings = self.children(parent)
                earlier = siblings[: siblings.index(here)]
                for sibling in reversed(earlier):
                    target = self.last_permitted(sibling)
                    if target is not None:
                        self.rewind(parent, target)
                        return parent
                scope = parent if earlier else scope
            here = parent
        self.forget(scope)
        self.enter(scope)
        return scope

    def last_permitted(self, node: ir.Node) -> ir.Node | None:
        if not self.permitted(node):
            return None
        if isinstance(node, ir.Group) and node.mode == "seq":
            found = (self.last_permitted(child) for child in reversed(self.children(node)))
            return next((target for target in found if target is not None), None)
        return node

    def rewind(self, seq: ir.Node, target: ir.Node) -> None:
        """Forgets `target` and everything behind it in `seq`."""
        order = list(ir.walk(seq))
        around = [node for node in order if target in ir.walk(node) and node is not target]
        for node in order[order.index(target) :]:
            if node not in around:
                self.forget(node)
        self.enter(target)

    # --- values ----------------------------------------------------------------------------------

    def value(self, node: ir.Node) -> float:
        key = id(node)
        if isinstance(node, ir.Stage) and key in self.done:
            self.value_of[key] = 1.0
            return 1.0
        if node.while_ is not None:
            if key not in self.entered:
                return 0.0
            if self.violated.get(key, 0):
                return self.value_of.get(key, 0.0)
        match node:
            case ir.Stage():
                worth = min(CAP, self.stage_degree(node))
            case ir.Group():
                worth = self.group_value(node)
        self.value_of[key] = worth
        return worth

    def stage_degree(self, stage: ir.Stage) -> float:
        if stage.progress is not None:
            return self.progress(stage.progress)
        degree = self.degree(stage.until, id(stage), [0])
        return 0.0 if degree is None else degree

    def group_value(self, group: ir.Group) -> float:
        children = self.children(group)
        match group.mode:
            case "seq":
                worth = 0.0
                for child in children:
                    worth += child.share * self.value_in_order(child)
                    if not self.is_done(child):
                        break
            case "all":
                worth = sum(child.share * self.value(child) for child in children)
            case _:
                worth = max(self.value(child) for child in children)
        for keep in group.children:
            if isinstance(keep, ir.Keep):
                self.value_of[id(keep)] = float(bool(self.holds(keep.expr)))
                worth -= keep.share * (1.0 - self.value_of[id(keep)])
        return min(1.0, max(0.0, worth))

    def value_in_order(self, child: ir.Node) -> float:
        """What is finished is worth 1 without being looked at, but for what it must keep."""
        if self.is_done(child) and not any(isinstance(n, ir.Keep) for n in ir.walk(child)):
            return 1.0
        return self.value(child)

    def progress(self, progress: ir.Progress) -> float:
        start, end = (
            self.sight.measure(progress.measure, self.first) if bound is None else bound
            for bound in (progress.start, progress.end)
        )
        now = self.sight.measure(progress.measure, self.sight.now)
        return _clip((now - start) / (end - start)) if start != end else 0.0

    def active(self, node: ir.Node) -> list[str]:
        if self.is_done(node):
            return []
        match node:
            case ir.Stage():
                return [node.path]
            case ir.Group(mode="seq"):
                return self.active(next(c for c in self.children(node) if not self.is_done(c)))
            case _:
                return [path for child in self.children(node) for path in self.active(child)]

    def terms(self) -> dict[str, float]:
        terms = {}
        for node in ir.walk(self.program.root):
            if isinstance(node, ir.Stage):
                terms[node.path] = 1.0 if self.is_done(node) else self.value_of.get(id(node), 0.0)
            elif isinstance(node, ir.Keep):
                terms[node.path] = self.value_of.get(id(node), 0.0)
        for penalty in self.program.penalties:
            fired = self.fired.get(penalty.name, 0) == 2
            terms[f"penalty.{penalty.name}"] = -penalty.cost if fired else 0.0
        return terms

    # --- expressions -----------------------------------------------------------------------------

    def holds(self, expr: ir.Expr) -> bool:
        return self.sight.holds(expr)

    def degree(self, expr: ir.Expr, owner: int, count: list[int]) -> float | None:
        """`count` numbers the atoms of the owner: each has a value at first entry of its own."""
        match expr:
            case ir.Not():
                return None
            case ir.And() | ir.Or():
                found = [self.degree(operand, owner, count) for operand in expr.operands]
                known = [degree for degree in found if degree is not None]
                if not known:
                    return None
                return max(known) if isinstance(expr, ir.Or) else sum(known) / len(known)
            case _:
                count[0] += 1
                return self.atom_degree(expr, (owner, count[0]))

    def toward(self, key: tuple[int, int], now: float, goal: float, rising: bool) -> float:
        start = self.starts.setdefault(key, now)
        if (now >= goal) if rising else (now <= goal):
            return 1.0
        if (start >= goal) if rising else (start <= goal):
            return 0.0
        return _clip((start - now) / (start - goal))

    def atom_degree(self, atom: ir.Atom, key: tuple[int, int]) -> float | None:
        if atom.predicate == "grasped":
            pads = self.sight.now.hand_on(str(atom.args[0]))
            return sum(pad in pads for pad in HAND[:2]) / 2
        quantity = self.sight.quantity(atom)
        if quantity is None:
            return None
        degree = self.toward(key, *quantity)
        return 1.0 if self.holds(atom) else min(CAP, degree)


def _clip(degree: float) -> float:
    return min(CAP, max(0.0, degree))


def _ref(name: str) -> ir.Ref:
    return ir.Ref(name, Kind.REGION if name in KITCHEN.regions_by_name else Kind.MOVABLE)


def _atoms(expr: ir.Expr) -> list[ir.Atom]:
    if isinstance(expr, ir.Atom):
        return [expr]
    below = [expr.operand] if isinstance(expr, ir.Not) else expr.operands
    return [atom for operand in below for atom in _atoms(operand)]
