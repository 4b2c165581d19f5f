"""From a program and a simulator to an audit, on a simulator of written states."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from rewardlang.api import analyze
from rewardlang.auditing.audit import Audit, audit
from rewardlang.auditing.collecting import Amount
from rewardlang.auditing.document import document, places
from rewardlang.auditing.results import Verdict
from rewardlang.cli.audit_tables import print_audit
from rewardlang.scene import Scene
from rewardlang.simulator import Act, Replay, Script, UnsupportedScriptError
from tests.rewardlang.episodes import state
from tests.rewardlang.worlds import KITCHEN, World, reader

TIDY = analyze(
    f"""\
rewardlang 1
task "{KITCHEN.instruction}"
scene "{KITCHEN.id}"

object cup = cup_1
object basket = basket_1_contain_region

seq {{
  stage reach {{ until near(gripper, cup) }}
  stage grasp {{ until grasped(cup) while near(gripper, cup, 8 cm) }}
  stage lower weight 2 {{ until in(cup, basket) while over(cup, basket) }}
}}

success bddl
penalty tipped cost 0.1 when not upright(plate_1, 60 deg)
""",
    name="tidy.rl",
    scene=KITCHEN,
)
OVER = (0.0, 0.4, 0.2)
IDLE = (state(), state(), state(), state())
HOVERING = (state(), *(state(gripper=(0.0, 0.0, height)) for height in (0.3, 0.2, 0.1, 0.1)))
SOLVED = (
    *HOVERING,
    state(gripper=(0.0, 0.0, 0.06), held=True),
    state(gripper=OVER, cup_1=OVER, held=True),
    state(gripper=(0.0, 0.4, 0.16), cup_1=(0.0, 0.4, 0.16), held=True),
    state(gripper=(0.0, 0.4, 0.14), basket=True),
)


@dataclass(frozen=True)
class Recorded:
    worlds: tuple[World, ...]
    name: str = "demo_0"
    file: str = "demos.hdf5"
    solved: bool | None = None
    frames: None = None
    benchmark_fails: bool = False  # whatever happens

    def replay(self, requirements) -> Replay:
        done = tuple(world is SOLVED[-1] for world in self.worlds)
        return Replay(tuple(map(reader(requirements), self.worlds)), done)

    def benchmark_success(self) -> tuple[bool, ...]:
        return tuple(world is SOLVED[-1] and not self.benchmark_fails for world in self.worlds)


@dataclass
class Theatre:
    """A simulator that plays what is written in `acts`, and nothing else."""

    acts: dict[Act, tuple[World, ...]]
    suffixes: tuple[str, ...] = ()
    played: list[tuple[Script, int, int]] = field(default_factory=list)
    closed: bool = False
    number: int = 6  # of initial states

    def max_steps(self, _scene: Scene) -> int:
        return 20

    def states(self, _scene: Scene) -> dict[str, int]:
        return {"train": self.number}

    def open(self, _scene: Scene) -> Theatre:
        return self

    def play(self, script: Script, split: str, index: int, max_steps: int) -> Recorded:
        assert split == "train"
        if script.act not in self.acts:
            raise UnsupportedScriptError(f"no skill for {script.act}")
        self.played.append((script, index, max_steps))
        return Recorded(self.acts[script.act][: max_steps + 1])

    def close(self) -> None:
        self.closed = True


FULL = {act: IDLE for act in Act if act is not Act.OPEN_AND_CLOSE} | {
    Act.DEMONSTRATION: SOLVED,
    Act.HOVER: HOVERING,
}


def audited(theatre: Theatre, recordings=(), **more) -> Audit:
    told = {"amount": Amount(4, 2, seed=1), "mutate": False, "tell": lambda _: None} | more
    return audit(theatre, TIDY, recordings, **told)


def test_everything_is_played_from_its_states() -> None:
    assert not [item for item in TIDY.diagnostics if item.is_error]
    theatre = Theatre(FULL)
    done = audited(theatre)
    assert theatre.closed
    starts = [index for _, index, steps in theatre.played if steps == 0]
    assert len(set(starts)) == len(starts) == done.starts == 4
    per_script: dict[Script, list[int]] = {}
    for script, index, steps in theatre.played:
        if steps:
            assert steps == 20
            per_script.setdefault(script, []).append(index)
    assert set(map(tuple, per_script.values())) == {tuple(starts[:2])}
    assert (done.demonstrations, done.exploits) == (2, 2 * (len(per_script) - 1))


def test_equal_seeds_play_equal_states() -> None:
    first, same, other = Theatre(FULL), Theatre(FULL), Theatre(FULL)
    audited(first)
    audited(same)
    audited(other, amount=Amount(4, 2, seed=2))
    assert first.played == same.played != other.played


def test_more_states_than_there_are_means_all() -> None:
    assert audited(Theatre(FULL), amount=Amount(99, 1, seed=0)).starts == 6


def test_a_good_program_passes_unless_strictly_everything_must_be_measured() -> None:
    done = audited(Theatre(FULL))
    assert not done.of(Verdict.FAILED)
    assert [item.name for item in done.of(Verdict.NOT_MEASURED)] == ["penalty: tipped"]
    assert done.passes(strict=False)
    assert not done.passes(strict=True)


def test_without_a_demonstrator_what_needs_one_is_not_measured() -> None:
    done = audited(Theatre({act: acted for act, acted in FULL.items() if act != "demonstration"}))
    unmeasured = {item.name: item for item in done.of(Verdict.NOT_MEASURED)}
    assert {"coverage", "rise", "end", "separation", "exploit: idle"} <= set(unmeasured)
    assert unmeasured["rise"].seen == "no demonstration could be played"
    assert done.unplayed == {"demonstration": "no skill for demonstration"}
    assert not done.of(Verdict.FAILED)


def test_recorded_episodes_stand_in_for_the_demonstrator() -> None:
    theatre = Theatre(FULL)
    done = audited(theatre, [Recorded(SOLVED), Recorded(HOVERING)])
    assert Act.DEMONSTRATION not in {script.act for script, _, _ in theatre.played}
    assert done.demonstrations == 2
    assert not done.of(Verdict.FAILED)


def test_parity_is_with_the_benchmark_s_own_code_and_not_with_the_compiled_goal() -> None:
    agreed = audited(Theatre(FULL), [Recorded(SOLVED)])
    other = audited(Theatre(FULL), [Recorded(SOLVED, benchmark_fails=True)])
    assert "parity" not in {item.name for item in agreed.of(Verdict.FAILED)}
    (parity,) = (item for item in other.results if item.check == "parity")
    assert parity.verdict is Verdict.FAILED
    assert "not the benchmark's at 1 of" in parity.seen


def test_without_initial_states_every_exploit_is_not_measured_and_says_why() -> None:
    done = audited(Theatre(FULL, number=0), [Recorded(SOLVED)])
    exploits = [item for item in done.results if item.check == "exploit"]
    assert len(exploits) == len(audited(Theatre(FULL)).unplayed) + 8
    for item in exploits:
        assert item.verdict is Verdict.NOT_MEASURED
        assert item.seen == "the scene has no `train` states to play it from"


def test_the_simulator_is_closed_when_it_fails() -> None:
    theatre = Theatre({})
    with pytest.raises(UnsupportedScriptError):
        audited(theatre)
    assert theatre.closed


def test_mutants_are_judged_without_playing_again() -> None:
    plain, mutating = Theatre(FULL), Theatre(FULL)
    assert audited(plain).mutants is None
    done = audited(mutating, mutate=True)
    assert mutating.played == plain.played
    assert done.mutants
    found = {item.mutant.name: item for item in done.mutants}
    assert "goal-not-mentioned" in found["dropped stage: lower"].static
    assert any(item.dynamic for item in done.mutants)
    assert found["swapped objects: cup and basket"].dynamic is None
    assert any(item.survives for item in done.mutants)
    data = document(done, strict=False)["mutation"]
    assert data["total"]["mutants"] == len(data["mutants"]) == len(done.mutants)


def test_the_report_reads_in_80_columns(capsys, monkeypatch) -> None:
    """No line of the table is longer, and what was seen stands in one piece."""
    monkeypatch.setenv("COLUMNS", "80")
    done = audited(Theatre(FULL))
    print_audit(done)
    printed = capsys.readouterr().out
    table, _, _ = printed.partition("not measured: ")
    assert max(map(len, table.splitlines())) <= 80
    together = " ".join(printed.split())
    for result in done.results:
        assert " ".join(result.seen.split()) in together
    assert len(table.splitlines()) < 5 * len(done.results)


def test_results_point_to_lines_and_are_plain_data() -> None:
    done = audited(Theatre(FULL))
    (tipped,) = done.of(Verdict.NOT_MEASURED)
    (place,) = places(done.program, tipped)
    assert (place.path, place.line) == ("penalty.tipped", 15)
    data = document(done, strict=True)
    assert (data["program"], data["passed"]) == ("tidy.rl", False)
    assert data["counts"]["passed"] == len(done.results) - 1
    (item,) = (check for check in data["checks"] if check["check"] == "separation")
    assert item["bound"] == {"sign": "≥", "limit": 0.95}
    assert item["verdict"] == "passed"
