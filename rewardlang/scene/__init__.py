"""Scenes: what exists in a task, and where it is read from. Needs no simulator.

A scene comes from the catalogue that ships (`rewardlang/scenes/<suite>.json`, generated from
LIBERO's own classes by `tgrpo catalogue` and compared with them by a test marked `sim`), from a
folder of the user's, or from the text of a `.bddl` file.
"""

from rewardlang.scene.catalogue import known_scenes, load, suite_scenes, suites, task_names
from rewardlang.scene.errors import SceneError, SceneFileError, UnknownSceneError
from rewardlang.scene.model import (
    CATALOGUE_FORMAT,
    HandleBox,
    Joint,
    Object,
    Region,
    Scene,
    SuiteCatalogue,
)

__all__ = [
    "CATALOGUE_FORMAT",
    "HandleBox",
    "Joint",
    "Object",
    "Region",
    "Scene",
    "SceneError",
    "SceneFileError",
    "SuiteCatalogue",
    "UnknownSceneError",
    "known_scenes",
    "load",
    "suite_scenes",
    "suites",
    "task_names",
]
