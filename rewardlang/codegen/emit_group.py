"""A `seq`, `all` or `any` as Python: who is judged, what is undone, how values add up."""

from __future__ import annotations

from itertools import accumulate

from rewardlang import ir
from rewardlang.codegen.emission import HERE, Emission
from rewardlang.codegen.emit_while import emit_while, freeze, watch_unless_done
from rewardlang.codegen.layout import Cell
from rewardlang.codegen.regress import emit_gone


def emit_group(e: Emission, cell: Cell, group: ir.Group) -> None:
    """The functions of a group; those of its children stand before them."""
    e.page.quote(f"{group.mode} {group.path}".rstrip(), group.span)
    if group.mode == "seq":
        _tables(e, cell, group)
    emit_while(e, cell)
    if group.mode == "seq":
        _judge_seq(e, cell, group)
    else:
        _judge_branches(e, cell, group)
    _value_group(e, cell)
    _active_group(e, cell, group)


def _tables(e: Emission, cell: Cell, group: ir.Group) -> None:
    """Tables of a `seq`, indexed by its pointer."""
    children = cell.children
    shares = [child.node.share for child in children]
    rows = {
        "PASSED": map(repr, [*accumulate(shares[:-1], initial=0.0), 1.0]),
        "SHARE": map(repr, shares),
        "DONE": (str(child.slots["done"]) for child in children),
        "JUDGE": (f"judge_{child.number}" for child in children),
        "VALUE": (f"value_{child.number}" for child in children),
        "ACTIVE": (f"active_{child.number}" for child in children),
    }
    if any(child.waits for child in children):
        rows["ENTER"] = (f"enter_{c.number}" if c.waits else "nothing" for c in children)
    e.page.add("")
    for name, items in rows.items():
        e.page.add(f"{name}_{cell.number} = ({', '.join(items)},)", group.span)


def _judge_seq(e: Emission, cell: Cell, group: ir.Group) -> None:
    page, number, span = e.page, cell.number, group.span
    pointer, count = f"m[{cell.slots['pointer']}]", len(cell.children)
    value, answer = f"value_{number}({HERE})", "went_back" if e.apart else "x"
    with page.function(f"judge_{number}({HERE})", span):
        watch_unless_done(e, cell)
        for child in cell.children:
            if any(isinstance(c.node, ir.Stage) and c.node.live for c in child.below()):
                _judge_finished(e, cell, child)
        page.add(f"p = {pointer}", span)
        with page.block(f"if p == {count}:", span):
            e.answer(value, span)
        page.add(f"{answer} = JUDGE_{number}[p]({HERE})", span)
        if not e.apart:
            emit_gone(page, cell, answer)
        with page.block(f"if m[DONE_{number}[p]]:", span):
            page.add(f"p = {pointer} = p + 1", span, "advances")
            with page.block(f"if p == {count}:", span):
                page.add(f"m[{cell.slots['done']}] = 1", span)
            if any(child.waits for child in cell.children):
                with page.block("else:", span):
                    page.add(f"ENTER_{number}[p]({HERE})", span)
            if not e.apart:
                page.add(f"return {value}", span)
        if e.apart:
            page.add(f"return {answer}", span)
            return
        page.add(f"x = PASSED_{number}[p] + SHARE_{number}[p] * x", span)
        _in_order(e, cell)


def _judge_finished(e: Emission, cell: Cell, child: Cell) -> None:
    """A finished child of a `seq` that can be undone takes the pointer back to itself."""
    page, span, pointer = e.page, child.node.span, f"m[{cell.slots['pointer']}]"
    with page.block(f"if {pointer} > {child.index}:", span):
        page.add(f"judge_{child.number}({HERE})", span)
        with page.block(f"if not m[{child.slots['done']}]:", span):
            page.add(f"{pointer} = {child.index}", span, "undone")
            page.add(f"m[{cell.slots['done']}] = 0", span)
            if child.end < cell.end:
                page.add(cell.cleared(child.end), span)
            e.answer(f"value_{cell.number}({HERE})", span)


def _judge_branches(e: Emission, cell: Cell, group: ir.Group) -> None:
    page, number, span = e.page, cell.number, group.span
    done = f"m[{cell.slots['done']}]"
    with page.function(f"judge_{number}({HERE})", span):
        watch_unless_done(e, cell)
        for child in cell.children:
            if group.mode == "all":
                _judge_branch(e, cell, child)
                continue
            # once a branch of `any` is done, the others rest
            with page.block(f"if not {done} or m[{child.slots['done']}]:", child.node.span):
                _judge_branch(e, cell, child)
            if not e.apart:
                _rest(e, cell, child)
        word = " and " if group.mode == "all" else " or "
        together = word.join(f"m[{child.slots['done']}]" for child in cell.children)
        page.add(f"{done} = 1 if {together} else 0", span)
        if e.apart:
            page.add("return NOWHERE", span)
        else:
            _together(e, cell, [f"x{child.index}" for child in cell.children])


