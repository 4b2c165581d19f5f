"""A real cluster of two nodes: the same results as on one machine, whoever leaves or joins."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rewardlang
from tgrpo.cluster import ClusterError
from tgrpo.policies import make_policy
from tgrpo.rollouts.backend import Backend, LocalBackend
from tgrpo.rollouts.evaluation import EvaluationJob
from tgrpo.rollouts.rollout import Collected, GroupJob, Rules
from tgrpo.rollouts.workers import WorkerError
from tgrpo.simulation.initial_states import load_states
from tgrpo.tasks import find_task

ray = pytest.importorskip("ray")
cluster_utils = pytest.importorskip("ray.cluster_utils")

from tgrpo.rollouts.on_ray.backend import RayBackend, Size  # noqa: E402

pytestmark = pytest.mark.sim

TASK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
STORE = 80 * 1024 * 1024  # bytes, of each node's object store
NODE = {"num_cpus": 3, "object_store_memory": STORE}
QUICK_DEATH = {  # a node is dead after two seconds of silence
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 500,
    "health_check_failure_threshold": 4,
}
SLOTS = 6
STEPS = 12


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    head = {**NODE, "include_dashboard": False, "_system_config": QUICK_DEATH}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
        yield cluster
        cluster.shutdown()


@pytest.fixture(scope="module")
def jobs() -> list[GroupJob]:
    task = find_task(TASK)
    file = Path(__file__).parents[2] / "tasks" / f"{TASK}.rl"
    program = rewardlang.analyze(file.read_text(), name=str(file)).program
    states = load_states(task, "train")
    return [GroupJob(n, task, program, states[n : n + 3], STEPS) for n in range(5)]


def collect(
    backend: Backend,
    jobs: list[GroupJob],
    blow: Callable[[], None] = lambda: None,
    chunk: int = 1,
) -> Collected:
    """`blow` falls when the first control steps are told."""
    blows = iter([blow])
    return backend.collect(
        make_policy("tiny", seed=3, architecture={"chunk": chunk}),
        jobs,
        Rules(3, 1.0, "synchronous", 11, 2),
        on_steps=lambda _: next(blows, lambda: None)(),
    )


def arms(collected: Collected) -> list[bytes]:
    return [
        part.tobytes()
        for group in collected.groups
        for arm in group.trajectories
        for part in (arm.tokens, arm.log_probs, arm.robot, arm.objects, arm.rewards, arm.phi)
    ]


def outcomes(backend: Backend, jobs: list[GroupJob]) -> tuple[object, ...]:
    task, program = jobs[0].task, jobs[0].program
    job = EvaluationJob(task, load_states(task, "validation")[:7], program, STEPS)
    policy = make_policy("tiny", seed=3)
    return backend.evaluate(policy, [job], batch_size=3).tasks[0].outcomes


@pytest.fixture(scope="module")
def local(jobs: list[GroupJob]) -> tuple[list[bytes], tuple[object, ...]]:
    """On one worker of this machine."""
    with LocalBackend(1, SLOTS) as backend:
        return arms(collect(backend, jobs)), outcomes(backend, jobs)


@pytest.mark.parametrize(("workers", "slots"), [(2, 3), (4, 12)])
def test_results_on_this_machine_are_equal_for_any_number_of_workers_and_slots(
    jobs: list[GroupJob], local: tuple[list[bytes], tuple[object, ...]], workers: int, slots: int
) -> None:
    with LocalBackend(workers, slots) as backend:
        assert backend.workers == min(workers, slots)
        assert arms(collect(backend, jobs)) == local[0]
        assert outcomes(backend, jobs) == local[1]


def test_results_on_ray_are_equal_while_a_node_leaves_and_another_joins(
    cluster: Any, jobs: list[GroupJob], local: tuple[list[bytes], tuple[object, ...]]
) -> None:
    notes: list[str] = []
    leaving = cluster.add_node(**NODE)
    size = Size(SLOTS, workers=4, workers_per_collector=2)
    with RayBackend(cluster.address, size, SLOTS, on_note=notes.append) as backend:
        until(backend, jobs, workers=4, expected=local[0])
        assert outcomes(backend, jobs) == local[1]

        hit = collect(backend, jobs, lambda: cluster.remove_node(leaving, allow_graceful=False))
        assert arms(hit) == local[0]
        until(backend, jobs, workers=2, expected=local[0])
        (note,) = notes
        assert "a collector is gone" in note
        assert "node" in note
        assert note.endswith("what it played is played again elsewhere")

        joining = cluster.add_node(**NODE)
        until(backend, jobs, workers=4, expected=local[0])
        assert outcomes(backend, jobs) == local[1]
        chunks = arms(collect(backend, jobs, chunk=5))
    cluster.remove_node(joining)
    with LocalBackend(1, SLOTS) as alone:
        assert arms(collect(alone, jobs, chunk=5)) == chunks


def until(
    backend: RayBackend, jobs: list[GroupJob], *, workers: int, expected: list[bytes]
) -> None:
    """Collect until the cluster's change has arrived, each time the same."""
    deadline = time.monotonic() + 120
    while backend.workers != workers:
        assert time.monotonic() < deadline, f"{backend.workers} workers"
        assert arms(collect(backend, jobs)) == expected


