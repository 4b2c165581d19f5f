"""Left, right, front and behind mean what LIBERO's own instructions mean by them."""

from __future__ import annotations

import pytest

from rewardlang import Scene, compile, load_scene
from rewardlang.api import analyze
from rewardlang.state import FactKind, Requirements, Snapshot

OPPOSITE = {
    "left_of": "right_of",
    "right_of": "left_of",
    "in_front_of": "behind",
    "behind": "in_front_of",
}
LIVING = "libero_10/LIVING_ROOM_SCENE6_put_the_white_mug_on_the_plate_and_put_the_chocolate_pudding"
BOWLS = "libero_90/KITCHEN_SCENE2_put_the_black_bowl_at_the_"
CASES = (  # scene, where the item is put ("" for where it starts), what its instruction says of it
    (
        f"{LIVING}_to_the_right_of_the_plate",
        "living_room_table_plate_right_region",
        "right_of(chocolate_pudding_1, plate_1)",
    ),
    (
        "libero_90/LIVING_ROOM_SCENE6_put_the_chocolate_pudding_to_the_left_of_the_plate",
        "living_room_table_plate_left_region",
        "left_of(chocolate_pudding_1, plate_1)",
    ),
    (
        "libero_90/STUDY_SCENE1_pick_up_the_yellow_and_white_mug_and_place_it_to_the_right_of_the_"
        "caddy",
        "study_table_desk_caddy_right_region",
        "right_of(white_yellow_mug_1, desk_caddy_1_left_contain_region)",
    ),
    (
        "libero_90/KITCHEN_SCENE6_put_the_yellow_and_white_mug_to_the_front_of_the_white_mug",
        "kitchen_table_porcelain_mug_front_region",
        "in_front_of(white_yellow_mug_1, porcelain_mug_1)",
    ),
    (
        "libero_goal/push_the_plate_to_the_front_of_the_stove",
        "main_table_stove_front_region",
        "in_front_of(plate_1, flat_stove_1_cook_region)",
    ),
    (
        "libero_90/LIVING_ROOM_SCENE5_put_the_red_mug_on_the_left_plate",
        "",
        "left_of(plate_1, plate_2)",
    ),
    (
        "libero_90/LIVING_ROOM_SCENE5_put_the_red_mug_on_the_right_plate",
        "",
        "right_of(plate_2, plate_1)",
    ),
    (
        "libero_90/LIVING_ROOM_SCENE4_pick_up_the_black_bowl_on_the_left_and_put_it_in_the_tray",
        "",
        "left_of(akita_black_bowl_1, akita_black_bowl_2)",
    ),
    (
        "libero_90/STUDY_SCENE4_pick_up_the_book_on_the_left_and_place_it_on_top_of_the_shelf",
        "",
        "left_of(yellow_book_2, yellow_book_1)",
    ),
    (
        "libero_90/KITCHEN_SCENE8_put_the_right_moka_pot_on_the_stove",
        "",
        "right_of(moka_pot_1, moka_pot_2)",
    ),
    (
        f"{BOWLS}front_on_the_plate",
        "",
        "in_front_of(akita_black_bowl_1, akita_black_bowl_3)",
    ),
    (f"{BOWLS}back_on_the_plate", "", "behind(akita_black_bowl_3, akita_black_bowl_1)"),
)


def middles(scene: Scene) -> dict[str, tuple[float, float]]:
    """(x, y) of the middle of each zone of the table, and of what starts in one; m."""
    zones = {
        region.name: ((region.ranges[0] + region.ranges[2]) / 2, sum(region.ranges[1::2]) / 2)
        for region in scene.regions
        if region.ranges
    }
    starts = {
        atom[1]: zones[atom[2]] for atom in scene.initial if atom[0] == "on" and atom[2] in zones
    }
    parts = {r.name: starts[r.owner] for r in scene.regions if r.owner in starts}
    return zones | starts | parts


def holds(scene: Scene, condition: str, spots: dict[str, tuple[float, float]]) -> bool:
    text = (
        f'rewardlang 1 task "t" scene "{scene.id}" '
        f"stage a {{ until {condition} }} success when {condition}"
    )
    program = analyze(text).program
    assert program is not None, analyze(text).diagnostics
    evaluator = compile(program)

    def read(requirements: Requirements) -> Snapshot:
        values: list[float] = []
        for fact in requirements.facts:
            if fact.kind is not FactKind.FRAME or fact.names[0] not in spots:
                values += [0.0] * fact.kind.width
                continue
            (name,) = fact.names
            thing = scene.regions_by_name.get(name) or scene.object(name)
            x, y = spots[name]
            values += [x, y, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, *thing.half_extents]
        return Snapshot(values)

    reward = evaluator.attach(read, scene, max_steps=10)
    requirements = evaluator.requirements(scene)
    return reward(requirements, reward.reset(requirements))[0].success


@pytest.mark.parametrize(("scene_id", "spot", "said"), CASES)
def test_sides_are_those_of_liberos_instructions(scene_id: str, spot: str, said: str) -> None:
    scene = load_scene(scene_id)
    predicate, _, rest = said.partition("(")
    spots = middles(scene)
    if spot:
        spots[rest.partition(",")[0]] = spots[spot]
    assert holds(scene, said, spots)
    assert not holds(scene, f"{OPPOSITE[predicate]}({rest}", spots)
    assert not holds(scene, f"{said[:-1]}, 60 cm)", spots), "the length counts"
