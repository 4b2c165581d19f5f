"""Reward programs in a folder: found, analysed, chosen, and joined to LIBERO's tasks.

A broken program that a run does not use is worth a warning, one that it uses ends it. Which task a
program is for is read from its `scene` line, which survives most other mistakes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import rewardlang
from tgrpo.config import TasksConfig
from tgrpo.libero_package import LiberoMissingError
from tgrpo.tasks import Task, UnknownTaskError, find_task, suites

_SCENE_LINE = re.compile(r'^\s*scene\s+"([^"\n]*)"', re.MULTILINE)


class ProgramsError(ValueError):
    """The programs that a run needs are missing or broken; the text says what to do."""


class UnknownChoiceError(ProgramsError):
    """The suite or task asked for has no program."""


@dataclass(frozen=True, slots=True)
class TaskProgram:
    """A program without errors and the task it rewards."""

    path: Path
    task: Task
    program: rewardlang.Program

    @property
    def text(self) -> str:
        return self.program.source.text


@dataclass(frozen=True, slots=True)
class FoundProgram:
    """A file with what is known of it. `scene` is None where not even that line can be read."""

    path: Path
    scene: str | None
    program: rewardlang.Program | None
    problems: str  # rendered errors, or the reason it cannot be read
    warnings: str  # rendered warnings

    @property
    def suite(self) -> str | None:
        return None if self.scene is None else self.scene.partition("/")[0]

    @property
    def task_name(self) -> str | None:
        return None if self.scene is None else self.scene.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Choice:
    """The files that a run asks for, broken ones among them."""

    path: Path
    found: tuple[FoundProgram, ...]
    kept: tuple[FoundProgram, ...]
    dropped: int  # fit the choice of suite and task, but not the limit


@dataclass(frozen=True, slots=True)
class Selection:
    """The programs that a run uses, and what to tell its user about the others."""

    found: tuple[FoundProgram, ...]
    used: tuple[TaskProgram, ...]
    dropped: int  # fit the choice of suite and task, but not the limit
    warnings: tuple[str, ...]


def find_programs(path: Path) -> tuple[FoundProgram, ...]:
    """Every `*.rl` below the folder `path`, or the file `path`, in order of path, analysed.

    Raises ProgramsError where there is none.
    """
    if path.is_file():
        return (_read(path),)
    if not path.is_dir():
        raise ProgramsError(f"--rewards {path}: no such file or folder")
    files = sorted(file for file in path.rglob("*.rl") if not file.is_dir())
    if not files:
        raise ProgramsError(
            f"--rewards {path}: no *.rl program in this folder or below; "
            'write one with: rewardlang generate "INSTRUCTION" --offline'
        )
    return tuple(_read(file) for file in files)


def _read(path: Path) -> FoundProgram:
    source = rewardlang.read_program(path)
    if not isinstance(source, rewardlang.Source):
        nothing, unreadable = source
        return FoundProgram(path, None, None, rewardlang.render([unreadable], nothing), "")
    analysis = rewardlang.analyze(source.text, name=source.name)
    errors = [item for item in analysis.diagnostics if _is_error(item)]
    warnings = [item for item in analysis.diagnostics if not _is_error(item)]
    scene = _SCENE_LINE.search(source.text)
    return FoundProgram(
        path,
        scene.group(1) if scene else None,
        None if errors else analysis.program,
        rewardlang.render(errors, source) if errors else "",
        rewardlang.render(warnings, source) if warnings else "",
    )


def _is_error(diagnostic: rewardlang.Diagnostic) -> bool:
    return diagnostic.severity is rewardlang.Severity.ERROR


def select(path: Path, chosen: TasksConfig) -> Selection:
    """The programs below `path` that `chosen` asks for, joined to tasks.

    Raises UnknownChoiceError for a suite or task without a program, and ProgramsError for two
    programs for one task, a broken program among those used, a scene that is not installed.
    """
    return join(choose(path, chosen))


def choose(path: Path, chosen: TasksConfig) -> Choice:
    """The files below `path` that `chosen` asks for; LIBERO is not asked yet.

    Raises UnknownChoiceError for a suite or task without a program, and ProgramsError where there
    is no file.
    """
    found = find_programs(path)
    if missing := _missing(path, found, chosen):
        raise UnknownChoiceError("\n".join(missing))
    wanted = [item for item in found if _is_wanted(item, chosen)]
    wanted.sort(key=lambda item: not _is_named(item, chosen.prefer))  # stable: order of path else
    kept = wanted[: chosen.limit]
    return Choice(path, found, tuple(kept), len(wanted) - len(kept))


def join(choice: Choice) -> Selection:
    """The chosen programs with their tasks. Raises ProgramsError with all that is wrong."""
    problems = [item.problems for item in choice.kept if item.program is None]
    used, not_installed = _join_tasks(item for item in choice.kept if item.program is not None)
    problems += not_installed
    problems += _doubles(used)
    if problems:
        raise ProgramsError("\n".join(problems))
    if not used:
        raise ProgramsError(f"--rewards {choice.path}: no usable program; see the messages above")
    return Selection(choice.found, used, choice.dropped, _warnings(choice.found, choice.kept))


def _is_wanted(item: FoundProgram, chosen: TasksConfig) -> bool:
    if chosen.suite is not None and item.suite != chosen.suite:
        return False
    return not chosen.names or _is_named(item, chosen.names)


def _is_named(item: FoundProgram, names: Sequence[str]) -> bool:
    """Tasks may be named with their suite or without."""
    return item.scene in names or item.task_name in names


def _missing(path: Path, found: Sequence[FoundProgram], chosen: TasksConfig) -> list[str]:
    """What was asked for and is not there, with the nearest names."""
    if chosen.suite is not None and (mistake := _missing_suite(path, found, chosen.suite)):
        return [mistake]
    mistakes = (_missing_task(path, found, name, chosen.suite) for name in chosen.names)
    return [mistake for mistake in mistakes if mistake]


def _missing_suite(path: Path, found: Sequence[FoundProgram], suite: str) -> str:
    """Why there is no program of a suite; "" where there is one."""
    have = sorted({item.suite for item in found if item.suite})
    if suite in have:
        return ""
    if suite not in suites():
        return f"unknown suite {suite}{_nearest(suite, suites())}"
    listed = f"there are programs of {', '.join(have)}" if have else "none has a scene line"
    return f"--rewards {path}: no program of {suite}; {listed}"


def _missing_task(path: Path, found: Sequence[FoundProgram], name: str, chosen: str | None) -> str:
    """Why there is no program for the task `name`, of the `chosen` suite; "" where there is one."""
    own, slash, task = name.rpartition("/")
    if own and chosen not in (None, own):
        return f"--task {name}: --suite {chosen} leaves out {own}"
    suite = own or chosen
    if suite and (mistake := _missing_suite(path, found, suite)):
        return f"--task {name}: {mistake}"
    of_suite = [item for item in found if suite in (None, item.suite)]
    if any(_is_named(item, (name,)) for item in of_suite):
        return ""
    known = [item.task_name for item in of_suite if item.task_name]
    within = f"of {suite}" if suite else "of any suite"
    near = _nearest(task, known, before=own + slash)
    return f"--task {name}: no program for a task {within} with this name{near}"


def _nearest(name: str, known: Iterable[str], *, before: str = "") -> str:
    """Names that resemble `name`, each behind `before`, or how to see all."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.4)
    if not near:
        return "; tgrpo tasks lists all names"
    return f"; did you mean {' or '.join(before + item for item in near)}?"


def _join_tasks(programs: Iterable[FoundProgram]) -> tuple[tuple[TaskProgram, ...], list[str]]:
    used, problems = [], []
    for item in programs:
        assert item.program is not None
        try:
            used.append(TaskProgram(item.path, find_task(item.program.scene), item.program))
        except (UnknownTaskError, LiberoMissingError) as error:
            problems.append(
                f"{item.path}: its scene {item.program.scene!r} is not installed here: {error}"
            )
    return tuple(used), problems


def _doubles(used: Sequence[TaskProgram]) -> list[str]:
    first: dict[str, Path] = {}
    problems = []
    for item in used:
        other = first.setdefault(item.task.id, item.path)
        if other != item.path:
            problems.append(
                f"{other} and {item.path} are both for {item.task.id}; "
                "give --rewards one of the two files"
            )
    return problems


def _warnings(found: Sequence[FoundProgram], kept: Sequence[FoundProgram]) -> tuple[str, ...]:
    broken = [
        f"{item.path} has errors; this run does not use it (rewardlang check shows them)"
        for item in found
        if item.problems and item not in kept
    ]
    return (*broken, *(item.warnings for item in kept if item.warnings))
