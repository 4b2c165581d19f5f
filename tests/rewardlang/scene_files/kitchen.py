"""What questions about scene files start from: a scene, copies of it, and the command."""

from __future__ import annotations

from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from rewardlang.cli import app
from rewardlang.scene import Scene, SuiteCatalogue, load

MILK = load("libero_object/pick_up_the_milk_and_place_it_in_the_basket")


def catalogue(folder: Path, suite: str, *tasks: str, of: Scene = MILK) -> Path:
    """A catalogue file in `folder` with copies of one scene."""
    scenes = tuple(of.model_copy(update={"suite": suite, "task": task}) for task in tasks)
    path = folder / f"{suite}.json"
    path.write_text(SuiteCatalogue(suite=suite, scenes=scenes).model_dump_json())
    return path


def run(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])
