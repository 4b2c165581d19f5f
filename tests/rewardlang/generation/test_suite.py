"""Many tasks at once: what is done is done, and nobody waits for what is not wanted any more."""

from __future__ import annotations

import threading
import time

import pytest

from rewardlang.generation.suite import in_parallel
from rewardlang.generation.task import wanted_in_suite
from rewardlang.llm.model import EndpointError
from rewardlang.prompting.messages import Wanted

TASKS = wanted_in_suite("libero_goal")


def test_tasks_run_side_by_side_and_no_more_than_allowed() -> None:
    meeting = threading.Barrier(4, timeout=10)
    running: set[str] = set()
    most: list[int] = []

    def do(task: Wanted) -> str:
        running.add(task.scene.id)
        most.append(len(running))
        if len(most) <= 4:
            meeting.wait()  # passes only where four are under way
        running.discard(task.scene.id)
        return task.scene.id

    ends = dict(in_parallel(TASKS, do, jobs=4))
    assert ends == {task: task.scene.id for task in TASKS}
    assert max(most) == 4


def test_each_end_is_told_when_it_comes() -> None:
    late = threading.Event()

    def do(task: Wanted) -> str:
        if task is TASKS[0]:
            assert late.wait(10)
        return task.scene.task

    ends = in_parallel(TASKS, do, jobs=2)
    told = [next(ends)[0] for _ in TASKS[1:]]
    assert TASKS[0] not in told
    late.set()
    assert next(ends) == (TASKS[0], TASKS[0].scene.task)


def test_a_fault_of_one_task_is_its_own() -> None:
    def do(task: Wanted) -> int:
        place = TASKS.index(task)
        if place == 1:
            raise EndpointError("a hiccup", lasting=False)
        if place == 2:
            raise ValueError("no program")
        return place

    ends = dict(in_parallel(TASKS, do, jobs=3))
    assert [str(end) for end in (ends[task] for task in TASKS[:4])] == [
        "0", "a hiccup", "no program", "3",
    ]  # fmt: skip


def test_a_lasting_fault_stops_the_rest() -> None:
    done: list[Wanted] = []

    def do(task: Wanted) -> int:
        done.append(task)
        if task is TASKS[2]:
            raise EndpointError("a wrong key", lasting=True)
        return 1

    ends = dict(in_parallel(TASKS, do, jobs=1))
    assert done == list(TASKS[:3])
    assert [str(ends[task]) for task in TASKS] == ["1", "1", *["a wrong key"] * (len(TASKS) - 2)]


def test_a_mistake_of_ours_is_not_hidden() -> None:
    def do(task: Wanted) -> int:
        raise AssertionError(task.scene.task)

    with pytest.raises(AssertionError):
        list(in_parallel(TASKS, do, jobs=2))


def test_who_leaves_early_does_not_wait() -> None:
    never = threading.Event()

    def do(task: Wanted) -> int:
        if task is TASKS[0]:
            return 1
        never.wait(30)
        return 2

    ends = in_parallel(TASKS, do, jobs=3)
    assert next(ends) == (TASKS[0], 1)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ends.throw(KeyboardInterrupt())
    assert time.monotonic() - started < 5
    never.set()
