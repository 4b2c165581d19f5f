"""The card of a scene: whatever a program may say of it, for all tasks of the catalogue."""

from __future__ import annotations

import json

import pytest
from click.testing import Result
from typer.testing import CliRunner

import rewardlang
from rewardlang.checking.names import sayable
from rewardlang.cli import app
from rewardlang.datatypes import Kind
from rewardlang.inspecting import scene_card
from rewardlang.scene import Scene, suite_scenes, suites

SCENES = [scene for suite in suites() for scene in suite_scenes(suite).values()]
MOKA = "libero_10/KITCHEN_SCENE8_put_both_moka_pots_on_the_stove"
DRAWER = (
    "libero_spatial/"
    "pick_up_the_black_bowl_in_the_top_drawer_of_the_wooden_cabinet_and_place_it_on_the_plate"
)


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["scene", *args])


def conditions(card: scene_card.Card) -> list[str]:
    return [*(goal.atom for goal in card.goal), *card.at_reset]


def accepted(scene: Scene, condition: str) -> bool:
    """Whether a program for the scene may say it."""
    movable = next(item.name for item in scene.objects if not item.fixture)
    text = (
        f'rewardlang 1\ntask "t"\nscene "{scene.id}"\n'
        f"stage s {{ until {condition} }}\nsuccess when released({movable})\n"
    )
    return rewardlang.analyze(text).ok


def test_the_catalogue_is_all_here() -> None:
    assert len(SCENES) == 130


@pytest.mark.parametrize("suite", suites())
def test_a_card_holds_every_name_that_can_be_said(suite: str) -> None:
    for scene in suite_scenes(suite).values():
        card = scene_card.card(scene)
        for page in (scene_card.text(card), scene_card.markdown(card), scene_card.prompt(card)):
            missing = [name for name in sayable(scene) if name not in page]
            assert not missing, (scene.id, missing)
            assert scene.instruction in page
        openable = {name for name, kind in scene.kinds.items() if kind & Kind.OPENABLE}
        assert set(card.openable) == openable
        assert json.loads(json.dumps(card.as_json()))["id"] == scene.id


@pytest.mark.parametrize("suite", suites())
def test_goal_and_reset_are_written_as_a_program_would(suite: str) -> None:
    said = {
        (scene.problem, condition): scene
        for scene in suite_scenes(suite).values()
        for condition in conditions(scene_card.card(scene))
    }
    for (_, condition), scene in said.items():
        assert accepted(scene, condition), (scene.id, condition)


def test_what_is_true_at_reset_is_marked() -> None:
    goals = scene_card.card(rewardlang.load_scene(MOKA)).goal
    assert [goal.atom for goal in goals if goal.true_at_reset] == ["turned_on(flat_stove_1)"]
    assert "turned_on(flat_stove_1)  (true at reset)" in run(MOKA).output


def test_sizes_are_of_the_whole_box_in_cm() -> None:
    scene = rewardlang.load_scene(MOKA)
    pot = scene_card.card(scene).movables[0]
    assert pot.size == pytest.approx(
        [200 * half for half in scene.object(pot.name).half_extents], abs=0.05
    )


def test_look_alikes_and_starts_are_told() -> None:
    card = scene_card.card(rewardlang.load_scene(DRAWER))
    assert ("akita_black_bowl_1", "akita_black_bowl_2") in card.look_alikes
    starts = {item.name: item.starts for item in card.movables}
    assert starts["akita_black_bowl_2"] == "on wooden_cabinet_1_top_side"
    assert starts["plate_1"] == 'in the zone "plate" of main_table'
    moka = scene_card.card(rewardlang.load_scene(MOKA)).movables[0]
    assert moka.starts == 'in the zone "moka pot right init" of kitchen_table'


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        (MOKA.replace("pots", "post"), MOKA),
        (MOKA.replace("libero_10", "libero_l0"), MOKA),
        (MOKA.removeprefix("libero_10/"), MOKA),
    ],
)
def test_an_unknown_scene_gets_the_nearest(typo: str, meant: str) -> None:
    result = run(typo)
    assert result.exit_code == 1
    assert f"there is no scene `{typo}`; did you mean" in result.stderr
    assert f"`{meant}`" in result.stderr


@pytest.mark.parametrize("form", ["text", "markdown", "json", "prompt"])
def test_the_command_prints_each_format(form: str) -> None:
    result = run(MOKA, "--format", form)
    assert result.exit_code == 0
    assert "moka_pot_2" in result.output


def test_a_scene_like_no_other_is_answered_with_where_to_look() -> None:
    for typed, where in (("libero_goal/xyzzy", " libero_goal"), ("xyzzy", "")):
        result = CliRunner().invoke(app, ["scene", typed])
        assert result.exit_code == 1
        assert f"`{typed}`; `rewardlang scenes{where}` lists them" in result.stderr
