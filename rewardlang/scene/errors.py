"""Why a scene cannot be had: nobody knows it, or its file is no scene."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rewardlang.diagnostics import Diagnostic, Suggestion, one_of
from rewardlang.source import Source, Span

CODE = "unreadable-scene"
REMEDY = (
    "with LIBERO installed, `tgrpo catalogue --bddl FILE --out DIR` asks its classes what such an "
    "object is, and `--scenes DIR` makes the answer known"
)

Problem = tuple[Source, Diagnostic]
"""What is wrong with a file, and its text; an empty text where there is none to show."""


class SceneError(LookupError):
    """A scene that cannot be had."""


class UnknownSceneError(SceneError):
    """A suite or task that no catalogue holds. `known` lists what they do."""

    def __init__(self, scene_id: str, known: tuple[str, ...]):
        super().__init__(scene_id)
        self.scene_id = scene_id
        self.known = known


class SceneFileError(SceneError):
    """A file that is missing or is no scene, with everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]):
        super().__init__("\n".join(in_one_line(*problem) for problem in problems))
        self.problems = tuple(problems)


def in_brief(errors: Sequence[SceneFileError]) -> str:
    """Several files that are no scenes: a line each, then what helps, once."""
    notes = {note for error in errors for _, found in error.problems for note in found.notes}
    help_ = ["`rewardlang scene FILE` shows everything that is wrong with one"]
    return "\n".join([*map(_first_of, errors), *help_, *([REMEDY] if REMEDY in notes else [])])


def _first_of(error: SceneFileError) -> str:
    more = len(error.problems) - 1
    return in_one_line(*error.problems[0]) + (f" (and {more} more)" if more else "")


def whole_file(name: str, message: str, near: Iterable[str] = ()) -> Problem:
    """A problem of a file as a whole. `near`: the files that were probably meant."""
    meant = tuple(Suggestion(file) for file in near)
    return Source("", name), Diagnostic(CODE, message, Span(0, 0), suggestions=meant)


def in_one_line(source: Source, found: Diagnostic) -> str:
    """`file:line:column: message (hint); did you mean …?`."""
    place = source.name
    if source.text:
        line, column = source.line_column(found.span.start)
        place = f"{source.name}:{line}:{column}"
    hint = f" ({found.hint})" if found.hint else ""
    meant = f"; did you mean {one_of(found.suggestions)}?" if found.suggestions else ""
    return f"{place}: {found.message}{hint}{meant}"
