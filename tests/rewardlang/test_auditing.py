"""The checks of an audit on hand-made series of Φ and on written states."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewardlang import ir
from rewardlang.auditing.checks import CHECKS, judge
from rewardlang.auditing.component_checks import coverage, dead_components, penalties
from rewardlang.auditing.evidence import Evidence
from rewardlang.auditing.exploit_checks import exploits
from rewardlang.auditing.results import Result, Verdict
from rewardlang.auditing.statistics import advantages, ranks, rise, separation
from rewardlang.auditing.trace import Episode, Role, Trace, all_facts, traces
from rewardlang.auditing.trajectory_checks import change, end, parity, start
from rewardlang.auditing.trajectory_checks import rise as rise_check
from rewardlang.auditing.trajectory_checks import separation as separation_check
from rewardlang.runtime.evaluator import compile
from rewardlang.simulator import Replay
from tests.rewardlang.episodes import HELD, IN_BASKET, ON_PLATE, OPENED, STOVE_ON, state
from tests.rewardlang.programs import any_, atom, group, keep, not_, penalty, program, seq, stage
from tests.rewardlang.programs import random_program as made_up
from tests.rewardlang.worlds import KITCHEN, World, reader, wander

TIDY = program(
    seq(stage("grasp", HELD), stage("put", ON_PLATE), stage("finish", IN_BASKET)),
    penalties=(penalty("burning", 0.1, STOVE_ON),),
)
PATHS = frozenset({"grasp", "put", "finish"})
MOVED = dict.fromkeys(PATHS, (0.0, 1.0)) | {"penalty.burning": (0.0, 0.0)}
RISING = (0.0, 0.2, 0.4, 0.6, 0.9)
IDLE = (0.0, 0.0, 0.0, 0.0, 0.0)
HOLDING = (0.0, 0.2, 0.4, 0.4, 0.4)

FAILED, PASSED, NOT_MEASURED = Verdict.FAILED, Verdict.PASSED, Verdict.NOT_MEASURED


def trace(phi=RISING, role=Role.DEMONSTRATION, *, success: bool | None = None, **more) -> Trace:
    """A demonstration that succeeds, unless it is said otherwise."""
    exploit = role is Role.EXPLOIT
    known = {
        "name": f"{role.name.lower()} {len(phi)}",
        "script": "idle" if exploit else "demonstration",
        "state": "train state 0",
        "worked_on": PATHS,
        "finished": frozenset() if exploit else PATHS,
        "held": PATHS,
        "ranges": MOVED,
        "differs": 0,
        "steps": len(phi) - 1,
    }
    done = not exploit if success is None else success
    return Trace(role=role, phi=tuple(phi), success=done, **(known | more))


def evidence(*found: Trace, played: ir.Program = TIDY, **more) -> Evidence:
    known = {"own_goal": False, "unplayed": {}, "max_steps": 10} | more
    return Evidence(program=played, traces=found, **known)


GOOD = evidence(
    trace((0.0,), Role.START, steps=0),
    trace(),
    trace(IDLE, Role.EXPLOIT),
    trace(HOLDING, Role.EXPLOIT, script="hold"),
)


def verdicts(found: Evidence) -> dict[str, Verdict]:
    return {result.name: result.verdict for result in judge(found)}


# --- all together --------------------------------------------------------------------------------


def test_a_good_program_passes_and_what_never_fired_is_not_measured() -> None:
    found = verdicts(GOOD)
    assert found.pop("penalty: burning") is NOT_MEASURED
    assert set(found.values()) == {PASSED}
    assert {"exploit: idle", "exploit: hold", "parity", "dead-component"} <= set(found)


@settings(max_examples=30)
@given(st.floats(0.0, 0.99), st.lists(st.tuples(st.integers(2, 9), st.booleans()), min_size=1))
def test_a_constant_program_fails_whatever_was_played(value: float, kinds) -> None:
    """As long as the hand moved; and nothing that compares episodes passes it."""
    found = verdicts(
        evidence(
            *(
                trace((value,) * length, Role.DEMONSTRATION if good else Role.EXPLOIT, script="act")
                for length, good in kinds
            )
        )
    )
    assert found["change"] is FAILED
    for name in ("rise", "separation", "exploit: act"):
        assert found.get(name) is not PASSED


@settings(max_examples=15)
@given(st.randoms(use_true_random=False), st.integers(0, 1000))
def test_no_check_stumbles_over_any_program_and_any_states(rng: Random, seed: int) -> None:
    played = made_up(rng)
    episodes = [
        recorded(tuple(wander(seed + number, 6)), role=role, played=played)
        for number, role in enumerate(Role)
    ]
    found = traces(compile(played), KITCHEN, episodes, max_steps=10)
    results = judge(evidence(*found, played=played))
    assert len({result.name for result in results}) == len(results)
    assert all(result.advice for result in results if result.verdict is not PASSED)


def test_idling_alone_says_nothing_of_what_can_change() -> None:
    result = change(evidence(trace(IDLE, Role.EXPLOIT)))
    assert result.verdict is NOT_MEASURED
    same = dict.fromkeys(MOVED, (0.0, 0.0))
    idle = trace(IDLE, Role.EXPLOIT, ranges=same)
    assert dead_components(evidence(idle)).verdict is NOT_MEASURED


def test_without_episodes_nothing_is_passed() -> None:
    results = judge(evidence())
    assert len(results) == len(CHECKS) + len(TIDY.penalties)
    assert {result.verdict for result in results} == {NOT_MEASURED}


# --- one by one ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "found", "number"),
    [
        (parity, evidence(trace(differs=1)), 0.75),
        (start, evidence(trace((0.3,), Role.START), trace()), 0.3),
        (change, evidence(trace((0.3, 0.3)), trace((0.1, 0.105))), 0.005),
        (rise_check, evidence(trace(RISING[::-1])), -1.0),
        (rise_check, evidence(trace((0.2, 0.2, 0.2))), 0.0),
        (end, evidence(trace((0.0, 0.9, 0.7))), 0.7),
        (separation_check, evidence(trace(), trace((0.0, 0.95), Role.EXPLOIT)), 0.0),
        (separation_check, evidence(trace(), trace(RISING, Role.EXPLOIT)), 0.5),
        (coverage, evidence(trace(), trace(finished=PATHS - {"put"})), 0.5),
        (dead_components, evidence(trace(ranges=MOVED | {"put": (1.0, 1.0)})), 1),
    ],
)
def test_a_check_fails_with_its_number_and_says_what_to_do(check, found, number) -> None:
    result: Result = check(found)
    assert result.verdict is FAILED
    assert result.number == pytest.approx(number)
    assert result.bound is not None
    assert not result.bound.holds(number)
    assert result.advice


@pytest.mark.parametrize("check", CHECKS)
def test_each_check_passes_where_it_should(check) -> None:
    assert check(GOOD).verdict is PASSED


def test_the_stages_that_are_not_finished_are_named() -> None:
    found = evidence(trace(finished=PATHS - {"put"}), trace(finished=PATHS - {"put"}))
    assert coverage(found).paths == ("put",)
    assert "0% of 2 successes" in coverage(found).seen


def test_a_branch_that_no_success_took_is_not_measured() -> None:
    ways = program(seq(any_(stage("left", HELD), stage("right", OPENED)), stage("end", ON_PLATE)))
    left, right, end_ = (item.path for item in ir.stages(ways))
    taken = frozenset({left, end_})
    result = coverage(evidence(trace(worked_on=taken, finished=taken), played=ways))
    assert (result.verdict, result.paths) == (NOT_MEASURED, (right,))
    skipped = coverage(evidence(trace(worked_on=taken, finished=frozenset({left})), played=ways))
    assert (skipped.verdict, skipped.paths) == (FAILED, (end_,))


def test_what_success_cuts_off_in_the_last_branch_of_all_is_not_measured() -> None:
    """In the other order it would be done; in a `seq` it never is."""
    both = (seq(stage("put", ON_PLATE), stage("leave", OPENED), name=name) for name in ("a", "b"))
    ways = program(group("all", *both))
    *come_to, leave = (item.path for item in ir.stages(ways))
    done = trace(worked_on=frozenset(come_to), finished=frozenset(come_to))
    result = coverage(evidence(done, played=ways))
    assert (result.verdict, result.paths) == (NOT_MEASURED, (leave,))
    row = program(seq(stage("put", ON_PLATE), stage("leave", OPENED)))
    short = trace(worked_on=frozenset({"put"}), finished=frozenset({"put"}))
    assert coverage(evidence(short, played=row)).verdict is FAILED


def test_success_of_the_benchmark_is_not_asked_of_a_goal_of_its_own() -> None:
    assert parity(evidence(trace(differs=2), own_goal=True)).verdict is NOT_MEASURED


def test_parity_without_a_single_success_is_not_measured() -> None:
    assert parity(evidence(trace(IDLE, Role.EXPLOIT))).verdict is NOT_MEASURED


def test_an_initial_state_counts_once_for_its_own_value() -> None:
    """What was played from it begins there too."""
    found = evidence(trace((0.0,), Role.START), trace(), trace(IDLE, Role.EXPLOIT))
    assert "of 1 states" in start(found).seen


def test_a_keep_that_is_never_kept_is_dead_and_one_that_nothing_broke_is_not_measured() -> None:
    root = seq(stage("grasp", HELD), keep("safe", not_(STOVE_ON)))
    ranges = {"grasp": (0.0, 1.0)}
    played = program(root)

    def result(values: tuple[float, float]) -> Result:
        worked = trace(worked_on=frozenset({"grasp"}), ranges=ranges | {"safe": values})
        return dead_components(evidence(worked, played=played))

    assert (result((0.0, 0.0)).verdict, result((0.0, 0.0)).paths) == (FAILED, ("safe",))
    assert (result((1.0, 1.0)).verdict, result((1.0, 1.0)).paths) == (NOT_MEASURED, ("safe",))
    assert result((0.0, 1.0)).verdict is PASSED


SAFE = group("all", stage("grasp", HELD), keep("safe", not_(STOVE_ON)))
GUARDED = program(seq(stage("put", ON_PLATE), SAFE))
BURNING = (state(plate=True, stove=True), state(held=True, stove=True))


@pytest.mark.parametrize(
    ("worlds", "values", "verdict"),
    [
        ((state(stove=True), state(stove=True)), None, NOT_MEASURED),
        ((state(plate=True), state(), state()), (1.0, 1.0), NOT_MEASURED),
        ((state(plate=True), state(), state(held=True, stove=True)), (0.0, 1.0), PASSED),
        (BURNING, (0.0, 0.0), FAILED),
    ],
)
def test_a_keep_is_judged_from_when_its_group_is_entered(worlds, values, verdict) -> None:
    """Before, nobody asked: that it is worth 0 there does not say that it was broken."""
    found = traced(recorded((state(), state(), *worlds), Role.EXPLOIT, played=GUARDED), GUARDED)
    assert found.ranges.get("safe") == values
    stages = {"put": (0.0, 1.0), "grasp": (0.0, 1.0)}  # whose own fate is not the question
    alone = replace(found, worked_on=frozenset(stages), ranges=found.ranges | stages)
    result = dead_components(evidence(alone, played=GUARDED))
    assert (result.verdict, "safe" in result.paths) == (verdict, verdict is not PASSED)


def test_a_stage_that_no_episode_came_to_is_not_measured() -> None:
    ranges = MOVED | {"finish": (0.0, 0.0)}
    found = evidence(trace(IDLE, success=False, worked_on=PATHS - {"finish"}, ranges=ranges))
    result = dead_components(found)
    assert (result.verdict, result.paths) == (NOT_MEASURED, ("finish",))


def test_a_stage_at_which_everybody_failed_is_not_measured_but_one_that_always_holds_is_dead() -> (
    None
):
    def result(value: float, success: bool) -> Result:
        ranges = MOVED | {"put": (value, value)}
        return dead_components(evidence(trace(IDLE, success=success, ranges=ranges)))

    assert result(0.0, success=False).verdict is NOT_MEASURED
    assert result(0.0, success=True).verdict is FAILED
    assert result(1.0, success=False).verdict is FAILED


def test_a_stage_that_is_only_ever_passed_over_is_dead() -> None:
    """Done, because the next one's condition held; its own never did."""
    result = dead_components(evidence(trace(held=PATHS - {"put"})))
    assert (result.verdict, result.paths) == (FAILED, ("put",))
    assert "passed over" in result.seen
    lifted = trace(IDLE, Role.EXPLOIT, script="lift and hold")
    assert dead_components(evidence(trace(held=PATHS - {"put"}), lifted)).verdict is PASSED


