"""Key poses: what is measured on successful episodes, in which words, and what `--demos` says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from itertools import permutations
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

import rewardlang.simulator
from rewardlang.cli.generate import generate as command
from rewardlang.datatypes import UNITS, Dimension
from rewardlang.generation.measuring import Measured, Range, measure, ranges, things, track
from rewardlang.generation.moments import Moment, Pose
from rewardlang.generation.poses import measured, words
from rewardlang.llm.model import NOTHING, Answer, Finish, Method, Question
from rewardlang.planning.planner import plan
from rewardlang.prompting.messages import Wanted, opening
from rewardlang.runtime.readings import Readings
from rewardlang.scene import HandleBox, load
from rewardlang.simulator import OtherSceneError, Replay, SimulatorError
from rewardlang.state import Snapshot
from tests.rewardlang.episodes import BASKET, state
from tests.rewardlang.worlds import DRAWER, KITCHEN, STOVE, World, reader, roll, wander

KNOB = HandleBox(
    part=STOVE, joint="stove_1_button", centre=(0.0, 0.0, 0.0), half_extents=(0.01, 0.01, 0.01)
)
SCENE = KITCHEN.model_copy(update={"handles": (KNOB,)})


def carried(*, high: float = 0.2, basket: float = 0.12, end: float = 0.07, turn: float = 0.3):
    """The cup from its place into the basket: heights of its origin (m), its largest tilt (rad).

    Its lowest point is 4 cm below its origin, the gripper 3 cm above that.
    """
    grip = (0.0, 0.0, 0.04)
    tilted = state(held=True, cup_1=(0.0, 0.2, high), gripper=(0.0, 0.2, high)).turned(
        "cup_1", roll(turn)
    )
    return (
        state(),
        state(held=True, gripper=grip),
        tilted,
        state(held=True, cup_1=(0.0, 0.39, basket), gripper=(0.0, 0.39, basket)),
        state(cup_1=(0.0, 0.4, end)),
    )


@dataclass(frozen=True)
class Recorded:
    """Written states as an episode; `success`: the benchmark's own comes with the last of them."""

    worlds: tuple[World, ...]
    success: bool = True
    solved: bool | None = None
    file: str = "made_up.demo"
    name: str = "demo_0"
    frames: None = None

    def replay(self, requirements) -> Replay:
        before = (False,) * (len(self.worlds) - 1)
        return Replay(tuple(map(reader(requirements), self.worlds)), (*before, self.success))


def found(*episodes: tuple[World, ...]) -> dict[tuple[str, str], tuple[float, float]]:
    """(moment, quantity) -> least and greatest value, rounded to a tenth of a millimetre."""
    poses = measure(SCENE, [Recorded(worlds) for worlds in episodes]).ranges
    return {
        (str(pose.moment), pose.quantity): (round(span.low, 4), round(span.high, 4))
        for pose, span in poses.items()
    }


# --- what is measured ----------------------------------------------------------------------------


def test_of_a_carried_object_the_heights_that_thresholds_need() -> None:
    one, other = carried(), carried(high=0.25, basket=0.15, end=0.1, turn=0.1)
    poses = found(one, other)
    assert poses["when first grasped", "dist(gripper, cup_1)"] == (0.0, 0.0)
    depth = "the gripper above the lowest point of cup_1"
    assert poses["when first grasped", depth] == (0.03, 0.03)
    assert poses["largest while grasped", "height(cup_1)"] == (0.15, 0.2)
    assert poses["largest while grasped", "tilt(cup_1)"] == (0.1, 0.3)
    assert poses["when first carried over", "height(cup_1)"] == (0.07, 0.1)
    assert poses["at success", "height(cup_1)"] == (0.02, 0.05)
    assert poses["at success", "tilt(cup_1)"] == (0.0, 0.0)
    assert poses["at success", f"dist_xy(cup_1, {BASKET})"] == (0.0, 0.0)
    assert {name for _, name in poses if "cup_1" not in name} == set()


def test_what_comes_after_success_is_not_measured() -> None:
    worlds = (*carried(), state(held=True, cup_1=(0.0, 0.0, 0.9)).turned("cup_1", roll(3.0)))
    readings = Readings([reading for thing in things(SCENE) for reading in thing.readings])
    snapshots = tuple(map(reader(readings.requirements), worlds))
    later = Replay(snapshots, (False, False, False, False, True, False))
    never = Replay(snapshots, (False,) * 6)
    in_time = Replay(snapshots[:5], (False, False, False, False, True))
    poses = ranges(things(SCENE), [track(later, readings)])
    assert poses == ranges(things(SCENE), [track(in_time, readings)])
    assert poses != ranges(things(SCENE), [track(never, readings)])


