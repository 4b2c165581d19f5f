"""A program that a falling gripper fulfils, so that episodes of a few steps end in success."""

from __future__ import annotations

from pathlib import Path

import numpy as np

TASK = "libero_object/pick_up_the_milk_and_place_it_in_the_basket"
DOWN = np.array([0, 0, -1, 0, 0, 0, -1], np.float32)


def write_quick_program(folder: Path) -> Path:
    """Success within some ten steps `DOWN`, sooner or later by the initial state."""
    file = folder / "near_the_milk.rl"
    file.write_text(
        f"""\
rewardlang 1
task "get near the milk"
scene "{TASK}"

object milk = milk_1

seq {{
  stage reach weight 1 {{ until near(gripper, milk, 22 cm) }}
  stage grasp weight 2 {{ until grasped(milk) }}
}}

success when near(gripper, milk, 22 cm)
"""
    )
    return file
