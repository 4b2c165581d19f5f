"""How an episode ends and what is told of it, without a simulator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rewardlang
from tests.tgrpo.gym_programs import TASK
from tests.tgrpo.scripted_pool import make_state, make_task
from tgrpo.config import TasksConfig
from tgrpo.gym.episode import Episode
from tgrpo.programs import select
from tgrpo.rollouts.episodes import Assignment, Moment, Scores
from tgrpo.simulation.envs import UnstablePhysicsError
from tgrpo.trajectory import Observation

MAX_STEPS = 3
PROGRAM = select(Path(__file__).parents[2] / "tasks" / f"{TASK}.rl", TasksConfig()).used[0].program


def moment(number: float, *, success: bool = False, unstable: bool = False) -> Moment:
    seen = Observation(np.full(9, number, np.float32), np.full((2, 7), number, np.float32))
    scores = Scores(0.25, 0.5, success, success, ("reach",), {"reach": 0.5})
    return Moment(seen, Scores() if unstable else scores, 0.0, 0.0, unstable)


def begun(program: rewardlang.Program | None = PROGRAM) -> Episode:
    return Episode(Assignment(make_task(), make_state(7), program, MAX_STEPS), moment(0))


@pytest.mark.parametrize(
    ("last", "terminated", "truncated"),
    [
        ({"success": True}, True, False),
        ({"unstable": True}, False, True),
        ({}, False, False),
    ],
)
@pytest.mark.parametrize("length", range(1, MAX_STEPS + 1))
def test_an_episode_ends_once_and_for_one_reason(
    length: int, last: dict[str, bool], terminated: bool, truncated: bool
) -> None:
    episode = begun()
    for number in range(1, length):
        done = episode.step(moment(number))
        assert (done.terminated, done.truncated, episode.over) == (False, False, False)
    done = episode.step(moment(length, **last))
    late = length == MAX_STEPS and not terminated
    assert (done.terminated, done.truncated) == (terminated, truncated or late)
    assert episode.over == (done.terminated or done.truncated)
    assert done.info["unstable"] == last.get("unstable", False)
    assert done.info["success"] == terminated


def test_the_observation_of_diverged_physics_is_the_last_one_before_it() -> None:
    episode = begun()
    episode.step(moment(1))
    done = episode.step(moment(1e30, unstable=True))
    assert done.observation["robot"].tolist() == [1.0] * 9
    assert done.observation["objects"].tolist() == [[1.0] * 7] * 2
    assert done.reward == 0.0


def test_an_episode_that_diverges_while_settling_is_an_error_with_task_state_and_seed() -> None:
    with pytest.raises(UnstablePhysicsError) as caught:
        Episode(Assignment(make_task(), make_state(7), PROGRAM, 3), moment(0, unstable=True))
    assert str(caught.value) == (
        "task suite/task, train state 7, seed 107: physics diverged while it settled"
    )


def test_the_reward_is_the_programs_and_without_one_liberos_success() -> None:
    assert begun().step(moment(1)).reward == 0.25
    assert begun().step(moment(1, success=True)).reward == 0.25
    assert begun(None).step(moment(1)).reward == 0.0
    assert begun(None).step(moment(1, success=True)).reward == 1.0


def test_what_was_returned_is_not_touched_again() -> None:
    episode = begun()
    first = episode.step(moment(1))
    first.observation["robot"][:] = 9
    assert episode.observation["robot"].tolist() == [1.0] * 9
    assert episode.step(moment(2)).info is not first.info