def test_parts_tell_how_far_they_were_moved_and_where_the_hand_was() -> None:
    at_knob = {"gripper": (-0.3, 0.2, 0.08)}
    turned = state(**at_knob).with_joints(stove_1_button=0.25)
    on = state(**at_knob).with_joints(stove_1_button=0.5)
    drawer = state().with_joints(cabinet_1_top_level=-0.07)
    poses = found((state(), turned, on, drawer))
    handle = f"dist(gripper, handle({STOVE}))"
    assert poses["at reset", f"knob({STOVE})"] == (0.0, 0.0)
    # the hand is gone in the last step, in which the knob jumps back
    assert poses["while it moves", handle][0] == 0.02
    assert poses["at success", f"knob({STOVE})"] == (0.0, 0.0)
    assert poses["at reset", f"openness({DRAWER})"] == (0.0, 0.0)
    assert poses["at success", f"openness({DRAWER})"] == (0.5, 0.5)
    assert ("while it moves", f"dist(gripper, handle({DRAWER}))") not in poses  # none is known


def test_what_nobody_wants_and_nobody_moves_is_not_told() -> None:
    idle = found((state(), state().with_joints(cabinet_1_top_level=-0.01)))
    assert {name for _, name in idle} == {
        "height(cup_1)", "tilt(cup_1)", f"dist(cup_1, {BASKET})", f"dist_xy(cup_1, {BASKET})",
    }  # fmt: skip
    assert {moment for moment, _ in idle} == {"at success"}
    plate = state().in_hand("plate_1", "left pad", "right pad")
    grasped = found((state(), plate, state()))
    assert ("when first grasped", "dist(gripper, plate_1)") in grasped
    assert ("at success", "height(plate_1)") in grasped


def test_a_part_that_the_goal_asks_for_is_told_even_where_it_does_not_move() -> None:
    scene = SCENE.model_copy(update={"goal": (("close", DRAWER),)})
    poses = measure(scene, [Recorded((state(), state()))]).ranges
    assert [pose.quantity for pose in poses] == [f"openness({DRAWER})"] * 2


# --- over many episodes --------------------------------------------------------------------------


def tracks(*seeds: int):
    readings = Readings([reading for thing in things(SCENE) for reading in thing.readings])
    return [track(Recorded(tuple(wander(n, 30))).replay(readings.requirements), readings)
            for n in seeds]  # fmt: skip


def test_a_range_holds_every_value_and_no_more() -> None:
    several = tracks(*range(6))
    spans = ranges(things(SCENE), several)
    alone = [ranges(things(SCENE), [one]) for one in several]
    assert set(spans) == {pose for one in alone for pose in one}
    for pose, span in spans.items():
        of_each = [one[pose] for one in alone if pose in one]
        assert span.low == min(one.low for one in of_each)
        assert span.high == max(one.high for one in of_each)
        assert span.episodes == len(of_each)


def test_the_order_of_the_episodes_changes_nothing_not_even_the_words() -> None:
    told = {
        words(Measured(ranges(things(SCENE), order), 4, 0))
        for order in permutations(tracks(3, 5, 8, 11))
    }
    assert len(told) == 1


def test_episodes_without_success_are_left_out_and_counted() -> None:
    good, bad = carried(), carried(high=0.6)
    kept = measure(SCENE, [Recorded(good), Recorded(bad, success=False), Recorded(good)])
    assert (kept.episodes, kept.failed) == (2, 1)
    assert kept.ranges == measure(SCENE, [Recorded(good)] * 2).ranges
    # the file says that it succeeded, in a state that it does not hold
    early = measure(SCENE, [Recorded(good, success=False, solved=True)])
    assert (early.episodes, early.failed) == (1, 0)


# --- in words ------------------------------------------------------------------------------------


def test_the_words_are_the_language_s_with_its_units() -> None:
    assert words(measure(SCENE, [Recorded(carried()), Recorded(carried(high=0.25))])) == (
        "From 2 episodes:\n"
        "- cup_1: when first grasped dist(gripper, cup_1) 0 cm, "
        "the gripper above the lowest point of cup_1 3 cm; "
        "largest while grasped height(cup_1) 15 to 20 cm, tilt(cup_1) 17 to 18 deg; "
        f"when first carried over {BASKET} height(cup_1) 7 cm; "
        "at success height(cup_1) 2 cm, tilt(cup_1) 0 deg, "
        f"dist(cup_1, {BASKET}) 0 cm, dist_xy(cup_1, {BASKET}) 0 cm"
    )


