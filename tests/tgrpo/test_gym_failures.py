"""Whatever happens to a vector environment, it says where, and leaves no process behind."""

from __future__ import annotations

import dataclasses
import gc
import multiprocessing
import os
import signal
import threading

import numpy as np
import pytest
from gymnasium.error import ClosedEnvironmentError, ResetNeeded

from tests.tgrpo.gym_programs import TASK
from tgrpo.gym import LiberoVectorEnv
from tgrpo.rollouts.workers import WorkerError
from tgrpo.simulation.envs import UnstablePhysicsError

pytestmark = pytest.mark.sim


def children() -> list[multiprocessing.process.BaseProcess]:
    return [child for child in multiprocessing.active_children() if "tgrpo" in child.name]


def _with_state(env: LiberoVectorEnv, **changed: np.ndarray) -> None:
    state = dataclasses.replace(env.starts.states[0], index=41, seed=4242, **changed)
    env.starts = dataclasses.replace(env.starts, states=(state,))


def _step_for_ever(env: LiberoVectorEnv) -> None:
    while True:
        env.step(np.zeros((1, 7)))


def test_a_failure_in_a_worker_is_raised_with_task_seed_and_traceback() -> None:
    env = LiberoVectorEnv(TASK, num_envs=2, workers=2)
    env.reset(seed=0)
    _with_state(env, qpos=np.zeros(3))
    with pytest.raises(WorkerError) as caught:
        env.reset()
    assert f"task {TASK}, train state 41, seed 4242" in str(caught.value)
    assert "Traceback (most recent call last)" in str(caught.value)
    assert children() == []
    with pytest.raises(ClosedEnvironmentError, match="closed; make a new one"):
        env.step(np.zeros((2, 7)))


def test_a_killed_worker_is_an_error_and_physics_that_diverges_at_the_start_another() -> None:
    env = LiberoVectorEnv(TASK, num_envs=1, workers=1)
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(np.zeros((1, 7)))
    env.reset(options={"state": 5})
    (victim,) = children()
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    with pytest.raises(WorkerError, match=f"SIGKILL.*{TASK}, train state 5"):
        _step_for_ever(env)
    assert env.closed

    env = LiberoVectorEnv(TASK, num_envs=1, workers=1)
    _with_state(env, qvel=np.full_like(env.starts.states[0].qvel, 1e9))
    with pytest.raises(UnstablePhysicsError, match=f"{TASK}, train state 41, seed 4242: physics"):
        env.reset()
    assert env.closed
    assert children() == []


def test_an_interrupted_wait_closes_it() -> None:
    env = LiberoVectorEnv(TASK, num_envs=1, workers=1)
    # The worker is still importing then, so this process waits for its answer.
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        env.reset()
    assert env.closed
    assert children() == []


def test_closing_or_forgetting_it_leaves_no_process() -> None:
    env = LiberoVectorEnv(TASK, num_envs=2, workers=2)
    workers = children()
    assert len(workers) == 2
    env.close()
    env.close()
    assert children() == []

    env = LiberoVectorEnv(TASK, num_envs=2, workers=2)
    workers = children()
    del env
    gc.collect()
    for worker in workers:
        worker.join(30)
    assert children() == []
