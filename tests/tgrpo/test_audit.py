"""Exploits do what they are called; `rewardlang audit` tells good programs from broken ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

import rewardlang
from rewardlang import Act, Script
from rewardlang.auditing.statistics import advantages
from rewardlang.cli import app
from rewardlang.state import Fact, FactKind
from tgrpo.scripted.demonstrator import demonstrate
from tgrpo.simulator import LiberoSimulator
from tgrpo.tasks import Task, find_task
from tgrpo.training.advantages import step_level, trajectory_level

MILK = find_task("libero_object/pick_up_the_milk_and_place_it_in_the_basket")
STOVE = find_task("libero_goal/turn_on_the_stove")
MIDDLE_DRAWER = find_task("libero_goal/open_the_middle_drawer_of_the_cabinet")
OPEN_DRAWER = find_task("libero_90/KITCHEN_SCENE4_close_the_bottom_drawer_of_the_cabinet")
SHIPPED = Path(__file__).parents[2] / "tasks" / f"{MILK.id}.rl"
ITEM, BASKET, OTHER = "milk_1", "basket_1_contain_region", "cream_cheese_1"
STEPS = 130
BROKEN = f"""\
rewardlang 1
task "{MILK.instruction}"
scene "{MILK.id}"

object milk = {ITEM}

seq {{
  stage grasp {{ until grasped(milk) }}
  stage lift {{ until lifted(milk, 5 cm) }}
}}

success bddl
"""
FACTS = rewardlang.Requirements(
    (
        Fact(FactKind.FRAME, (ITEM,)),
        Fact(FactKind.FRAME, (OTHER,)),
        Fact(FactKind.FRAME, (BASKET,)),
        Fact(FactKind.GRIPPER),
        Fact(FactKind.PAD_CONTACT, (ITEM,)),
    )
)


def test_advantages_are_the_trainer_s() -> None:
    """Without an arm's end, the fused advantage of equal weights, averaged over the steps."""
    phi = np.random.default_rng(3).random((5, 40))
    mask = np.ones(phi.shape, dtype=bool)
    fused = step_level(phi, mask) + trajectory_level(phi.sum(axis=1))[:, None]
    assert advantages(phi) == pytest.approx(fused.mean(axis=1))


# --- exploits ------------------------------------------------------------------------------------


class Played:
    """Positions (T + 1, 3) of what matters in an episode; whether the item is held (T + 1,)."""

    def __init__(self, episode) -> None:
        replay = episode.replay(FACTS)
        values = np.array([snapshot.values for snapshot in replay.snapshots])
        at = FACTS.offsets()
        self.item, self.other, self.basket, self.hand = (
            values[:, at[fact] : at[fact] + 3] for fact in FACTS.facts[:4]
        )
        self.held = values[:, at[FACTS.facts[4]] :].min(axis=1) > 0
        self.success = any(replay.native_success)


@pytest.fixture(scope="module")
def simulation():
    simulation = LiberoSimulator().open(MILK.scene)
    yield simulation
    simulation.close()


@pytest.fixture(scope="module")
def play(simulation):
    return lambda act, item="", target="", steps=STEPS: Played(
        simulation.play(Script(act, item, target), "train", 0, steps)
    )


def moved(path: np.ndarray) -> float:
    """Horizontally, from the first position to the last."""
    return float(np.hypot(*(path[-1] - path[0])[:2]))


@pytest.mark.sim
def test_a_demonstration_ends_at_success(play) -> None:
    played = play(Act.DEMONSTRATION)
    assert played.success
    assert len(played.item) < STEPS


@pytest.mark.sim
def test_nothing_but_the_initial_state_in_no_steps(play) -> None:
    assert len(play(Act.IDLE, steps=0).item) == 1


@pytest.mark.sim
def test_idling_and_hovering_touch_nothing(play) -> None:
    idle, hover = play(Act.IDLE, steps=30), play(Act.HOVER, ITEM, steps=60)
    between = play(Act.HOVER_BETWEEN, ITEM, BASKET, steps=60)
    for played in (idle, hover, between):
        assert moved(played.item) < 0.005
        assert not played.held.any()
    assert np.hypot(*(hover.hand[-1] - hover.item[-1])[:2]) < 0.02
    middle = (between.item[-1] + between.basket[-1]) / 2
    assert np.hypot(*(between.hand[-1] - middle)[:2]) < 0.03


@pytest.mark.sim
def test_lifting_holds_to_the_end(play) -> None:
    played = play(Act.LIFT_AND_HOLD, ITEM, BASKET)
    assert played.item[-1, 2] - played.item[0, 2] > 0.2
    assert played.held[-20:].all()
    assert not played.success


@pytest.mark.sim
def test_grasping_and_releasing_is_done_again_and_again(play) -> None:
    held = play(Act.GRASP_AND_RELEASE, ITEM, BASKET).held.astype(int)
    assert (np.diff(held) > 0).sum() >= 2
    assert (np.diff(held) < 0).sum() >= 2


@pytest.mark.sim
def test_pushing_and_throwing_leave_the_item_elsewhere(play) -> None:
    pushed, thrown = play(Act.PUSH_OFF, ITEM, BASKET), play(Act.THROW, ITEM, BASKET)
    away = pushed.item[-1] - pushed.basket[-1]
    assert np.hypot(*away[:2]) > np.hypot(*(pushed.item[0] - pushed.basket[0])[:2]) + 0.05
    assert moved(thrown.item) > 0.1
    assert thrown.held.any()
    assert not thrown.held[-1]


