"""Do the kinds and units fit? Conditions and measures of the tree -> the checked program's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import assert_never

from rewardlang import ir
from rewardlang.checking.fittings import (
    handle_count,
    has_handle,
    has_mouth,
    not_a_thing,
    without_handle,
    without_mouth,
)
from rewardlang.checking.library import HANDLE, HANDLE_PART, MEASURES, PREDICATES
from rewardlang.checking.names import Fits, Known, Names, wrong_kind
from rewardlang.checking.signatures import (
    Amount,
    Measure,
    Measured,
    Parameter,
    Predicate,
    Thing,
    Threshold,
    amount_text,
)
from rewardlang.datatypes import UNITS, Dimension, Kind, kind_phrase, to_si
from rewardlang.diagnostics import Diagnostic
from rewardlang.source import Span
from rewardlang.syntax import nodes
from rewardlang.syntax.formatter import format_call, format_quantity

_USED_AS = (
    Kind.MOVABLE,
    Kind.REGION,
    Kind.OPENABLE,
    Kind.SWITCHABLE,
    Kind.GRIPPER,
    Kind.HANDLE,
)

Argument = ir.Ref | float | ir.MeasureCall


@dataclass
class Conditions:
    """Checks conditions against the names of one scope.

    `at` is the place that everything is said to stand at, for the inside of a macro.
    Every method returns None, after a diagnostic, where something is wrong.
    """

    names: Names
    at: Span | None = None

    def expr(self, expr: nodes.Expr) -> ir.Expr | None:
        match expr:
            case nodes.Call():
                return self.atom(expr)
            case nodes.Not():
                operand = self.expr(expr.operand)
                return ir.Not(operand, self._span(expr)) if operand else None
            case nodes.And():
                operands = self._operands(expr.operands)
                return ir.And(operands, self._span(expr)) if operands else None
            case nodes.Or():
                operands = self._operands(expr.operands)
                return ir.Or(operands, self._span(expr)) if operands else None
            case _:
                assert_never(expr)

    def atom(self, call: nodes.Call) -> ir.Atom | None:
        """A predicate with its arguments."""
        row = PREDICATES.get(call.name.text)
        if row is None:
            self._unknown("predicate", call)
            return None
        args = self._args(row, call)
        return ir.Atom(row.name, args, self._span(call)) if args is not None else None

    def measure(self, call: nodes.Call) -> ir.MeasureCall | None:
        """A measure with its arguments."""
        row = MEASURES.get(call.name.text)
        if row is None:
            self._unknown("measure", call)
            return None
        args = self._args(row, call)
        if args is None:
            return None
        refs = tuple(arg for arg in args if isinstance(arg, ir.Ref))
        return ir.MeasureCall(row.name, refs, self._span(call))

    def quantity(self, quantity: nodes.Quantity, dimension: Dimension, what: str) -> float | None:
        """The quantity in SI, where it is of the dimension that `what` asks for."""
        if not quantity.unit:
            return None
        if UNITS[quantity.unit][0] is dimension:
            return to_si(quantity.value, quantity.unit)
        message = f"{what} is {dimension.phrase}, not `{format_quantity(quantity)}`"
        self._report("wrong-unit", message, quantity.span)
        return None

    def thing(
        self, arg: nodes.Arg, kinds: Kind, where: str, fits: Fits = lambda _: True
    ) -> ir.Ref | None:
        """The thing that an argument names, where it is of one of the kinds."""
        if _has_hole(arg):
            return None
        if isinstance(arg, nodes.Quantity):
            message = f"{where} is {kind_phrase(kinds, 'or')}, not `{format_quantity(arg)}`"
            self._report("wrong-kind", message, arg.span)
            return None
        if isinstance(arg, nodes.Call):
            if kinds & Kind.HANDLE and arg.name.text == HANDLE:
                return self._handle(arg)
            self.names.report(not_a_thing(arg, kinds, where))
            self._mention(arg)
            return None
        known = self.names.find(arg, kinds)
        if known is None:
            return None
        kind = next((kind for kind in _USED_AS if kind & kinds & known.kinds), None)
        if kind is None:
            self.names.report(wrong_kind(self.names, known, arg, kinds, where, fits))
            return None
        return ir.Ref(known.name, kind)

    def _handle(self, call: nodes.Call) -> ir.Ref | None:
        """`handle(part)`, where it is known of the part where to take hold of it."""
        if len(call.args) != 1:
            self.names.report(handle_count(call))
            self._mention(call)
            return None
        part = self.thing(call.args[0], HANDLE_PART.kinds, f"`{HANDLE_PART.name}` of `{HANDLE}`")
        if part is None:
            return None
        written = call.args[0]
        assert isinstance(written, nodes.Name)
        if has_handle(self.names.scene, part.name):
            return ir.Ref(part.name, Kind.HANDLE)
        self._refuse(without_handle(self.names, Known(part.name, part.kind), written))
        return None

    def _thing(self, parameter: Thing, arg: nodes.Arg, where: str) -> ir.Ref | None:
        if not parameter.mouth:
            return self.thing(arg, parameter.kinds, where)
        scene = self.names.scene
        ref = self.thing(arg, parameter.kinds, where, lambda name: has_mouth(scene, name))
        if ref is None or has_mouth(scene, ref.name):
            return ref
        assert isinstance(arg, nodes.Name)
        self._refuse(without_mouth(self.names, Known(ref.name, ref.kind), arg, where))
        return None

    def _refuse(self, found: Diagnostic) -> None:
        self.names.report(replace(found, span=self.at or found.span))

    def _operands(self, operands: Sequence[nodes.Expr]) -> tuple[ir.Expr, ...] | None:
        checked = [self.expr(operand) for operand in operands]
        good = tuple(operand for operand in checked if operand is not None)
        return good if len(good) == len(checked) else None

    def _args(self, row: Predicate | Measure, call: nodes.Call) -> tuple[Argument, ...] | None:
        """The arguments, with the defaults of those that are not given."""
        if any(isinstance(arg, nodes.Name) and arg.is_hole for arg in call.args):
            self._mention(call)
            return None
        if not row.at_least <= len(call.args) <= len(row.parameters):
            self._wrong_count(row, call)
            self._mention(call)
            return None
        given = zip(row.parameters, call.args, strict=False)
        checked = [self._arg(row, parameter, arg, call) for parameter, arg in given]
        rest = row.parameters[len(call.args) :]
        checked += [p.default for p in rest if isinstance(p, Amount)]
        good = tuple(arg for arg in checked if arg is not None)
        return (
            good
            if len(good) == len(checked) and self.differ(good, format_call(call), call.span)
            else None
        )

    def _arg(
        self, row: Predicate | Measure, parameter: Parameter, arg: nodes.Arg, call: nodes.Call
    ) -> Argument | None:
        where = f"`{parameter.name}` of `{row.name}`"
        match parameter:
            case Thing():
                return self._thing(parameter, arg, where)
            case Amount():
                return self._amount(parameter, arg, where)
            case Measured():
                if isinstance(arg, nodes.Call):
                    return self.measure(arg)
                if not _has_hole(arg):
                    self._not_a_measure(arg, where)
                return None
            case Threshold():
                return self._threshold(arg, call.args[0], where)
            case _:
                assert_never(parameter)

    def _amount(self, parameter: Amount, arg: nodes.Arg, where: str) -> float | None:
        if not isinstance(arg, nodes.Quantity):
            if not _has_hole(arg):
                self._not_a_quantity(arg, f"{where} is {parameter.dimension.phrase}")
            return None
        value = self.quantity(arg, parameter.dimension, where)
        if value is not None:
            self._plausible(value, parameter.low, parameter.high, parameter.dimension, arg, where)
        return value

    def _threshold(self, arg: nodes.Arg, measured: nodes.Arg, where: str) -> float | None:
        row = MEASURES.get(measured.name.text) if isinstance(measured, nodes.Call) else None
        if not isinstance(arg, nodes.Quantity):
            if not _has_hole(arg):
                wanted = row.dimension.phrase if row else "a quantity"
                self._not_a_quantity(arg, f"{where} is {wanted}")
            return None
        if row is None:
            return None
        what = f"`{row.name}`"
        value = self.quantity(arg, row.dimension, what)
        if value is not None:
            self._plausible(value, row.low, row.high, row.dimension, arg, what)
        return value

    def differ(self, args: Sequence[Argument], text: str, span: Span) -> bool:
        """Whether the things among the arguments of `text` are different ones."""
        refs = [arg for arg in args if isinstance(arg, ir.Ref)]
        for first, second in combinations(refs, 2):
            if first.name == second.name:
                alike = first.kind is second.kind or Kind.HANDLE not in first.kind | second.kind
                why = "the same thing twice" if alike else "a thing and a part of it"
            elif self._owner(first) == second.name or self._owner(second) == first.name:
                why = "a thing and a part of it"
            else:
                continue
            self._report("same-argument", f"`{text}` is about {why}", span)
            return False
        return True

    def _owner(self, ref: ir.Ref) -> str:
        scene = self.names.scene
        region = scene.regions_by_name.get(ref.name) if scene else None
        return region.owner if region else ref.name

    def _unknown(self, table: str, call: nodes.Call) -> None:
        self.names.unknown_call(call.name, table)
        self._mention(call)

    def _mention(self, call: nodes.Call) -> None:
        """Look up the names in a call that is wrong itself."""
        for arg in call.args:
            if isinstance(arg, nodes.Name):
                self.names.find(arg)
            elif isinstance(arg, nodes.Call):
                self._mention(arg)

    def _wrong_count(self, row: Predicate | Measure, call: nodes.Call) -> None:
        least, most = row.at_least, len(row.parameters)
        count = str(most) if least == most else f"{least} or {most}"
        noun = "argument" if most == 1 else "arguments"
        message = f"`{row.name}` takes {count if most else 'no'} {noun}, not {len(call.args)}"
        notes = (f"`{row.signature}`", row.explained) if most else ()
        found = Diagnostic("wrong-argument-count", message, call.span, notes=notes)
        self.names.report(found)

    def _not_a_quantity(self, arg: nodes.Name | nodes.Call, wanted: str) -> None:
        text = arg.text if isinstance(arg, nodes.Name) else format_call(arg)
        self._report("wrong-unit", f"{wanted}, not `{text}`", arg.span)

    def _not_a_measure(self, arg: nodes.Name | nodes.Quantity, where: str) -> None:
        text = arg.text if isinstance(arg, nodes.Name) else format_quantity(arg)
        measures = ", ".join(f"`{row.signature}`" for row in MEASURES.values())
        message = f"{where} is a measure, not `{text}`"
        self._report("wrong-kind", message, arg.span, f"measures are {measures}")

    def _plausible(
        self,
        value: float,
        low: float,
        high: float,
        dimension: Dimension,
        arg: nodes.Quantity,
        where: str,
    ) -> None:
        if low <= value <= high:
            return
        band = f"{amount_text(low, dimension)} to {amount_text(high, dimension)}"
        message = f"`{format_quantity(arg)}` makes little sense for {where}"
        self._report("implausible-threshold", message, arg.span, f"usual are {band}")

    def _report(self, code: str, message: str, span: Span, hint: str = "") -> None:
        self.names.report(Diagnostic(code, message, span, hint))

    def _span(self, node: nodes.Expr) -> Span:
        return self.at or node.span


def _has_hole(arg: nodes.Arg) -> bool:
    """Whether a part of it could not be read: then nothing is said of the whole."""
    match arg:
        case nodes.Name():
            return arg.is_hole
        case nodes.Quantity():
            return not arg.unit
        case nodes.Call():
            return arg.name.is_hole or any(_has_hole(inner) for inner in arg.args)
        case _:
            assert_never(arg)
