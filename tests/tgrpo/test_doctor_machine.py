"""What the doctor says of cores, memory, disks, GPUs and Ray: facts in, findings out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tgrpo.doctor_findings import only
from tgrpo.doctor import accelerators, machine, storage
from tgrpo.doctor.findings import Finding, Status, ok, warning, worst
from tgrpo.doctor.machine import Cores
from tgrpo.doctor.probing import Answer
from tgrpo.doctor.sizes import GIB, MIB
from tgrpo.doctor.storage import Room

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
