"""Groups in lockstep: what ends an episode, what is recorded, and what a result depends on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tgrpo.scripted_pool import EchoPolicy, Plan, Script, ScriptedPool, make_state, make_task
from tgrpo import actions
from tgrpo.rollouts.episodes import Assignment
from tgrpo.rollouts.lockstep import Clock
from tgrpo.rollouts.playing import Stage
from tgrpo.rollouts.rollout import Collected, GroupJob, NoUsableStateError, Rules, Tally, collect
from tgrpo.trajectory import Ending, Group

MAX_STEPS = 12


def job(number: int = 0, states: tuple[int, ...] = (0,)) -> GroupJob:
    candidates = tuple(make_state(index) for index in states)
    return GroupJob(number, make_task(max_steps=MAX_STEPS), None, candidates, MAX_STEPS)


def play(
    plan: Plan,
    jobs: list[GroupJob],
    *,
    workers: int = 2,
    size: int = 4,
    in_flight: int = 1,
    stop: str = "synchronous",
    seed: int = 0,
    iteration: int = 0,
    shuffle: int = 0,
    losses: Mapping[int, int] = MappingProxyType({}),
    resample: int = 0,
    run_on: int = 0,
    chunk: int = 1,
) -> tuple[Collected, ScriptedPool]:
    pool = ScriptedPool(workers, size * in_flight, plan, shuffle=shuffle, losses=losses)
    collected = collect(
        EchoPolicy(chunk),
        pool,
        jobs,
        Rules(size, 1.0, stop, seed, iteration, resample=resample, run_on=run_on),
    )
    return collected, pool


def endings(group: Group) -> list[Ending]:
    return [arm.ending for arm in group.trajectories]


def at(success: dict[int, int], unstable: dict[int, int] | None = None) -> Plan:
    """Slot -> step of success or divergence."""
    diverging = unstable or {}
    return lambda _, slot: Script(success.get(slot), diverging.get(slot))


def test_synchronous_stop_cuts_the_others_at_the_first_success() -> None:
    collected, _ = play(at({2: 5}), [job()])
    (group,) = collected.groups
    assert endings(group) == [Ending.CUT, Ending.CUT, Ending.SUCCESS, Ending.CUT]
    assert [len(arm) for arm in group.trajectories] == [5, 5, 5, 5]


def test_independent_ends_let_each_arm_run_on() -> None:
    collected, _ = play(at({2: 5, 0: 7}), [job()], stop="independent")
    (group,) = collected.groups
    assert endings(group) == [Ending.SUCCESS, Ending.TIMEOUT, Ending.SUCCESS, Ending.TIMEOUT]
    assert [len(arm) for arm in group.trajectories] == [7, MAX_STEPS, 5, MAX_STEPS]


def test_arms_that_succeed_in_the_same_step_all_count() -> None:
    collected, _ = play(at({1: 4, 3: 4}), [job()])
    assert endings(collected.groups[0]).count(Ending.SUCCESS) == 2


def test_success_in_the_last_step_is_a_success_and_the_others_ran_out_of_time() -> None:
    collected, _ = play(at({1: MAX_STEPS}), [job()])
    expected = [Ending.TIMEOUT, Ending.SUCCESS, Ending.TIMEOUT, Ending.TIMEOUT]
    assert endings(collected.groups[0]) == expected


@pytest.mark.parametrize("stop", ["synchronous", "independent"])
def test_an_unstable_arm_is_a_failure_and_the_others_go_on(stop: str) -> None:
    collected, _ = play(at({2: 6}, {0: 3}), [job()], stop=stop)
    (group,) = collected.groups
    assert group.trajectories[0].ending is Ending.UNSTABLE
    assert len(group.trajectories[0]) == 3
    assert group.trajectories[2].ending is Ending.SUCCESS


def test_a_state_that_is_solved_at_reset_is_redrawn_and_counted() -> None:
    collected, pool = play(
        lambda assignment, _: Script(0 if assignment.state.index < 2 else 3),
        [job(states=(0, 1, 7))],
    )
    assert collected.redrawn == 2
    assert {arm.state_index for arm in collected.groups[0].trajectories} == {7}
    assert [state for _, state in pool.assigned] == [0] * 4 + [1] * 4 + [7] * 4


def test_a_task_without_a_usable_state_is_an_error_that_names_it() -> None:
    with pytest.raises(NoUsableStateError, match=r"suite/task: all 2 states tried are solved"):
        play(lambda *_: Script(0), [job(states=(0, 1))])


def test_what_is_recorded_is_what_was_seen_before_each_action() -> None:
    collected, pool = play(at({0: 3}), [job(states=(5,))])
    for slot, arm in enumerate(collected.groups[0].trajectories):
        assert arm.robot[:, :3].tolist() == [[5, slot, step] for step in range(3)]
        assert arm.rewards.tolist() == pytest.approx([0.001, 0.002, 0.003])
        assert [arm.stage_keys[index] for index in arm.stages] == [("reach",)] * 2 + [("grasp",)]
        assert (arm.stage_keys[arm.start_stage], arm.start_phi) == (("reach",), 0.0)
        sent = np.stack(pool.actions[slot, 5])
        assert np.array_equal(actions.decode(arm.tokens), sent)
        assert (arm.arm, arm.state_index, arm.split) == (slot, 5, "train")


def test_stage_indices_mean_the_same_in_every_arm_of_a_group() -> None:
    collected, _ = play(at({0: 8}), [job()])
    (group,) = collected.groups
    assert len({arm.stage_keys for arm in group.trajectories}) == 1


@settings(max_examples=60, deadline=None)
@given(
    ends=st.lists(st.none() | st.integers(1, MAX_STEPS), min_size=24, max_size=24),
    workers=st.integers(1, 5),
    in_flight=st.integers(1, 3),
    shuffle=st.integers(0, 1000),
    stop=st.sampled_from(["synchronous", "independent"]),
    resample=st.integers(0, 2),
    run_on=st.integers(0, 3),
    chunk=st.sampled_from([1, 2, 8]),
)
def test_a_result_depends_neither_on_workers_nor_on_timing_nor_on_lanes(
    ends: list[int | None],
    workers: int,
    in_flight: int,
    shuffle: int,
    stop: str,
    resample: int,
    run_on: int,
    chunk: int,
) -> None:
    def plan(assignment: object, slot: int) -> Script:
        # Arms of the same group meet the same fate whatever slots they are played on.
        return Script(ends[4 * assignment.state.index + slot % 4])

    jobs = [job(number, tuple(np.roll(range(6), -number))) for number in range(6)]
    rules = {"stop": stop, "resample": resample, "run_on": run_on, "chunk": chunk}
    one, _ = play(plan, jobs, workers=1, **rules)
    other, _ = play(plan, jobs, workers=workers, in_flight=in_flight, shuffle=shuffle, **rules)
    assert (one.ended, len(one.resampled)) == (other.ended, len(other.resampled))
    assert [endings(group) for group in one.groups] == [endings(group) for group in other.groups]
    tokens = [
        [arm.tokens.tolist() for group in run.groups for arm in group.trajectories]
        for run in (one, other)
    ]
    assert tokens[0] == tokens[1]


def test_noise_differs_by_seed_iteration_group_and_arm_and_repeats_otherwise() -> None:
    def tokens(seed: int, iteration: int, number: int) -> list[bytes]:
        collected, _ = play(at({}), [job(number)], seed=seed, iteration=iteration)
        return [arm.tokens.tobytes() for arm in collected.groups[0].trajectories]

    base = tokens(0, 0, 0)
    assert len(set(base)) == 4
    assert tokens(0, 0, 0) == base
    for other in (tokens(1, 0, 0), tokens(0, 1, 0), tokens(0, 0, 1)):
        assert not set(other) & set(base)


@settings(max_examples=100, deadline=None)
@given(
    ends=st.lists(st.none() | st.integers(0, MAX_STEPS), min_size=24, max_size=24),
    unstable=st.dictionaries(st.integers(0, 11), st.integers(1, MAX_STEPS), max_size=3),
    workers=st.integers(1, 5),
    in_flight=st.integers(1, 3),
    stop=st.sampled_from(["synchronous", "independent"]),
    losses=st.dictionaries(st.integers(1, 40), st.integers(0, 4), max_size=6),
    shuffle=st.integers(0, 100),
    resample=st.integers(0, 2),
    run_on=st.integers(0, 3),
    chunk=st.sampled_from([1, 2, 8]),
)
def test_a_collection_that_loses_workers_equals_one_that_does_not(
    ends: list[int | None],
    unstable: dict[int, int],
    workers: int,
    in_flight: int,
    stop: str,
    losses: dict[int, int],
    shuffle: int,
    resample: int,
    run_on: int,
    chunk: int,
) -> None:
    def plan(assignment: Assignment, slot: int) -> Script:
        # By state and arm, not by slot: a group may be played on another lane.
        arm = assignment.state.index * 3 + slot % 3
        return Script(ends[arm % 24], unstable.get(arm))

    jobs = [job(number, (number, number + 10, number + 21)) for number in range(5)]

    def outcome(losses: Mapping[int, int]) -> object:
        try:
            collected, _ = play(
                plan,
                jobs,
                workers=workers,
                size=3,
                in_flight=in_flight,
                stop=stop,
                shuffle=shuffle,
                losses=losses,
                resample=resample,
                run_on=run_on,
                chunk=chunk,
            )
        except NoUsableStateError as error:
            return str(error)
        told = [
            (arm.tokens.tolist(), arm.rewards.tolist(), arm.state_index, arm.ending)
            for group in collected.groups
            for arm in group.trajectories
        ]
        return told, collected.redrawn, collected.ended, len(collected.resampled)

    assert outcome(losses) == outcome({})


def test_lost_workers_are_counted() -> None:
    collected, pool = play(at({}), [job()], losses={3: 0, 9: 1})
    assert collected.workers_replaced == 2
    assert len(pool.assigned) == 3 * 4  # the group began three times


def test_the_policy_is_asked_for_the_arms_that_go_on_and_no_others() -> None:
    pool = ScriptedPool(2, 8, at({0: 2, 1: 3, 2: 9}))
    policy = EchoPolicy()
    collected = collect(
        policy,
        pool,
        [job(number) for number in range(3)],
        Rules(4, 1.0, "independent", 0, 0),
    )
    arms = [arm for group in collected.groups for arm in group.trajectories]
    assert max(policy.batches) == 4
    assert sum(policy.batches) == sum(map(len, arms))


def test_every_control_step_is_told_and_groups_come_back_in_order() -> None:
    told: list[int] = []
    pool = ScriptedPool(2, 8, at({0: 2, 5: 4}))
    collected = collect(
        EchoPolicy(),
        pool,
        [job(number, (number,)) for number in (4, 2, 9)],
        Rules(4, 1.0, "synchronous", 0, 0),
        on_steps=told.append,
    )
    arms = [arm for group in collected.groups for arm in group.trajectories]
    assert sum(told) == sum(map(len, arms))
    assert [group.trajectories[0].state_index for group in collected.groups] == [4, 2, 9]


def test_times_add_up_to_the_wall_clock() -> None:
    seconds = play(at({}), [job()])[0].seconds
    assert seconds["policy"] + seconds["wait"] + seconds["transport"] == pytest.approx(
        seconds["wall"]
    )
    assert seconds["physics"] + seconds["reward"] + seconds["idle"] == pytest.approx(
        seconds["wall"]
    )


def test_a_group_that_does_not_fit_the_pool_is_refused() -> None:
    with pytest.raises(ValueError, match="lane of 4 slots does not fit a pool of 3"):
        Stage(ScriptedPool(1, 3, at({})), 4, clock=Clock(1), on_steps=lambda _: None)


class TestStopMeasured:
    PLAN = staticmethod(at({0: 5, 1: 9, 2: 5}))  # of three successes one is late

    def test_groups_that_run_on_are_learned_from_as_if_they_had_not(self) -> None:
        stopped, _ = play(self.PLAN, [job()])
        measured, pool = play(self.PLAN, [job()], run_on=1)
        pairs = zip(stopped.groups[0].trajectories, measured.groups[0].trajectories, strict=True)
        for one, other in pairs:
            assert (one.ending, one.stage_keys) == (other.ending, other.stage_keys)
            for name in ("robot", "objects", "tokens", "log_probs", "rewards", "phi", "stages"):
                assert np.array_equal(getattr(one, name), getattr(other, name)), name
        assert len(pool.actions[3, 0]) == MAX_STEPS  # played to its end all the same

    def test_what_the_stop_cut_off_is_counted(self) -> None:
        assert play(self.PLAN, [job()], run_on=1)[0].ended == Tally(successes=3, late=1)
        assert play(self.PLAN, [job()])[0].ended == Tally()
        assert play(self.PLAN, [job(0), job(1, (1,))], run_on=1)[0].ended == Tally(3, 1)

    def test_independent_ends_say_what_a_stop_would_cut_off(self) -> None:
        assert play(self.PLAN, [job()], stop="independent")[0].ended == Tally(3, 1)


class TestDynamicSampling:
    @staticmethod
    def plan(assignment: Assignment, slot: int) -> Script:
        """Nobody solves state 0, everybody state 1, and one arm state 2."""
        match assignment.state.index:
            case 0:
                return Script(None)
            case 1:
                return Script(4)
            case _:
                return Script(4 if slot % 4 == 1 else None)

    def test_groups_that_end_alike_are_replaced_and_counted(self) -> None:
        collected, pool = play(self.plan, [job(0, (0, 1, 2, 3))], resample=3)
        assert collected.groups[0].trajectories[0].state_index == 2
        replaced = [group.trajectories[0].state_index for group in collected.resampled]
        assert replaced == [0, 1]
        assert [state for _, state in pool.assigned] == [0] * 4 + [1] * 4 + [2] * 4

    def test_the_number_of_tries_is_bounded_and_the_last_group_is_kept(self) -> None:
        collected, _ = play(self.plan, [job(0, (0, 1, 2))], resample=1)
        assert collected.groups[0].trajectories[0].state_index == 1
        assert len(collected.resampled) == 1
        exhausted, _ = play(self.plan, [job(0, (0, 1))], resample=9)
        assert exhausted.groups[0].trajectories[0].state_index == 1

    def test_without_it_nothing_is_replaced(self) -> None:
        collected, _ = play(self.plan, [job(0, (0, 1, 2))])
        assert collected.groups[0].trajectories[0].state_index == 0
        assert collected.resampled == ()