@pytest.mark.parametrize(
    ("fires", "verdict"),
    [((), NOT_MEASURED), ((0, 1), FAILED), ((0, 1, 2), FAILED), ((2,), PASSED), ((0, 2), PASSED)],
)
def test_a_penalty_fires_sometimes(fires: tuple[int, ...], verdict: Verdict) -> None:
    """Episodes 0 and 1 are successes, 2 is none."""
    ranges = [MOVED | {"penalty.burning": (-0.1 if n in fires else 0.0, 0.0)} for n in range(3)]
    found = evidence(
        trace(ranges=ranges[0]),
        trace((*RISING, 0.95), ranges=ranges[1]),
        trace(IDLE, Role.EXPLOIT, ranges=ranges[2]),
    )
    (result,) = penalties(found)
    assert (result.subject, result.verdict) == ("burning", verdict)


# --- exploits ------------------------------------------------------------------------------------


def exploit_results(found: Evidence) -> dict[str, Result]:
    return {result.subject: result for result in exploits(found)}


def test_an_exploit_that_is_as_good_as_doing_it_fails_and_names_what_paid() -> None:
    farming = trace(
        (0.0, 0.9, 0.9, 0.9, 0.9), Role.EXPLOIT, script="farm", finished=frozenset({"grasp"})
    )
    found = exploit_results(evidence(trace(), trace(IDLE, Role.EXPLOIT), farming))
    assert found["idle"].verdict is PASSED
    assert (found["farm"].verdict, found["farm"].paths) == (FAILED, ("grasp",))


