"""Which task is meant: an instruction, and perhaps a scene, -> what a program is written for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from rewardlang.planning.instructions import ACCEPTED, Match, find, measure, nearest, normalise
from rewardlang.prompting.messages import Wanted
from rewardlang.scene import (
    Scene,
    SceneFileError,
    UnknownSceneError,
    load,
    suites,
    task_names,
)
from rewardlang.scene.catalogue import readable_scenes, seen_from
from rewardlang.scene.model import MAX_INSTRUCTION, UNSPEAKABLE


class TaskError(ValueError):
    """The user has to decide or correct something; the message says what."""


@dataclass(frozen=True)
class Meant:
    """The task. similarity: of the instruction to the scene's own, in [0, 1].

    runners_up: the tasks that were next nearest, where it is not exact.
    """

    wanted: Wanted
    similarity: float = 1.0
    runners_up: tuple[str, ...] = ()


def meant(instruction: str, scene_id: str | None, *, by_model: bool) -> Meant:
    """The task that an instruction means. Raises TaskError, SceneFileError.

    `scene_id` ("suite/task") picks one of several tasks with the same instruction. A model, but
    not the planner, can also write a program for a goal that is not the scene's own.
    """
    if not normalise(instruction):
        raise TaskError("the instruction is empty")
    if problem := _unspeakable(instruction):
        raise TaskError(problem)
    if scene_id is not None:
        return _in_scene(instruction, _scene(scene_id), by_model=by_model)
    fitting = find(instruction)
    if not fitting:
        raise TaskError(_no_task(instruction, by_model=by_model))
    if len(fitting) > 1:
        raise TaskError(_several(instruction, fitting))
    match = fitting[0]
    others = [near for near in nearest(instruction, 4) if near != match.scene.instruction]
    return Meant(
        _native(match.scene), match.similarity, tuple(others[:3]) if match.similarity < 1 else ()
    )


def program_path(out: Path, wanted: Wanted) -> Path:
    """`<out>/<suite>/<task>.rl`; with a goal of one's own, the instruction instead of the task."""
    scene = wanted.scene
    words = re.sub(r"[^a-z0-9]+", "_", wanted.instruction.lower()).strip("_")[:100]
    return out / scene.suite / f"{words if wanted.own_goal else scene.task}.rl"


def for_program(wanted: Wanted, path: Path) -> Wanted:
    """The same for the program at `path`, from whose folder the file of a scene is named."""
    return replace(wanted, scene=seen_from(path.parent, wanted.scene))


def wanted_in_suite(suite: str) -> tuple[Wanted, ...]:
    """Every task of a suite that can be read; `broken_in_suite` says what is wrong with the others.

    Raises TaskError, and SceneFileError for a broken catalogue.
    """
    return tuple(_native(scene) for scene in _readable(suite)[0].values())


def broken_in_suite(suite: str) -> tuple[SceneFileError, ...]:
    """The files of a suite that are no scenes. Raises TaskError and SceneFileError as above."""
    return _readable(suite)[1]


def _readable(suite: str) -> tuple[dict[str, Scene], tuple[SceneFileError, ...]]:
    try:
        return readable_scenes(suite)
    except UnknownSceneError as error:
        near = difflib.get_close_matches(suite, suites(), n=1)
        hint = f"; did you mean `{near[0]}`? There are " if near else "; there are "
        raise TaskError(f"there is no suite `{suite}`{hint}{', '.join(error.known)}") from error


def wanted_everywhere() -> tuple[Wanted, ...]:
    """Every task that can be read."""
    return tuple(wanted for suite in suites() for wanted in wanted_in_suite(suite))


def _native(scene: Scene) -> Wanted:
    return Wanted(scene, scene.instruction)


def _in_scene(instruction: str, scene: Scene, *, by_model: bool) -> Meant:
    """The chosen scene: its own task where the instruction can be meant for it."""
    match = measure(instruction, scene)
    if match.similarity >= ACCEPTED and not (by_model and match.similarity < 1):
        return Meant(_native(match.scene), match.similarity)
    if by_model:
        return Meant(Wanted(scene, instruction.strip(), own_goal=True), match.similarity)
    raise TaskError(
        f"the instruction of {scene.id} is\n" + _listed(scene.instructions) + "\n"
        f"not `{instruction}` (similarity {match.similarity:.2f}): without a language model "
        "only a scene's own goal can be planned. Use its instruction, or write the program "
        "with `success when`."
    )


def _unspeakable(instruction: str) -> str:
    """What keeps an instruction from standing in a program's `task` line; "" for nothing."""
    found = UNSPEAKABLE.search(instruction.strip())
    if found:
        return f"an instruction holds no {found[0]!r}: it stands in the program's `task` line"
    if len(instruction) > MAX_INSTRUCTION:
        return f"an instruction has at most {MAX_INSTRUCTION} characters"
    return ""


def _scene(scene_id: str) -> Scene:
    try:
        return load(scene_id)
    except UnknownSceneError as error:
        suite, _, _ = scene_id.partition("/")
        if suite not in suites():
            raise TaskError(
                f"no scene `{scene_id}`: it is written SUITE/TASK, and the suites are\n"
                + _listed(suites())
            ) from error
        known = [f"{suite}/{task}" for task in task_names(suite)]
        near = difflib.get_close_matches(scene_id, known, n=3, cutoff=0.0)
        raise TaskError(f"no scene `{scene_id}`; the nearest are\n" + _listed(near)) from error


def _no_task(instruction: str, *, by_model: bool) -> str:
    own = "makes it" if by_model else "and a language model (--model) make it"
    return (
        f"no instruction of LIBERO is close enough to `{instruction}`; the closest are\n"
        + _listed(nearest(instruction))
        + f"\n--scene SUITE/TASK {own} a goal of your own in that scene"
    )


def _several(instruction: str, fitting: tuple[Match, ...]) -> str:
    lines = (
        match.scene.id if match.similarity == 1 else f"{match.scene.id}  ({match.similarity:.2f})"
        for match in fitting
    )
    return f"{len(fitting)} tasks fit `{instruction}`; pick one with --scene\n" + _listed(lines)


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)
