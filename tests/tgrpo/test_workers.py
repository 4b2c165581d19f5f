"""Real worker processes on a real task: failures come home, and nobody is left behind."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import rewardlang
from tgrpo.episodes import Assignment
from tgrpo.evaluation import EvaluationJob, evaluate
from tgrpo.initial_states import load_states
from tgrpo.planning import threads
from tgrpo.policies import make_policy
from tgrpo.rollout import GroupJob, collect
from tgrpo.tasks import Task, find_task
from tgrpo.workers import Pool, Report, WorkerError

pytestmark = pytest.mark.sim

TASK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"


@pytest.fixture(scope="module")
def task() -> Task:
    return find_task(TASK)


@pytest.fixture(scope="module")
def program(task: Task) -> rewardlang.Program:
    file = Path(__file__).parents[2] / "tasks" / f"{task.id}.rl"
    analysis = rewardlang.analyze(file.read_text(), name=str(file))
    assert analysis.program is not None
    return analysis.program


def assignment(task: Task, index: int = 0, program: rewardlang.Program | None = None) -> Assignment:
    return Assignment(task, load_states(task, "train")[index], program, max_steps=20)


def answers(pool: Pool, expected: int) -> list[Report]:
    reports: list[Report] = []
    while len(reports) < expected:
        reports += pool.wait()
    return reports


def step_for_ever(pool: Pool) -> None:
    while True:
        answers(pool, pool.step(0, [0], np.zeros((1, 7))))


def children() -> list[multiprocessing.process.BaseProcess]:
    """Live worker processes of this one."""
    return [child for child in multiprocessing.active_children() if "tgrpo" in child.name]


def test_reports_are_packed_by_slot(task: Task, program: rewardlang.Program) -> None:
    with Pool(2, 3) as pool:
        count = pool.assign(7, {slot: assignment(task, slot, program) for slot in range(3)})
        reports = answers(pool, count)
        assert {report.tag for report in reports} == {7}
        assert sorted(slot for report in reports for slot in report.slots) == [0, 1, 2]
        (context,) = {report.context for report in reports}
        assert context is not None
        assert (context.suite, context.task) == (task.suite, task.name)
        actions = np.zeros((3, 7))
        actions[:, 2] = [-1.0, 0.0, 1.0]
        before = {s: r.robot[i, 2] for r in reports for i, s in enumerate(r.slots)}
        reports = answers(pool, pool.step(7, [0, 1, 2], actions))
        moved = {s: r.robot[i, 2] - before[s] for r in reports for i, s in enumerate(r.slots)}
        assert moved[0] < moved[1] < moved[2]
        for report in reports:
            number = len(report.slots)
            assert report.context is None  # known already
            assert report.objects.shape == (number, len(context.object_names), 7)
            assert report.reward.shape == report.phi.shape == report.success.shape == (number,)
            assert set(report.stages) == {("reach",)}
            assert report.seconds["physics"] > 0
    assert children() == []


def test_a_slot_is_used_again_and_an_episode_does_not_see_the_last_one(task: Task) -> None:
    with Pool(1, 1) as pool:

        def episode(index: int) -> list[bytes]:
            seen = answers(pool, pool.assign(0, {0: assignment(task, index)}))
            for step in range(3):
                action = np.full((1, 7), 0.3 * step)
                seen += answers(pool, pool.step(0, [0], action))
            return [report.robot.tobytes() + report.objects.tobytes() for report in seen]

        first, other, again = episode(0), episode(1), episode(0)
    assert first == again
    assert first != other


def test_diverging_physics_is_an_answer_and_the_slot_goes_on(
    task: Task, program: rewardlang.Program
) -> None:
    good = assignment(task, 0, program)
    wild = dataclasses.replace(
        good, state=dataclasses.replace(good.state, qvel=np.full_like(good.state.qvel, 1e9))
    )
    with Pool(1, 1) as pool:
        (report,) = answers(pool, pool.assign(0, {0: wild}))
        assert report.unstable.tolist() == [True]
        assert report.success.tolist() == [False]
        assert np.isfinite(report.robot).all()
        assert np.isfinite(report.objects).all()
        (report,) = answers(pool, pool.assign(0, {0: good}))
        assert report.unstable.tolist() == [False]


def test_a_worker_that_raises_reports_task_state_seed_and_traceback(task: Task) -> None:
    good = assignment(task)
    broken = dataclasses.replace(
        good, state=dataclasses.replace(good.state, qpos=np.zeros(3), index=41, seed=4242)
    )
    with Pool(2, 2) as pool:
        pool.assign(0, {0: good, 1: broken})
        with pytest.raises(WorkerError) as caught:
            answers(pool, 2)
        message = str(caught.value)
        assert f"worker 1 failed at task {TASK}, train state 41, seed 4242" in message
        assert "Traceback (most recent call last)" in message
        assert "ValueError" in message
        assert children() == []


def test_a_worker_that_is_killed_is_named_with_its_episode(task: Task) -> None:
    with Pool(1, 1) as pool:
        answers(pool, pool.assign(0, {0: assignment(task, 5)}))
        (victim,) = children()
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)
        with pytest.raises(WorkerError) as caught:
            step_for_ever(pool)
    message = str(caught.value)
    assert "worker 0 died (killed by SIGKILL)" in message
    assert f"slot 0: task {TASK}, train state 5, seed" in message
    assert children() == []


def test_an_exception_in_the_parent_leaves_no_process(task: Task) -> None:
    def interrupted() -> None:
        with Pool(2, 4) as pool:
            pool.assign(0, {slot: assignment(task, slot) for slot in range(4)})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert children() == []


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent(
            """
            import multiprocessing, time
            from tgrpo.workers import Pool

            if __name__ == "__main__":
                pool = Pool(2, 2)
                print(*(child.pid for child in multiprocessing.active_children()), flush=True)
                time.sleep(60)
            """
        )
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(workers) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while any(_runs(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(_runs(pid) for pid in workers)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(("workers", "slots"), [(0, 1), (1, 0)])
def test_an_empty_pool_is_refused(workers: int, slots: int) -> None:
    with pytest.raises(ValueError, match=f"needs a worker and a slot, got {workers} and {slots}"):
        Pool(workers, slots)


def test_the_number_of_workers_changes_no_result(task: Task, program: rewardlang.Program) -> None:
    policy = make_policy("tiny", seed=3)
    jobs = [
        GroupJob(number, task, program, load_states(task, "train")[number:], max_steps=12)
        for number in range(3)
    ]
    states = load_states(task, "validation")[:5]

    def everything(workers: int) -> tuple[list[bytes], list[object]]:
        with Pool(workers, 6) as pool, threads(1):
            collected = collect(
                policy,
                pool,
                jobs,
                group_size=3,
                temperature=1.0,
                stop="synchronous",
                seed=11,
                iteration=2,
            )
            evaluation = evaluate(
                policy, pool, [EvaluationJob(task, states, program, 12)], batch_size=3
            )
        arms = [arm for group in collected.groups for arm in group.trajectories]
        return [
            part.tobytes()
            for arm in arms
            for part in (arm.tokens, arm.log_probs, arm.robot, arm.objects, arm.rewards, arm.phi)
        ], list(evaluation.tasks[0].outcomes)

    one, two = everything(1), everything(2)
    assert one[0] == two[0]
    assert one[1] == two[1]
