"""Folders of scenes: the one that ships, and those that the user names.

A folder holds catalogue files, `<suite>.json`, and BDDL files, `<suite>/<task>.bddl`. The user's
folders stand in the environment, so that a language server and a trainer's workers know them too.
Files are read again once they change.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from rewardlang.scene.bddl import in_own_words, read_scene
from rewardlang.scene.categories import Categories, learn
from rewardlang.scene.consistency import contradictions
from rewardlang.scene.errors import Problem, SceneFileError, whole_file
from rewardlang.scene.forms import MAX_CHARACTERS
from rewardlang.scene.model import CATALOGUE_FORMAT, Scene, SuiteCatalogue
from rewardlang.source import Source

VARIABLE = "REWARDLANG_SCENES"
SUFFIX = ".bddl"
SHIPPED = Path(str(resources.files("rewardlang"))) / "scenes"
MAX_CATALOGUE_BYTES = 50_000_000
_MOST_TOLD = 10  # of what is wrong with a catalogue file

Stamp = tuple[int, int]  # of a file: time of its last change (ns), size (bytes)


def users_folders() -> tuple[Path, ...]:
    """The folders in the environment variable, in its order; separated as those of `PATH` are."""
    named = os.environ.get(VARIABLE, "").split(os.pathsep)
    return tuple(Path(name).expanduser() for name in named if name)


def folder_problems(folders: Iterable[Path]) -> tuple[str, ...]:
    """What is wrong with the folders themselves: missing, or without a task."""
    return tuple(problem for folder in folders for problem in _problem_of(folder))


def _problem_of(folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        yield f"{folder} is not a folder" if folder.exists() else f"there is no folder {folder}"
    elif not catalogue_files(folder) and not any(folder.glob(f"*/*{SUFFIX}")):
        below = f"it holds neither SUITE.json nor SUITE/TASK{SUFFIX}"
        if any(folder.glob(f"*{SUFFIX}")):
            below = f"its {SUFFIX} files lie in it directly; name the folder above, {folder.parent}"
        yield f"there are no scenes in {folder}: {below}"


def catalogue_files(folder: Path) -> dict[str, Path]:
    """Suite -> the catalogue file of it."""
    return _files(folder, ".json")


def bddl_files(folder: Path, suite: str) -> dict[str, Path]:
    """Task -> its BDDL file in one suite's folder. `suite` may be any text."""
    return _files(folder / suite, SUFFIX) if suite not in ("", ".", "..") else {}


def folder_suites(folder: Path) -> set[str]:
    """The suites of a folder."""
    return {*catalogue_files(folder), *(path.parent.name for path in folder.glob(f"*/*{SUFFIX}"))}


def _files(folder: Path, suffix: str) -> dict[str, Path]:
    """Name without `suffix` -> file, by name; none where there is no such folder."""
    try:
        names = sorted(os.listdir(folder))
    except (OSError, ValueError):  # ValueError: a name with a null byte or a lone surrogate
        return {}
    found = (name for name in names if name.endswith(suffix) and not name.startswith("."))
    return {name.removesuffix(suffix): folder / name for name in found}


# --- reading ----------------------------------------------------------------------------------


def read_catalogue(path: Path) -> SuiteCatalogue:
    """One catalogue file. Raises SceneFileError."""
    return _catalogue(path, _stamp(path))


def read_bddl(path: Path, suite: str, task: str) -> Scene:
    """The scene of one BDDL file. Raises SceneFileError."""
    return _bddl(path, _stamp(path), suite, task, categories())


def categories() -> Categories:
    """The categories in the scenes that a simulator wrote: those that ship, then the user's."""
    folders = (SHIPPED, *users_folders())
    files = [path for folder in folders for path in catalogue_files(folder).values()]
    return _categories(tuple((path, _stamp(path)) for path in files))


@lru_cache(maxsize=4)
def _categories(files: tuple[tuple[Path, Stamp], ...]) -> Categories:
    return learn(scene for path, stamp in files for scene in _readable(path, stamp))


