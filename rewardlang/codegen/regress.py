"""Where a violated `while` leads: back to the nearest earlier stage whose own `while` holds.

The innermost `seq` with such a stage handles it. A `seq` inside a `seq` is searched from its last
stage; an `all` or `any` counts as one stage, because its branches have no order. Where there is
no such stage anywhere, the outermost `seq` that has earlier stages starts again, or the node
itself: branches of `all` and `any` that have nothing to do with it keep what they have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rewardlang.codegen.layout import Cell
from rewardlang.codegen.page import Page


@dataclass(frozen=True)
class Return:
    """A place to go back to: `stage` in `seq`, through the groups between them (`path`)."""

    seq: Cell
    stage: Cell
    path: tuple[Cell, ...]  # outermost first
    asked: tuple[Cell, ...]  # whose `while` must hold


def returns(cell: Cell) -> Iterator[Return]:
    """Places to go back to from `cell`, nearest first; after one that asks nothing, no more."""
    for seq, index in _inside(cell):
        for child in reversed(seq.children[:index]):
            for place in _within(seq, child, (), ()):
                yield place
                if not place.asked:
                    return


def restart(cell: Cell) -> Cell:
    """What starts again when there is no place to go back to."""
    return next((seq for seq, index in reversed([*_inside(cell)]) if index), cell)


def _inside(cell: Cell) -> Iterator[tuple[Cell, int]]:
    """The `seq`s around a cell, innermost first, with its place in them."""
    while cell.parent is not None:
        if cell.parent.mode == "seq":
            yield cell.parent, cell.index
        cell = cell.parent


def _within(
    seq: Cell, cell: Cell, path: tuple[Cell, ...], asked: tuple[Cell, ...]
) -> Iterator[Return]:
    if cell.while_ is not None:
        asked = (*asked, cell)
    if cell.mode != "seq":
        yield Return(seq, cell, path, asked)
        return
    for child in reversed(cell.children):
        yield from _within(seq, child, (*path, cell), asked)


def marks(root: Cell) -> list[int]:
    """Numbers of all groups that something inside of them may send back, in order."""
    asked = [cell for cell in root.below() if cell.while_ is not None]
    return sorted({t for cell in asked for t in _targets(cell) if t != cell.number})


def answers(cell: Cell) -> frozenset[int]:
    """Numbers of the groups from `cell` outwards that something below it may go back to."""
    inside = [below for below in cell.below() if below is not cell and below.while_ is not None]
    found = {number for below in inside for number in _targets(below)}
    return frozenset(number for number in found if number <= cell.number)


def _targets(cell: Cell) -> Iterator[int]:
    places = [*returns(cell)]
    yield from (place.seq.number for place in places)
    if all(place.asked for place in places):
        yield restart(cell).number


def emit_back(page: Page, cell: Cell, apart: bool) -> None:
    """`back_N`: clears what has to be done again; answers with the group, by number or mark.

    What starts again by itself answers with its value instead of a mark: nobody else has to know.
    """
    mark = "" if apart else "BACK_"
    assert cell.while_ is not None
    span = cell.while_.span
    with page.function(f"back_{cell.number}(v, m)", span):
        for place in returns(cell):
            if not place.asked:
                _go_back(page, place, mark)
                return
            holds = " and ".join(f"while_{asked.number}(v, m)" for asked in place.asked)
            with page.block(f"if {holds}:", place.stage.node.span):
                _go_back(page, place, mark)
        scope = restart(cell)
        page.add(scope.cleared(), span, "starts again")
        _enter(page, scope)
        alone = scope is cell and not apart
        page.add(
            f"return {f'value_{cell.number}(v, m)' if alone else f'{mark}{scope.number}'}", span
        )


def emit_gone(page: Page, cell: Cell, answer: str) -> None:
    """Ends the judging of a group where the `answer` of a child's judge says that it is off."""
    marks, span = answers(cell), cell.node.span
    if not marks:
        return
    with page.block(f"if {answer} < 0.0:", span, "went back"):
        value = f"value_{cell.number}(v, m)"
        if cell.number not in marks:
            page.add(f"return {answer}", span)
        elif len(marks) == 1:
            page.add(f"return {value}", span)
        else:
            page.add(f"return {value} if {answer} == BACK_{cell.number} else {answer}", span)


def _go_back(page: Page, place: Return, mark: str) -> None:
    span = place.stage.node.span
    for group, child in zip((place.seq, *place.path), (*place.path, place.stage), strict=True):
        page.add(f"m[{group.slots['pointer']}] = {child.index}", span, f"back to {child.node.path}")
        page.add(f"m[{group.slots['done']}] = 0", span)
    page.add(place.seq.cleared(place.stage.start), span)
    _enter(page, place.stage)
    page.add(f"return {mark}{place.seq.number}", span)


def _enter(page: Page, cell: Cell) -> None:
    if cell.waits:
        page.add(f"enter_{cell.number}(v, m)", cell.node.span)
