"""The names of a scene by kind, and which two of them may stand beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from rewardlang.checking.library import GRIPPER, HANDLE, HANDLE_PART
from rewardlang.checking.names import sayable
from rewardlang.checking.signatures import Thing
from rewardlang.datatypes import KIND_WORDS, Kind
from rewardlang.fittings import handle_of, mouth_of
from rewardlang.grammars.model import Alternative, Chars, Pattern, Rule, one, rule, says
from rewardlang.scene import Scene

THING = Pattern(
    "thing", ((Chars("a-z"), Chars("a-z0-9", 0, 11), Chars("_"), Chars("a-z0-9_", 1, 39)),)
)
"""A name as scenes have them: with an underscore, which no keyword has."""

_SHORT = {Kind.SUPPORT: "support", Kind.PLACE: "place"}


class Things(Protocol):
    """What can stand in the place of things."""

    def exists(self, *parameters: Thing) -> bool:
        """Whether there is anything for these parameters, at most two."""

    def rules(self, *parameters: Thing) -> Iterator[Rule]:
        """The rules for these parameters; the first is called `symbol(*parameters)`."""


def symbol(*parameters: Thing) -> str:
    """What the rule for these parameters is called."""
    return "_and_".join(_symbol(parameter) for parameter in parameters)


class AnyThings:
    """Things of no scene in particular: anything that looks like a name of one."""

    def exists(self, *parameters: Thing) -> bool:
        del parameters
        return True

    def rules(self, *parameters: Thing) -> Iterator[Rule]:
        for parameter in parameters:
            yield rule(_symbol(parameter), *_anything(parameter.kinds))
        if len(parameters) == 2:
            first, second = (_symbol(parameter) for parameter in parameters)
            yield rule(symbol(*parameters), says(one(first, "first"), ", ", one(second, "second")))


def _anything(kinds: Kind) -> Iterator[Alternative]:
    yield says(one(THING.name))
    if kinds & Kind.GRIPPER:
        yield says(GRIPPER)
    if kinds & Kind.HANDLE:
        yield says(f"{HANDLE}(", one(THING.name), ")", tag=HANDLE)


class SceneThings:
    """The things of a scene, each where its kind allows it."""

    def __init__(self, scene: Scene):
        self._scene = scene
        self._kinds = sayable(scene)

    def exists(self, *parameters: Thing) -> bool:
        if len(parameters) < 2:
            return all(self._names(parameter) for parameter in parameters)
        first, second = parameters
        return any(self._beside(name, second) for name in self._names(first))

    def rules(self, *parameters: Thing) -> Iterator[Rule]:
        if len(parameters) == 2:
            yield from self._pairs(*parameters)
        for parameter in parameters:
            yield _choice(_symbol(parameter), self._names(parameter))

    def _pairs(self, first: Thing, second: Thing) -> Iterator[Rule]:
        """The first thing fixes what the second can be: another, and no part of it."""
        pairs = []
        for number, (others, names) in enumerate(self._alike(first, second).items(), 1):
            this = f"{symbol(first, second)}_{number}"
            beside = f"{_symbol(second)}_beside_{_symbol(first)}_{number}"
            yield _choice(this, names)
            yield _choice(beside, others)
            pairs.append(says(one(this, "first"), ", ", one(beside, "second")))
        yield rule(symbol(first, second), *pairs)

    def _alike(self, first: Thing, second: Thing) -> dict[tuple[str, ...], list[str]]:
        """What can stand second -> the names that can stand first with just these."""
        alike: dict[tuple[str, ...], list[str]] = {}
        for name in self._first_names(first, second):
            others = tuple(self._beside(name, second))
            if others:
                alike.setdefault(others, []).append(name)
        return alike

    def _first_names(self, first: Thing, second: Thing) -> list[str]:
        """Of two places, the first is one that moves; between the others nothing happens."""
        if first.kinds != second.kinds:
            return self._names(first)
        return [name for name in self._names(first) if name == GRIPPER or self._is_movable(name)]

    def _is_movable(self, name: str) -> bool:
        return name in self._kinds and bool(self._kinds[name] & Kind.MOVABLE)

    def _names(self, parameter: Thing) -> list[str]:
        fitting = [
            name
            for name, kind in self._kinds.items()
            if kind & parameter.kinds and (not parameter.mouth or mouth_of(self._scene, name))
        ]
        if parameter.kinds & Kind.GRIPPER:
            fitting.insert(0, GRIPPER)
        if parameter.kinds & Kind.HANDLE:
            fitting += [f"{HANDLE}({name})" for name in self._with_handle()]
        return fitting

    def _with_handle(self) -> list[str]:
        return [
            name
            for name, kind in self._kinds.items()
            if kind & HANDLE_PART.kinds and handle_of(self._scene, name)
        ]

    def _beside(self, name: str, parameter: Thing) -> list[str]:
        return [other for other in self._names(parameter) if self._apart(name, other)]

    def _apart(self, first: str, second: str) -> bool:
        one_, other = _bare(first), _bare(second)
        return one_ != other and self._owner(one_) != other and self._owner(other) != one_

    def _owner(self, name: str) -> str:
        region = self._scene.regions_by_name.get(name)
        return region.owner if region else name


def _choice(name: str, words: Iterable[str]) -> Rule:
    return rule(name, *(says(word) for word in words))


def _bare(name: str) -> str:
    return name.removeprefix(f"{HANDLE}(").removesuffix(")")


def _symbol(parameter: Thing) -> str:
    words = [word for kind, word in KIND_WORDS.items() if kind & parameter.kinds]
    name = _SHORT.get(parameter.kinds) or "_or_".join(words)
    return f"{name}_with_mouth" if parameter.mouth else name
