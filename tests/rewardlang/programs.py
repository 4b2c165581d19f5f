"""Checked programs for tests: built by hand from short calls, or at random."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from rewardlang import ir
from rewardlang.datatypes import Kind
from rewardlang.source import Source, Span
from tests.rewardlang.worlds import DRAWER, KITCHEN, MOVABLES, PLACES, REGIONS, STOVE

SOURCE = Source("# a program made up by a test\nand its second line\n", "made_up.rl")
HERE = Span(0, 10)
SIDES = ("left_of", "right_of", "in_front_of", "behind")
OPTIONAL = {  # the last argument where none is given
    "near": 0.03, "over": 0.02, "above": 0.02, "at_mouth": 0.05, **dict.fromkeys(SIDES, 0.0),
}  # fmt: skip


def ref(name: str) -> ir.Ref:
    """What a name of `KITCHEN` stands for."""
    if name == "gripper":
        return ir.Ref(name, Kind.GRIPPER)
    if name.startswith("handle("):
        return ir.Ref(name[7:-1], Kind.HANDLE)
    if name in REGIONS:
        return ir.Ref(name, Kind.REGION)
    return ir.Ref(name, Kind.SWITCHABLE if name == STOVE else Kind.MOVABLE)


def measure(name: str, *args: str) -> ir.MeasureCall:
    return ir.MeasureCall(name, tuple(ref(arg) for arg in args), HERE)


def atom(predicate: str, *args: str | float | ir.MeasureCall) -> ir.Atom:
    """`atom("near", "gripper", "cup_1")`; defaults are filled in as the checker does."""
    given = tuple(ref(arg) if isinstance(arg, str) else arg for arg in args)
    if predicate in OPTIONAL and len(given) == 2:
        given = (*given, OPTIONAL[predicate])
    return ir.Atom(predicate, given, HERE)


def not_(expr: ir.Expr) -> ir.Not:
    return ir.Not(expr, HERE)


def and_(*operands: ir.Expr) -> ir.And:
    return ir.And(operands, HERE)


def or_(*operands: ir.Expr) -> ir.Or:
    return ir.Or(operands, HERE)


def stage(
    name: str,
    until: ir.Expr,
    *,
    weight: float = 1.0,
    dwell: int = 1,
    while_: ir.Expr | None = None,
    goal: tuple[ir.Atom, ...] = (),
    progress: ir.Progress | None = None,
) -> ir.Stage:
    """A stage; live where `goal` names the atoms that judge it again."""
    return ir.Stage(name, name, weight, until, dwell, while_, bool(goal), goal, progress, HERE)


def keep(name: str, expr: ir.Expr, weight: float = 1.0) -> ir.Keep:
    return ir.Keep(name, name, weight, expr, HERE)


def group(
    mode: str,
    *children: ir.Node,
    name: str = "",
    weight: float = 1.0,
    while_: ir.Expr | None = None,
) -> ir.Group:
    """A group. Weights become shares, names become paths, when `program` takes it in."""
    return ir.Group(mode, name, name, weight, while_, children, HERE)


def seq(*children: ir.Node, **more) -> ir.Group:
    return group("seq", *children, **more)


def all_(*children: ir.Node, **more) -> ir.Group:
    return group("all", *children, **more)


def any_(*children: ir.Node, **more) -> ir.Group:
    return group("any", *children, **more)


def program(
    root: ir.Node,
    *,
    success: ir.Expr | None = None,
    dwell: int = 1,
    shaping: str = "level",
    gamma: float = 1.0,
    penalties: tuple[ir.Penalty, ...] = (),
) -> ir.Program:
    """A program for `KITCHEN`; `success` None stands for `success bddl`."""
    return ir.Program(
        task="tidy the kitchen",
        scene=KITCHEN.id,
        root=_shared(root, 1.0, ""),
        success=ir.Success(success, dwell, HERE),
        goal=tuple(ir.GoalAtom(head, tuple(args)) for head, *args in KITCHEN.goal),
        shaping=shaping,
        gamma=gamma,
        penalties=penalties,
        source=SOURCE,
    )


def penalty(name: str, cost: float, expr: ir.Expr) -> ir.Penalty:
    return ir.Penalty(name, cost, expr, HERE)


def _shared(node: ir.Node, share: float, prefix: str) -> ir.Node:
    """Weights become shares of the siblings' sum, names become paths, as the checker does it."""
    path = ".".join(part for part in (prefix, node.name) if part)
    if not isinstance(node, ir.Group):
        return replace(node, share=share, path=path)
    total = sum(child.share for child in node.children if not isinstance(child, ir.Keep))
    children = tuple(
        _shared(child, 1.0 if node.mode == "any" else child.share / total, path)
        for child in node.children
    )
    return replace(node, share=share, path=path, children=children)


def place_in(item: str, region: str, **more) -> ir.Group:
    """The six stages of the library's `place_in`."""
    inside = atom("in", item, region)
    held = atom("grasped", item)
    return seq(
        stage("reach", atom("near", "gripper", item)),
        stage("grasp", held, dwell=3, weight=2, while_=atom("near", "gripper", item, 0.08)),
        stage("lift", atom("lifted", item, 0.08), while_=held),
        stage("carry", atom("above", item, region), while_=held, weight=3),
        stage("lower", inside, while_=atom("over", item, region), weight=2, goal=(inside,)),
        stage("release", atom("released", item), while_=inside),
        **more,
    )


# --- at random -----------------------------------------------------------------------------------


