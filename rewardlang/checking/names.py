"""Which thing is this name? Aliases, scene names, and what was probably meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from rewardlang.checking.library import (
    GRIPPER,
    HANDLE,
    HANDLE_PART,
    MACROS,
    MEASURES,
    PREDICATES,
    RESERVED,
)
from rewardlang.datatypes import Kind, kind_phrase, kind_words
from rewardlang.diagnostics import Diagnostic, Label, Suggestion
from rewardlang.scene import Scene
from rewardlang.syntax import nodes

Report = Callable[[Diagnostic], None]
Fits = Callable[[str], bool]  # of a scene name: may it stand here?

MOST_SUGGESTIONS = 3
LEAST_LIKENESS = 0.65  # below it, a suggestion is more confusing than none
MOST_GUESSES = 50  # names per program for which suggestions are looked for: keeps checking linear
_MOST_LISTED = 12
_OF_SCENE = Kind.SUPPORT | Kind.OPENABLE | Kind.SWITCHABLE | Kind.FIXTURE
_ANY = _OF_SCENE | Kind.GRIPPER


@dataclass(frozen=True, slots=True)
class Known:
    """A thing of the scene: its name there and everything it can be used as."""

    name: str
    kinds: Kind


GRIPPER_THING = Known(GRIPPER, Kind.GRIPPER)


@dataclass
class Names:
    """The names that a program may use. Without a scene nothing is unknown, and nothing known.

    `aliases` maps to None where the declaration was wrong: of those nothing more is said.
    """

    scene: Scene | None
    report: Report
    aliases: dict[str, Known | None] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    guesses: int = 0

    def find(self, name: nodes.Name, wanted: Kind = _ANY) -> Known | None:
        """What `name` stands for; None, after a diagnostic, where that is nothing."""
        if name.text in self.aliases:
            self.used.add(name.text)
            return self.aliases[name.text]
        if name.text == GRIPPER:
            return GRIPPER_THING
        if self.scene is None or name.is_hole:
            return None
        if name.text in self.scene.kinds:
            return Known(name.text, self.scene.kinds[name.text])
        self.report(self._unknown(name, wanted, self.usable()))
        return None

    def declare(self, objects: Iterable[nodes.Object]) -> None:
        """Take in the `object` lines."""
        declared: dict[str, nodes.Object] = {}
        targets: dict[str, nodes.Object] = {}
        for item in objects:
            alias = item.alias.text
            if item.alias.is_hole:
                continue
            if alias in declared:
                self.report(_twice(item, declared[alias]))
                continue
            declared[alias] = item
            self._refuse_reserved(item)
            known = self._target(item.target)
            self.aliases[alias] = known
            if known and known.name in targets:
                self.report(_same_target(item, targets[known.name]))
            elif known:
                targets[known.name] = item

    def unused(self, objects: Iterable[nodes.Object]) -> None:
        """Warn of aliases that no one asked for."""
        for item in objects:
            alias = item.alias.text
            is_sound = self.aliases.get(alias) is not None and alias not in RESERVED
            if is_sound and alias not in self.used:
                message = f"`{alias}` is never used"
                hint = "remove the line, or use the name below"
                self.report(Diagnostic("unused-object", message, item.alias.span, hint))

    def unknown_call(self, name: nodes.Name, table: str) -> None:
        """Report a predicate, measure or macro (`table`) that does not exist."""
        code, rows = f"unknown-{table}", _TABLES[table]
        if name.is_hole:
            return
        if name.text in RESERVED:
            message = f"`{name.text}` is {_what(name.text)}, not a {table}"
            self.report(Diagnostic(code, message, name.span, _other_use(name.text)))
            return
        also = [row.name for row in rows.values() if name.text in row.also]
        near = list(dict.fromkeys([*also, *self.nearest(name.text, rows)]))[:MOST_SUGGESTIONS]
        fixes = tuple(Suggestion(candidate, table) for candidate in near)
        notes = [f"`{rows[n].signature}`: {rows[n].summary}" for n in near]
        notes = notes or [f"there are {', '.join(f'`{row}`' for row in rows)}"]
        message = f"there is no {table} `{name.text}`"
        self.report(Diagnostic(code, message, name.span, suggestions=fixes, notes=tuple(notes)))

    def nearest(self, word: str, candidates: Iterable[str]) -> list[str]:
        """`nearest`, as long as few names were looked for."""
        self.guesses += 1
        return nearest(word, candidates) if self.guesses <= MOST_GUESSES else []

    def shown(self, known: Known, written: str) -> str:
        """A name as written, with the scene's name where that is another."""
        return f"`{written}`" if written == known.name else f"`{written}` (`{known.name}`)"

    def related(
        self, known: Known, wanted: Kind, fits: Fits = lambda _: True
    ) -> tuple[Suggestion, ...]:
        """Names of the wanted kind that belong to the same thing: a microwave and its inside."""
        if self.scene is None:
            return ()
        owners = {region.name: region.owner for region in self.scene.regions}
        own = owners.get(known.name, known.name)
        family = [own, *(name for name, owner in owners.items() if owner == own)]
        kinds = self.scene.kinds
        others = [name for name in family if name in kinds and name != known.name]
        fitting = [name for name in others if kinds[name] & wanted and fits(name)]
        in_use = {target.name for target in self.aliases.values() if target}
        fitting.sort(key=lambda name: name not in in_use)
        return tuple(self.suggestion(name) for name in fitting[:MOST_SUGGESTIONS])

    def all_of(self, wanted: Kind, fits: Fits = lambda _: True) -> tuple[str, ...]:
        """One line that lists what there is of a kind."""
        if self.scene is None:
            return ()
        called = {alias: known.name for alias, known in self.aliases.items() if known}
        fitting = {
            name: kind
            for name, kind in self.usable().items()
            if kind & wanted and fits(called.get(name, name))
        }
        has = _listed(fitting) or f"nothing that is {kind_phrase(wanted, 'or')}"
        return (f"this scene has {has}",)

    def suggestion(self, name: str) -> Suggestion:
        """A thing of the scene, by what the program calls it."""
        assert self.scene
        alias = next((a for a, known in self.aliases.items() if known and known.name == name), name)
        return Suggestion(alias, kind_words(self.scene.kinds[name]))

    def _refuse_reserved(self, item: nodes.Object) -> None:
        alias = item.alias.text
        if alias in RESERVED:
            what = _what(alias)
        elif self.scene and alias in self.scene.kinds and alias != item.target.text:
            what = "another object of the scene"
        else:
            return
        message = f"`{alias}` is the name of {what} and cannot be given to something else"
        self.report(Diagnostic("reserved-name", message, item.alias.span, "choose another name"))

    def _target(self, name: nodes.Name) -> Known | None:
        if name.text == GRIPPER:
            message = "the gripper needs no declaration: it is always called `gripper`"
            self.report(Diagnostic("wrong-kind", message, name.span))
            return None
        scene = self.scene
        if scene is None or name.is_hole:
            return None
        if name.text in scene.kinds:
            return Known(name.text, scene.kinds[name.text])
        self.report(self._unknown(name, _OF_SCENE, sayable(scene)))
        return None

    def usable(self) -> dict[str, Kind]:
        """What an argument may be called: aliases, and names of the scene that have none."""
        aliases = {a: known for a, known in self.aliases.items() if known and a not in RESERVED}
        named = {known.name for known in aliases.values()}
        sayable_names = sayable(self.scene) if self.scene else {}
        others = {name: kind for name, kind in sayable_names.items() if name not in named}
        return {alias: known.kinds for alias, known in aliases.items()} | others

    def _unknown(self, name: nodes.Name, wanted: Kind, usable: dict[str, Kind]) -> Diagnostic:
        if wanted & Kind.GRIPPER:
            usable = {**usable, GRIPPER: Kind.GRIPPER}
        fitting = {candidate: kind for candidate, kind in usable.items() if kind & wanted}
        near = self.nearest(name.text, fitting) or self.nearest(name.text, usable)
        fixes = tuple(Suggestion(n, "" if n == GRIPPER else kind_words(usable[n])) for n in near)
        message = f"`{name.text}` is not in this scene"
        notes = () if near else (f"this scene has {_listed(fitting or usable)}",)
        return Diagnostic("unknown-object", message, name.span, suggestions=fixes, notes=notes)


