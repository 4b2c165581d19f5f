"""Forms -> what a BDDL file says: names with categories, regions, what holds first and in the end.

Whether the names and categories mean anything is asked in `bddl`.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rewardlang.diagnostics import Diagnostic, Suggestion
from rewardlang.scene.errors import CODE
from rewardlang.scene.forms import SECTIONS, Form, Word, read_forms
from rewardlang.source import Source, Span

Report = Callable[[Diagnostic], None]

_DOMAIN = "robosuite"
_RANGE = "x0 y0 x1 y1 in metres"
_ATTRIBUTES = (":target", ":ranges", ":yaw_rotation", ":rgba")


@dataclass(frozen=True, slots=True)
class Named:
    """An object or fixture with its category."""

    name: Word
    category: Word


@dataclass(frozen=True, slots=True)
class NamedRegion:
    """A region as written: LIBERO calls it `<target>_<name>`.

    ranges: m, x0 y0 x1 y1, the first row, as in LIBERO; None where there are none.
    is_wrong: there are, and something is wrong with them, which has been told.
    """

    name: Word
    target: Word
    ranges: tuple[float, float, float, float] | None
    is_wrong: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.target.text}_{self.name.text}"


@dataclass(frozen=True, slots=True)
class Problem:
    """A BDDL file. Atoms are rows of words: a predicate and its arguments."""

    name: Word
    language: str
    regions: tuple[NamedRegion, ...]
    fixtures: tuple[Named, ...]
    objects: tuple[Named, ...]
    of_interest: tuple[Word, ...]
    initial: tuple[tuple[Word, ...], ...]
    goal: tuple[tuple[Word, ...], ...]


def read_problem(source: Source) -> tuple[Problem | None, list[Diagnostic]]:
    """The problem, and everything that is wrong with the text.

    None where the parentheses do not match: which words belong together is a guess then, and what
    is said of a guess only distracts.
    """
    roots, found = read_forms(source)
    if found:
        return None, found
    define = next((root for root in roots if root.head == "define"), None)
    if define is None:
        message = "a task is written `(define (problem NAME) …)`, and there is none here"
        return None, [Diagnostic(CODE, message, Span(0, min(1, len(source.text))))]
    return _Reader(define, found.append).problem(), found


@dataclass
class _Reader:
    define: Form
    tell: Report

    def problem(self) -> Problem:
        sections = self._sections()
        return Problem(
            name=self._name(),
            language=" ".join(word.text for word in _rest(sections.get(":language"))),
            regions=tuple(self._regions(sections.get(":regions"))),
            fixtures=tuple(self._named(sections.get(":fixtures"))),
            objects=tuple(self._named(sections.get(":objects"))),
            of_interest=_rest(sections.get(":obj_of_interest")),
            initial=tuple(self._atoms(sections.get(":init"))),
            goal=self._goal(sections.get(":goal")),
        )

    def _sections(self) -> dict[str, Form]:
        """The sections by name; those that LIBERO would not read are told."""
        found: dict[str, Form] = {}
        for item in self.define.items[1:]:
            if isinstance(item, Word) or not item.head:
                self._report("a section is written `(:NAME …)`", item.span)
            elif item.head in found:
                self._report(f"there is a second `{item.head}`", _head(item))
            elif item.head not in SECTIONS and item.head != "problem":
                self._report(f"there is no section `{item.head}`", _head(item), item.head, SECTIONS)
            else:
                found[item.head] = item
        domain = found.get(":domain")
        if domain and [word.text for word in _rest(domain)] != [_DOMAIN]:
            self._report(f"LIBERO reads the domain `{_DOMAIN}` alone", domain.span)
        return found

    def _name(self) -> Word:
        form = next((form for form in self.define.forms if form.head == "problem"), None)
        words = _rest(form)
        if len(words) == 1:
            return words[0]
        span = form.span if form else _head(self.define)
        self._report("the problem's class is missing: `(problem LIBERO_…)`", span)
        return Word("", span)

    # --- things --------------------------------------------------------------------------------

    def _named(self, section: Form | None) -> Iterator[Named]:
        """`milk_1 soup_1 - CATEGORY …`."""
        self._only_words(section)
        waiting: list[Word] = []
        seen: set[str] = set()
        words = iter(_rest(section))
        for word in words:
            if word.text != "-":
                waiting.append(word)
                continue
            category = next(words, None)
            if category is None or not waiting:
                what = "category" if waiting else "name"
                self._report(f"a {what} is missing beside this: `NAME - CATEGORY`", word.span)
                return
            if category.text in seen:
                message = f"`{category.text}` has a row already, which LIBERO would forget"
                hint = "write all of its names in one row"
                self.tell(Diagnostic(CODE, message, category.span, hint))
            seen.add(category.text)
            yield from (Named(name, category) for name in waiting)
            waiting = []
        for name in waiting:
            self._report(f"`{name.text}` has no category: `{name.text} - CATEGORY`", name.span)

    def _only_words(self, section: Form | None) -> None:
        for form in section.forms if section else ():
            self._report(f"only words may stand in `{section.head}`" if section else "", form.span)

    def _regions(self, section: Form | None) -> Iterator[NamedRegion]:
        for item in section.items[1:] if section else ():
            if isinstance(item, Word) or not item.head:
                self._report("a region is written `(NAME (:target THING) …)`", item.span)
                continue
            name = item.items[0]
            assert isinstance(name, Word)
            region = self._region(name, item)
            if region:
                yield region

    def _region(self, name: Word, form: Form) -> NamedRegion | None:
        parts: dict[str, Form] = {}
        for part in form.forms:
            if part.head not in _ATTRIBUTES:
                message = f"a region has no `{part.head}`" if part.head else "a region has no such"
                self._report(message, part.span, part.head, _ATTRIBUTES)
            parts[part.head] = part
        target = _rest(parts.get(":target"))
        if len(target) != 1:
            self._report(f"the region `{name.text}` needs `(:target THING)`", name.span)
            return None
        ranges = self._ranges(parts[":ranges"]) if ":ranges" in parts else None
        return NamedRegion(name, target[0], ranges, is_wrong=":ranges" in parts and not ranges)

    def _ranges(self, form: Form) -> tuple[float, float, float, float] | None:
        """`(:ranges ((x0 y0 x1 y1) …))`."""
        rows = form.forms[0].forms if form.forms else ()
        if not rows:
            self._report(f"ranges are written `(:ranges (({_RANGE})))`", form.span)
            return None
        numbers = [_number(word.text) for word in rows[0].words]
        if len(numbers) != 4 or any(math.isnan(number) for number in numbers):
            self._report(f"a range has four numbers, {_RANGE}", rows[0].span)
            return None
        x0, y0, x1, y1 = numbers
        if x1 < x0 or y1 < y0:
            self._report(f"a range goes from the smaller to the larger, {_RANGE}", rows[0].span)
            return None
        return x0, y0, x1, y1

    # --- what holds ----------------------------------------------------------------------------

    def _goal(self, section: Form | None) -> tuple[tuple[Word, ...], ...]:
        if section is None:
            hint = "`(:goal (And (PREDICATE NAME …)))` says when the task is done"
            self.tell(Diagnostic(CODE, "there is no `:goal`", _head(self.define), hint))
            return ()
        goal = section
        if len(section.forms) == 1 and section.forms[0].head == "and":
            goal = section.forms[0]
        elif len(section.items) > 2:
            self._report("several atoms of a goal stand in `(And …)`", section.span)
        if len(goal.items) == 1:
            message = "the goal is empty: LIBERO would call the task done at once"
            self._report(message, section.span)
        return tuple(self._atoms(goal))

    def _atoms(self, form: Form | None) -> Iterator[tuple[Word, ...]]:
        for item in form.items[1:] if form else ():
            if isinstance(item, Form) and item.head in ("and", "or", "not", "forall", "exists"):
                message = f"LIBERO's goals know no `{item.head}` here: they are one conjunction"
                self._report(message, _head(item))
            elif isinstance(item, Word) or not item.head or item.forms:
                self._report("an atom is written `(PREDICATE NAME …)`", item.span)
            else:
                yield item.words

    def _report(
        self, message: str, span: Span, word: str = "", known: tuple[str, ...] = ()
    ) -> None:
        near = difflib.get_close_matches(word, known, n=3) if word else []
        fixes = tuple(Suggestion(name) for name in near)
        self.tell(Diagnostic(CODE, message, span, suggestions=fixes))


def _head(form: Form) -> Span:
    return form.items[0].span


def _rest(form: Form | None) -> tuple[Word, ...]:
    """The words after the head."""
    return form.words[1:] if form else ()


def _number(text: str) -> float:
    """NaN where the text is no finite number."""
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
