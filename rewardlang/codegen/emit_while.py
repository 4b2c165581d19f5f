"""`while` as Python: entering, waiting, two steps of patience, going back."""

from __future__ import annotations

from rewardlang import ir
from rewardlang.codegen.emission import HERE, Emission
from rewardlang.codegen.layout import Cell
from rewardlang.codegen.regress import emit_back
from rewardlang.codegen.sharing import Scope


def emit_while(e: Emission, cell: Cell) -> None:
    """The condition itself, where its violation leads, and how the node is entered."""
    if cell.while_ is not None:
        e.condition(f"while_{cell.number}", cell.while_)
        emit_back(e.page, cell, e.apart)
    if not cell.waits:
        return
    page, span = e.page, cell.node.span
    with page.function(f"enter_{cell.number}({HERE})", span):
        if cell.while_ is not None:
            with page.block(f"if not while_{cell.number}({HERE}):", span):
                page.add("return", span)
            page.add(f"m[{cell.slots['entered']}] = 1", span, "entered")
        for child in cell.first:
            if child.waits:
                page.add(f"enter_{child.number}({HERE})", span)


def watch_unless_done(e: Emission, cell: Cell) -> None:
    """`watch`, for a group: once it is done, its `while` is no longer asked."""
    if cell.while_ is not None:
        with e.page.block(f"if not m[{cell.slots['done']}]:", cell.while_.span):
            watch(e, cell, Scope(e.page, ()))


def watch(e: Emission, cell: Cell, scope: Scope) -> None:
    """Entering, waiting, violation: ends the judging unless the node's `while` holds."""
    if cell.while_ is None:
        return
    page, number, span = e.page, cell.number, cell.while_.span
    entered, violated = f"m[{cell.slots['entered']}]", f"m[{cell.slots['violated']}]"
    back = f"back_{number}({HERE}) if {violated} >= {ir.WHILE_PATIENCE} else"
    holds = f"while_{number}({HERE})" if e.apart else scope(e.truth(cell.while_), span)
    frozen = "NOWHERE" if e.apart else f"m[{cell.slots['value']}]"
    waits = "NOWHERE" if e.apart else "0.0"
    with page.block(f"if {holds}:", span):
        page.add(f"{entered} = 1", span, "entered")
        page.add(f"{violated} = 0", span)
    with page.block(f"elif {entered}:", span):
        page.add(f"{violated} += 1", span, "violated")
        if "held" in cell.slots:
            page.add(f"m[{cell.slots['held']}] = 0", span)
        page.add(f"return {back} {frozen}", span)
    with page.block("else:", span, "waits"):
        earlier = cell.before
        if earlier is None or earlier.while_ is None:
            page.add(f"return {waits}", span)
        else:
            holds = f"while_{earlier.number}({HERE})"
            page.add(f"{violated} = 0 if {holds} else {violated} + 1", span)
            page.add(f"return {back} {waits}", span)


def freeze(e: Emission, cell: Cell) -> None:
    """What waits is worth nothing yet; what is violated keeps its value."""
    if cell.while_ is None:
        return
    page, span = e.page, cell.while_.span
    with page.block(f"if not m[{cell.slots['entered']}]:", span):
        page.add("return 0.0", span, "waits")
    with page.block(f"if m[{cell.slots['violated']}]:", span):
        page.add(f"return m[{cell.slots['value']}]", span, "frozen")
