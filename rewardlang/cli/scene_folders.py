"""`--scenes DIR`: the option of every command that meets a scene."""

from __future__ import annotations

import inspect
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from rewardlang.cli.console import fail
from rewardlang.scene.folders import VARIABLE, folder_problems, users_folders

_NAME = "scene_folders"
_GIVEN: ContextVar[tuple[Path, ...]] = ContextVar("given", default=())
_OPTION = inspect.Parameter(
    _NAME,
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        list[Path] | None,
        typer.Option(
            "--scenes",
            metavar="DIR",
            help="Also know the scenes in DIR: SUITE.json and SUITE/TASK.bddl. May be repeated; "
            f"instead of those in ${VARIABLE}.",
            show_default=False,
        ),
    ],
)


def with_scenes(command: Callable[..., None], *, strict: bool = True) -> Callable[..., None]:
    """`command` with the option.

    A folder without scenes ends it, where it is not `strict` with a warning only.
    """

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        with _known(kwargs.pop(_NAME)):
            problems = "\n".join(folder_problems(users_folders()))
            if problems and strict:
                fail(f"{problems}\n(from --scenes or ${VARIABLE})")
            if problems:
                typer.echo(f"warning: {problems}", err=True)
            command(*args, **kwargs)

    own = inspect.signature(command, eval_str=True)
    run.__signature__ = own.replace(  # type: ignore[attr-defined]  # read by typer
        parameters=[*own.parameters.values(), _OPTION]
    )
    run.__annotations__ = {**run.__annotations__, _NAME: _OPTION.annotation}
    return run


def scenes_given() -> str:
    """The option as this command was given it, for another that is to know the same scenes."""
    return "".join(f" --scenes {shlex.quote(str(folder))}" for folder in _GIVEN.get())


@contextmanager
def _known(folders: list[Path] | None) -> Iterator[None]:
    """The folders in the environment, for this process and those that it starts."""
    if not folders:
        yield
        return
    before = os.environ.get(VARIABLE)
    given = _GIVEN.set(tuple(folders))
    os.environ[VARIABLE] = os.pathsep.join(str(folder.absolute()) for folder in folders)
    try:
        yield
    finally:
        _GIVEN.reset(given)
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
