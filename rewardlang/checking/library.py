"""The vocabulary: every predicate, measure and macro of the language, one row each.

Checker, formatter of signatures, prompt, hover text and reference documentation read these
tables; code generation implements the rows by name. Distances are in metres, angles in radians,
fractions in [0, 1]; thresholds here are written in SI.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from rewardlang.checking.signatures import (
    Amount,
    Macro,
    Measure,
    Measured,
    Predicate,
    Thing,
    Threshold,
)
from rewardlang.datatypes import Dimension, Kind

_M, _R, _S = Kind.MOVABLE, Kind.REGION, Kind.SUPPORT
_P = Kind.PLACE
_A, _W = Kind.OPENABLE, Kind.SWITCHABLE


def _length(name: str, low: float, high: float, default: float | None = None) -> Amount:
    return Amount(name, Dimension.LENGTH, low, high, default)


_SIDES = (  # name, which side of the support, which way that is, words that people use for it
    ("left_of", "left", "the robot's right", ("left", "to_the_left", "left_side")),
    ("right_of", "right", "the robot's left", ("right", "to_the_right", "right_side")),
    ("in_front_of", "front", "away from the robot", ("front", "before", "ahead_of")),
    ("behind", "back", "towards the robot", ("back", "in_back_of", "at_the_back")),
)

_PREDICATES = (
    Predicate(
        "in",
        (Thing("item", _M), Thing("container", _R)),
        truth="the item's origin is inside the region's box",
        doc="LIBERO's own `In`, exactly. Lets go of nothing: it holds while the item is held.",
        degree="distance of the item to the region's box, 0 inside",
        goal="in",
        also=("inside", "within", "contained", "into", "put_in", "placed_in"),
    ),
    Predicate(
        "on",
        (Thing("item", _M), Thing("support", _S)),
        truth="the item stands on the support as LIBERO judges it",
        doc="LIBERO's own `On`, exactly: on an object, contact and less than 3 cm off its "
        "middle; on a region, inside its outline, up to 10 cm above it. A zone of the table "
        "counts while the item hovers.",
        degree="distance of the item to the region's box or to the middle of the support",
        goal="on",
        also=("on_top_of", "on_top", "atop", "placed", "placed_on", "onto", "stacked"),
    ),
    Predicate(
        "open",
        (Thing("part", _A),),
        truth="a joint of the part is beyond LIBERO's threshold for open",
        doc="LIBERO's own `Open`, exactly. 100 % openness.",
        degree="openness towards 100 %",
        goal="open",
        also=("opened", "is_open"),
    ),
    Predicate(
        "closed",
        (Thing("part", _A),),
        truth="all joints of the part are beyond LIBERO's threshold for closed",
        doc="LIBERO's own `Close`, exactly. A drawer at rest, shut, is not always closed: see "
        "`shut`.",
        degree="openness towards 0 %",
        goal="close",
        also=("close", "is_closed"),
    ),
    Predicate(
        "turned_on",
        (Thing("fixture", _W),),
        truth="the knob is at or beyond LIBERO's threshold for on",
        doc="LIBERO's own `TurnOn`, exactly. 100 % of the knob.",
        degree="knob towards 100 %",
        goal="turnon",
        also=("turnon", "turn_on", "switched_on", "is_on"),
    ),
    Predicate(
        "turned_off",
        (Thing("fixture", _W),),
        truth="the knob is beyond LIBERO's threshold for off",
        doc="LIBERO's own `TurnOff`, exactly. A stove that is off at rest is not always turned "
        "off: see `off`.",
        degree="knob towards 0 %",
        goal="turnoff",
        also=("turnoff", "turn_off", "switched_off", "is_off"),
    ),
    Predicate(
        "near",
        (Thing("first", _P), Thing("second", _P), _length("within", 0.005, 0.2, 0.03)),
        truth="the first's middle is at most this far from the second's bounding box",
        doc="The distance is 0 inside the box: a bowl gripped at its rim is near.",
        degree="that distance",
        also=("close_to", "reached", "reach", "next_to", "at", "approached"),
    ),
    Predicate(
        "touching",
        (Thing("first", _P), Thing("second", _P)),
        truth="the two are in contact",
        doc="Contact of any of their parts.",
        degree="distance as for `near`",
        also=("contact", "in_contact", "touches"),
    ),
    Predicate(
        "grasped",
        (Thing("item", _M),),
        truth="both finger pads touch the item",
        doc="A grasp flickers while the fingers close: `for 3 steps` makes it count.",
        degree="half for each pad that touches",
        also=("holding", "held", "grasping", "grasp", "gripped", "picked_up", "picked"),
    ),
    Predicate(
        "released",
        (Thing("item", _M),),
        truth="no finger touches the item",
        doc="Has no degree: a half-open gripper must not pay, or letting go at height would.",
        also=("let_go", "dropped", "ungrasped", "free"),
    ),
    Predicate(
        "lifted",
        (Thing("item", _M), _length("height", 0.01, 0.5)),
        truth="the item is at least this far above its place at reset",
        doc="Height of the item's origin, against its value after settling.",
        degree="that height",
        also=("raised", "lift", "picked_up", "elevated"),
    ),
    Predicate(
        "moved",
        (Thing("item", _M), _length("distance", 0.005, 1.0)),
        truth="the item is at least this far from its place at reset",
        doc="Straight distance of the item's origin, against its place after settling.",
        degree="that distance",
        also=("displaced", "pushed"),
    ),
    Predicate(
        "over",
        (Thing("item", _M), Thing("support", _S), _length("margin", 0.0, 0.1, 0.02)),
        truth="the item is horizontally within the support's outline plus the margin",
        doc="At any height, below the support too: see `above`.",
        degree="horizontal distance to that outline",
    ),
    Predicate(
        "above",
        (Thing("item", _M), Thing("support", _S), _length("margin", 0.0, 0.1, 0.02)),
        truth="`over`, and the item's bottom is higher than the support's top",
        doc="What a carried object must reach before it is lowered.",
        degree="horizontal distance to that outline",
    ),
    Predicate(
        "at_mouth",
        (
            Thing("item", _M),
            Thing("container", _R, mouth=True),
            _length("within", 0.01, 0.3, 0.05),
        ),
        truth="the item's middle is before the container's opening, its near side at most this "
        "far from it",
        doc="What a carried object must reach before it goes in: before the front of a microwave "
        "or shelf, over a slot of the caddy. False once the item's middle is inside.",
        degree="distance to the space before the opening",
        also=("before_opening", "at_opening", "at_entrance", "in_front_of_opening"),
    ),
    Predicate(
        "resting",
        (Thing("item", _M), Thing("support", _S)),
        truth="the support carries the item, which is slow and not held",
        doc="What a person calls `on`.",
        degree="distance of the item to the support",
        also=("stands_on", "settled", "lying"),
    ),
    Predicate(
        "upright",
        (Thing("item", _M), Amount("tilt", Dimension.ANGLE, math.radians(1), math.radians(90))),
        truth="the item is tilted by at most this angle",
        doc="Tilt against its orientation at reset; turning about the vertical does not count.",
        degree="tilt",
        also=("vertical", "standing", "not_tipped"),
    ),
    *(
        Predicate(
            name,
            (Thing("item", _M), Thing("support", _S), _length("by", 0.0, 0.5, 0.0)),
            truth=f"the item's middle is beyond the support's {side} edge, at least this far",
            doc=f"Seen from opposite the robot, as LIBERO's camera and instructions see it: "
            f"{side} is {way}. Whatever the distance sideways: `near` says more.",
            degree="how far it is beyond that edge",
            also=also,
        )
        for name, side, way, also in _SIDES
    ),
    Predicate(
        "shut",
        (Thing("part", _A),),
        truth="openness is at most 10 %",
        doc="What a person calls closed. `closed` is LIBERO's, and stricter.",
        degree="openness towards 10 %",
    ),
    Predicate(
        "off",
        (Thing("fixture", _W),),
        truth="the knob is at most at 10 %",
        doc="What a person calls off. `turned_off` is LIBERO's, and stricter.",
        degree="knob towards 10 %",
    ),
    Predicate(
        "still",
        (Thing("item", _M), _length("per_step", 0.0001, 0.02)),
        truth="the item moved at most this far in the last control step",
        doc="Displacement of the item's origin per control step.",
        also=("stationary", "at_rest", "not_moving"),
    ),
    Predicate(
        "gripper_open",
        (),
        truth="the gripper's width is more than 80 % of its largest",
        doc="Whatever it holds.",
        degree="gripper width",
        also=("gripper_opened", "open_gripper"),
    ),
    Predicate(
        "gripper_closed",
        (),
        truth="the gripper's width is less than 20 % of its largest",
        doc="A gripper around an object is rarely closed: see `grasped`.",
        degree="gripper width",
        also=("close_gripper", "closed_gripper"),
    ),
    Predicate(
        "at_least",
        (Measured("measure"), Threshold("quantity")),
        truth="the measure is at least the quantity",
        doc="`at_least(openness(drawer), 50 %)`.",
        degree="the measure",
        also=("greater", "more_than", "above_threshold", "min"),
    ),
    Predicate(
        "at_most",
        (Measured("measure"), Threshold("quantity")),
        truth="the measure is at most the quantity",
        doc="`at_most(dist(gripper, soup), 5 cm)`.",
        degree="the measure",
        also=("less", "less_than", "below_threshold", "max"),
    ),
)

_MEASURES = (
    Measure(
        "dist",
        (Thing("first", _P), Thing("second", _P)),
        Dimension.LENGTH,
        "Distance from the first's middle to the second's bounding box, 0 inside.",
        high=2.0,
        also=("distance",),
    ),
    Measure(
        "dist_xy",
        (Thing("first", _P), Thing("second", _P)),
        Dimension.LENGTH,
        "The horizontal part of `dist`.",
        high=2.0,
        also=("distance_xy", "horizontal_distance"),
    ),
    Measure(
        "height",
        (Thing("item", _M),),
        Dimension.LENGTH,
        "Height of the item's origin above its place at reset.",
        high=1.0,
        also=("z", "elevation"),
    ),
    Measure(
        "tilt",
        (Thing("item", _M),),
        Dimension.ANGLE,
        "Tilt of the item against its orientation at reset.",
        high=math.pi,
        also=("angle", "inclination"),
    ),
    Measure(
        "openness",
        (Thing("part", _A),),
        Dimension.FRACTION,
        "0 % at LIBERO's threshold for closed, 100 % at its threshold for open.",
        high=1.0,
        also=("opening",),
    ),
    Measure(
        "knob",
        (Thing("fixture", _W),),
        Dimension.FRACTION,
        "0 % at LIBERO's threshold for off, 100 % at its threshold for on.",
        high=1.0,
    ),
    Measure(
        "gripper_width",
        (),
        Dimension.FRACTION,
        "Width between the fingers, as a fraction of its largest.",
        high=1.0,
        also=("gripper_opening", "aperture"),
    ),
)

_MACROS = (
    Macro(
        "place_in",
        (Thing("item", _M), Thing("container", _R)),
        """
        seq {
          stage reach weight 1 { until near(gripper, item) }
          stage grasp weight 2 { until grasped(item) for 3 steps while near(gripper, item, 8 cm) }
          stage lift weight 1 { until lifted(item, 8 cm) while grasped(item) }
          stage carry weight 3 { until above(item, container) while grasped(item) }
          stage lower weight 2 { until in(item, container) while over(item, container) }
          stage release weight 1 { until released(item) while in(item, container) }
        }
        """,
        "Pick the item up and put it into the container from above.",
        also=("put_in", "pick_and_place", "place", "place_inside", "insert"),
    ),
    Macro(
        "place_on",
        (Thing("item", _M), Thing("support", _S)),
        """
        seq {
          stage reach weight 1 { until near(gripper, item) }
          stage grasp weight 2 { until grasped(item) for 3 steps while near(gripper, item, 8 cm) }
          stage lift weight 1 { until lifted(item, 5 cm) while grasped(item) }
          stage carry weight 3 { until above(item, support) while grasped(item) }
          stage lower weight 2 { until on(item, support) while over(item, support) }
          stage release weight 1 { until released(item) while on(item, support) }
        }
        """,
        "Pick the item up and set it down on the support.",
        also=("put_on", "stack", "pick_and_place", "set_on", "place_on_top"),
    ),
    Macro(
        "open_part",
        (Thing("part", _A),),
        """
        seq {
          stage reach weight 1 { until near(gripper, handle(part)) }
          stage pull weight 3 { until open(part) while near(gripper, handle(part), 8 cm) }
        }
        """,
        "Take a drawer or door by its handle and open it.",
        also=("open", "pull_open", "open_drawer", "open_door"),
    ),
    Macro(
        "close_part",
        (Thing("part", _A),),
        """
        seq {
          stage reach weight 1 { until near(gripper, handle(part)) }
          stage push weight 3 { until closed(part) while near(gripper, handle(part), 15 cm) }
        }
        """,
        "Push a drawer or door shut, at its handle or beside it.",
        also=("close", "shut", "push_shut", "close_drawer", "close_door"),
    ),
    Macro(
        "switch_on",
        (Thing("fixture", _W),),
        """
        seq {
          stage reach weight 1 { until near(gripper, handle(fixture)) }
          stage turn weight 3 {
            until turned_on(fixture)
            while near(gripper, handle(fixture), 8 cm)
          }
        }
        """,
        "Turn the knob until the fixture is on.",
        also=("turn_on", "turned_on", "turnon"),
    ),
    Macro(
        "switch_off",
        (Thing("fixture", _W),),
        """
        seq {
          stage reach weight 1 { until near(gripper, handle(fixture)) }
          stage turn weight 3 {
            until turned_off(fixture)
            while near(gripper, handle(fixture), 8 cm)
          }
        }
        """,
        "Turn the knob until the fixture is off.",
        also=("turn_off", "turned_off", "turnoff"),
    ),
    Macro(
        "push_to",
        (Thing("item", _M), Thing("support", _S)),
        """
        seq {
          stage reach weight 1 { until near(gripper, item) }
          stage touch weight 1 { until touching(gripper, item) while near(gripper, item, 8 cm) }
          stage push weight 3 { until on(item, support) while near(gripper, item, 8 cm) }
        }
        """,
        "Push the item to the support without picking it up.",
        also=("push", "slide", "slide_to", "shove"),
    ),
)

PREDICATES: Mapping[str, Predicate] = {row.name: row for row in _PREDICATES}
MEASURES: Mapping[str, Measure] = {row.name: row for row in _MEASURES}
MACROS: Mapping[str, Macro] = {row.name: row for row in _MACROS}

GOAL_PREDICATES: Mapping[str, str] = {row.goal: row.name for row in _PREDICATES if row.goal}
"""LIBERO's goal predicate -> ours."""

GRIPPER = "gripper"
HANDLE = "handle"
HANDLE_PART = Thing("part", _A | _W)  # what `handle` takes
RESERVED: frozenset[str] = frozenset({*PREDICATES, *MEASURES, *MACROS, GRIPPER, HANDLE})
"""Names that cannot be aliases, besides keywords and units (which the grammar reserves)."""