def test_a_tie_is_no_advantage() -> None:
    found = evidence(trace(), trace(RISING, Role.EXPLOIT))
    assert exploit_results(found)["idle"].verdict is FAILED


def test_a_group_has_one_initial_state_but_recorded_successes_stand_in_all() -> None:
    idle = trace(IDLE, Role.EXPLOIT, state="train state 7")
    assert exploit_results(evidence(trace(), idle))["idle"].verdict is NOT_MEASURED
    assert exploit_results(evidence(trace(state=""), idle))["idle"].verdict is PASSED


def test_an_exploit_that_succeeds_or_cannot_be_played_is_not_measured() -> None:
    lucky = trace(RISING, Role.EXPLOIT, success=True, script="throw")
    found = exploit_results(evidence(trace(), lucky, unplayed={"open and close": "no skill"}))
    assert {name: item.verdict for name, item in found.items()} == {
        "throw": NOT_MEASURED,
        "open and close": NOT_MEASURED,
    }
    assert found["open and close"].seen == "no skill"


def test_why_there_is_no_demonstration_is_said_by_every_check_that_needs_one() -> None:
    found = evidence(trace(IDLE, Role.EXPLOIT), unplayed={"demonstration": "no skill"})
    for result in (rise_check(found), end(found), coverage(found), separation_check(found)):
        assert (result.verdict, result.seen) == (NOT_MEASURED, "no demonstration could be played")
        assert "--demos" in result.advice