def _judge_branch(e: Emission, cell: Cell, child: Cell) -> None:
    page, span = e.page, child.node.span
    if e.apart:
        page.add(f"went_back = judge_{child.number}({HERE})", span)
        with page.block(f"if went_back < {cell.number}:", span):
            page.add("return went_back", span)
        return
    page.add(f"x{child.index} = judge_{child.number}({HERE})", span)
    emit_gone(page, cell, f"x{child.index}")


def _rest(e: Emission, cell: Cell, child: Cell) -> None:
    """A resting branch of `any` has a value for as long as the `seq` around it stands there."""
    page, span, answer = e.page, child.node.span, f"x{child.index}"
    here = cell
    while here.parent is not None and here.parent.mode != "seq":
        here = here.parent
    around = here.parent
    stands = "else:" if around is None else f"elif m[{around.slots['pointer']}] == {here.index}:"
    with page.block(stands, span, "rests"):
        page.add(f"{answer} = value_{child.number}({HERE})", span)
    if around is not None:
        with page.block("else:", span, "passed"):
            page.add(f"{answer} = 0.0", span)


def _value_group(e: Emission, cell: Cell) -> None:
    """Its value when it was not judged, or has gone on or back since."""
    with e.page.function(f"value_{cell.number}({HERE})", cell.node.span):
        freeze(e, cell)
        if cell.mode == "seq":
            _value_seq(e, cell)
        else:
            _together(e, cell, [f"value_{child.number}({HERE})" for child in cell.children])


def _value_seq(e: Emission, cell: Cell) -> None:
    page, number, span = e.page, cell.number, cell.node.span
    page.add(f"p = m[{cell.slots['pointer']}]", span)
    page.add(f"x = PASSED_{number}[p]", span)
    with page.block(f"if p < {len(cell.children)}:", span):
        page.add(f"x += SHARE_{number}[p] * VALUE_{number}[p]({HERE})", span)
    _in_order(e, cell)


def _in_order(e: Emission, cell: Cell) -> None:
    """The value of a `seq`: finished children must still keep what they are to keep."""
    for child in cell.children:
        if any(below.keeps for below in child.below()):
            span = child.node.span
            with e.page.block(f"if p > {child.index}:", span):
                loss = f"{child.node.share!r} * (1.0 - value_{child.number}({HERE}))"
                e.page.add(f"x -= {loss}", span)
    shares = [child.node.share for child in cell.children]
    _answer(e, cell, most=max(accumulate(shares)))


def _together(e: Emission, cell: Cell, values: list[str]) -> None:
    """The value of an `all` or `any` from those of its children."""
    shares = [child.node.share for child in cell.children]
    if cell.mode == "all":
        terms = [f"{share!r} * {value}" for share, value in zip(shares, values, strict=True)]
        e.page.add(f"x = {' + '.join(terms)}", cell.node.span)
    else:
        e.page.add(f"x = max(0.0, {', '.join(values)})", cell.node.span)
    _answer(e, cell, most=sum(shares) if cell.mode == "all" else 1.0)


def _answer(e: Emission, cell: Cell, most: float) -> None:
    """`x`, less what is not kept, as the group's value, brought into [0, 1] where it may leave it.

    `most` is what `x` comes to where every child is worth 1: rounding may have made it more than 1.
    """
    page, span = e.page, cell.node.span
    for keep in cell.keeps:
        value, keep_span = f"m[{keep.slots['value']}]", keep.node.span
        page.add(f"{value} = 1.0 if keep_{keep.number}({HERE}) else 0.0", keep_span)
        page.add(f"x -= {keep.node.share!r} * (1.0 - {value})", keep_span)
    if most > 1.0 or any(below.keeps for below in cell.below()):
        page.add("x = min(1.0, max(0.0, x))", span)
    if "value" in cell.slots:
        page.add(f"m[{cell.slots['value']}] = x", span)
    page.add("return x", span)


def _active_group(e: Emission, cell: Cell, group: ir.Group) -> None:
    page, span = e.page, group.span
    with page.function(f"active_{cell.number}(m)", span):
        with page.block(f"if m[{cell.slots['done']}]:", span):
            page.add("return ()", span)
        if group.mode == "seq":
            page.add(f"return ACTIVE_{cell.number}[m[{cell.slots['pointer']}]](m)", span)
        else:
            branches = (f"active_{child.number}(m)" for child in cell.children)
            page.add(f"return {' + '.join(branches)}", span)
