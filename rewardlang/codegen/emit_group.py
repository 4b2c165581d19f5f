"""A `seq`, `all` or `any` as Python: who is judged, what is undone, how values add up."""

from __future__ import annotations

from itertools import accumulate

from rewardlang import ir
from rewardlang.codegen.emission import HERE, Emission
from rewardlang.codegen.emit_while import emit_while, freeze, watch_unless_done
from rewardlang.codegen.layout import Cell
from rewardlang.source import Span


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
    _value_group(e, cell, group)
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
    with page.function(f"judge_{number}({HERE})", span):
        watch_unless_done(e, cell)
        for child in cell.children:
            if any(isinstance(c.node, ir.Stage) and c.node.live for c in child.below()):
                _judge_finished(e, cell, child)
        page.add(f"p = {pointer}", span)
        with page.block(f"if p == {count}:", span):
            page.add("return NOWHERE", span)
        page.add(f"went_back = JUDGE_{number}[p]({HERE})", span)
        with page.block(f"if m[DONE_{number}[p]]:", span):
            page.add(f"p = {pointer} = p + 1", span, "advances")
            with page.block(f"if p == {count}:", span):
                page.add(f"m[{cell.slots['done']}] = 1", span)
            if any(child.waits for child in cell.children):
                with page.block("else:", span):
                    page.add(f"ENTER_{number}[p]({HERE})", span)
        page.add("return went_back", span)


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
            page.add("return NOWHERE", span)


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
        word = " and " if group.mode == "all" else " or "
        together = word.join(f"m[{child.slots['done']}]" for child in cell.children)
        page.add(f"{done} = 1 if {together} else 0", span)
        page.add("return NOWHERE", span)


def _judge_branch(e: Emission, cell: Cell, child: Cell) -> None:
    page, span = e.page, child.node.span
    page.add(f"went_back = judge_{child.number}({HERE})", span)
    with page.block(f"if went_back < {cell.number}:", span):
        page.add("return went_back", span)


def _value_group(e: Emission, cell: Cell, group: ir.Group) -> None:
    page, span = e.page, group.span
    with page.function(f"value_{cell.number}({HERE})", span):
        freeze(e, cell)
        values = [f"value_{child.number}({HERE})" for child in cell.children]
        shares = [child.node.share for child in cell.children]
        match group.mode:
            case "seq":
                _value_seq(e, cell, span)
            case "all":
                weighted = (
                    f"{share!r} * {value}" for share, value in zip(shares, values, strict=True)
                )
                page.add(f"x = {' + '.join(weighted)}", span)
            case _:
                page.add(f"x = max(0.0, {', '.join(values)})", span)
        for keep in cell.keeps:
            value, keep_span = f"m[{keep.slots['value']}]", keep.node.span
            page.add(f"{value} = 1.0 if keep_{keep.number}({HERE}) else 0.0", keep_span)
            page.add(f"x -= {keep.node.share!r} * (1.0 - {value})", keep_span)
        page.add("x = min(1.0, max(0.0, x))", span)
        if "value" in cell.slots:
            page.add(f"m[{cell.slots['value']}] = x", span)
        page.add("return x", span)


def _value_seq(e: Emission, cell: Cell, span: Span) -> None:
    page, number = e.page, cell.number
    page.add(f"p = m[{cell.slots['pointer']}]", span)
    page.add(f"x = PASSED_{number}[p]", span)
    with page.block(f"if p < {len(cell.children)}:", span):
        page.add(f"x += SHARE_{number}[p] * VALUE_{number}[p]({HERE})", span)
    for child in cell.children:
        if any(below.keeps for below in child.below()):
            with page.block(f"if p > {child.index}:", child.node.span):
                loss = f"{child.node.share!r} * (1.0 - value_{child.number}({HERE}))"
                page.add(f"x -= {loss}", child.node.span)


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
