"""One frame per rendering backend: who draws, how fast, and what to set.

Training from states draws nothing, so that a run works without any frame. MuJoCo and robosuite,
however, load the library of a backend when they are imported, and fail where it is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tgrpo.doctor.findings import Finding, ok, problem, warning
from tgrpo.doctor.probing import Answer
from tgrpo.gl_libraries import BACKENDS, DEVICE, GL, LIBRARIES, Libraries, loaded_backend

VISIBLE = "CUDA_VISIBLE_DEVICES"
# What MuJoCo and robosuite accept on Linux, besides words for on and off.
_ACCEPTED = (*BACKENDS, "glx", "", "on", "enable", "enabled", "true", "1")
_OFF = ("off", "disable", "disabled", "false", "0")
_SOFTWARE = re.compile(r"llvmpipe|softpipe|swrast|swiftshader|software", re.IGNORECASE)
_PLAIN = {  # what libraries say -> what it means
    "'NoneType' object has no attribute": "its library is not installed",
    "an OpenGL platform library has not been loaded": "there is no display",
    "Cannot initialize a EGL device display": "no EGL device may be used",
}
_VENDOR_FILE = "10_nvidia.json"
_VENDOR_FOLDERS = ("/usr/share/glvnd/egl_vendor.d", "/etc/glvnd/egl_vendor.d")


def judge_variables(environment: Mapping[str, str], libraries: Libraries) -> Finding:
    """Values with which MuJoCo or robosuite fail when they are imported."""
    name = "rendering variables"
    if mistake := _wrong_choice(environment) or _wrong_device(environment):
        return problem(name, *mistake)
    backend = loaded_backend(environment)
    told = [f"{key}={environment[key]}" for key in (GL, DEVICE) if environment.get(key)]
    if backend not in libraries.found:
        text = f"lib{LIBRARIES[backend]} is not installed: MuJoCo or robosuite cannot be imported"
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
