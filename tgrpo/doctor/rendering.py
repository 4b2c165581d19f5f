"""One frame per rendering backend: who draws, how fast, and what to set.

Training from states draws nothing, so that a run works without any frame. MuJoCo and robosuite,
however, load the library of a backend when they are imported, and fail where it is missing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ctypes import CDLL
from ctypes.util import find_library
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from tgrpo.doctor.findings import Finding, ok, problem, warning
from tgrpo.doctor.probing import Answer

BACKENDS = ("egl", "osmesa", "glfw")  # best first, where there is no screen
GL = "MUJOCO_GL"
DEVICE = "MUJOCO_EGL_DEVICE_ID"
VISIBLE = "CUDA_VISIBLE_DEVICES"
# What MuJoCo and robosuite accept on Linux, besides words for on and off.
_ACCEPTED = (*BACKENDS, "glx", "", "on", "enable", "enabled", "true", "1")
_OFF = ("off", "disable", "disabled", "false", "0")
_SOFTWARE = re.compile(r"llvmpipe|softpipe|swrast|swiftshader|software", re.IGNORECASE)
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
_LIBRARIES = {"egl": "EGL", "osmesa": "OSMesa"}  # loaded with `import mujoco`
_FILES = {"egl": ("libEGL.so.1", "libEGL.so"), "osmesa": ("libOSMesa.so.8", "libOSMesa.so")}
_LIBRARY_MISSING = re.compile(r"'NoneType' object has no attribute '(gl|egl)")
_PLAIN = {  # what libraries say -> what it means
    "'NoneType' object has no attribute": "its library is not installed",
    "an OpenGL platform library has not been loaded": "there is no display",
    "Cannot initialize a EGL device display": "no EGL device may be used",
}
_VENDOR_FILE = "10_nvidia.json"
_VENDOR_FOLDERS = ("/usr/share/glvnd/egl_vendor.d", "/etc/glvnd/egl_vendor.d")


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
        for name, library in _LIBRARIES.items()
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


def judge_variables(environment: Mapping[str, str], libraries: Libraries) -> Finding:
    """Values with which MuJoCo or robosuite fail when they are imported."""
    name = "rendering variables"
    if mistake := _wrong_choice(environment) or _wrong_device(environment):
        return problem(name, *mistake)
    backend = loaded_backend(environment)
    told = [f"{key}={environment[key]}" for key in (GL, DEVICE) if environment.get(key)]
    if backend not in libraries.found:
        text = f"lib{_LIBRARIES[backend]} is not installed: MuJoCo or robosuite cannot be imported"
        return problem(name, ", ".join([*told, text]), libraries.instead_of(backend))
    return ok(name, ", ".join(told) or f"{GL} and {DEVICE} are not set; none is needed")


def _wrong_choice(environment: Mapping[str, str]) -> tuple[str, str] | None:
    chosen = environment.get(GL, "")
    if chosen.lower().strip() in (*_ACCEPTED, *_OFF):
        return None
    text = f"{GL}={chosen}: MuJoCo knows {', '.join(BACKENDS)}, and cannot be imported"
    return text, f"export {GL}=egl"


def _wrong_device(environment: Mapping[str, str]) -> tuple[str, str] | None:
    device, visible = environment.get(DEVICE, ""), environment.get(VISIBLE, "")
    if device and not device.isdigit():
        return f"{DEVICE}={device} is no number of a device", f"unset {DEVICE}"
    if device and visible and device not in visible:  # robosuite compares the texts
        text = (
            f"{DEVICE}={device} is not among {VISIBLE}={visible}: robosuite cannot be imported "
            "(EGL has numbers of its own, but it asks for this)"
        )
        return text, f"unset {DEVICE}"
    return None


def library_fix(failure: str, environment: Mapping[str, str], libraries: Libraries) -> str:
    """What mends an import that failed for want of a library; "" where that is not the reason."""
    if _LIBRARY_MISSING.search(failure):
        return libraries.instead_of(loaded_backend(environment))
    named = (name for name in _PACKAGES[libraries.manager] if ".so" in name and name in failure)
    return next((libraries.install(name) for name in named), "")


def is_software(answer: Answer) -> bool:
    return answer.worked and bool(_SOFTWARE.search(answer.value["renderer"]))


def judge_frames(
    answers: Mapping[str, Answer],
    chosen: str,
    *,
    libraries: Libraries,
    gpu: bool,
    vendor_file: bool = True,
    hardware_device: int | None = None,
) -> tuple[Finding, ...]:
    """Of the trial `frame` with each backend. `chosen`: MUJOCO_GL.

    `gpu`: the kernel shows an NVIDIA GPU; `vendor_file`: libglvnd was told of NVIDIA's EGL;
    `hardware_device`: the first EGL device that draws in hardware, where the default does not.
    """
    works = [name for name, answer in answers.items() if _draws(answer)]
    found = []
    for backend, answer in answers.items():
        title = f"frame with {backend}"
        if not _draws(answer):
            found.append(_silent(title, backend, answer, works, chosen, libraries))
        elif is_software(answer):
            fix = _out_of_software(backend, gpu, vendor_file, hardware_device)
            text = f"{_told(answer)}; software rendering, a GPU takes about 1 ms"
            found.append(warning(title, text, fix))
        else:
            found.append(ok(title, _told(answer)))
    return tuple(found)


def _draws(answer: Answer) -> bool:
    return answer.worked and not answer.value["black"]


def _told(answer: Answer) -> str:
    value = answer.value
    return f"{value['renderer']}: {value['frame_ms']:.1f} ms, the first {value['first_s']:.1f} s"


def _silent(
    title: str,
    backend: str,
    answer: Answer,
    works: list[str],
    chosen: str,
    libraries: Libraries,
) -> Finding:
    """Of a backend that draws nothing."""
    reason = _plain(answer.failure) if answer.failure else "the frame is black"
    install = libraries.install(backend)
    if chosen == backend:
        fix = f"export {GL}={works[0]}" if works else install
        return problem(title, f"{GL}={backend}, and it draws nothing: {reason}", fix)
    if works:
        return ok(title, f"draws nothing here, and {works[0]} does ({reason})")
    text = f"draws nothing: {reason}; training from states needs no frames"
    return warning(title, text, install if backend == BACKENDS[0] else "")


def _plain(failure: str) -> str:
    meant = (plain for said, plain in _PLAIN.items() if said in failure)
    return next(meant, failure)


def _out_of_software(
    backend: str, gpu: bool, vendor_file: bool, hardware_device: int | None
) -> str:
    if not gpu:
        return ""
    if backend != "egl":
        return f"export {GL}=egl"
    if hardware_device is not None:
        return f"export {DEVICE}={hardware_device}"
    if not vendor_file:
        return "docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=all …"
    return f"unset {DEVICE}"


def see_vendor_file() -> bool:
    """Whether libglvnd finds NVIDIA's EGL: containers without the capability `graphics` lack it."""
    return any((Path(folder) / _VENDOR_FILE).is_file() for folder in _VENDOR_FOLDERS)


def judge_children(answer: Answer) -> Finding:
    """Of the trial `children`: contexts in children of a process that has one."""
    name = "contexts in children"
    if not answer.worked:
        return warning(name, f"could not be tried: {answer.failure}")
    spawned, forked = answer.value["spawn"], answer.value["fork"]
    if spawned:
        text = f"a spawned child cannot draw while its parent has a context: {spawned}"
        return warning(name, text, "tgrpo train --workers 1")
    if forked:
        return ok(
            name,
            f"spawned ones draw, as tgrpo's workers do; forked ones do not ({forked}): make an "
            "environment inside the process that uses it",
        )
    return ok(name, "spawned and forked ones draw")