def nearest(word: str, candidates: Iterable[str], spread: float = 0.15) -> list[str]:
    """The candidates that resemble `word`, best first, at most three.

    Those that are worse than the best by more than `spread` are left out.
    """
    scored = sorted(((-_likeness(word, c), c) for c in candidates), key=lambda pair: pair)
    best = -scored[0][0] if scored else 0.0
    close = [c for score, c in scored if -score >= max(LEAST_LIKENESS, best - spread)]
    return close[:MOST_SUGGESTIONS]


_TABLES: Mapping[str, Mapping] = {"predicate": PREDICATES, "measure": MEASURES, "macro": MACROS}


def _other_use(name: str) -> str:
    if name in MEASURES:
        return f"compare it: `at_least({MEASURES[name].signature}, …)` or `at_most(…)`"
    if name in MACROS:
        return f"write `use {MACROS[name].signature}` in place of a stage"
    if name in PREDICATES:
        return "a condition, for `until`, `while`, `keep`, `success when` and `penalty`"
    return "a thing, for the arguments of predicates"


def _what(name: str) -> str:
    for table, rows in _TABLES.items():
        if name in rows:
            return f"a {table}"
    return "the gripper" if name == GRIPPER else "a part of the language"


def sayable(scene: Scene) -> dict[str, Kind]:
    """The scene's names, without zones that only say where things start."""
    hidden = {region.name for region in scene.regions if region.placement_only}
    return {name: kind for name, kind in scene.kinds.items() if name not in hidden}


