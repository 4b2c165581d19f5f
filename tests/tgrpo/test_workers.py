"""Real worker processes on a real task: failures come home, and nobody is left behind."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pytest

import rewardlang
from tgrpo.policies import make_policy
from tgrpo.policies.threads import threads
from tgrpo.programs import TaskProgram
from tgrpo.rollouts.batches import evaluate
from tgrpo.rollouts.episodes import Assignment
from tgrpo.rollouts.evaluation import EvaluationJob
from tgrpo.rollouts.hosting import Report
from tgrpo.rollouts.rollout import GroupJob, Rules, collect
from tgrpo.rollouts.workers import PATIENCE, Loss, Pool, WorkerError
from tgrpo.simulation.envs import Simulation
from tgrpo.simulation.initial_states import InitialState, load_states
from tgrpo.tasks import Task, find_task
from tgrpo.training.summaries import evaluation_metrics, summarise
from tgrpo.trajectory import Ending

pytestmark = pytest.mark.sim

TASK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
REST = np.zeros((1, 1, 7))  # of one slot, one action


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


def unfitting(task: Task, *, index: int = 0, seed: int = 0) -> Assignment:
    """A worker that is given this raises."""
    good = assignment(task)
    state = dataclasses.replace(good.state, qpos=np.zeros(3), index=index, seed=seed)
    return dataclasses.replace(good, state=state)


def answers(pool: Pool, expected: int) -> list[Report | Loss]:
    heard: list[Report | Loss] = []
    while len(heard) < expected:
        heard += pool.wait()
    return heard


def reports(pool: Pool, expected: int) -> list[Report]:
    heard = answers(pool, expected)
    assert all(isinstance(item, Report) for item in heard)
    return cast("list[Report]", heard)


def strike(blow: signal.Signals, number: int = 0) -> None:
    """Send a signal to worker `number`."""
    (victim,) = [child for child in children() if child.name == f"tgrpo-worker-{number}"]
    assert victim.pid is not None
    os.kill(victim.pid, blow)


def children() -> list[multiprocessing.process.BaseProcess]:
    """Live worker processes of this one."""
    return [child for child in multiprocessing.active_children() if "tgrpo" in child.name]


def test_reports_are_packed_by_slot(task: Task, program: rewardlang.Program) -> None:
    with Pool(2, 3) as pool:
        count = pool.assign(7, {slot: assignment(task, slot, program) for slot in range(3)})
        heard = reports(pool, count)
        assert {report.tag for report in heard} == {7}
        assert sorted(slot for report in heard for slot in report.slots) == [0, 1, 2]
        (context,) = {report.context for report in heard}
        assert context is not None
        assert (context.suite, context.task) == (task.suite, task.name)
        actions = np.zeros((3, 7))
        actions[:, 2] = [-1.0, 0.0, 1.0]
        before = {s: r.robot[i, 2] for r in heard for i, s in enumerate(r.slots)}
        heard = reports(pool, pool.step(7, [0, 1, 2], actions[:, None]))
        moved = {s: r.robot[i, 2] - before[s] for r in heard for i, s in enumerate(r.slots)}
        assert moved[0] < moved[1] < moved[2]
        for report in heard:
            number = len(report.slots)
            assert report.context is None  # known already
            assert report.objects.shape == (number, len(context.object_names), 7)
            assert len(report.scores) == number
            assert {score.stages for (score,) in report.scores} == {("reach",)}
            assert report.seconds["physics"] > 0
    assert children() == []


def test_a_slot_is_used_again_and_an_episode_does_not_see_the_last_one(task: Task) -> None:
    with Pool(1, 1) as pool:

        def episode(index: int) -> list[bytes]:
            seen = reports(pool, pool.assign(0, {0: assignment(task, index)}))
            for step in range(3):
                action = np.full((1, 1, 7), 0.3 * step)
                seen += reports(pool, pool.step(0, [0], action))
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
        (report,) = reports(pool, pool.assign(0, {0: wild}))
        assert report.unstable.tolist() == [True]
        ((score,),) = report.scores
        assert not score.success
        assert np.isfinite(report.robot).all()
        assert np.isfinite(report.objects).all()
        (report,) = reports(pool, pool.assign(0, {0: good}))
        assert report.unstable.tolist() == [False]


def test_a_worker_that_raises_is_reported_and_replaced(task: Task) -> None:
    notes: list[str] = []
    good, broken = assignment(task), unfitting(task, index=41, seed=4242)
    with Pool(2, 4, on_loss=notes.append) as pool:
        before = children()
        pool.assign(0, {0: good})
        pool.assign(1, {1: broken})
        pool.assign(2, {3: good})
        heard = answers(pool, 2)
        (loss,) = [item for item in heard if isinstance(item, Loss)]
        assert loss == Loss((1, 3), {1: 1, 2: 1})
        assert len(set(children()) - set(before)) == 1
        (report,) = reports(pool, pool.assign(1, {1: good, 3: good}))
        assert report.slots == (1, 3)
    (note,) = notes
    assert f"worker 1 failed at task {TASK}, train state 41, seed 4242" in note
    assert "Traceback (most recent call last)" in note
    assert "ValueError: this initial state is not one of" in note
    assert note.endswith(f"played again; failures at task {TASK} so far: 1 of 3")
    assert children() == []


def test_the_third_failure_of_a_task_is_the_last(task: Task) -> None:
    other = find_task("libero_object/pick_up_the_butter_and_place_it_in_the_basket")
    notes: list[str] = []
    with Pool(1, 1, on_loss=notes.append) as pool:
        for wrong in (task, other, task):
            pool.assign(0, {0: unfitting(wrong)})
            assert isinstance(answers(pool, 1)[0], Loss)
        pool.assign(0, {0: unfitting(task)})
        with pytest.raises(WorkerError) as caught:
            pool.wait()
        assert children() == []
    message = str(caught.value)
    assert message.startswith(f"worker 0 failed at task {TASK}, train state 0, seed")
    assert message.endswith(f"failures at task {TASK} so far: 3 of 3; giving up")
    assert "ValueError" in message
    assert len(notes) == 3


def test_a_worker_that_is_killed_is_named_with_its_episode(task: Task) -> None:
    notes: list[str] = []
    with Pool(1, 2, on_loss=notes.append) as pool:
        reports(pool, pool.assign(0, {0: assignment(task, 5)}))
        reports(pool, pool.assign(1, {1: assignment(task, 6)}))
        strike(signal.SIGKILL)
        expected = pool.step(0, [0], REST) + pool.step(1, [1], REST)
        assert answers(pool, 1) == [Loss((0, 1), {0: 1, 1: 1})]
        assert expected == 2
        assert f"worker 0 died (killed by SIGKILL) at task {TASK}, train state 5, seed" in notes[0]
        assert "train state 6" not in notes[0]  # that command was waiting
        strike(signal.SIGKILL)
        assert answers(pool, 1) == [Loss((0, 1), {})]
        assert "worker 0 died (killed by SIGKILL) at rest" in notes[1]
    assert children() == []


def test_a_worker_that_hangs_is_replaced_and_one_at_rest_is_not(task: Task) -> None:
    notes: list[str] = []
    with Pool(2, 2, on_loss=notes.append) as pool:
        reports(pool, pool.assign(0, {0: assignment(task, 5), 1: assignment(task, 5)}))
        pool._patience = 1.5  # a new worker needs longer than a test can wait for a hanging one
        strike(signal.SIGSTOP, 1)
        expected = pool.step(0, [0, 1], REST.repeat(2, axis=0))
        heard = answers(pool, expected)
        assert [type(item) for item in heard] == [Report, Loss]
        assert heard[1] == Loss((1,), {0: 1})
    (note,) = notes
    assert f"worker 1 gave no answer for 2 s at task {TASK}, train state 5, seed" in note
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
            from tgrpo.rollouts.workers import Pool

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


@dataclass
class Results:
    """Of a collection and an evaluation: bytes of the arms, outcomes, and workers replaced."""

    arms: list[bytes]
    outcomes: list[object]
    replaced: tuple[int, int]


def everything(
    task: Task,
    program: rewardlang.Program,
    pool: Pool,
    blow: Callable[[], None] = lambda: None,
    chunk: int = 1,
) -> Results:
    """`blow` falls once in the middle of the collection and once in that of the evaluation."""
    policy = make_policy("tiny", seed=3, architecture={"chunk": chunk}).sampler()
    jobs = [
        GroupJob(number, task, program, load_states(task, "train")[number:], max_steps=12)
        for number in range(3)
    ]
    states = load_states(task, "validation")[:5]
    with threads(1):
        collected = collect(
            policy,
            pool,
            jobs,
            Rules(3, 1.0, "synchronous", 11, 2),
            on_steps=once(blow, 40),
        )
        evaluation = evaluate(
            policy,
            pool,
            [EvaluationJob(task, states, program, 12)],
            batch_size=3,
            on_steps=once(blow, 20),
        )
    arms = [arm for group in collected.groups for arm in group.trajectories]
    parts = [
        part.tobytes()
        for arm in arms
        for part in (arm.tokens, arm.log_probs, arm.robot, arm.objects, arm.rewards, arm.phi)
    ]
    replaced = (collected.workers_replaced, evaluation.workers_replaced)
    return Results(parts, list(evaluation.tasks[0].outcomes), replaced)


def once(act: Callable[[], None], after: int) -> Callable[[int], None]:
    """Told of control steps, acts when `after` of them are behind."""
    steps = 0

    def on_steps(more: int) -> None:
        nonlocal steps
        steps += more
        if steps - more < after <= steps:
            act()

    return on_steps


@pytest.fixture(scope="module")
def undisturbed(task: Task, program: rewardlang.Program) -> Results:
    with Pool(1, 6) as pool:
        return everything(task, program, pool)


def test_the_number_of_workers_changes_no_result(
    task: Task, program: rewardlang.Program, undisturbed: Results
) -> None:
    with Pool(2, 6) as pool:
        two = everything(task, program, pool)
    assert two == undisturbed
    assert undisturbed.replaced == (0, 0)


def test_a_run_with_killed_workers_equals_one_without(
    task: Task, program: rewardlang.Program, undisturbed: Results
) -> None:
    with Pool(2, 6) as pool:
        killed = everything(task, program, pool, lambda: strike(signal.SIGKILL, 1))
    assert (killed.arms, killed.outcomes) == (undisturbed.arms, undisturbed.outcomes)
    assert killed.replaced == (1, 1)


def test_chunks_are_the_same_on_any_number_of_workers_and_after_a_kill(
    task: Task, program: rewardlang.Program
) -> None:
    with Pool(1, 6) as pool:
        one = everything(task, program, pool, chunk=5)
    with Pool(2, 6) as pool:
        two = everything(task, program, pool, lambda: strike(signal.SIGKILL, 1), chunk=5)
    assert (one.arms, one.outcomes) == (two.arms, two.outcomes)
    assert two.replaced == (1, 1)


def test_a_run_with_a_hanging_worker_equals_one_without(
    task: Task, program: rewardlang.Program, undisturbed: Results
) -> None:
    def be_patient(_: str) -> None:
        pool._patience = PATIENCE

    def hang() -> None:
        pool._patience = 1.5
        strike(signal.SIGSTOP, 1)

    with Pool(2, 6, on_loss=be_patient) as pool:
        hung = everything(task, program, pool, hang)
    assert (hung.arms, hung.outcomes) == (undisturbed.arms, undisturbed.outcomes)
    assert hung.replaced == (1, 1)


def leaving(task: Task, state: InitialState) -> InitialState:
    """`state` with the pudding on its way out of MuJoCo's world (1e10 m): the tenth action sees it.

    Far from everything, so that until then nothing else happens.
    """
    joint = Simulation(task).model.joint("chocolate_pudding_1_joint0")
    qpos, qvel = state.qpos.copy(), state.qvel.copy()
    qpos[joint.qposadr[0] : joint.qposadr[0] + 3] = 1e10 - 15, 0, 1000
    qvel[joint.dofadr[0]] = 30
    return dataclasses.replace(state, qpos=qpos, qvel=qvel)


def test_an_arm_that_diverges_is_a_failure_and_counted(
    task: Task, program: rewardlang.Program
) -> None:
    policy = make_policy("tiny", seed=3).sampler()
    states = load_states(task, "train")
    candidates = [states[0], leaving(task, states[0])]
    jobs = [GroupJob(n, task, program, (state,), 12) for n, state in enumerate(candidates)]
    with Pool(2, 4) as pool, threads(1):
        collected = collect(
            policy,
            pool,
            jobs,
            Rules(2, 1.0, "independent", 0, 1),
        )
        mixed, alone = (
            evaluate(policy, pool, [EvaluationJob(task, some, program, 12)], batch_size=2)
            for some in ((states[1], candidates[1], states[2]), states[1:3])
        )
    good, bad = (group.trajectories for group in collected.groups)
    assert [(arm.ending, len(arm)) for arm in good] == [(Ending.TIMEOUT, 12)] * 2
    assert [(arm.ending, len(arm), arm.success) for arm in bad] == [
        (Ending.UNSTABLE, 10, False)
    ] * 2
    assert all(np.isfinite(arm.rewards).all() and np.isfinite(arm.objects).all() for arm in bad)
    assert collected.redrawn == collected.workers_replaced == 0
    entry = TaskProgram(Path("milk.rl"), task, program)
    assert summarise(collected, [entry])["rollout/unstable"] == 2
    first, lost, last = mixed.tasks[0].outcomes
    assert (lost.ending, lost.steps, lost.success) == (Ending.UNSTABLE, 10, False)
    assert (first, last) == alone.tasks[0].outcomes
    assert evaluation_metrics(mixed)["unstable"] == 1


PARENT = """
import multiprocessing, os, signal, sys, threading, time
import numpy as np
from tgrpo.rollouts.episodes import Assignment
from tgrpo.simulation.initial_states import load_states
from tgrpo.tasks import find_task
from tgrpo.rollouts.workers import Pool