def test_numbers_are_round_and_rare_ones_say_so() -> None:
    def said(low: float, high: float, dimension: Dimension, episodes: int = 3) -> str:
        pose = Pose("x_1", Moment.SUCCESS, "q", dimension)
        text = words(Measured({pose: Range(low, high, episodes)}, 3, 0))
        return text.removeprefix("From 3 episodes:\n- x_1: at success q ")

    assert said(0.1239, 0.2, Dimension.LENGTH) == "12.3 to 20 cm"
    assert said(0.07, 0.07, Dimension.LENGTH) == "7 cm"
    assert said(-1e-9, 1e-9, Dimension.LENGTH) == "0 cm"
    assert said(-0.0011, -0.001, Dimension.LENGTH) == "-0.2 to -0.1 cm"
    assert said(0.2, 0.21, Dimension.ANGLE) == "11 to 13 deg"
    assert said(0.004, 1.0, Dimension.FRACTION, 2) == "0 to 100 % (in 2)"


@given(st.lists(st.floats(-2, 2), min_size=1), st.sampled_from([*Dimension]))
def test_the_numbers_told_enclose_what_was_measured(
    values: list[float], dimension: Dimension
) -> None:
    pose = Pose("x_1", Moment.SUCCESS, "q", dimension)
    text = words(Measured({pose: Range(min(values), max(values), 1)}, 1, 0))
    numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?= to| cm| deg| %)", text)]
    unit = text.rsplit(" ", 1)[-1]
    _, factor = UNITS[unit]
    step = 0.1 if unit == "cm" else 1.0
    assert numbers[0] - step / 50 <= min(values) / factor < numbers[0] + step
    assert numbers[-1] - step < max(values) / factor <= numbers[-1] + step / 50


def test_a_thing_s_poses_stand_in_one_line_whichever_episode_had_them() -> None:
    never_over = (state(), state(held=True), state(basket=True))
    text = words(measure(SCENE, [Recorded(never_over), Recorded(carried())]))
    header, *lines = text.splitlines()
    assert (header, len(lines)) == ("From 2 episodes:", 1)
    assert f"carried over {BASKET} height(cup_1) 7 cm (in 1); at success" in lines[0]


def test_the_prompt_shows_them() -> None:
    text = words(measure(SCENE, [Recorded(carried())]))
    bare = opening(Wanted(SCENE, "tidy the kitchen"))[-1].content
    shown = opening(Wanted(SCENE, "tidy the kitchen", poses=text))[-1].content
    assert text in shown
    assert "Measured on" not in bare
    assert shown.replace(text, "").startswith(bare.rstrip())


# --- the command ---------------------------------------------------------------------------------

MILK = "pick up the milk and place it in the basket"
MILK_ID = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"

application = typer.Typer()
application.command()(command)


def plain(text: str) -> str:
    """Text without the frame and the line breaks around it."""
    return " ".join(text.replace("│", " ").split())


@dataclass(frozen=True)
class Blank:
    """An episode of any scene in which nothing is anywhere."""

    success: bool
    file: str = "made_up.demo"
    name: str = "demo_0"
    solved: None = None
    frames: None = None

    def replay(self, requirements) -> Replay:
        nowhere = Snapshot([0.0] * requirements.width)
        return Replay((nowhere, nowhere), (False, self.success))


class Shelf:
    """A simulator whose files hold a task's id and, a letter each, whether episodes succeeded."""

    suffixes = (".demo",)

    def recordings(self, path: Path, scene):
        if not path.is_file():
            raise SimulatorError(f"{path}: no such file")
        task, _, episodes = path.read_text().partition(" ")
        if task == "damaged":
            raise SimulatorError(f"{path} is damaged")
        if task != scene.id:
            raise OtherSceneError(f"{path} holds episodes of {task}")
        return [Blank(letter == "y") for letter in episodes]


@pytest.fixture(autouse=True)
def _shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "REWARDLANG_BASE_URL", "REWARDLANG_MODEL"):
        monkeypatch.delenv(name, raising=False)
    entry = EntryPoint("shelf", f"{__name__}:Shelf", "rewardlang.simulators")
    monkeypatch.setattr(rewardlang.simulator, "entry_points", lambda **_: (entry,))


