"""A ten-stage program and states for it, without a simulator; for the other benchmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rewardlang import Requirements
from rewardlang.state import FactKind

SCENE = "libero_10/LIVING_ROOM_SCENE2_put_both_the_alphabet_soup_and_the_tomato_sauce_in_the_basket"
TEN_STAGES = f"""\
rewardlang 1
task "put both the alphabet soup and the tomato sauce in the basket"
scene "{SCENE}"

object soup = alphabet_soup_1
object sauce = tomato_sauce_1
object basket = basket_1_contain_region

all {{
  seq soup_in {{
    stage reach {{ until near(gripper, soup) }}
    stage grasp weight 2 {{ until grasped(soup) for 3 steps while near(gripper, soup, 8 cm) }}
    stage lift {{ until lifted(soup, 16 cm) while grasped(soup) }}
    stage carry weight 3 {{ until above(soup, basket) while grasped(soup) }}
    stage lower weight 2 {{ until in(soup, basket) while over(soup, basket) }}
  }}
  seq sauce_in {{
    stage reach {{ until near(gripper, sauce) }}
    stage grasp weight 2 {{ until grasped(sauce) for 3 steps while near(gripper, sauce, 8 cm) }}
    stage lift {{ until lifted(sauce, 16 cm) while grasped(sauce) }}
    stage carry weight 3 {{ until above(sauce, basket) while grasped(sauce) }}
    stage lower weight 2 {{ until in(sauce, basket) while over(sauce, basket) }}
  }}
}}

success bddl
"""


def states(requirements: Requirements, episodes: int, length: int) -> NDArray[np.float64]:
    """Snapshots (episodes, length, width): things drift near one another, contacts come and go.

    Frames stand upright with boxes of a few centimetres; every stage is worked on somewhere.
    """
    rng = np.random.default_rng(0)
    values = np.zeros((episodes, length, requirements.width))
    for fact, at in requirements.offsets().items():
        if fact.kind in (FactKind.FRAME, FactKind.GRIPPER, FactKind.HANDLE):
            first = rng.normal(0.0, 0.06, (episodes, 1, 3))
            drift = rng.normal(0.0, 0.01, (episodes, length, 3)).cumsum(axis=1)
            values[..., at : at + 3] = first + drift
            values[..., at + 3 : at + 12] = np.eye(3).ravel()
            values[..., at + 15 : at + 18] = 0.04
        else:
            held = rng.random((episodes, length, fact.kind.width)) < 0.9
            values[..., at : at + fact.kind.width] = held
    return values
