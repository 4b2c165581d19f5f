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
from rewardlang.grammars.model import (
    Alternative,
    Chars,
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

MOST_OPERANDS = 3  # of `and` and `or`

_DIGIT = "0-9"
NUMBER = Pattern(
    "number",
    ((Chars(_DIGIT, 1, 3), Chars("."), Chars(_DIGIT, 1, 3)), (Chars(_DIGIT, 1, 3),)),
)
COUNT = Pattern("count", ((Chars("1-9"), Chars(_DIGIT)), (Chars("2-9"),)))

PATTERNS = (NUMBER, COUNT)


def condition_rules(things: Things) -> Iterator[Rule]:
    """`held` is a condition with its dwell, `condition` one without; both end in a gap."""
    more = MOST_OPERANDS - 1
    yield rule("dwell", says("for", "_", "1", "_", "step", "_"), _dwell())
    yield rule(
        "held",
        says(one("condition"), maybe("dwell"), tag="condition"),
        says("(", one("atom"), some("and_inside", 1, more), ")", "_", one("dwell"), tag="all_for"),
        says("(", one("atom"), some("or_inside", 1, more), ")", "_", one("dwell"), tag="any_for"),
    )
    yield rule(
        "condition",
        says(one("atom"), "_", some("and_atom", 0, more), tag="and"),
        says(one("atom"), "_", some("or_atom", 1, more), tag="or"),
    )
    yield rule("certain", says(one("predicate"), "_", some("and_atom", 0, more)))
    yield rule("and_atom", says("and", "_", one("atom"), "_"))
    yield rule("or_atom", says("or", "_", one("atom"), "_"))
    yield rule("and_inside", says("_", "and", "_", one("atom")))
    yield rule("or_inside", says("_", "or", "_", one("atom")))
    yield rule("atom", says(one("predicate")), says("not", "_", one("predicate"), tag="not"))
    yield from _calls(things)
    yield from _quantities()


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


def _dwell() -> Alternative:
    return says("for", "_", one(COUNT.name), "_", "steps", "_")


def _progress(dimension: Dimension) -> Iterator[Alternative]:
    quantity, measure = one(dimension.value, "quantity"), one(_measures(dimension), "measure")
    yield says(
        *("progress", "_", measure, "_", "from", "_", "reset", "_", "to", "_", quantity, "_"),
        tag=f"{dimension.value}_to",
    )
    yield says(
        *("progress", "_", measure, "_", "from", "_", quantity, "_", "to", "_", "reset", "_"),
        tag=f"{dimension.value}_from",
    )


def _calls(things: Things) -> Iterator[Rule]:
    """`predicate`, and the measures by dimension."""
    rows: list[Predicate | Measure] = [*PREDICATES.values(), *MEASURES.values()]
    known = [row for row in rows if things.exists(*_things(row.parameters))]
    for row in known:
        yield from things.rules(*_things(row.parameters))
    predicates = [call for row in known if isinstance(row, Predicate) for call in _predicate(row)]
    yield rule("predicate", *predicates)
    for dimension in Dimension:
        of_it = [r for r in known if isinstance(r, Measure) and r.dimension is dimension]
        yield rule(_measures(dimension), *(_call(row, list(_arguments(row))) for row in of_it))


def _predicate(row: Predicate) -> Iterator[Alternative]:
    """The predicate; one that compares a measure once for each dimension."""
    if not any(isinstance(parameter, Measured) for parameter in row.parameters):
        yield _call(row, list(_arguments(row)))
        return
    for dimension in Dimension:
        measure, quantity = one(_measures(dimension), "measure"), one(dimension.value, "quantity")
        yield says(
            f"{row.name}(", measure, ", ", quantity, ")", tag=f"{row.name}_{dimension.value}"
        )


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
            yield maybe(f"more_{amount.dimension.value}", amount.name)


def _things(parameters: Sequence[Parameter]) -> list[Thing]:
    return [parameter for parameter in parameters if isinstance(parameter, Thing)]


def _quantities() -> Iterator[Rule]:
    for dimension in Dimension:
        name, unit = dimension.value, f"{dimension.value}_unit"
        yield rule(unit, *(says(word) for word in UNITS_OF[dimension]))
        yield rule(name, says(one(NUMBER.name), " ", one(unit, "unit")))
        yield rule(f"more_{name}", says(", ", one(name)))


def _measures(dimension: Dimension) -> str:
    return f"{dimension.value}_measure"