@pytest.fixture
def demos(tmp_path: Path) -> Path:
    (tmp_path / "milk.demo").write_text(f"{MILK_ID} yyn")
    (tmp_path / "soup.demo").write_text(f"{MILK_ID.replace('milk', 'alphabet_soup')} y")
    return tmp_path


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(application, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_the_prompt_of_a_task_holds_its_own_demonstrations(demos: Path) -> None:
    done = run(MILK, "--demos", demos, "--show-prompt")
    assert done.exit_code == 0
    assert "take thresholds from here:\n\nFrom 2 episodes:\n- milk_1: at success" in done.stdout
    task = MILK_ID.partition("/")[2]
    assert f"key poses of {task}: 2 episodes, 1 without success left out" in done.stderr
    assert "key poses" not in done.stdout


@dataclass
class Planner:
    """A model that answers with the planner's program, and what it was told."""

    name: str = "planner"
    told: list[str] = field(default_factory=list)

    def answer(self, question: Question) -> Answer:
        self.told.append(question.messages[1].content)
        (scene,) = re.findall(r'^scene "(.+)"', self.told[-1], flags=re.MULTILINE)
        return Answer(plan(load(scene)), Finish.WHOLE, Method.NONE, NOTHING)


def test_a_model_is_told_them_for_one_task_and_for_each_of_a_suite(
    demos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Planner()
    monkeypatch.setattr("rewardlang.cli.generate.language_model", lambda *_: model)
    done = run(MILK, "--demos", demos, "--no-plan", "--dry-run")
    assert (done.exit_code, done.stdout) == (0, plan(load(MILK_ID)))
    (told,) = model.told
    assert "From 2 episodes:\n- milk_1: " in told
    out = tmp_path / "tasks"
    done = run("--suite", "libero_object", "--demos", demos, "--no-plan", "--out", out)
    assert done.exit_code == 0
    assert len(list(out.rglob("*.rl"))) == 10
    assert sum("Measured on" in text for text in model.told[1:]) == 2
    assert told in model.told[1:]


def test_of_a_suite_each_task_takes_its_own_and_one_without_goes_without(demos: Path) -> None:
    done = run("--suite", "libero_object", "--demos", demos, "--show-prompt")
    assert done.exit_code == 0
    prompts = {
        line["scene"]: line["messages"][-1]["content"]
        for line in map(json.loads, done.stdout.splitlines())
    }
    assert len(prompts) == 10
    told = {scene: text for scene, text in prompts.items() if "Measured on" in text}
    assert {name.partition("pick_up_the_")[2].partition("_and")[0] for name in told} == {
        "milk", "alphabet_soup",
    }  # fmt: skip
    assert all("- milk_1: " in text for scene, text in told.items() if scene == MILK_ID)
    assert done.stderr.count(": no episodes") == 8


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"a": f"{MILK_ID} nn"}, f"none of the 2 episodes of {MILK_ID} succeeded"),
        ({"a": "libero_goal/turn_on_the_stove y"}, "holds episodes of libero_goal/turn_on"),
        ({"a": "damaged", "b": "damaged"}, "b.demo is damaged"),
        ({}, "there is no .demo file in this folder"),
    ],
)
def test_demonstrations_that_say_nothing_are_an_error(
    tmp_path: Path, texts: dict[str, str], said: str
) -> None:
    for name, text in texts.items():
        (tmp_path / f"{name}.demo").write_text(text)
    done = run(MILK, "--demos", tmp_path, "--show-prompt")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert done.stderr.count("damaged") == sum(text == "damaged" for text in texts.values())


def test_broken_files_are_told_once_for_a_whole_suite(demos: Path) -> None:
    (demos / "broken.demo").write_text("damaged")
    done = run("--suite", "libero_object", "--demos", demos, "--show-prompt")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"error: {demos / 'broken.demo'} is damaged\n"


def test_a_suite_without_any_demonstrations_is_an_error(demos: Path) -> None:
    done = run("--suite", "libero_goal", "--demos", demos, "--show-prompt")
    assert done.exit_code == 1
    assert done.stderr == f"error: {demos}: there are no episodes of any of the 10 tasks\n"


def test_what_contradicts_itself_is_refused(demos: Path) -> None:
    done = run(MILK, "--demos", demos, "--offline", "--dry-run")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--offline asks none" in plain(done.stderr)
    done = run("--suite", "libero_object", "--demos", demos / "milk.demo", "--show-prompt")
    assert done.exit_code == 2
    assert "--demos is a folder" in plain(done.stderr)


def test_the_planner_says_that_it_does_not_read_them(demos: Path) -> None:
    with_demos, without = (run(MILK, "--dry-run", *more) for more in (("--demos", demos), ()))
    assert with_demos.exit_code == 0
    assert with_demos.stdout == without.stdout
    assert "--demos is not read" in with_demos.stderr


def test_without_a_simulator_it_says_what_to_install(
    demos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewardlang.simulator, "entry_points", lambda **_: ())
    done = run(MILK, "--demos", demos, "--show-prompt")
    assert done.exit_code == 1
    assert done.stderr == (
        "error: no simulator is installed: pip install 'rewardlang[libero]' brings LIBERO's\n"
    )


def test_measuring_raises_what_the_command_tells(demos: Path) -> None:
    with pytest.raises(OtherSceneError, match=r"milk\.demo holds episodes"):
        measured(Shelf(), KITCHEN, [demos])