def random_program(rng: Random) -> ir.Program:
    """Any program that the language can say about `KITCHEN`, and some that the checker warns of."""
    success = random_expr(rng, 2) if rng.random() < 0.5 else None
    root = _random_group(rng, 3, "root") if rng.random() < 0.95 else _random_stage(rng, "only", ())
    goal = _goal_atoms(success)
    penalties = tuple(
        penalty(f"fault{index}", rng.choice([0.1, 0.15, 0.25]), random_expr(rng, 2))
        for index in range(rng.randint(0, 2))
    )
    return program(
        _with_goals(root, goal),
        success=success,
        dwell=rng.randint(1, 3),
        shaping=rng.choice(["level", "telescope", "pbrs", "sparse"]),
        penalties=penalties,
    )


def _goal_atoms(success: ir.Expr | None) -> tuple[ir.Atom, ...]:
    if success is None:
        return tuple(atom(head, *args) for head, *args in KITCHEN.goal)
    match success:
        case ir.Atom():
            return (success,)
        case ir.Not():
            return _goal_atoms(success.operand)
        case _:
            return tuple(found for part in success.operands for found in _goal_atoms(part))


def _with_goals(node: ir.Node, goal: tuple[ir.Atom, ...]) -> ir.Node:
    """Live stages are judged again by the goal's atoms; made so that there are some."""
    if isinstance(node, ir.Group):
        return replace(node, children=tuple(_with_goals(c, goal) for c in node.children))
    if isinstance(node, ir.Stage) and node.live:
        return replace(node, until=and_(node.until, goal[0]), goal_atoms=goal[:1])
    return node


def _random_group(rng: Random, depth: int, name: str) -> ir.Group:
    mode = rng.choice(["seq", "seq", "seq", "all", "any"])
    children: list[ir.Node] = []
    for index in range(rng.randint(1, 4)):
        child = f"{'abcd'[index]}{depth}"
        if depth > 1 and rng.random() < 0.4:
            children.append(_random_group(rng, depth - 1, child))
        else:
            children.append(_random_stage(rng, child, ()))
    if mode != "any" and rng.random() < 0.3:
        children.append(keep(f"keep{depth}", random_expr(rng, 1), rng.choice([0.1, 0.5])))
    return group(
        mode,
        *children,
        name=name,
        weight=rng.choice([0.5, 1.0, 3.0]),
        while_=random_expr(rng, 2) if rng.random() < 0.25 else None,
    )


def _random_stage(rng: Random, name: str, _: tuple) -> ir.Stage:
    progress = None
    if rng.random() < 0.1:
        bounds = rng.choice([(None, 0.07), (0.31, 0.02), (0.5, None)])
        progress = ir.Progress(random_measure(rng), *bounds)
    made = stage(
        name,
        random_expr(rng, 2),
        weight=rng.choice([0.5, 1.0, 2.0]),
        dwell=rng.choice([1, 1, 1, 2, 3]),
        while_=random_expr(rng, 2) if rng.random() < 0.4 else None,
        progress=progress,
    )
    return replace(made, live=rng.random() < 0.3)


def random_expr(rng: Random, depth: int) -> ir.Expr:
    kind = rng.random()
    if depth == 0 or kind < 0.6:
        return random_atom(rng)
    if kind < 0.75:
        return not_(random_expr(rng, depth - 1))
    join = and_ if kind < 0.9 else or_
    return join(*(random_expr(rng, depth - 1) for _ in range(rng.randint(2, 3))))


def random_measure(rng: Random) -> ir.MeasureCall:
    name = rng.choice(["dist", "dist_xy", "height", "tilt", "openness", "knob", "gripper_width"])
    match name:
        case "dist" | "dist_xy":
            return measure(name, *rng.sample(PLACES, 2))
        case "height" | "tilt":
            return measure(name, rng.choice(MOVABLES))
        case "openness" | "knob":
            return measure(name, DRAWER if name == "openness" else STOVE)
        case _:
            return measure(name)


def random_atom(rng: Random, predicate: str = "") -> ir.Atom:
    predicate = predicate or rng.choice(PREDICATES)
    item = rng.choice(MOVABLES)
    other = rng.choice([name for name in (*MOVABLES, *REGIONS) if name != item])
    match predicate:
        case "in":
            return atom(predicate, item, rng.choice(REGIONS))
        case "on" | "resting":
            return atom(predicate, item, other)
        case "over" | "above":
            return atom(predicate, item, other, rng.choice([0.0021, 0.0513]))
        case "at_mouth":
            return atom(predicate, item, rng.choice(REGIONS), rng.choice([0.0207, 0.2013]))
        case "left_of" | "right_of" | "in_front_of" | "behind":
            return atom(predicate, item, other, rng.choice([0.0, 0.0503]))
        case "near":
            return atom(predicate, *rng.sample(PLACES, 2), rng.choice([0.0307, 0.1103]))
        case "touching":
            return atom(predicate, *rng.sample(PLACES, 2))
        case "grasped" | "released":
            return atom(predicate, item)
        case "lifted" | "moved":
            return atom(predicate, item, rng.choice([0.0311, 0.0807]))
        case "upright":
            return atom(predicate, item, rng.choice([0.2003, 0.9007]))
        case "still":
            return atom(predicate, item, rng.choice([0.0011, 0.0203]))
        case "open" | "closed" | "shut":
            return atom(predicate, DRAWER)
        case "turned_on" | "turned_off" | "off":
            return atom(predicate, STOVE)
        case "gripper_open" | "gripper_closed":
            return atom(predicate)
        case _:
            return atom(predicate, random_measure(rng), rng.choice([0.0511, 0.4013]))


PREDICATES = (
    "in", "on", "open", "closed", "turned_on", "turned_off", "near", "touching", "grasped",
    "released", "lifted", "moved", "over", "above", "resting", "upright", "shut", "off", "still",
    "gripper_open", "gripper_closed", "at_least", "at_most", "at_mouth", *SIDES,
)  # fmt: skip
