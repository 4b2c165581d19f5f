"""What each predicate and measure becomes in Python: a condition, and a degree while it is false.

Conditions are expressions over `v` (the snapshot's floats) and `m` (the memory as a list), made
of the functions of `geometry` and `degrees`. `Writer` hands out the places in both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from rewardlang import ir
from rewardlang.datatypes import Kind
from rewardlang.state import Collector, FactKind

SHUT = 0.1  # fraction: what a person calls shut, or off
GRIPPER_OPEN, GRIPPER_CLOSED = 0.8, 0.2  # width ratio
RESTING_SPEED = 0.002  # m per control step (4 cm/s at 20 Hz): what counts as lying still

Args = tuple[ir.Ref | float | ir.MeasureCall, ...]
Write = Callable[["Writer", Args], str]


class Slots(Protocol):
    def slot(self, label: str) -> int: ...


@dataclass
class Writer:
    """Writes atoms and measures, and remembers what they need of snapshot and memory."""

    memory: Slots
    facts: Collector = field(default_factory=Collector)
    at_reset: dict[str, int] = field(default_factory=dict)  # expression -> slot, set at reset
    before: dict[str, int] = field(default_factory=dict)  # expression -> slot, set at each step
    starts: list[int] = field(default_factory=list)  # slots of values at a stage's first entry

    def condition(self, atom: ir.Atom) -> str:
        """A Python expression that is true where the atom holds."""
        return _CONDITIONS[atom.predicate](self, atom.args)

    def degree(self, atom: ir.Atom) -> str | None:
        """A Python expression for the atom's degree, 1 where it holds; None: it has none."""
        write = _DEGREES[atom.predicate]
        return None if write is None else write(self, atom.args)

    def measure(self, call: ir.MeasureCall) -> str:
        """A Python expression for the measure's value, in SI units."""
        return _MEASURES[call.measure](self, call.args)

    def frame(self, place: object) -> int:
        """Index of a place's FRAME in the snapshot."""
        ref = _ref(place)
        if ref.kind is Kind.GRIPPER:
            return self.facts.offset(FactKind.GRIPPER)
        if ref.kind is Kind.HANDLE:
            return self.facts.offset(FactKind.HANDLE, ref.name)
        return self.facts.offset(FactKind.FRAME, ref.name)

    def fact(self, kind: FactKind, *places: object) -> str:
        """The first float of a fact."""
        return f"v[{self.facts.offset(kind, *(str(_ref(place)) for place in places))}]"

    def part(self, kind: FactKind, place: object, which: int) -> str:
        """Openness (0), open (1) or closed (2) of a part; the same of a knob."""
        return f"v[{self.facts.offset(kind, _ref(place).name) + which}]"

    def touch(self, a: object, b: object) -> str:
        """Contact of two places."""
        first, second = _ref(a), _ref(b)
        if first.kind is Kind.GRIPPER:
            return self.fact(FactKind.HAND_CONTACT, second)
        if second.kind is Kind.GRIPPER:
            return self.fact(FactKind.HAND_CONTACT, first)
        return self.fact(FactKind.CONTACT, *sorted((first, second), key=str))

    def reset_value(self, expression: str) -> str:
        """The expression's value at reset."""
        if expression not in self.at_reset:
            self.at_reset[expression] = self.memory.slot(f"at reset: {expression}")
        return f"m[{self.at_reset[expression]}]"

    def value_before(self, expression: str) -> str:
        """The expression's value one control step ago."""
        if expression not in self.before:
            self.before[expression] = self.memory.slot(f"one step ago: {expression}")
        return f"m[{self.before[expression]}]"

    def toward(self, how: str, now: str, goal: str) -> str:
        """`falling` or `rising`, with a slot for the value at first entry."""
        slot = self.memory.slot(f"at first entry: {now}")
        self.starts.append(slot)
        return f"{how}(m, {slot}, {now}, {goal})"


def spell(expr: ir.Expr | ir.MeasureCall) -> str:
    """The expression as the program would say it, with scene names and SI numbers."""
    match expr:
        case ir.Atom(predicate=head) | ir.MeasureCall(measure=head):
            return f"{head}({', '.join(_spell_argument(arg) for arg in expr.args)})"
        case ir.Not():
            return f"not {_spell_operand(expr.operand)}"
        case ir.And():
            return " and ".join(_spell_operand(operand) for operand in expr.operands)
        case ir.Or():
            return " or ".join(_spell_operand(operand) for operand in expr.operands)


def _spell_operand(expr: ir.Expr) -> str:
    return f"({spell(expr)})" if isinstance(expr, ir.And | ir.Or) else spell(expr)


def _spell_argument(arg: ir.Ref | float | ir.MeasureCall) -> str:
    if isinstance(arg, ir.MeasureCall):
        return spell(arg)
    return str(arg) if isinstance(arg, ir.Ref) else repr(float(arg))


def _ref(arg: object) -> ir.Ref:
    assert isinstance(arg, ir.Ref), arg
    return arg


def _number(arg: object) -> str:
    assert isinstance(arg, int | float), arg
    return repr(float(arg))


