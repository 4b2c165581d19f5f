"""LIBERO's own success test, compiled: the conjunction of a scene's goal on a snapshot.

Equal to LIBERO's `_check_success` read from the same simulator state, without any of its code
running: names are resolved once, and the predicates are those of `geometry`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rewardlang.runtime.geometry import Values, in_region, on_object, on_region
from rewardlang.scene import Scene
from rewardlang.state import BindError, Collector, Data, FactKind, Model

Test = Callable[[Values], bool]


@dataclass(frozen=True)
class NativeSuccess:
    """A scene's own goal. `bind` it to a model of that scene."""

    scene: Scene

    def bind(self, model: Model) -> Callable[[Data], bool]:
        """LIBERO's success test as a function of the simulator's data. Raises BindError."""
        from rewardlang.runtime.mujoco_state import SnapshotReader

        facts = Collector()
        test = goal_test(self.scene, facts)
        read = SnapshotReader(model, self.scene, facts.requirements).read
        return lambda data: test(read(data).values)


def native_success(scene: Scene) -> NativeSuccess:
    """LIBERO's own success test of `scene`, for evaluation without a program."""
    return NativeSuccess(scene)


def goal_test(scene: Scene, facts: Collector) -> Test:
    """The scene's goal as a function of the snapshot's floats; its facts are added to `facts`.

    Raises BindError, with everything that is wrong with the goal. An empty goal always holds, as
    in LIBERO.
    """
    tests: list[Test] = []
    problems: list[str] = []
    for atom in scene.goal:
        try:
            tests.append(_atom_test(atom, scene, facts))
        except _UnfitError as error:
            problems.append(f"goal ({' '.join(atom)}): {error}")
    if problems:
        raise BindError(f"the goal of scene {scene.id}", problems)
    if len(tests) == 1:
        return tests[0]
    return lambda v: all(test(v) for test in tests)


class _UnfitError(Exception):
    """An atom that the scene cannot hold, or that LIBERO does not know."""


def _atom_test(atom: tuple[str, ...], scene: Scene, facts: Collector) -> Test:
    regions = {region.name for region in scene.regions}
    unknown = [name for name in atom[1:] if name not in regions and name not in scene.kinds]
    if unknown:
        raise _UnfitError(f"no object or region is called {' or '.join(unknown)}")
    match atom:
        case ("in", item, container) if container in regions:
            return _in(facts, item, container)
        case ("on", item, support) if support in regions:
            return _on_region(facts, item, support)
        case ("on", item, support):
            return _on_object(facts, item, support)
        case ("open", part):
            return _flag(facts.offset(FactKind.PART, part) + 1)
        case ("close", part):
            return _flag(facts.offset(FactKind.PART, part) + 2)
        case ("turnon", knob):
            return _flag(facts.offset(FactKind.KNOB, knob) + 1)
        case ("turnoff", knob):
            return _flag(facts.offset(FactKind.KNOB, knob) + 2)
        case _:
            raise _UnfitError("LIBERO has no such test")


def _in(facts: Collector, item: str, container: str) -> Test:
    a, b = facts.offset(FactKind.FRAME, item), facts.offset(FactKind.FRAME, container)
    return lambda v: in_region(v, a, b)


def _on_region(facts: Collector, item: str, region: str) -> Test:
    a, b = facts.offset(FactKind.FRAME, item), facts.offset(FactKind.FRAME, region)
    contact = facts.offset(FactKind.SUPPORT, item, region)
    return lambda v: bool(v[contact]) and on_region(v, a, b)


def _on_object(facts: Collector, item: str, support: str) -> Test:
    a, b = facts.offset(FactKind.FRAME, item), facts.offset(FactKind.FRAME, support)
    contact = facts.offset(FactKind.CONTACT, *sorted((item, support)))
    return lambda v: bool(v[contact]) and on_object(v, a, b)


def _flag(index: int) -> Test:
    return lambda v: bool(v[index])
