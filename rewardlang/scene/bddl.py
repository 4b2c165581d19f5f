"""BDDL text -> scene, without a simulator. What a category looks like comes from `categories`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rewardlang.datatypes import Kind, kind_phrase
from rewardlang.diagnostics import Diagnostic, Suggestion, in_order
from rewardlang.scene.categories import Categories, object_like, region_like
from rewardlang.scene.errors import CODE, REMEDY, SceneFileError
from rewardlang.scene.forms import Word
from rewardlang.scene.model import (
    GOAL_KINDS,
    MAX_INSTRUCTION,
    UNSPEAKABLE,
    Object,
    Region,
    Scene,
)
from rewardlang.scene.problem import Named, NamedRegion, Problem, read_problem
from rewardlang.source import Source, Span

MAX_PROBLEMS = 30  # told of one file
_DIGITS = 9  # of numbers, as in the catalogue
_NUMBERED = re.compile(r"^[A-Z].*?SCENE\d+_")


def instruction_of(task: str) -> str:
    """The instruction in a file's name, as LIBERO reads it: `KITCHEN_SCENE1_open_…` is `open …`."""
    return _NUMBERED.sub("", task).replace("_", " ")


def in_own_words(scene: Scene) -> Scene:
    """The scene with the `:language` line of its file as the instruction; the name counts too.

    Whoever changes a copy of LIBERO's file writes the new task there and leaves the file's name as
    it is. Nothing changes where the line says nothing else, or nothing that
    could stand in a program, nor where the instruction is not the name's.
    """
    language = scene.language
    named = instruction_of(scene.task)
    unfit = UNSPEAKABLE.search(language) or len(language) > MAX_INSTRUCTION
    if unfit or language in ("", named) or scene.instruction != named:
        return scene
    update = {"instruction": language, "other_instructions": (scene.instruction,)}
    return scene.model_copy(update=update)


def read_scene(source: Source, suite: str, task: str, known: Categories) -> Scene:
    """The scene of a BDDL text. `task` is the file's name without `.bddl`.

    A goal atom counts as true at reset where `:init` says the same. Raises SceneFileError with
    everything that is wrong.
    """
    problem, found = read_problem(source)
    scene = None
    if problem is not None:
        builder = _Builder(problem, known, found)
        scene = builder.scene(suite, task)
    if found or scene is None:
        raise SceneFileError([(source, item) for item in in_order(found)[:MAX_PROBLEMS]])
    return scene


