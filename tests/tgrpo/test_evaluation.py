"""The protocol (every state once, greedy, LIBERO's step limit) and the statistics of the tables."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tgrpo.scripted_pool import (
    EchoPolicy,
    Script,
    ScriptedPool,
    Shared,
    make_state,
    make_task,
)
from tgrpo.intervals import paired_difference, wilson
from tgrpo.rollouts.batches import batches, evaluate
from tgrpo.rollouts.evaluation import (
    Evaluation,
    EvaluationJob,
    compare,
    stages_reached,
)
from tgrpo.trajectory import Ending

MAX_STEPS = 12


def run(
    fates: list[int | None],
    *,
    tasks: int = 1,
    workers: int = 2,
    slots: int = 8,
    batch_size: int = 4,
    shuffle: int = 0,
    losses: Mapping[int, int] = MappingProxyType({}),
) -> tuple[Evaluation, ScriptedPool, EchoPolicy]:
    """`fates`: step of success of each validation state."""
    pool = ScriptedPool(
        workers,
        slots,
        lambda item, _: Script(fates[item.state.index]),
        shuffle=shuffle,
        stages=False,
        losses=losses,
    )
    policy = EchoPolicy()
    states = tuple(make_state(index, "validation") for index in range(len(fates)))
    jobs = [EvaluationJob(make_task(f"task{number}", MAX_STEPS), states) for number in range(tasks)]
    return evaluate(policy, pool, jobs, batch_size=batch_size), pool, policy


def test_an_episode_ends_at_success_or_at_the_limit() -> None:
    evaluation, _, _ = run([3, None, MAX_STEPS])
    outcomes = evaluation.tasks[0].outcomes
    assert [item.ending for item in outcomes] == [Ending.SUCCESS, Ending.TIMEOUT, Ending.SUCCESS]
    assert [item.steps for item in outcomes] == [3, MAX_STEPS, MAX_STEPS]
    assert [item.native_success_step for item in outcomes] == [3, None, MAX_STEPS]
    assert evaluation.tasks[0].successes == 2


def test_success_before_the_first_action_is_reported_separately() -> None:
    evaluation, _, _ = run([0, 0, 5])
    assert [item.success_at_reset for item in evaluation.tasks[0].outcomes] == [True, True, False]
    report = evaluation.as_json()["tasks"][0]
    assert report["successes_at_reset"] == 2
    assert report["native_successes"] == 3


def test_divergence_is_a_failure_and_the_row_is_used_again() -> None:
    unstable = [0, 2, None, None]
    pool = ScriptedPool(
        1, 2, lambda item, _: Script(unstable=unstable[item.state.index]), stages=False
    )
    states = tuple(make_state(index) for index in range(4))
    job = EvaluationJob(make_task(max_steps=MAX_STEPS), states)
    evaluation = evaluate(EchoPolicy(), pool, [job], batch_size=2)
    outcomes = evaluation.tasks[0].outcomes
    assert [item.ending for item in outcomes[:2]] == [Ending.UNSTABLE, Ending.UNSTABLE]
    assert [item.steps for item in outcomes] == [0, 2, MAX_STEPS, MAX_STEPS]
    assert evaluation.as_json()["tasks"][0]["unstable"] == 2


@settings(max_examples=60, deadline=None)
@given(
    fates=st.lists(st.none() | st.integers(0, MAX_STEPS), min_size=1, max_size=23),
    tasks=st.integers(1, 3),
    workers=st.integers(1, 4),
    batch_size=st.integers(1, 5),
    lanes=st.integers(1, 3),
    shuffle=st.integers(0, 100),
)
def test_every_state_is_played_once_whatever_the_machine(
    fates: list[int | None], tasks: int, workers: int, batch_size: int, lanes: int, shuffle: int
) -> None:
    evaluation, pool, policy = run(
        fates,
        tasks=tasks,
        workers=workers,
        slots=batch_size * lanes,
        batch_size=batch_size,
        shuffle=shuffle,
    )
    assert sorted(state for _, state in pool.assigned) == sorted(list(range(len(fates))) * tasks)
    assert max(policy.batches, default=0) <= batch_size
    assert sum(policy.batches) == sum(
        item.steps for task in evaluation.tasks for item in task.outcomes
    )
    for task in evaluation.tasks:
        assert [item.state_index for item in task.outcomes] == list(range(len(fates)))
        assert [item.success for item in task.outcomes] == [fate is not None for fate in fates]
    assert evaluation.mean_success == pytest.approx(
        sum(fate is not None for fate in fates) / len(fates)
    )


@settings(max_examples=100, deadline=None)
@given(
    fates=st.lists(st.none() | st.integers(0, MAX_STEPS), min_size=1, max_size=15),
    tasks=st.integers(1, 3),
    workers=st.integers(1, 4),
    batch_size=st.integers(1, 5),
    lanes=st.integers(1, 3),
    losses=st.dictionaries(st.integers(1, 60), st.integers(0, 3), max_size=6),
    shuffle=st.integers(0, 100),
)
def test_an_evaluation_that_loses_workers_equals_one_that_does_not(
    fates: list[int | None],
    tasks: int,
    workers: int,
    batch_size: int,
    lanes: int,
    losses: dict[int, int],
    shuffle: int,
) -> None:
    def outcome(losses: Mapping[int, int]) -> Evaluation:
        return run(
            fates,
            tasks=tasks,
            workers=workers,
            slots=batch_size * lanes,
            batch_size=batch_size,
            shuffle=shuffle,
            losses=losses,
        )[0]

    assert outcome(losses).tasks == outcome({}).tasks


def test_a_batch_is_played_again_with_what_went_with_a_worker_and_it_is_counted() -> None:
    # One lane of four rows on two workers; the second wait of the first step loses slots 1 and 3.
    evaluation, pool, _ = run([4, None, 6, None], slots=4, losses={4: 1})
    assert evaluation.workers_replaced == 1
    assert evaluation.as_json()["workers_replaced"] == 1
    assert pool.assigned == [(0, 0), (1, 1), (2, 2), (3, 3)] * 2


@settings(max_examples=60, deadline=None)
@given(
    fates=st.lists(st.none() | st.integers(0, MAX_STEPS), min_size=1, max_size=23),
    tasks=st.integers(1, 3),
    workers=st.integers(1, 4),
    batch_size=st.integers(1, 5),
    lanes=st.integers(1, 4),
    shuffle=st.integers(0, 100),
)
def test_the_same_episodes_share_an_inference_whatever_the_machine(
    fates: list[int | None], tasks: int, workers: int, batch_size: int, lanes: int, shuffle: int
) -> None:
    def inferences(lanes: int, workers: int, shuffle: int) -> Counter[Shared]:
        slots = batch_size * lanes
        _, _, policy = run(
            fates,
            tasks=tasks,
            workers=workers,
            slots=slots,
            batch_size=batch_size,
            shuffle=shuffle,
        )
        return Counter(policy.shared)

    assert inferences(lanes, workers, shuffle) == inferences(1, 1, 0)


@given(states=st.integers(0, 50), size=st.integers(1, 9))
def test_batches_are_few_even_and_in_order(states: int, size: int) -> None:
    chosen = tuple(make_state(index) for index in range(states))
    cut = batches([EvaluationJob(make_task(), chosen)], size)
    lengths = [len(batch.assignments) for batch in cut]
    assert len(cut) == math.ceil(states / size)
    assert max(lengths, default=0) <= size
    assert max(lengths, default=0) - min(lengths, default=0) <= 1
    played = [item.state.index for batch in cut for item in batch.assignments]
    assert played == list(range(states))


def test_the_report_is_json_with_every_episode() -> None:
    evaluation, _, _ = run([3, None, 5, None])
    report = json.loads(json.dumps(evaluation.as_json(), allow_nan=False))
    (task,) = report["tasks"]
    assert (task["episodes"], task["successes"], task["success"]) == (4, 2, 0.5)
    assert task["interval_95"] == [
        pytest.approx(wilson(2, 4).low),
        pytest.approx(wilson(2, 4).high),
    ]
    assert [item["ending"] for item in task["outcomes"]] == [
        "success",
        "timeout",
        "success",
        "timeout",
    ]


def test_stage_reached_is_the_furthest_one_and_all_of_them_after_success() -> None:
    order = {"reach": 0, "grasp": 1, "lift": 2}
    assert stages_reached([], order, success=False) == 0
    assert stages_reached([("reach",), ("lift",), ("reach",)], order, success=False) == 2
    assert stages_reached([("reach", "grasp")], order, success=False) == 1
    assert stages_reached([("reach",)], order, success=True) == 3


# Newcombe, Statistics in Medicine 17 (1998): 857-872, table I, and 2635-2650, table II.


@pytest.mark.parametrize(
    ("successes", "episodes", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(
    successes: int, episodes: int, low: float, high: float
) -> None:
    interval = wilson(successes, episodes)
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize(
    ("both", "gained", "lost", "neither", "low", "high"),
    [
        (36, 12, 2, 0, 0.0569, 0.3404),
        (20, 12, 2, 16, 0.0562, 0.3292),
        (14, 5, 0, 22, 0.0115, 0.2265),
    ],
)
def test_paired_difference_gives_the_published_intervals(
    both: int, gained: int, lost: int, neither: int, low: float, high: float
) -> None:
    before = [True] * both + [False] * gained + [True] * lost + [False] * neither
    after = [True] * (both + gained) + [False] * (lost + neither)
    interval = paired_difference(before, after)
    assert interval.value == pytest.approx((gained - lost) / len(before))
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_intervals_hold_their_value_and_swap_with_their_arguments(
    pairs: list[tuple[bool, bool]],
) -> None:
    before, after = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    gain, loss = paired_difference(before, after), paired_difference(after, before)
    assert gain.low <= gain.value <= gain.high
    assert gain.low == pytest.approx(-loss.high)
    share = wilson(sum(after), len(after))
    assert 0 <= share.low <= share.value <= share.high <= 1


def test_nothing_measured_is_everything_possible() -> None:
    interval = wilson(0, 0)
    assert math.isnan(interval.value)
    assert (interval.low, interval.high) == (0.0, 1.0)


def test_a_comparison_needs_the_same_states() -> None:
    first, _, _ = run([1, 2])
    second, _, _ = run([1, 2, 3])
    assert compare(first.tasks[0], first.tasks[0]).value == 0
    with pytest.raises(ValueError, match="not paired: 2 and 3 episodes"):
        compare(first.tasks[0], second.tasks[0])