# --- statistics ----------------------------------------------------------------------------------


def test_equal_values_share_their_rank() -> None:
    assert ranks([3.0, 1.0, 3.0, 2.0]).tolist() == [3.5, 1.0, 3.5, 2.0]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30, unique=True))
def test_rise_is_1_when_sorted_and_changes_sign_backwards(values: list[float]) -> None:
    assert rise(sorted(values)) == pytest.approx(1.0)
    assert rise(values[::-1]) == pytest.approx(-rise(values))


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=9),
    st.lists(st.floats(0, 1), min_size=1, max_size=9),
)
def test_separation_is_a_share_of_pairs(first: list[float], second: list[float]) -> None:
    assert separation(first, second) + separation(second, first) == pytest.approx(1.0)
    assert separation([2.0], first) == 1.0
    assert separation(first, first) == pytest.approx(0.5)


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 100))
def test_advantages_sum_to_zero_and_are_zero_among_equals(arms: int, steps: int, seed: int) -> None:
    phi = np.random.default_rng(seed).random((arms + 1, steps))
    assert advantages(phi).sum() == pytest.approx(0.0, abs=1e-9)
    assert not advantages(np.repeat(phi[:1], 4, axis=0)).any()


# --- traces --------------------------------------------------------------------------------------

SOLVED = (
    state(),
    state(),
    state(held=True),
    state(),
    state(plate=True),
    state(plate=True),
    state(basket=True),
)