@dataclass
class _Builder:
    problem: Problem
    known: Categories
    found: list[Diagnostic]
    objects: dict[str, Object | None] = field(default_factory=dict)  # None: of unknown category
    regions: dict[str, Region | None] = field(default_factory=dict)  # None: something is wrong
    dropped: set[str] = field(default_factory=set)  # regions of things that are not in the scene

    def scene(self, suite: str, task: str) -> Scene:
        zone = self._zone_of_problem()
        surface = zone.owner if zone else ""
        self._add_objects(self.problem.objects, fixture=False)
        self._add_objects(
            [item for item in self.problem.fixtures if item.name.text != surface], fixture=True
        )
        for region in self.problem.regions:
            self._add_region(region, zone)
        scene = self._assembled(suite, task)
        self._check_names(surface, scene.kinds)
        return scene

    def _assembled(self, suite: str, task: str) -> Scene:
        goal, initial = _atoms(self.problem.goal), _atoms(self.problem.initial)
        return Scene(
            suite=suite,
            task=task,
            instruction=instruction_of(task),
            language=self.problem.language,
            problem=self.problem.name.text,
            goal=goal,
            initial=initial,
            goal_true_at_reset=tuple(i for i, atom in enumerate(goal) if atom in initial),
            objects_of_interest=tuple(word.text for word in self.problem.of_interest),
            objects=tuple(item for item in self.objects.values() if item),
            regions=tuple(region for region in self.regions.values() if region),
        )

    # --- things --------------------------------------------------------------------------------

    def _zone_of_problem(self) -> Region | None:
        """A zone of the problem class's table or floor."""
        name = self.problem.name
        if name.text and name.text not in self.known.zones:
            message = f"no known scene is a `{name.text}`"
            self._report(message, name.span, name.text, self.known.zones, (REMEDY,))
        return self.known.zones.get(name.text)

    def _add_objects(self, named: Iterable[Named], *, fixture: bool) -> None:
        told: set[Word] = set()  # one row has one category and many names
        for item in named:
            name, category = item.name.text, item.category.text
            if name in self.objects:
                self._report(f"`{name}` is declared twice", item.name.span)
                continue
            known = self.known.objects.get(category)
            self.objects[name] = object_like(known, name, fixture) if known else None
            if known is None and item.category not in told:
                told.add(item.category)
                message = f"nothing is known of the category `{category}`"
                near = self.known.objects
                self._report(message, item.category.span, category, near, (REMEDY,))

    def _add_region(self, item: NamedRegion, zone: Region | None) -> None:
        """LIBERO drops the regions of things that are not in the scene; so do we."""
        name, target = item.full_name, item.target.text
        if zone and target == zone.owner:
            self.regions[name] = self._zone(item, zone)
        elif target not in self.objects:
            self.dropped.add(name)
        else:
            owner = self.objects[target]
            self.regions[name] = self._part(item, owner) if owner else None

    def _zone(self, item: NamedRegion, like: Region) -> Region | None:
        if item.is_wrong:
            return None
        if item.ranges is None:
            name = item.name.text
            self._report(f"a zone of `{like.owner}` needs ranges: `{name}`", item.name.span)
            return None
        x0, y0, x1, y1 = item.ranges
        name = item.full_name
        in_goal = _mentioned(self.problem.goal)
        return like.model_copy(
            update={
                "name": name,
                "half_extents": (
                    _round((x1 - x0) / 2),
                    _round((y1 - y0) / 2),
                    like.half_extents[2],
                ),
                "placement_only": name in _mentioned(self.problem.initial) - in_goal,
                "ranges": (_round(x0), _round(y0), _round(x1), _round(y1)),
            }
        )

    def _part(self, item: NamedRegion, owner: Object) -> Region | None:
        parts = self.known.regions.get(owner.category, {})
        known = parts.get(item.name.text)
        if known is None:
            message = f"no known `{owner.category}` has a region `{item.name.text}`"
            self._report(message, item.name.span, item.name.text, parts, (REMEDY,))
            return None
        return region_like(known, owner.name)

    # --- names ---------------------------------------------------------------------------------

    def _check_names(self, surface: str, kinds: Mapping[str, Kind]) -> None:
        names = {*self.objects, *self.regions}
        for word in self.problem.of_interest:
            self._check_name(word, names)
        for _, *arguments in self.problem.initial:
            for word in arguments:
                self._check_name(word, {*names, surface})
        for atom in self.problem.goal:
            self._check_goal(atom, names, kinds)

    def _check_goal(self, atom: Sequence[Word], names: set[str], kinds: Mapping[str, Kind]) -> None:
        for word, kind in zip(atom[1:], self._wanted(atom), strict=True):
            known = self._check_name(word, names)
            if known and kind and not kinds.get(word.text, kind) & kind:
                message = f"`{atom[0].text}` wants {kind_phrase(kind, 'or')} here"
                fitting = [name for name in kinds if kinds[name] & kind]
                self._report(message, word.span, word.text, fitting)

    def _wanted(self, atom: Sequence[Word]) -> Sequence[Kind | None]:
        """What each argument of a goal's atom is to be; None where that cannot be said."""
        predicate, *arguments = atom
        wanted = GOAL_KINDS.get(predicate.text)
        if wanted is None:
            message = f"a goal cannot say `{predicate.text}`"
            note = (f"it can say {', '.join(GOAL_KINDS)}",)
            self._report(message, predicate.span, predicate.text, GOAL_KINDS, note)
        elif len(arguments) != len(wanted):
            message = f"`{predicate.text}` is about {_count(len(wanted))}, not {len(arguments)}"
            self._report(message, predicate.span.to(atom[-1].span))
        else:
            return wanted
        return [None] * len(arguments)

    def _check_name(self, word: Word, names: set[str]) -> bool:
        if word.text in names:
            return True
        why = "is a region of something that is not in the scene"
        missing = "is neither an object, a fixture nor a region of this file"
        message = f"`{word.text}` {why if word.text in self.dropped else missing}"
        self._report(message, word.span, word.text, names)
        return False

    def _report(
        self,
        message: str,
        span: Span,
        word: str = "",
        known: Iterable[str] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        near = difflib.get_close_matches(word, list(known), n=3) if word else []
        fixes = tuple(Suggestion(name) for name in near)
        said = {note for diagnostic in self.found for note in diagnostic.notes}
        new = tuple(note for note in notes if note not in said)
        self.found.append(Diagnostic(CODE, message, span, suggestions=fixes, notes=new))


def _atoms(atoms: Iterable[Sequence[Word]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(word.text for word in atom) for atom in atoms)


def _mentioned(atoms: Iterable[Sequence[Word]]) -> set[str]:
    return {word.text for atom in atoms for word in atom[1:]}


def _count(number: int) -> str:
    return f"{number} thing{'' if number == 1 else 's'}"


def _round(value: float) -> float:
    """As the catalogue keeps numbers; never a negative zero."""
    return round(value, _DIGITS) + 0.0
