"""Metrics and lines of an iteration."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

import rewardlang
from tests.tgrpo.toy_groups import CONTEXT, group, make_policy
from tgrpo.config import TasksConfig
from tgrpo.programs import TaskProgram, select
from tgrpo.rollouts.rollout import Collected, Tally
from tgrpo.training.summaries import iteration_line, stage_shares, summarise, time_line
from tgrpo.trajectory import Ending, Group

MILK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
SECONDS = {
    "wall": 8.0,
    "policy": 4.0,
    "transport": 1.0,
    "wait": 3.0,
    "update": 2.0,
    "physics": 5.0,
    "reward": 1.0,
    "idle": 2.0,
}


@pytest.fixture(scope="module")
def program() -> TaskProgram:
    tasks = Path(__file__).parents[2] / "tasks"
    return select(tasks, TasksConfig(names=(MILK,))).used[0]


def ended(program: TaskProgram, *endings: Ending) -> Group:
    context = replace(CONTEXT, task=program.task.name)
    data = group(make_policy(), *([0.1, 0.2] for _ in endings), context=context)
    arms = zip(data.trajectories, endings, strict=True)
    return Group(
        tuple(replace(arm, ending=ending, stage_keys=(("reach",),)) for arm, ending in arms)
    )


def test_replaced_groups_count_among_the_episodes_of_an_iteration(program: TaskProgram) -> None:
    kept = ended(program, Ending.SUCCESS, Ending.TIMEOUT)
    lost = ended(program, Ending.TIMEOUT, Ending.TIMEOUT)
    collected = Collected((kept,), redrawn=0, resampled=(lost, lost), seconds=SECONDS)
    summary = summarise(collected, [program])
    assert summary["rollout/success"] == pytest.approx(1 / 6)
    assert summary["rollout/groups_with_success"] == pytest.approx(1 / 3)
    assert summary["rollout/resampled_groups"] == 2.0
    assert "2 groups replaced" in iteration_line(1, 2, summary, SECONDS)


def test_shares_of_stages_are_those_of_all_arms_and_add_up_to_one(program: TaskProgram) -> None:
    kept = ended(program, Ending.SUCCESS, Ending.TIMEOUT)
    lost = ended(program, Ending.TIMEOUT, Ending.TIMEOUT)
    collected = Collected((kept,), redrawn=0, resampled=(lost,), seconds=SECONDS)
    [item] = stage_shares(collected, [program])
    names = [stage.path for stage in rewardlang.stages(program.program)]
    assert [name for name, _ in item.shares] == [*names, "success"]
    assert sum(share for _, share in item.shares) == pytest.approx(1.0)
    assert (item.shares[0], item.shares[-1]) == (("reach", 0.75), ("success", 0.25))
    summary = summarise(collected, [program])
    written = {key: value for key, value in summary.items() if key.startswith("rollout/stages/")}
    assert list(written.values()) == [share for _, share in item.shares]


@pytest.mark.parametrize(("tally", "share"), [(Tally(4, 1), 0.25), (Tally(), math.nan)])
def test_late_successes_are_a_share_of_those_that_were_waited_for(
    program: TaskProgram, tally: Tally, share: float
) -> None:
    groups = (ended(program, Ending.SUCCESS, Ending.CUT),)
    summary = summarise(Collected(groups, 0, ended=tally, seconds=SECONDS), [program])
    assert summary["rollout/late_successes"] == pytest.approx(share, nan_ok=True)


def test_where_the_time_went_adds_up_for_both_sides() -> None:
    line = time_line({**SECONDS, "rendering": 1.0, "idle": 1.0})
    assert line == (
        "10.0 s: policy 40%, transport 10%, waiting 30%, update 20%; "
        "simulators: physics 50%, rendering 10%, reward 10%, idle 30%"
    )
    own, simulators = line.split(";")
    for half in (own, simulators):
        assert sum(map(int, re.findall(r"(\d+)%", half))) == 100
