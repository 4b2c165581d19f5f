"""Text -> checked program and diagnostics: the whole front end on one screen."""

from __future__ import annotations

from dataclasses import dataclass

from rewardlang import ir
from rewardlang.checking import checker, lints
from rewardlang.checking.names import nearest
from rewardlang.diagnostics import Diagnostic, Suggestion, in_order
from rewardlang.scene import Scene, UnknownSceneError, load, suites
from rewardlang.source import Source
from rewardlang.syntax import nodes, parser


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

    `name` is what diagnostics call the text. `scene`: what to check it against; by default the
    scene that the program names, from the catalogue.
    """
    source = Source(text, name)
    parsed = parser.parse(source)
    if parsed.tree is None:
        return Analysis(source, None, scene, None, parsed.diagnostics)
    found_scene, scene_problems = _scene(parsed.tree.scene, scene)
    checked = checker.check(parsed.tree, found_scene, source)
    found = [*parsed.diagnostics, *scene_problems, *checked.diagnostics]
    if parsed.diagnostics:  # with holes in the tree, only errors can be relied on
        errors = in_order(d for d in found if d.is_error)
        return Analysis(source, None, found_scene, None, errors)
    program = checked.program if not scene_problems else None
    if program and found_scene:
        found += lints.lint(program, found_scene)
    return Analysis(source, parsed.tree, found_scene, program, in_order(found))


def _scene(named: nodes.SceneName, given: Scene | None) -> tuple[Scene | None, list[Diagnostic]]:
    """The scene to check against, and what is wrong with the program's `scene` line."""
    scene_id, span = named.text.value, named.text.span
    if given is not None:
        if scene_id in (given.id, ""):
            return given, []
        message = f"this is the program of another scene than `{given.id}`"
        fix = (Suggestion(f'"{given.id}"'),)
        return given, [Diagnostic("scene-mismatch", message, span, suggestions=fix)]
    try:
        return load(scene_id), []
    except UnknownSceneError as error:
        return None, [_unknown_scene(named, error)] if scene_id else []


def _unknown_scene(named: nodes.SceneName, error: UnknownSceneError) -> Diagnostic:
    """What was probably meant, and where to look."""
    scene_id, span = named.text.value, named.text.span
    suite, slash, task = scene_id.partition("/")
    listed = ", ".join(f"`{name}`" for name in suites()) or "none"
    notes = (
        f"the catalogue that comes with rewardlang holds the suites {listed}",
        "`rewardlang scenes SUITE` lists the scenes of a suite",
    )
    if not slash:
        message = f'`{scene_id}` is not a scene: it is written "suite/task"'
        return Diagnostic("unknown-scene", message, span, notes=notes)
    if suite not in suites():
        near = [f"{name}/{task}" for name in nearest(suite, suites())]
        message = f"there is no suite `{suite}` in the catalogue"
    else:
        near = nearest(scene_id, error.known, spread=0.05)
        message = f"there is no task `{task}` in the suite `{suite}`"
    fixes = tuple(Suggestion(f'"{name}"') for name in near)
    return Diagnostic("unknown-scene", message, span, suggestions=fixes, notes=notes)