def _measure(w: Writer, arg: object) -> str:
    assert isinstance(arg, ir.MeasureCall), arg
    return w.measure(arg)


# --- measures ------------------------------------------------------------------------------------


def _gap(w: Writer, args: Args) -> str:
    a, b = w.frame(args[0]), w.frame(args[1])
    if _ref(args[0]).kind is Kind.GRIPPER:  # a point: its frame's origin is its centre
        return f"point_gap(v, v[{a}], v[{a + 1}], v[{a + 2}], {b})"
    return f"gap(v, {a}, {b})"


def _side_gap(w: Writer, args: Args) -> str:
    return f"side_gap(v, {w.frame(args[0])}, {w.frame(args[1])})"


def _height(w: Writer, args: Args) -> str:
    z = f"v[{w.frame(args[0]) + 2}]"
    return f"{z} - {w.reset_value(z)}"


def _displacement(w: Writer, args: Args) -> str:
    return _apart(w, args, w.reset_value)


def _step_length(w: Writer, args: Args) -> str:
    return _apart(w, args, w.value_before)


def _apart(w: Writer, args: Args, since: Callable[[str], str]) -> str:
    a = w.frame(args[0])
    return f"apart(v, {a}, {', '.join(since(f'v[{a + axis}]') for axis in range(3))})"


def _tilt(w: Writer, args: Args) -> str:
    a = w.frame(args[0])
    upward = ", ".join(w.reset_value(f"v[{a + 9 + axis}]") for axis in range(3))
    return f"tilt(v, {a}, {upward})"


def _openness(w: Writer, args: Args) -> str:
    return w.part(FactKind.PART, args[0], 0)


def _knob(w: Writer, args: Args) -> str:
    return w.part(FactKind.KNOB, args[0], 0)


def _width(w: Writer, _: Args) -> str:
    return w.fact(FactKind.WIDTH)


_MEASURES: dict[str, Callable[[Writer, Args], str]] = {
    "dist": _gap,
    "dist_xy": _side_gap,
    "height": _height,
    "tilt": _tilt,
    "openness": _openness,
    "knob": _knob,
    "gripper_width": _width,
}

# --- predicates ----------------------------------------------------------------------------------


def _is_region(arg: object) -> bool:
    return bool(_ref(arg).kind & Kind.REGION)


def _on(w: Writer, args: Args) -> str:
    item, support = w.frame(args[0]), w.frame(args[1])
    if _is_region(args[1]):
        contact = w.fact(FactKind.SUPPORT, args[0], args[1])
        return f"{contact} and on_region(v, {item}, {support})"
    return f"{w.touch(args[0], args[1])} and on_object(v, {item}, {support})"


def _on_gap(w: Writer, args: Args) -> str:
    which = "on_region_gap" if _is_region(args[1]) else "on_object_gap"
    return f"{which}(v, {w.frame(args[0])}, {w.frame(args[1])})"


def _in(w: Writer, args: Args) -> str:
    return f"in_region(v, {w.frame(args[0])}, {w.frame(args[1])})"


def _in_gap(w: Writer, args: Args) -> str:
    return f"in_region_gap(v, {w.frame(args[0])}, {w.frame(args[1])})"


def _pads(w: Writer, args: Args) -> tuple[str, str]:
    left = w.facts.offset(FactKind.PAD_CONTACT, _ref(args[0]).name)
    return f"v[{left}]", f"v[{left + 1}]"


def _above(w: Writer, args: Args) -> str:
    item, support = w.frame(args[0]), w.frame(args[1])
    return f"{_at_most(_side_gap)(w, args)} and bottom(v, {item}) > top(v, {support})"


def _resting(w: Writer, args: Args) -> str:
    return " and ".join(
        [
            w.touch(args[0], args[1]),
            f"not {w.fact(FactKind.FINGER_CONTACT, args[0])}",
            f"side_gap(v, {w.frame(args[0])}, {w.frame(args[1])}) == 0.0",
            f"{_step_length(w, args)} <= {RESTING_SPEED!r}",
        ]
    )


def _mouth_gap(w: Writer, args: Args) -> str:
    item, region = w.frame(args[0]), w.frame(args[1])
    mouth = w.facts.offset(FactKind.MOUTH, _ref(args[1]).name)
    return f"mouth_gap(v, {item}, {region}, {mouth}, {_number(args[2])})"


def _past(axis: int, sign: float) -> Write:
    """How far the item is beyond the support's outline, along an axis of the world."""
    return lambda w, args: f"past(v, {w.frame(args[0])}, {w.frame(args[1])}, {axis}, {sign!r})"


def _rest_gap(w: Writer, args: Args) -> str:
    return f"rest_gap(v, {w.frame(args[0])}, {w.frame(args[1])})"


def _at_most(quantity: Write, limit: float | None = None) -> Write:
    """quantity <= the last argument, or a constant."""
    return lambda w, args: f"{quantity(w, args)} <= {_number(_limit(args, limit))}"


def _at_least(quantity: Write, limit: float | None = None) -> Write:
    return lambda w, args: f"{quantity(w, args)} >= {_number(_limit(args, limit))}"