@pytest.mark.sim
def test_the_wrong_object_is_put_where_the_right_one_belongs(play) -> None:
    played = play(Act.WRONG_OBJECT, OTHER, BASKET)
    assert moved(played.other) > 0.1
    assert moved(played.item) < 0.03
    assert not played.success


@pytest.mark.sim
@pytest.mark.parametrize(
    ("script", "why"),
    [
        (Script(Act.OPEN_AND_CLOSE, BASKET), f"`{BASKET}` has no handle to open it by"),
        (Script(Act.LIFT_AND_HOLD, BASKET), f"`{BASKET}` is nothing that can be grasped"),
        (Script(Act.HOVER, "teapot_1"), f"there is no `teapot_1` in {MILK.id}"),
    ],
)
def test_what_cannot_be_acted_out_is_said(simulation, script, why) -> None:
    with pytest.raises(rewardlang.UnsupportedScriptError) as caught:
        simulation.play(script, "train", 0, 5)
    assert str(caught.value) == why


def shares(task: Task, part: str, steps: int) -> tuple[np.ndarray, bool]:
    """How far a part was open or on (T + 1,), of the way to the benchmark's threshold."""
    simulation = LiberoSimulator().open(task.scene)
    kind = FactKind.KNOB if task is STOVE else FactKind.PART
    read = rewardlang.Requirements((Fact(kind, (part,)),))
    replay = simulation.play(Script(Act.OPEN_AND_CLOSE, part), "train", 7, steps).replay(read)
    simulation.close()
    values = np.array([snapshot.values[0] for snapshot in replay.snapshots])
    return values, any(replay.native_success)


def times_through(values: np.ndarray, level: float) -> int:
    return int((np.diff(values > level) != 0).sum())


@pytest.mark.sim
def test_a_knob_is_turned_to_and_fro_and_never_on() -> None:
    values, success = shares(STOVE, "flat_stove_1", 250)
    assert times_through(values, 0.5) >= 4
    assert values.max() < 1.0
    assert not success


@pytest.mark.sim
def test_an_open_drawer_is_moved_to_and_fro() -> None:
    """Past where the benchmark calls it open, for its goal is another."""
    values, success = shares(OPEN_DRAWER, "white_cabinet_1_bottom_region", 250)
    assert times_through(values, 0.999) >= 4
    assert not success


@pytest.mark.sim
def test_a_handle_below_another_is_out_of_reach_and_says_so() -> None:
    with pytest.raises(rewardlang.UnsupportedScriptError) as caught:
        shares(MIDDLE_DRAWER, "wooden_cabinet_1_middle_region", 250)
    assert str(caught.value) == (
        "the hand, which comes from above, cannot move `wooden_cabinet_1_middle_region` by its "
        "handle"
    )


# --- the command ---------------------------------------------------------------------------------


def audit(*args: object) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, args)])


@pytest.fixture
def broken(tmp_path) -> Path:
    path = tmp_path / "broken.rl"
    path.write_text(BROKEN)
    return path


@pytest.mark.sim
def test_a_shipped_program_passes_and_a_broken_one_fails_by_name(broken) -> None:
    done = audit(SHIPPED, broken, "--states", 3, "--plays", 1, "--json")
    assert done.exit_code == 1, done.output
    good, bad = json.loads(done.stdout)
    failed = {
        data["program"]: {
            f"{item['check']} {item['subject']}".split(" (")[0].strip(): item
            for item in data["checks"]
            if item["verdict"] == "failed"
        }
        for data in (good, bad)
    }
    assert good["passed"], failed[str(SHIPPED)]
    assert good["counts"]["not measured"] == 0
    assert good["episodes"] == {"initial states": 3, "demonstrations": 1, "exploits": 8}
    assert not bad["passed"]
    assert {"separation", "exploit lift and hold"} <= set(failed[str(broken)])
    holding = failed[str(broken)]["exploit lift and hold"]
    assert {"path": "lift", "line": 9} in holding["places"]
    assert "hold its stages with `while`" in holding["advice"]


@pytest.mark.sim
def test_a_broken_program_is_not_played(tmp_path) -> None:
    path = tmp_path / "typo.rl"
    path.write_text(BROKEN.replace(ITEM, "milc_1"))
    done = audit(path, tmp_path / "missing.rl")
    assert done.exit_code == 1
    assert "error[unknown-object]: `milc_1` is not in this scene" in done.stderr
    assert "error[unreadable-file]" in done.stderr
    assert not done.stdout


@pytest.mark.sim
@pytest.mark.full
def test_recorded_demonstrations_and_mutants(broken, tmp_path) -> None:
    file = tmp_path / "milk.hdf5"
    demonstrate(MILK, count=2, out=file)
    done = audit(broken, "--demos", file, "--states", 1, "--plays", 1, "--mutate")
    assert done.exit_code == 1, done.output
    assert "1 initial states, 2 demonstrations" in done.output
    assert "failed: separation" in done.output  # the others depend on which success is fastest
    assert "survives: " in done.output
    assert "dropped stage" in done.output
