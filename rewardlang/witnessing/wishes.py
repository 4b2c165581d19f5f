"""A condition -> the motion that it asks for. Pure: a row per predicate and measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rewardlang import ir
from rewardlang.datatypes import Kind
from rewardlang.motions import Motion


@dataclass(frozen=True, slots=True)
class Wish:
    """A motion and what it is about; `predicate`: of a goal that says the same, "" where none."""

    motion: Motion
    item: str = ""
    target: str = ""
    predicate: str = ""
    height: float = 0.0  # m


_PARTS: Mapping[tuple[str, bool], Motion] = {  # predicate, whether it is to hold
    ("open", True): Motion.OPEN,
    ("open", False): Motion.CLOSE,
    ("closed", True): Motion.CLOSE,
    ("closed", False): Motion.OPEN,
    ("shut", True): Motion.CLOSE,
    ("shut", False): Motion.OPEN,
    ("turned_on", True): Motion.TURN_ON,
    ("turned_on", False): Motion.TURN_OFF,
    ("turned_off", True): Motion.TURN_OFF,
    ("turned_off", False): Motion.TURN_ON,
    ("off", True): Motion.TURN_OFF,
    ("off", False): Motion.TURN_ON,
}
_ITEMS: Mapping[tuple[str, bool], Motion] = {
    ("grasped", True): Motion.GRASP,
    ("grasped", False): Motion.RELEASE,
    ("released", True): Motion.RELEASE,
    ("released", False): Motion.GRASP,
    ("still", True): Motion.WAIT,
}
_FINGERS: Mapping[tuple[str, bool], Motion] = {
    ("gripper_open", True): Motion.OPEN_FINGERS,
    ("gripper_open", False): Motion.CLOSE_FINGERS,
    ("gripper_closed", True): Motion.CLOSE_FINGERS,
    ("gripper_closed", False): Motion.OPEN_FINGERS,
}
_PLACES: Mapping[str, tuple[Motion, str]] = {  # predicate -> motion, the goal that it is a part of
    "in": (Motion.PLACE, "in"),
    "on": (Motion.PLACE, "on"),
    "resting": (Motion.PLACE, "on"),
    "over": (Motion.CARRY, ""),
    "above": (Motion.CARRY, ""),
    "at_mouth": (Motion.BRING, "in"),
}
_GOALS: Mapping[Motion, str] = {
    Motion.OPEN: "open",
    Motion.CLOSE: "close",
    Motion.TURN_ON: "turnon",
    Motion.TURN_OFF: "turnoff",
}
_RAISED = frozenset({"lifted", "moved"})
_MEASURED: Mapping[tuple[str, str], Motion] = {  # measure, comparison
    ("openness", "at_least"): Motion.OPEN,
    ("openness", "at_most"): Motion.CLOSE,
    ("knob", "at_least"): Motion.TURN_ON,
    ("knob", "at_most"): Motion.TURN_OFF,
    ("gripper_width", "at_least"): Motion.OPEN_FINGERS,
    ("gripper_width", "at_most"): Motion.CLOSE_FINGERS,
}


def wish(atom: ir.Atom, *, holds: bool) -> Wish | None:
    """The motion towards a state in which `atom` holds, or does not; None: none is known."""
    key = atom.predicate, holds
    if key in _FINGERS:
        return Wish(_FINGERS[key])
    if atom.predicate in ("at_least", "at_most"):
        return _measured(atom, holds=holds)
    if key in _PARTS:
        return _moving(_PARTS[key], _thing(atom, 0).name)
    if key in _ITEMS:
        return Wish(_ITEMS[key], _thing(atom, 0).name)
    if atom.predicate in ("near", "touching"):
        touch = atom.predicate == "touching"
        return _meeting(_thing(atom, 0), _thing(atom, 1), touch=touch, holds=holds)
    if holds and atom.predicate in _RAISED:
        return Wish(Motion.LIFT, _thing(atom, 0).name, height=_number(atom, 1))
    if holds and atom.predicate in _PLACES:
        motion, predicate = _PLACES[atom.predicate]
        return Wish(motion, _thing(atom, 0).name, _thing(atom, 1).name, predicate)
    return None


def _moving(motion: Motion, part: str) -> Wish:
    return Wish(motion, part, predicate=_GOALS[motion])


def _measured(atom: ir.Atom, *, holds: bool) -> Wish | None:
    """Of `at_least` and `at_most`."""
    call = atom.args[0]
    assert isinstance(call, ir.MeasureCall), atom
    more = (atom.predicate == "at_least") == holds
    motion = _MEASURED.get((call.measure, "at_least" if more else "at_most"))
    if motion is not None and motion in _GOALS:
        return _moving(motion, call.args[0].name)
    if motion is not None:
        return Wish(motion)
    if call.measure == "height" and more:
        return Wish(Motion.LIFT, call.args[0].name, height=_number(atom, 1))
    if call.measure in ("dist", "dist_xy"):
        return _meeting(*call.args, touch=False, holds=not more)
    return None


def _meeting(first: ir.Ref, second: ir.Ref, *, touch: bool, holds: bool) -> Wish | None:
    """Of two places that are to be near each other, or to touch."""
    if Kind.GRIPPER in (first.kind, second.kind):
        thing = second if first.kind is Kind.GRIPPER else first
        if not holds:
            return Wish(Motion.RELEASE if touch else Motion.LEAVE, thing.name)
        return Wish(Motion.TOUCH if touch else Motion.REACH, thing.name)
    if not holds or Kind.HANDLE in (first.kind, second.kind) or not first.kind & Kind.MOVABLE:
        return None
    motion = Motion.PLACE if touch else Motion.CARRY
    return Wish(motion, first.name, second.name, "on" if touch else "")


def _thing(atom: ir.Atom, index: int) -> ir.Ref:
    argument = atom.args[index]
    assert isinstance(argument, ir.Ref), atom
    return argument


def _number(atom: ir.Atom, index: int) -> float:
    argument = atom.args[index]
    assert isinstance(argument, float), atom
    return argument
