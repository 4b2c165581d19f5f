"""Conditions in plain words: "the gripper is within 3 cm of alphabet_soup_1"."""

from __future__ import annotations

from typing import assert_never

from rewardlang import ir
from rewardlang.checking import library
from rewardlang.checking.signatures import Amount, amount_text
from rewardlang.codegen.atoms import GRIPPER_CLOSED, GRIPPER_OPEN, SHUT
from rewardlang.datatypes import Dimension, Kind

_PREDICATES = {
    "in": ("{0} is in {1}", "{0} is not in {1}"),
    "on": ("{0} is on {1}", "{0} is not on {1}"),
    "open": ("{0} is open", "{0} is not open"),
    "closed": ("{0} is closed", "{0} is not closed"),
    "turned_on": ("{0} is turned on", "{0} is not turned on"),
    "turned_off": ("{0} is turned off", "{0} is not turned off"),
    "near": ("{0} is within {2} of {1}", "{0} is more than {2} from {1}"),
    "touching": ("{0} touches {1}", "{0} does not touch {1}"),
    "grasped": ("both finger pads touch {0}", "not both finger pads touch {0}"),
    "released": ("no finger touches {0}", "a finger touches {0}"),
    "lifted": ("{0} is {1} above where it stood", "{0} is less than {1} above where it stood"),
    "moved": ("{0} is {1} from where it stood", "{0} is less than {1} from where it stood"),
    "over": (
        "{0} is over {1}, at most {2} off its outline",
        "{0} is more than {2} off the outline of {1}",
    ),
    "above": (
        "{0} is above {1}, clear of its top and at most {2} off its outline",
        "{0} is not above {1}",
    ),
    "at_mouth": (
        "{0} is before the opening of {1}, at most {2} off",
        "{0} is not before the opening of {1}",
    ),
    "resting": ("{0} lies still on {1}, let go", "{0} does not lie still on {1}, let go"),
    "upright": ("{0} is tilted by at most {1}", "{0} is tilted by more than {1}"),
    "left_of": ("{0} is left of {1} by at least {2}", "{0} is not {2} left of {1}"),
    "right_of": ("{0} is right of {1} by at least {2}", "{0} is not {2} right of {1}"),
    "in_front_of": (
        "{0} is in front of {1} by at least {2}",
        "{0} is not {2} in front of {1}",
    ),
    "behind": ("{0} is behind {1} by at least {2}", "{0} is not {2} behind {1}"),
    "shut": (f"{{0}} is at most {SHUT:.0%} open", f"{{0}} is more than {SHUT:.0%} open"),
    "off": (
        f"the knob of {{0}} is at most at {SHUT:.0%}",
        f"the knob of {{0}} is beyond {SHUT:.0%}",
    ),
    "still": (
        "{0} moves by at most {1} in a step",
        "{0} moves by more than {1} in a step",
    ),
    "gripper_open": (
        f"the gripper is open beyond {GRIPPER_OPEN:.0%}",
        f"the gripper is open by {GRIPPER_OPEN:.0%} or less",
    ),
    "gripper_closed": (
        f"the gripper is open by less than {GRIPPER_CLOSED:.0%}",
        f"the gripper is open by {GRIPPER_CLOSED:.0%} or more",
    ),
    "at_least": ("{0} is at least {1}", "{0} is less than {1}"),
    "at_most": ("{0} is at most {1}", "{0} is more than {1}"),
}
"""Predicate -> (what it says, what its negation says)."""

_MEASURES = {
    "dist": "the distance from {0} to {1}",
    "dist_xy": "the horizontal distance from {0} to {1}",
    "height": "the height of {0} above where it stood",
    "tilt": "the tilt of {0}",
    "openness": "the openness of {0}",
    "knob": "the knob of {0}",
    "gripper_width": "the gripper's width",
}


def in_words(expr: ir.Expr) -> str:
    """What an expression says."""
    match expr:
        case ir.Atom():
            return _atom(expr, negated=False)
        case ir.Not(operand=ir.Atom() as atom):
            return _atom(atom, negated=True)
        case ir.Not():
            return f"it is not so that {_operand(expr.operand)}"
        case ir.And():
            return " and ".join(_operand(operand) for operand in expr.operands)
        case ir.Or():
            return " or ".join(_operand(operand) for operand in expr.operands)
        case _:
            assert_never(expr)


def measure_in_words(call: ir.MeasureCall) -> str:
    """What a measure measures."""
    return _MEASURES[call.measure].format(*(_place(ref) for ref in call.args))


def amount_in_words(value: float, call: ir.MeasureCall) -> str:
    """A value of a measure, with its unit."""
    return amount_text(value, library.MEASURES[call.measure].dimension)


def _operand(expr: ir.Expr) -> str:
    simple = isinstance(expr, ir.Atom) or (
        isinstance(expr, ir.Not) and isinstance(expr.operand, ir.Atom)
    )
    return in_words(expr) if simple else f"({in_words(expr)})"


def _atom(atom: ir.Atom, *, negated: bool) -> str:
    words = [_argument(atom, index) for index in range(len(atom.args))]
    return _PREDICATES[atom.predicate][negated].format(*words)


def _argument(atom: ir.Atom, index: int) -> str:
    argument = atom.args[index]
    match argument:
        case ir.Ref():
            return _place(argument)
        case ir.MeasureCall():
            return measure_in_words(argument)
        case _:
            return amount_text(float(argument), dimension_of(atom, index))


def dimension_of(atom: ir.Atom, index: int) -> Dimension:
    """The dimension of the quantity at `index` among the arguments of `atom`."""
    measured = atom.args[0] if atom.args else None
    if isinstance(measured, ir.MeasureCall):
        return library.MEASURES[measured.measure].dimension
    parameter = library.PREDICATES[atom.predicate].parameters[index]
    assert isinstance(parameter, Amount), parameter
    return parameter.dimension


def _place(ref: ir.Ref) -> str:
    if ref.kind is Kind.GRIPPER:
        return "the gripper"
    return f"the handle of {ref.name}" if ref.kind is Kind.HANDLE else ref.name
