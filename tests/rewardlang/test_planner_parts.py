"""How a plan moves drawers, doors and knobs, and pushes things."""

from __future__ import annotations

import re

import pytest

from tests.rewardlang.plans import (
    PLANS,
    stage_texts,
)


@pytest.mark.parametrize(
    ("scene_id", "expected"),
    [
        (
            "libero_goal/open_the_middle_drawer_of_the_cabinet",
            {
                "reach": "until near(gripper, handle(drawer))",
                "pull": "until open(drawer) while near(gripper, handle(drawer), 8 cm)",
            },
        ),
        (
            "libero_90/KITCHEN_SCENE6_close_the_microwave",
            {
                "reach": "until near(gripper, handle(microwave))",
                "push": "until closed(microwave) while near(gripper, handle(microwave), 15 cm)",
            },
        ),
        (
            "libero_90/KITCHEN_SCENE8_turn_off_the_stove",
            {
                "reach": "until near(gripper, handle(stove))",
                "turn": "until turned_off(stove) while near(gripper, handle(stove), 8 cm)",
            },
        ),
        (
            "libero_goal/push_the_plate_to_the_front_of_the_stove",
            {
                "reach": "until near(gripper, plate)",
                "touch": "until touching(gripper, plate) while near(gripper, plate, 8 cm)",
                "push": "until on(plate, stove_front) while near(gripper, plate, 8 cm)",
            },
        ),
    ],
)
def test_parts_and_pushes(scene_id: str, expected: dict[str, str]) -> None:
    assert stage_texts(PLANS[scene_id]) == expected


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("open_the_middle_drawer_of_the_cabinet", "pulled out by more than 14 cm"),
        ("KITCHEN_SCENE7_open_the_microwave", "open by more than 74 degrees"),
        ("KITCHEN_SCENE6_close_the_microwave", "open by less than 0.3 degrees"),
        ("KITCHEN_SCENE10_close_the_top_drawer_of_the_cabinet", "beyond its joint's zero"),
        ("KITCHEN_SCENE9_turn_on_the_stove", "turned by 29 degrees or more"),
        ("KITCHEN_SCENE8_turn_off_the_stove", "turned back beyond its joint's zero"),
    ],
)
def test_a_part_says_in_plain_words_what_libero_asks_of_its_joint(task: str, said: str) -> None:
    (text,) = (text for scene_id, text in PLANS.items() if scene_id.endswith(f"/{task}"))
    assert said in " ".join(re.sub(r"^ *#", "", line).strip() for line in text.splitlines())
