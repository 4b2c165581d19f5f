"""Text -> checked program and diagnostics: the whole front end on one screen."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rewardlang import ir
from rewardlang.checking import checker, lints
from rewardlang.checking.names import nearest
from rewardlang.diagnostics import Diagnostic, Suggestion, in_order
from rewardlang.scene import Scene, SceneFileError, UnknownSceneError, load, suites, task_names
from rewardlang.scene.catalogue import is_path
from rewardlang.scene.errors import CODE, in_one_line
from rewardlang.source import Source
from rewardlang.syntax import nodes, parser

MOST_OF_A_FILE = 10  # mistakes in a scene's file that are told of a program


@dataclass(frozen=True)
class Analysis:
    """What is known of a program text.

    `program` is None where there are errors, `tree` where the syntax is wrong; `scene` is None
    where the program's is not known.
    """

    source: Source
    tree: nodes.Program | None
    scene: Scene | None
    program: ir.Program | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Whether there are no errors; warnings may stand in `diagnostics`."""
        return not any(diagnostic.is_error for diagnostic in self.diagnostics)


def analyze(text: str, *, name: str = "<string>", scene: Scene | None = None) -> Analysis:
    """Parse and check a program; never raises on bad input.

    `name` is what diagnostics call the text; where it is a file's, a relative path in the `scene`
    line starts in that file's folder. `scene`: what to check it against; by default the scene that
    the program names.
    """
    source = Source(text, name)
    parsed = parser.parse(source)
    if parsed.tree is None:
        return Analysis(source, None, scene, None, parsed.diagnostics)
    found_scene, scene_problems = _scene(parsed.tree.scene, scene, source)
    checked = checker.check(parsed.tree, found_scene, source)
    found = [*parsed.diagnostics, *scene_problems, *checked.diagnostics]
    if parsed.diagnostics:  # with holes in the tree, only errors can be relied on
        errors = in_order(d for d in found if d.is_error)
        return Analysis(source, None, found_scene, None, errors)
    program = checked.program if not scene_problems else None
    if program and found_scene:
        found += lints.lint(program, found_scene)
    return Analysis(source, parsed.tree, found_scene, program, in_order(found))


def _scene(
    named: nodes.SceneName, given: Scene | None, source: Source
) -> tuple[Scene | None, list[Diagnostic]]:
    """The scene to check against, and what is wrong with the program's `scene` line."""
    scene_id, span = named.text.value, named.text.span
    if given is not None:
        if scene_id == "" or _names(scene_id, given, source.folder):
            return given, []
        message = f"this is the program of another scene than `{given.id}`"
        fix = (Suggestion(f'"{given.id}"'),)
        return given, [Diagnostic("scene-mismatch", message, span, suggestions=fix)]
    try:
        return load(scene_id, source.folder), []
    except UnknownSceneError as error:
        return None, [_unknown_scene(named, error)] if scene_id else []
    except SceneFileError as error:
        return None, [_unreadable_scene(named, error)]


def _names(scene_id: str, scene: Scene, folder: Path) -> bool:
    """Whether a `scene` line means this scene."""
    if scene_id == scene.id or not (scene.path and is_path(scene_id)):
        return scene_id == scene.id
    return os.path.abspath(folder / scene_id) == os.path.abspath(folder / scene.path)


def _unreadable_scene(named: nodes.SceneName, error: SceneFileError) -> Diagnostic:
    """Every mistake in the file, in one line each."""
    (source, first), *more = error.problems
    message = f"the scene of {source.name} cannot be had"
    if not more and not source.text:
        there = Path(named.text.value)
        meant = (there.with_name(Path(fix.replacement).name) for fix in first.suggestions)
        fixes = tuple(Suggestion(f'"{path}"') for path in meant)
        return Diagnostic(CODE, f"{message}: {first.message}", named.text.span, suggestions=fixes)
    notes = tuple(in_one_line(*problem) for problem in error.problems[:MOST_OF_A_FILE])
    count = len(error.problems)
    hint = f"{count} mistakes in the file" if more else "a mistake in the file"
    asked = "`rewardlang scene FILE` shows them in their place"
    return Diagnostic(CODE, message, named.text.span, hint, notes=(*notes, asked))


def _unknown_scene(named: nodes.SceneName, error: UnknownSceneError) -> Diagnostic:
    """What was probably meant, and where to look."""
    scene_id, span = named.text.value, named.text.span
    suite, slash, task = scene_id.partition("/")
    listed = ", ".join(f"`{name}`" for name in suites())
    notes = (
        f"the known suites are {listed}; `--scenes DIR` adds those of a folder",
        "`rewardlang scenes SUITE` lists the scenes of a suite",
    )
    if suite in suites() and not task:
        message = f"`{suite}` is a suite of {len(task_names(suite))} tasks: name one of them"
        return Diagnostic("unknown-scene", message, span, notes=notes[1:])
    if not slash:
        message = f'`{scene_id}` is not a scene: it is written "suite/task", or "FILE.bddl"'
        return Diagnostic("unknown-scene", message, span, notes=notes)
    if suite not in suites():
        near = [f"{name}/{task}" for name in nearest(suite, suites())]
        message = f"there is no suite `{suite}`"
    else:
        near = nearest(scene_id, error.known, spread=0.05)
        message = f"there is no task `{task}` in the suite `{suite}`"
    fixes = tuple(Suggestion(f'"{name}"') for name in near)
    return Diagnostic("unknown-scene", message, span, suggestions=fixes, notes=notes)