@dataclass(frozen=True)
class Recorded:
    """Written states; what rewardlang compiled is never right about success."""

    worlds: tuple[World, ...]
    solved: bool | None = None
    file: str = "made up"
    name: str = "demo_0"
    frames: None = None

    def replay(self, requirements) -> Replay:
        return Replay(tuple(map(reader(requirements), self.worlds)), (False,) * len(self.worlds))

    def benchmark_success(self) -> tuple[bool, ...]:
        return tuple(world is SOLVED[-1] for world in self.worlds)


def recorded(
    worlds: tuple[World, ...],
    role: Role = Role.DEMONSTRATION,
    played: ir.Program = TIDY,
    solved: bool | None = None,
) -> Episode:
    requirements = all_facts([compile(TIDY), compile(played)], KITCHEN)
    return Episode.of(Recorded(worlds, solved), requirements, name="made up", role=role)


def traced(episode: Episode, played: ir.Program = TIDY) -> Trace:
    (found,) = traces(compile(played), KITCHEN, [episode], max_steps=100)
    return found


def test_phi_is_read_before_success_and_stages_up_to_it() -> None:
    found = traced(recorded(SOLVED))
    assert found.success
    assert len(found.phi) == len(SOLVED) - 1
    assert max(found.phi) < 0.9
    assert found.finished == PATHS
    assert found.worked_on == PATHS
    assert (found.steps, found.differs) == (len(SOLVED) - 1, 0)
    assert found.ranges["grasp"] == (0.0, 1.0)


def test_a_stage_that_was_passed_over_is_finished_but_never_held() -> None:
    """A process stage counts as passed when the next one's condition holds."""
    played = program(seq(stage("far", atom("lifted", "cup_1", 0.4)), stage("put", ON_PLATE)))
    worlds = (state(), state(), state(plate=True), state(plate=True))
    found = traced(recorded(worlds, played=played), played)
    assert found.finished == {"far", "put"}
    assert found.held == {"put"}


def test_an_episode_that_ends_before_the_success_its_file_tells_of_is_one() -> None:
    found = traced(recorded(SOLVED[:-1], solved=True))
    assert found.success
    assert len(found.phi) == len(SOLVED) - 1
    assert not traced(recorded(SOLVED[:-1], solved=False)).success


def test_success_that_is_not_the_benchmark_s_differs() -> None:
    other = replace(TIDY, success=ir.Success(HELD, 1, TIDY.success.span))
    found = traced(recorded(SOLVED, played=other), other)
    assert (found.success, found.steps, found.differs) == (True, 2, 1)


def test_an_episode_holds_the_facts_of_several_programs() -> None:
    """A mutant is judged on what was recorded, without reading the simulator again."""
    other = program(seq(stage("open", OPENED), stage("grasp", atom("near", "gripper", "plate_1"))))
    worlds = tuple(wander(5, 12))
    both = recorded(worlds, played=other)
    alone_facts = compile(other).requirements(KITCHEN)
    read = reader(alone_facts)
    assert both.requirements.width > alone_facts.width
    assert both.rows(alone_facts) == [read(world).values for world in worlds]


def test_a_program_whose_value_never_changes_fails_the_audit() -> None:
    """`released` has no degree, and holds in all of these states."""
    constant = program(seq(stage("never", not_(atom("released", "plate_1")))))
    episodes = [
        recorded(SOLVED, played=constant),
        recorded(SOLVED[:4], Role.EXPLOIT, played=constant),
    ]
    found = traces(compile(constant), KITCHEN, episodes, max_steps=100)
    assert [item.success for item in found] == [True, False]
    failed = {r.check for r in judge(evidence(*found, played=constant)) if r.verdict is FAILED}
    assert failed >= {"change", "rise", "end", "separation", "coverage", "dead-component"}
    assert "exploit" in failed