def test_on_one_worker_a_lost_one_is_replaced_and_a_task_that_fails_ends_the_run(
    cluster: Any, jobs: list[GroupJob], local: tuple[list[bytes], tuple[object, ...]]
) -> None:
    notes: list[str] = []
    size = Size(SLOTS, workers=1)
    with RayBackend(cluster.address, size, SLOTS, on_note=notes.append) as backend:
        collected = collect(backend, jobs, lambda: kill_a_worker(cluster))
        assert backend.workers == 1
        assert arms(collected) == local[0]
        assert collected.workers_replaced == 1
        assert (
            f"worker 0 died (The actor is dead because its worker process has died.) at task "
            f"{TASK}, train state" in notes[0]
        )
        good = jobs[0].candidates[0]
        bad = dataclasses.replace(good, qpos=np.zeros(3), index=41, seed=4242)
        with pytest.raises(WorkerError) as caught:
            collect(backend, [dataclasses.replace(jobs[0], candidates=(bad,))])
    message = str(caught.value)
    assert message.startswith(f"worker 0 failed at task {TASK}, train state 41, seed 4242")
    assert "Traceback (most recent call last)" in message
    assert "ValueError: this initial state is not one of" in message
    assert message.endswith("3 of 3; giving up")
    assert actors(cluster) == []


def test_a_cluster_without_room_is_told_with_what_would_fit(cluster: Any) -> None:
    with pytest.raises(ClusterError) as caught:
        RayBackend(cluster.address, Size(SLOTS, workers_per_collector=9), SLOTS)
    assert str(caught.value) == (
        "no node has 10 CPUs, for a collector and 9 workers; the largest has 3: "
        "--set ray.workers_per_collector=2, or larger nodes"
    )


DRIVER = """
import sys
from tests.tgrpo.test_ray import SLOTS, collect, jobs
from tgrpo.rollouts.on_ray.backend import RayBackend, Size

try:
    with RayBackend(sys.argv[1], Size(SLOTS, workers=1), SLOTS) as backend:
        collect(backend, jobs.__wrapped__(), lambda: print("collecting", flush=True))
        while True:
            collect(backend, jobs.__wrapped__())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.full
def test_ctrl_c_leaves_no_actor_and_the_cluster_as_it_was(cluster: Any, tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    folder = str(Path(__file__).parents[2])
    driver = subprocess.Popen(
        [sys.executable, str(script), cluster.address],
        env={**os.environ, "PYTHONPATH": folder},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert driver.stdout is not None
    lines = iter(driver.stdout.readline, "")
    assert next(line for line in lines if "collecting" in line)
    assert actors(cluster)
    driver.send_signal(signal.SIGINT)
    assert next(line for line in lines if "interrupted" in line)
    assert driver.wait(60) == 0
    assert actors(cluster) == []
    with RayBackend(cluster.address, Size(SLOTS, workers=1), SLOTS):
        assert all(node["Alive"] for node in ray.nodes() if node["NodeID"] == head(cluster))


def head(cluster: Any) -> str:
    return cluster.head_node.node_id


def kill_a_worker(cluster: Any) -> None:
    os.kill(next(pid for pid, title in actors(cluster) if "Host" in title), signal.SIGKILL)


def actors(cluster: Any) -> list[tuple[int, str]]:
    """Process and title of collectors and workers. Without a connection: once all have ended."""
    deadline = time.monotonic() + (0 if ray.is_initialized() else 20)
    while (found := _actors(cluster)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def _actors(cluster: Any) -> list[tuple[int, str]]:
    raylets = {
        str(process.process.pid)
        for node in cluster.list_all_nodes()
        for process in node.all_processes.get("raylet", [])
    }
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            title = (folder / "cmdline").read_bytes().decode(errors="replace")
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if parent in raylets and title.startswith(("ray::Host", "ray::Collector")):
                found.append((int(folder.name), title))
    return found
