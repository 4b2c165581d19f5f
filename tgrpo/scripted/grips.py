"""How each category of object is held: constants in m and rad, in the frame of the object."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class Hold(StrEnum):
    PINCH = "pinch"  # one finger on either side, across a narrow side
    RIM = "rim"  # one finger inside, one outside


@dataclass(frozen=True, slots=True)
class GripStyle:
    """How a category is held.

    `depth`: from the object's top (its rim) down to the grip site, at most. `width`: distance of
    the finger pads when they hold the upright object; `None` where its box says it. `slide`: how
    far from the middle of its longer side (pinch) or inwards from the rim (rim) the hand may be.
    `round`: any direction does. `middle`: of what is held, in the object's frame; `None`: its
    box's. `across`: the object's axis along which it is pinched; `None`: any that fits. `radius`
    of the rim; `None` where the box says it. `handle`: angle of one at the rim, which is not held
    there.
    """

    hold: Hold
    depth: float
    width: float | None = None
    slide: float = 0.0
    round: bool = False
    middle: tuple[float, float] | None = None
    across: int | None = None
    radius: float | None = None
    handle: float | None = None


_CAN = GripStyle(Hold.PINCH, depth=0.026, width=0.063, round=True)
_CARTON = GripStyle(Hold.PINCH, depth=0.028, width=0.053)
_FLAT_BOX = GripStyle(Hold.PINCH, depth=0.028, slide=0.024)
_BY_THE_KNOB = GripStyle(Hold.PINCH, depth=0.008, width=0.011, middle=(0.0, -0.001), round=True)
STYLES: dict[str, tuple[GripStyle, ...]] = {
    "alphabet_soup": (_CAN,),
    "tomato_sauce": (_CAN,),
    "milk": (_CARTON,),
    "orange_juice": (_CARTON,),
    "salad_dressing": (GripStyle(Hold.PINCH, depth=0.022, width=0.037),),
    "ketchup": (GripStyle(Hold.PINCH, depth=0.024, width=0.033),),
    "bbq_sauce": (GripStyle(Hold.PINCH, depth=0.022, width=0.036),),
    "wine_bottle": (GripStyle(Hold.PINCH, depth=0.030, width=0.014, round=True),),
    "cream_cheese": (_FLAT_BOX,),
    "butter": (_FLAT_BOX,),
    "chocolate_pudding": (_FLAT_BOX,),
    "akita_black_bowl": (GripStyle(Hold.RIM, depth=0.020, width=0.008, slide=0.02),),
    "porcelain_mug": (
        GripStyle(
            Hold.RIM, depth=0.02, width=0.005, middle=(0.0155, 0.0), radius=0.041, handle=np.pi
        ),
        GripStyle(Hold.PINCH, depth=0.046, width=0.016, middle=(-0.0575, 0.0), across=1),
    ),
    "white_yellow_mug": (
        GripStyle(
            Hold.RIM, depth=0.02, width=0.009, middle=(-0.0182, 0.0), radius=0.045, handle=0.0
        ),
        GripStyle(Hold.PINCH, depth=0.043, width=0.0176, middle=(0.061, 0.0), across=1),
    ),
    "moka_pot": (_BY_THE_KNOB,),
}
OTHER = (GripStyle(Hold.PINCH, depth=0.026),)  # categories without constants of their own
