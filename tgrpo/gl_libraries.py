"""Libraries that draw: which are here, which of them MUJOCO_GL asks for, and what installs one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ctypes import CDLL
from ctypes.util import find_library
from dataclasses import dataclass
from shutil import which

BACKENDS = ("egl", "osmesa", "glfw")  # best first, where there is no screen
GL = "MUJOCO_GL"
DEVICE = "MUJOCO_EGL_DEVICE_ID"
LIBRARIES = {"egl": "EGL", "osmesa": "OSMesa"}  # loaded with `import mujoco`
_PACKAGES = {  # manager -> backend, or a library that LIBERO needs -> what it is called there
    "apt-get": {
        "egl": "libegl1 libgl1-mesa-dri",
        "osmesa": "libosmesa6",
        "glfw": "libglfw3",
        "libGL.so.1": "libgl1",
        "libgthread-2.0.so.0": "libglib2.0-0",
    },
    "dnf": {
        "egl": "mesa-libEGL mesa-dri-drivers",
        "osmesa": "mesa-libOSMesa",
        "glfw": "glfw",
        "libGL.so.1": "mesa-libGL",
        "libgthread-2.0.so.0": "glib2",
    },
}
_FILES = {"egl": ("libEGL.so.1", "libEGL.so"), "osmesa": ("libOSMesa.so.8", "libOSMesa.so")}
_LIBRARY_MISSING = re.compile(r"'NoneType' object has no attribute '(gl|egl)")


@dataclass(frozen=True, slots=True)
class Libraries:
    """Backends whose library the linker finds, and what installs others here."""

    found: frozenset[str]
    manager: str = "apt-get"
    root: bool = False

    def install(self, what: str) -> str:
        """The command that installs a backend or a library."""
        return (
            f"{'' if self.root else 'sudo '}{self.manager} install {_PACKAGES[self.manager][what]}"
        )

    def instead_of(self, chosen: str) -> str:
        """The command for a backend whose library is missing: another one, or its package."""
        other = next((name for name in BACKENDS if name in self.found - {chosen}), None)
        return f"export {GL}={other}" if other else self.install(chosen)


def see_libraries() -> Libraries:
    found = frozenset(
        name
        for name, library in LIBRARIES.items()
        if find_library(library) or any(map(_loads, _FILES[name]))
    )
    manager = next((name for name in _PACKAGES if which(name)), "apt-get")
    return Libraries(found, manager, os.geteuid() == 0)


def _loads(file: str) -> bool:
    """Environments with a linker path of their own have what the system's list does not."""
    try:
        CDLL(file)
    except OSError:
        return False
    return True


def loaded_backend(environment: Mapping[str, str]) -> str:
    """Whose library is loaded at import: robosuite takes EGL for all but one choice."""
    return "osmesa" if environment.get(GL, "").lower().strip() == "osmesa" else "egl"


def library_fix(failure: str, environment: Mapping[str, str], libraries: Libraries) -> str:
    """What mends an import that failed for want of a library; "" where that is not the reason."""
    if _LIBRARY_MISSING.search(failure):
        return libraries.instead_of(loaded_backend(environment))
    named = (name for name in _PACKAGES[libraries.manager] if ".so" in name and name in failure)
    return next((libraries.install(name) for name in named), "")
