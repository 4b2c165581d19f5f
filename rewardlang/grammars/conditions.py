"""Rules for quantities, measures, predicates and conditions, from the vocabulary table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rewardlang.checking.library import MACROS, MEASURES, PREDICATES
from rewardlang.checking.signatures import (
    Amount,
    Measure,
    Measured,
    Parameter,
    Predicate,
    Thing,
)
from rewardlang.datatypes import UNITS_OF, Dimension
from rewardlang.grammars.limits import Limits
from rewardlang.grammars.model import (
    Alternative,
    Chars,
    Gap,
    Item,
    Pattern,
    Rule,
    maybe,
    one,
    rule,
    says,
    some,
)
from rewardlang.grammars.things import Things, symbol

_NUMBERS = ((Chars("0-9", 1, 3), Chars("."), Chars("0-9", 1, 2)), (Chars("0-9", 1, 3),))
COUNT = Pattern("count", ((Chars("1-9"), Chars("0-9")), (Chars("2-9"),)))


def _quantities(dimension: Dimension) -> Pattern:
    """`8 cm`, in any unit of the dimension; a unit that another one starts stands behind it."""
    units = sorted(UNITS_OF[dimension], key=len, reverse=True)
    return Pattern(
        dimension.value,
        tuple((*number, *map(Chars, f" {unit}")) for number in _NUMBERS for unit in units),
    )


PATTERNS = (COUNT, *map(_quantities, Dimension))


def condition_rules(things: Things, limits: Limits) -> Iterator[Rule]:
    """What clauses ask for, from one atom to several with a dwell.

    `steady` is an atom that may have a dwell, `held` any condition that may, `condition` one
    without; `guard` is what `while` and `keep` hold, `certain` what can be judged again.
    """
    others = some("and_atom", 1, limits.operands - 1, "others")
    yield rule("steady", says(one("atom")), says(one("atom"), one("dwell"), tag="for"))
    yield rule(
        "held",
        says(one("steady")),
        says(one("joined")),
        says("(", one("joined"), ")", one("dwell"), tag="joined_for"),
    )
    yield rule("condition", says(one("atom")), says(one("joined")))
    yield rule("joined", *_joined(limits.operands))
    yield rule("guard", says(one("atom")), *_joined(limits.guards))
    yield rule(
        "certain", says(one("statement")), says(one("statement", "first"), others, tag="and")
    )
    yield rule(
        "dwell", says(" for ", one("once"), " step"), says(" for ", one(COUNT.name), " steps")
    )
    yield rule("once", says("1"))
    yield from _atoms()
    yield from _calls(things)


def _joined(operands: int) -> Iterator[Alternative]:
    if operands > 1:
        for word in ("and", "or"):
            others = some(f"{word}_atom", 1, operands - 1, "others")
            yield says(one("atom", "first"), others, tag=word)


def _atoms() -> Iterator[Rule]:
    yield rule("and_atom", says(" and ", one("atom")))
    yield rule("or_atom", says(" or ", one("atom")))
    yield rule("statement", says(one("predicate")), says(one("comparison")))
    refused = says("not ", one("predicate"), tag="not")
    yield rule("atom", says(one("predicate")), says(one("comparison")), refused)


def use_rules(things: Things) -> Iterator[Rule]:
    """`macro`: a macro with its arguments."""
    rows = {
        row.name: [p for p in row.parameters if isinstance(p, Thing)] for row in MACROS.values()
    }
    known = {name: parameters for name, parameters in rows.items() if things.exists(*parameters)}
    for parameters in known.values():
        yield from things.rules(*parameters)
    yield rule(
        "macro",
        *(
            says(f"{name}(", one(symbol(*parameters), "things"), ")", tag=name)
            for name, parameters in known.items()
        ),
    )


def progress_rule() -> Rule:
    """`progress`, to or from the value at reset."""
    return rule("progress", *(a for dimension in Dimension for a in _progress(dimension)))


def _progress(dimension: Dimension) -> Iterator[Alternative]:
    quantity, measure = one(dimension.value, "quantity"), one(_measures(dimension), "measure")
    front = (Gap(), "progress ", measure)
    yield says(*front, " from reset to ", quantity, tag=f"{dimension.value}_to")
    yield says(*front, " from ", quantity, " to reset", tag=f"{dimension.value}_from")


def _calls(things: Things) -> Iterator[Rule]:
    """`predicate`, `comparison`, and the measures by dimension."""
    rows: list[Predicate | Measure] = [*PREDICATES.values(), *MEASURES.values()]
    known = [row for row in rows if things.exists(*_things(row.parameters))]
    for row in known:
        yield from things.rules(*_things(row.parameters))
    predicates = [row for row in known if isinstance(row, Predicate)]
    plain = [row for row in predicates if not _compares(row)]
    yield rule("predicate", *(_call(row, list(_arguments(row))) for row in plain))
    comparisons = (call for row in predicates if _compares(row) for call in _comparisons(row))
    yield rule("comparison", *comparisons)
    for dimension in Dimension:
        of_it = [r for r in known if isinstance(r, Measure) and r.dimension is dimension]
        yield rule(_measures(dimension), *(_call(row, list(_arguments(row))) for row in of_it))
        yield rule(_more(dimension), says(", ", one(dimension.value)))


def _compares(row: Predicate) -> bool:
    return any(isinstance(parameter, Measured) for parameter in row.parameters)


def _comparisons(row: Predicate) -> Iterator[Alternative]:
    """A predicate that compares a measure, once for each dimension."""
    for dimension in Dimension:
        measure, quantity = one(_measures(dimension), "measure"), one(dimension.value, "quantity")
        tag = f"{row.name}_{dimension.value}"
        yield says(f"{row.name}(", measure, ", ", quantity, ")", tag=tag)


def _call(row: Predicate | Measure, arguments: list[Item | str]) -> Alternative:
    return says(f"{row.name}(", *arguments, ")", tag=row.name)


def _arguments(row: Predicate | Measure) -> Iterator[Item | str]:
    """Things first, then quantities, as every row of the table has them."""
    parameters = _things(row.parameters)
    if parameters:
        yield one(symbol(*parameters), "things")
    for amount in row.parameters:
        if not isinstance(amount, Amount):
            continue
        if amount.default is None:
            yield ", "
            yield one(amount.dimension.value, amount.name)
        else:
            yield maybe(_more(amount.dimension), amount.name)


def _things(parameters: Sequence[Parameter]) -> list[Thing]:
    return [parameter for parameter in parameters if isinstance(parameter, Thing)]


def _more(dimension: Dimension) -> str:
    return f"more_{dimension.value}"


def _measures(dimension: Dimension) -> str:
    return f"{dimension.value}_measure"
