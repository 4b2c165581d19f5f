"""Two checked programs -> what changed in meaning, as a list for people and tools.

Renaming is no change, nor is what `meaning` leaves out of its keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from itertools import groupby

from rewardlang import ir
from rewardlang.datatypes import format_number
from rewardlang.inspecting.meaning import (
    condition_key,
    judged_key,
    node_key,
    number_key,
    penalty_key,
    progress_key,
    shape_key,
    success_key,
)
from rewardlang.inspecting.pairing import pair
from rewardlang.inspecting.wording import Called, shared_names, written, written_progress

_SHARE_DIGITS = (3, 6, 12)  # as few significant digits as show a difference


@dataclass(frozen=True)
class Change:
    """One difference. `before` is None for what was added, `after` for what was removed.

    where: a stage's path (several, of what moved together), or a section (`success`, `penalty
    tipped`). what: the part of it: `stage`, `group`, `order`, `shares`, `threshold`, `until`,
    `dwell`, `while`, `judged`, ….
    """

    where: str
    what: str
    before: str | None
    after: str | None

    def as_json(self) -> dict[str, str | None]:
        """The change as plain data."""
        return asdict(self)


def differences(before: ir.Program, after: ir.Program) -> tuple[Change, ...]:
    """What changed in meaning, in the order of the program."""
    return tuple(_Comparison(shared_names(before, after)).programs(before, after))


@dataclass(frozen=True)
class _Comparison:
    called: Called

    def programs(self, before: ir.Program, after: ir.Program) -> Iterator[Change]:
        yield from _plain("task", "task", f'"{before.task}"', f'"{after.task}"')
        yield from _plain("scene", "scene", f'"{before.scene}"', f'"{after.scene}"')
        if _sort(before.root) == _sort(after.root):
            yield from self._nodes(before.root, after.root)
        else:
            yield from self._pairs([before.root], [after.root])
        yield from self._success(before.success, after.success)
        yield from _plain("shaping", "shaping", before.shaping, after.shaping)
        gammas = format_number(before.gamma), format_number(after.gamma)
        yield from _plain("shaping", "gamma", *gammas)
        yield from self._penalties(before.penalties, after.penalties)

    def _pairs(self, before: Sequence[ir.Node], after: Sequence[ir.Node]) -> Iterator[Change]:
        """What became of the children of a group."""
        paired = pair(before, after)
        for node in paired.removed:
            yield Change(_place(node), _sort(node), self._text(node), None)
        for old, new in paired.pairs:
            yield from self._nodes(old, new)
        for node in paired.added:
            yield Change(_place(node), _sort(node), None, self._text(node))

    def _nodes(self, before: ir.Node, after: ir.Node) -> Iterator[Change]:
        if node_key(before) == node_key(after):
            return
        match before, after:
            case ir.Stage(), ir.Stage():
                yield from self._stages(before, after)
            case ir.Keep(), ir.Keep():
                yield from self._condition(_place(after), "condition", before.expr, after.expr)
            case ir.Group(), ir.Group():
                yield from self._groups(before, after)

    def _stages(self, before: ir.Stage, after: ir.Stage) -> Iterator[Change]:
        where = _place(after)
        yield from self._condition(where, "until", before.until, after.until)
        yield from _plain(where, "dwell", _steps(before.dwell), _steps(after.dwell))
        if progress_key(before.progress) != progress_key(after.progress):
            texts = (self._progress(before), self._progress(after))
            yield Change(where, "progress", *texts)
        yield from self._condition(where, "while", before.while_, after.while_)
        if judged_key(before) != judged_key(after):
            yield Change(where, "judged", self._judged(before), self._judged(after))

    def _groups(self, before: ir.Group, after: ir.Group) -> Iterator[Change]:
        where = _place(after)
        yield from _plain(where, "kind", before.mode, after.mode)
        yield from self._condition(where, "while", before.while_, after.while_)
        yield from _shares(where, before, after)
        if before.mode == after.mode == "seq":
            yield from _order(before, after)
        yield from self._pairs(before.children, after.children)

    def _success(self, before: ir.Success, after: ir.Success) -> Iterator[Change]:
        if before.expr is not None and after.expr is not None:
            yield from self._condition("success", "condition", before.expr, after.expr)
            yield from _plain("success", "dwell", _steps(before.dwell), _steps(after.dwell))
        elif success_key(before) != success_key(after):
            yield Change("success", "judge", self._judge(before), self._judge(after))

    def _penalties(
        self, before: Sequence[ir.Penalty], after: Sequence[ir.Penalty]
    ) -> Iterator[Change]:
        """Penalties that both programs have, whatever they are called, are no difference."""
        gone, new = _without_equal(before, after)
        for old in list(gone):
            same = next((item for item in new if item.name == old.name), None)
            if same is None:
                yield Change(f"penalty {old.name}", "penalty", self._penalty(old), None)
                continue
            new.remove(same)
            where = f"penalty {same.name}"
            yield from _plain(where, "cost", format_number(old.cost), format_number(same.cost))
            yield from self._condition(where, "condition", old.expr, same.expr)
        for item in new:
            yield Change(f"penalty {item.name}", "penalty", None, self._penalty(item))

    def _condition(
        self, where: str, what: str, before: ir.Expr | None, after: ir.Expr | None
    ) -> Iterator[Change]:
        if condition_key(before) == condition_key(after):
            return
        only_amounts = what == "until" and shape_key(before) == shape_key(after)
        what = "threshold" if only_amounts else what
        yield Change(where, what, self._written(before), self._written(after))

    def _written(self, expr: ir.Expr | None) -> str | None:
        return None if expr is None else written(expr, self.called)

    def _text(self, node: ir.Node) -> str:
        """What a node that has no partner says."""
        match node:
            case ir.Stage():
                return f"until {written(node.until, self.called)}"
            case ir.Keep():
                return written(node.expr, self.called)
            case ir.Group():
                return f"{node.mode} {{ {', '.join(child.name for child in node.children)} }}"

    def _progress(self, stage: ir.Stage) -> str | None:
        return None if stage.progress is None else written_progress(stage.progress, self.called)

    def _judged(self, stage: ir.Stage) -> str:
        if not stage.live:
            return "latched: once done, stays done"
        return f"live: {' and '.join(written(atom, self.called) for atom in stage.goal_atoms)}"

    def _judge(self, success: ir.Success) -> str:
        if success.expr is None:
            return "bddl"
        return f"when {written(success.expr, self.called)} for {_steps(success.dwell)}"

    def _penalty(self, penalty: ir.Penalty) -> str:
        return f"{format_number(penalty.cost)} when {written(penalty.expr, self.called)}"


def _plain(where: str, what: str, before: str, after: str) -> Iterator[Change]:
    if before != after:
        yield Change(where, what, before, after)


def _shares(where: str, before: ir.Group, after: ir.Group) -> Iterator[Change]:
    """The shares of all children in one line, because one weight changes them all."""
    if before.mode == "any" or after.mode == "any":
        return
    pairs = pair(before.children, after.children).pairs
    if all(number_key(old.share) == number_key(new.share) for old, new in pairs):
        return
    digits = next((d for d in _SHARE_DIGITS if _percents(before, d) != _percents(after, d)), 12)
    yield Change(where, "shares", _percents(before, digits), _percents(after, digits))


def _percents(group: ir.Group, digits: int) -> str:
    shown = (f"{child.name} {100 * child.share:.{digits}g} %" for child in group.children)
    return ", ".join(shown)


def _order(before: ir.Group, after: ir.Group) -> Iterator[Change]:
    """What has moved among the children that both groups have, under its new names."""
    rank = {
        id(new): index
        for index, (_, new) in enumerate(pair(before.children, after.children).pairs)
        if not isinstance(new, ir.Keep)
    }
    now = [node for node in after.children if id(node) in rank]
    then = sorted(now, key=lambda node: rank[id(node)])
    for old, new, size in _moved([*map(id, then)], [*map(id, now)]):
        where = ", ".join(_place(node) for node in now[new : new + size])
        yield Change(where, "order", _follows(then, old), _follows(now, new))


def _moved(then: Sequence[int], now: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(index in `then`, index in `now`, length) of the runs that are not where they were."""
    blocks = SequenceMatcher(None, then, now, autojunk=False).get_matching_blocks()
    stayed = {block.b for block in blocks}
    places = [(then.index(item), index) for index, item in enumerate(now)]
    for _, run in groupby(places, key=lambda place: place[0] - place[1]):
        (old, new), *rest = run
        if new not in stayed:
            yield old, new, 1 + len(rest)


def _follows(siblings: Sequence[ir.Node], index: int) -> str:
    return f"after {siblings[index - 1].name}" if index else "first"


def _without_equal(
    before: Iterable[ir.Penalty], after: Iterable[ir.Penalty]
) -> tuple[list[ir.Penalty], list[ir.Penalty]]:
    """What is left of both when equal ones are taken away in pairs."""
    gone: list[ir.Penalty] = []
    new = list(after)
    for old in before:
        key = penalty_key(old)
        same = next((item for item in new if penalty_key(item) == key), None)
        if same is None:
            gone.append(old)
        else:
            new.remove(same)
    return gone, new


def _sort(node: ir.Node) -> str:
    return type(node).__name__.lower()


def _place(node: ir.Node) -> str:
    return node.path or node.name or "root"


def _steps(dwell: int) -> str:
    return f"{dwell} step{'' if dwell == 1 else 's'}"