def _listed(kinds: Mapping[str, Kind]) -> str:
    names = [f"`{name}` ({kind_words(kind)})" for name, kind in kinds.items() if name != GRIPPER]
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more


def _likeness(word: str, candidate: str) -> float:
    """In [0, 1]; a word that the other one contains counts as alike."""
    ratio = SequenceMatcher(None, word, candidate).ratio()
    parts, others = set(word.split("_")), set(candidate.split("_"))
    shared = len(parts & others) / len(parts) if len(word) > 2 else 0.0
    return max(ratio, 0.95 * shared)


def _twice(item: nodes.Object, first: nodes.Object) -> Diagnostic:
    message = f"`{item.alias.text}` is declared twice"
    label = (Label(first.alias.span, "first here"),)
    return Diagnostic("duplicate-object", message, item.alias.span, related=label)


def _same_target(item: nodes.Object, first: nodes.Object) -> Diagnostic:
    message = f"`{item.target.text}` already has the name `{first.alias.text}`"
    label = (Label(first.span, "given here"),)
    return Diagnostic("object-twice", message, item.span, related=label)


def wrong_kind(
    names: Names,
    known: Known,
    written: nodes.Name,
    wanted: Kind,
    where: str,
    fits: Fits = lambda _: True,
) -> Diagnostic:
    """`written` stands for something that cannot be what `where` asks for.

    `fits` says of a scene name whether it may be proposed.
    """
    shown = names.shown(known, written.text)
    found, needed = kind_phrase(known.kinds, "and"), kind_phrase(wanted, "or")
    message = f"{shown} is {found}; {where} is {needed}"
    fixes = names.related(known, wanted, fits)
    if wanted & Kind.HANDLE and known.kinds & HANDLE_PART.kinds:
        fixes = (Suggestion(f"{HANDLE}({written.text})", "handle"), *fixes)[:MOST_SUGGESTIONS]
    notes = () if fixes else names.all_of(wanted, fits)
    return Diagnostic("wrong-kind", message, written.span, suggestions=fixes, notes=notes)