def _readable(path: Path, stamp: Stamp) -> tuple[Scene, ...]:
    """Nothing of a damaged file: what is wrong with it is told where its suite is named."""
    try:
        return _catalogue(path, stamp).scenes
    except SceneFileError:
        return ()


@lru_cache(maxsize=256)
def _catalogue(path: Path, stamp: Stamp) -> SuiteCatalogue:
    data = _bytes(path, stamp, MAX_CATALOGUE_BYTES)
    try:
        catalogue = SuiteCatalogue.model_validate_json(data)
    except ValidationError as error:
        raise SceneFileError(list(_mistakes(path, error))) from error
    wrong = list(_contradictions(path, catalogue))
    if wrong:
        raise SceneFileError(wrong[:_MOST_TOLD])
    return catalogue


def _mistakes(path: Path, error: ValidationError) -> Iterator[Problem]:
    for mistake in error.errors(include_url=False)[:_MOST_TOLD]:
        where = ".".join(str(key) for key in mistake["loc"])
        yield whole_file(str(path), f"{where}: {mistake['msg']}" if where else mistake["msg"])


def _contradictions(path: Path, catalogue: SuiteCatalogue) -> Iterator[Problem]:
    if catalogue.format != CATALOGUE_FORMAT:
        message = f"format {catalogue.format} of catalogues; this rewardlang reads"
        yield whole_file(str(path), f"{message} {CATALOGUE_FORMAT}")
    named = {catalogue.suite, *(scene.suite for scene in catalogue.scenes)}
    for suite in sorted(named - {path.stem}):
        yield whole_file(str(path), f"it holds the suite `{suite}`, whose file is `{suite}.json`")
    for scene in catalogue.scenes:
        for message in contradictions(scene):
            yield whole_file(str(path), f"{scene.task}: {message}")


@lru_cache(maxsize=1024)
def _bddl(path: Path, stamp: Stamp, suite: str, task: str, known: Categories) -> Scene:
    name = str(path)
    try:
        text = _bytes(path, stamp, 4 * MAX_CHARACTERS).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"this is not UTF-8 text: byte number {error.start + 1}"
        raise SceneFileError([whole_file(name, message)]) from error
    return worded(read_scene(Source(text, name), suite, task, known))


def worded(scene: Scene) -> Scene:
    """The scene of a file under the sentences that count as its instruction.

    LIBERO's own is left as it is. Of any other both the name and the `:language` line count: the
    line first, but the name where both are those of a task of LIBERO's, in another scene say.
    """
    shipped = (read_catalogue(path) for path in catalogue_files(SHIPPED).values())
    sentences = (scene.task, scene.language)
    suites = {
        own.suite
        for catalogue in shipped
        for own in catalogue.scenes
        if (own.task, own.language) == sentences
    }
    if scene.suite in suites:
        return scene
    both = in_own_words(scene)
    return both.told(scene.instruction) if suites else both


def _stamp(path: Path) -> Stamp:
    """Raises SceneFileError where there is no such file, or something that is no file."""
    try:
        if not path.is_file():
            raise SceneFileError([_missing(path)])
        status = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a null byte, a lone surrogate
        raise SceneFileError([whole_file(str(path), _why(error))]) from error
    return status.st_mtime_ns, status.st_size


def _missing(path: Path) -> Problem:
    if path.exists():
        return whole_file(str(path), "this is not a file")
    beside = [file.name for file in _files(path.parent, SUFFIX).values()]
    near = difflib.get_close_matches(path.name, beside, n=3, cutoff=0.7)
    why = "there is no such file" if path.parent.is_dir() else f"there is no folder {path.parent}"
    return whole_file(str(path), why, (str(path.with_name(name)) for name in near))


def _bytes(path: Path, stamp: Stamp, most: int) -> bytes:
    if stamp[1] > most:
        message = f"{stamp[1]} bytes are too many for it: at most {most} are read"
        raise SceneFileError([whole_file(str(path), message)])
    try:
        return path.read_bytes()
    except OSError as error:
        raise SceneFileError([whole_file(str(path), _why(error))]) from error


def _why(error: Exception) -> str:
    strerror = error.strerror if isinstance(error, OSError) else None
    return (strerror or str(error)).lower()
