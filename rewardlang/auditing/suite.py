"""The suite of exploits for one program: each act with the things that the program is about."""

from __future__ import annotations

from collections.abc import Iterator

from rewardlang import ir
from rewardlang.checking.reasoning import goal_keys, things
from rewardlang.codegen.emission import atoms_of
from rewardlang.datatypes import Kind
from rewardlang.scene import Scene
from rewardlang.simulator import Act, Script

MOST_ITEMS = 2  # of a program that are exploited
_WITH_TARGET = (Act.HOVER_BETWEEN, Act.THROW)
_WITHOUT = (Act.GRASP_AND_RELEASE, Act.LIFT_AND_HOLD, Act.PUSH_OFF)


def suite(program: ir.Program, scene: Scene) -> tuple[Script, ...]:
    """The scripts of exploits, without doubles."""
    return tuple(dict.fromkeys(_scripts(program, scene)))


def _scripts(program: ir.Program, scene: Scene) -> Iterator[Script]:
    yield Script(Act.IDLE)
    placed = list(dict.fromkeys(_placements(program, scene)))[:MOST_ITEMS]
    for item, target in placed:
        yield Script(Act.HOVER, item)
        for act in (*_WITHOUT, *(_WITH_TARGET if target else ())):
            yield Script(act, item, target)
    spare = _unmentioned(program, scene)
    for _, target in placed[:1]:
        if spare and target:
            yield Script(Act.WRONG_OBJECT, spare, target)
    for part in _of_kind(program, scene, Kind.OPENABLE | Kind.SWITCHABLE)[:MOST_ITEMS]:
        yield Script(Act.HOVER, part)
        yield Script(Act.OPEN_AND_CLOSE, part)


def _placements(program: ir.Program, scene: Scene) -> Iterator[tuple[str, str]]:
    """Movable things of the goal with where they belong; without any, those that are handled."""
    found = [(names[0], "".join(names[1:2])) for _, *names in _goal(program) if names]
    movable = [(item, target) for item, target in found if _is(scene, item, Kind.MOVABLE)]
    yield from movable or [(item, "") for item in _of_kind(program, scene, Kind.MOVABLE)]


def _goal(program: ir.Program) -> list[tuple[str, ...]]:
    """Predicate and things of each atom of success; of an own goal, quantities left out."""
    if program.success.expr is None:
        return goal_keys(program)
    return [(atom.predicate, *things(atom)) for atom in atoms_of(program.success.expr)]


def _of_kind(program: ir.Program, scene: Scene, kind: Kind) -> list[str]:
    """Things of a kind that the program mentions, in its order."""
    return [name for name in _mentioned(program) if _is(scene, name, kind)]


def _unmentioned(program: ir.Program, scene: Scene) -> str:
    """A movable object with which the program has nothing to do; "" where there is none."""
    mentioned = _mentioned(program)
    owners = {scene.region(n).owner for n in mentioned if n in scene.regions_by_name}
    free = (item.name for item in scene.objects if not item.fixture)
    return next((name for name in free if name not in mentioned and name not in owners), "")


def _mentioned(program: ir.Program) -> list[str]:
    names: list[str] = [name for _, *of in _goal(program) for name in of]
    for node in ir.walk(program.root):
        conditions = [node.expr] if isinstance(node, ir.Keep) else [node.while_]
        conditions += [node.until] if isinstance(node, ir.Stage) else []
        names += [n for expr in conditions if expr for a in atoms_of(expr) for n in things(a)]
    return list(dict.fromkeys(names))


def _is(scene: Scene, name: str, kind: Kind) -> bool:
    return bool(scene.kinds.get(name, Kind(0)) & kind)
