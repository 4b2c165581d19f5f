"""Instruction -> program file: find the task, plan it, write `<out>/<suite>/<task>.rl`.

Every way in which this cannot be done is a GenerateError whose text tells the user what to do.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rewardlang.planning.instructions import ACCEPTED, Match, find, measure, nearest, normalise
from rewardlang.planning.planner import PlannerError, plan
from rewardlang.scene import Scene, UnknownSceneError, load, suite_scenes, suites


class GenerateError(ValueError):
    """The user has to decide or correct something; the message says what."""


class Written(StrEnum):
    NEW = "new"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"  # the file held this very text already


@dataclass(frozen=True)
class Generated:
    """What `generate` did. `similarity`: of the given to the task's instruction, in [0, 1]."""

    scene: Scene
    path: Path
    written: Written
    similarity: float


def generate(
    instruction: str, *, out: Path, scene_id: str | None = None, force: bool = False
) -> Generated:
    """Plan the task that `instruction` means and write its program below `out`.

    `scene_id` ("suite/task") picks one of several tasks with the same instruction. A file with
    other content is replaced only with `force`, and no file is ever half written. Raises
    GenerateError.
    """
    match = _chosen(instruction, scene_id)
    try:
        text = plan(match.scene)
    except PlannerError as error:
        raise GenerateError(str(error)) from error
    path = program_path(out, match.scene)
    return Generated(match.scene, path, _write(path, text, force=force), match.similarity)


def program_path(out: Path, scene: Scene) -> Path:
    """Where a scene's program lives: `<out>/<suite>/<task>.rl`."""
    return out / scene.suite / f"{scene.task}.rl"


# --- which task -------------------------------------------------------------------------------


def _chosen(instruction: str, scene_id: str | None) -> Match:
    if not normalise(instruction):
        raise GenerateError("the instruction is empty")
    if scene_id is not None:
        return _agreeing(instruction, _scene(scene_id))
    fitting = find(instruction)
    if not fitting:
        raise GenerateError(_no_task(instruction))
    if len(fitting) > 1:
        raise GenerateError(_several(instruction, fitting))
    return fitting[0]


def _scene(scene_id: str) -> Scene:
    try:
        return load(scene_id)
    except UnknownSceneError as error:
        suite, _, _ = scene_id.partition("/")
        if suite not in suites():
            raise GenerateError(
                f"no scene `{scene_id}`: it is written SUITE/TASK, and the suites are\n"
                + _listed(suites())
            ) from error
        known = [f"{suite}/{task}" for task in suite_scenes(suite)]
        near = difflib.get_close_matches(scene_id, known, n=3, cutoff=0.0)
        raise GenerateError(f"no scene `{scene_id}`; the nearest are\n" + _listed(near)) from error


def _agreeing(instruction: str, scene: Scene) -> Match:
    """The chosen scene, if the instruction can be meant for it."""
    match = measure(instruction, scene)
    if match.similarity < ACCEPTED:
        raise GenerateError(
            f"the instruction of {scene.id} is\n  {scene.instruction}\n"
            f"not `{instruction}` (similarity {match.similarity:.2f}): without a language model "
            "only a scene's own goal can be planned. Use its instruction, or write the program "
            "with `success when`."
        )
    return match


def _no_task(instruction: str) -> str:
    return (
        f"no LIBERO task has the instruction `{instruction}`, nor one near it; the nearest are\n"
        + _listed(nearest(instruction))
    )


def _several(instruction: str, fitting: tuple[Match, ...]) -> str:
    lines = (
        match.scene.id if match.similarity == 1 else f"{match.scene.id}  ({match.similarity:.2f})"
        for match in fitting
    )
    return f"{len(fitting)} tasks fit `{instruction}`; pick one with --scene\n" + _listed(lines)


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)


# --- the file ---------------------------------------------------------------------------------


def _write(path: Path, text: str, *, force: bool) -> Written:
    try:
        return _replace(path, text, force=force)
    except OSError as error:
        raise GenerateError(f"cannot write {path}: {error.strerror or error}") from error


def _replace(path: Path, text: str, *, force: bool) -> Written:
    """Write `text` so that `path` is, at any time, its old content or its new one."""
    old = path.read_bytes() if path.exists() else None
    if old == text.encode():
        return Written.UNCHANGED
    if old is not None and not force:
        raise GenerateError(
            f"{path} exists and differs from the plan, so it is left as it is; "
            "--force replaces it, --out writes elsewhere"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(text.encode())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return Written.NEW if old is None else Written.REPLACED