def victim():
    return min(multiprocessing.active_children(), key=lambda child: child.name).pid

def work(pool, task):
    state = load_states(task, "train")[0]
    while True:
        pool.assign(0, {slot: Assignment(task, state, None, 20) for slot in range(2)})
        pool.wait()

def ctrl_c():
    os.killpg(0, signal.SIGINT)

if __name__ == "__main__":
    moment, delay = sys.argv[1], float(sys.argv[2])
    task = find_task("TASK")
    try:
        if moment == "start":
            threading.Timer(delay, ctrl_c).start()
        with Pool(2, 2, on_loss=lambda _: threading.Timer(delay, ctrl_c).start()) as pool:
            if moment == "replace":
                threading.Timer(3.0, lambda: os.kill(victim(), signal.SIGKILL)).start()
            work(pool, task)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
""".replace("TASK", TASK)


@pytest.mark.parametrize(
    ("moment", "delay"),
    [("start", 0.0), ("start", 0.02), ("start", 1.0), ("replace", 0.0), ("replace", 1.0)],
)
def test_ctrl_c_leaves_no_process_no_memory_and_no_traceback(
    tmp_path: Path, moment: str, delay: float
) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, str(script), moment, str(delay)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    out, err = parent.communicate(timeout=120)
    assert out == "interrupted\n"
    assert err == ""  # also Python's resource tracker speaks up where shared memory is left
    assert not any("spawn_main" in line for line in _of_session(parent.pid))
    deadline = time.monotonic() + 30  # the tracker leaves when it sees that its parent has left
    while _of_session(parent.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _of_session(parent.pid) == []


def _of_session(leader: int) -> list[str]:
    """Command lines of the session's living processes."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                found.append((stat.parent / "cmdline").read_text())
    return found