def _toward(how: str, quantity: Write, limit: float | None = None) -> Write:
    """Degree of a comparison with a limit that counts as reached."""
    return lambda w, args: w.toward(how, quantity(w, args), _number(_limit(args, limit)))


def _graded(condition: Write, how: str, quantity: Write, limit: float | None = None) -> Write:
    """Degree of a condition that is more than its quantity's reaching a limit."""
    return lambda w, args: f"graded({condition(w, args)}, {_toward(how, quantity, limit)(w, args)})"


def _limit(args: Args, limit: float | None) -> object:
    return args[-1] if limit is None else limit


def _flag(kind: FactKind, which: int) -> Write:
    return lambda w, args: w.part(kind, args[0], which)


def _touching(w: Writer, args: Args) -> str:
    return w.touch(args[0], args[1])


def _compared(w: Writer, args: Args) -> str:
    return _measure(w, args[0])


# LIBERO's instructions look at the table from opposite the robot, as its camera does: the front is
# away from the robot (+x), the right is +y.
_RIGHT, _LEFT = _past(1, 1.0), _past(1, -1.0)
_FRONT, _BACK = _past(0, 1.0), _past(0, -1.0)

_CONDITIONS: dict[str, Write] = {
    "in": _in,
    "on": _on,
    "open": _flag(FactKind.PART, 1),
    "closed": _flag(FactKind.PART, 2),
    "turned_on": _flag(FactKind.KNOB, 1),
    "turned_off": _flag(FactKind.KNOB, 2),
    "near": _at_most(_gap),
    "touching": _touching,
    "grasped": lambda w, args: " and ".join(_pads(w, args)),
    "released": lambda w, args: f"not {w.fact(FactKind.FINGER_CONTACT, args[0])}",
    "lifted": _at_least(_height),
    "moved": _at_least(_displacement),
    "over": _at_most(_side_gap),
    "above": _above,
    "at_mouth": _at_most(_mouth_gap, 0.0),
    "resting": _resting,
    "upright": _at_most(_tilt),
    "left_of": _at_least(_LEFT),
    "right_of": _at_least(_RIGHT),
    "in_front_of": _at_least(_FRONT),
    "behind": _at_least(_BACK),
    "shut": _at_most(_openness, SHUT),
    "off": _at_most(_knob, SHUT),
    "still": _at_most(_step_length),
    "gripper_open": lambda w, args: f"{_width(w, args)} > {GRIPPER_OPEN!r}",
    "gripper_closed": lambda w, args: f"{_width(w, args)} < {GRIPPER_CLOSED!r}",
    "at_least": _at_least(_compared),
    "at_most": _at_most(_compared),
}

_DEGREES: dict[str, Write | None] = {
    "in": _graded(_in, "falling", _in_gap, 0.0),
    "on": _graded(_on, "falling", _on_gap, 0.0),
    "open": _graded(_flag(FactKind.PART, 1), "rising", _openness, 1.0),
    "closed": _graded(_flag(FactKind.PART, 2), "falling", _openness, 0.0),
    "turned_on": _graded(_flag(FactKind.KNOB, 1), "rising", _knob, 1.0),
    "turned_off": _graded(_flag(FactKind.KNOB, 2), "falling", _knob, 0.0),
    "near": _toward("falling", _gap),
    "touching": _graded(_touching, "falling", _gap, 0.0),
    "grasped": lambda w, args: "({} + {}) / 2".format(*_pads(w, args)),
    "released": None,  # gripper opening would pay for letting go at height
    "lifted": _toward("rising", _height),
    "moved": _toward("rising", _displacement),
    "over": _toward("falling", _side_gap),
    "above": _graded(_above, "falling", _side_gap),
    "at_mouth": _toward("falling", _mouth_gap, 0.0),
    "resting": _graded(_resting, "falling", _rest_gap, 0.0),
    "upright": _toward("falling", _tilt),
    "left_of": _toward("rising", _LEFT),
    "right_of": _toward("rising", _RIGHT),
    "in_front_of": _toward("rising", _FRONT),
    "behind": _toward("rising", _BACK),
    "shut": _toward("falling", _openness, SHUT),
    "off": _toward("falling", _knob, SHUT),
    "still": None,
    "gripper_open": _graded(
        lambda w, args: _CONDITIONS["gripper_open"](w, args), "rising", _width, GRIPPER_OPEN
    ),
    "gripper_closed": _graded(
        lambda w, args: _CONDITIONS["gripper_closed"](w, args), "falling", _width, GRIPPER_CLOSED
    ),
    "at_least": _toward("rising", _compared),
    "at_most": _toward("falling", _compared),
}

PREDICATES = frozenset(_CONDITIONS)
MEASURES = frozenset(_MEASURES)
GEOMETRY = (
    "apart", "bottom", "gap", "in_region", "in_region_gap", "mouth_gap", "on_object",
    "on_object_gap", "on_region", "on_region_gap", "past", "point_gap", "rest_gap", "side_gap",
    "tilt", "top",
)  # fmt: skip
DEGREES = ("between", "falling", "graded", "rising")
