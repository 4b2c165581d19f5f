"""A program in plain words: what it waits for, what each stage earns, when letting go pays."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rewardlang import ir
from rewardlang.codegen.layout import Cell, Layout
from rewardlang.codegen.regress import restart, returns
from rewardlang.explaining.odds import Release, releases, scale_and_before
from rewardlang.explaining.words import amount_in_words, in_words, measure_in_words
from rewardlang.scene import Scene

WIDTH = 96  # columns

_TOGETHER = {
    "seq": "in this order",
    "all": "side by side, in any order",
    "any": "whichever of these has come furthest counts",
}


def explain(program: ir.Program, scene: Scene, max_steps: int | None = None) -> str:
    """What `program` says in plain words, and what its stages can earn.

    `max_steps` is the suite's longest episode (T); without it, rewards are given per episode.
    """
    sections = [
        _heading(program, scene),
        "\n".join(_steps(Layout(program))),
        "\n".join(_success(program, scene)),
        "\n".join(_penalties(program)),
        "\n".join(_earnings(program, max_steps)),
        "\n".join(_letting_go(program)),
    ]
    return "\n\n".join(section for section in sections if section)


def _heading(program: ir.Program, scene: Scene) -> str:
    return f"{program.task}\n{scene.id} ({program.source.name})"


# --- what it waits for ---------------------------------------------------------------------------


def _steps(layout: Layout) -> Iterator[str]:
    root = layout.root
    if isinstance(root.node, ir.Stage):
        yield from _stage(root, root.node, "", 0)
        return
    yield f"What is to be done, {_TOGETHER[root.mode]}:"
    yield from _while(root, 1)
    yield from _below(root, 1)


def _below(group: Cell, depth: int) -> Iterator[str]:
    for number, cell in enumerate(group.children, start=1):
        mark = f"{number}. " if group.mode == "seq" else "- "
        match cell.node:
            case ir.Stage() as stage:
                yield from _stage(cell, stage, mark, depth)
            case ir.Group() as below:
                name = below.name or "all of the following"
                yield _line(depth, f"{mark}{name} ({_share(cell)}), {_TOGETHER[below.mode]}:")
                yield from _while(cell, depth + 1)
                yield from _below(cell, depth + 1)
    for cell in group.keeps:
        assert isinstance(cell.node, ir.Keep)
        scale, _ = scale_and_before(group)
        cost = f"costs {scale * cell.node.share:.0%} of Φ while it does not hold"
        words = f"- keep {cell.node.name}: {in_words(cell.node.expr)}; {cost}"
        yield from _wrapped(depth, words)


def _stage(cell: Cell, stage: ir.Stage, mark: str, depth: int) -> Iterator[str]:
    yield _line(depth, f"{mark}{stage.name} ({_share(cell)})")
    dwell = f", for {stage.dwell} steps" if stage.dwell > 1 else ""
    yield from _wrapped(depth + 1, f"until {in_words(stage.until)}{dwell}")
    if stage.progress is not None:
        yield from _wrapped(depth + 1, _progress(stage.progress))
    if stage.live:
        goal = " and ".join(in_words(atom) for atom in stage.goal_atoms)
        yield from _wrapped(depth + 1, f"undone when no longer: {goal}")
    yield from _while(cell, depth + 1)


def _progress(progress: ir.Progress) -> str:
    start, end = (
        "its value at reset" if bound is None else amount_in_words(bound, progress.measure)
        for bound in (progress.start, progress.end)
    )
    return f"grows with {measure_in_words(progress.measure)}, from {start} to {end}"


def _while(cell: Cell, depth: int) -> Iterator[str]:
    if cell.while_ is not None:
        lost = f"while {in_words(cell.while_)}; otherwise {_where_to(cell)}"
        yield from _wrapped(depth, lost)


def _where_to(cell: Cell) -> str:
    """Where a violated `while` leads, in words."""
    places = list(returns(cell))
    names = [_name(place.stage, cell) for place in places]
    if not places or places[-1].asked:
        again = restart(cell)
        last = "this starts again" if again is cell else f"{_name(again, cell)} starts again"
        return f"back to {_latest(names)}; failing that, {last}" if names else last
    return f"back to {_latest(names)}"


def _latest(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"the latest of {', '.join(reversed(names[1:]))} and {names[0]} that may go on"


def _name(cell: Cell, seen_from: Cell) -> str:
    """A node's name, with its path where it is not a sibling."""
    return cell.node.name if cell.parent is seen_from.parent else cell.node.path or "everything"


def _share(cell: Cell) -> str:
    scale, _ = scale_and_before(cell)
    return f"{scale:.0%} of Φ" if _counts(cell) else f"up to {scale:.0%} of Φ"


def _counts(cell: Cell) -> bool:
    """No `any` above: the share is this node's alone."""
    while cell.parent is not None:
        if cell.parent.mode == "any":
            return False
        cell = cell.parent
    return True


# --- success and penalties -----------------------------------------------------------------------


def _success(program: ir.Program, scene: Scene) -> Iterator[str]:
    success = program.success
    goal = " and ".join(f"{head}({', '.join(names)})" for head, *names in scene.goal)
    if success.expr is None:
        yield from _wrapped(0, f"Success: the moment LIBERO's own goal holds, {goal}.")
        return
    dwell = f", for {success.dwell} steps" if success.dwell > 1 else ""
    yield from _wrapped(0, f"Success: {in_words(success.expr)}{dwell}.")
    if goal:
        reported = f"LIBERO's own goal, {goal}, is reported beside it and does not count."
        yield from _wrapped(0, reported)


def _penalties(program: ir.Program) -> Iterator[str]:
    if program.penalties:
        yield "Penalties, from the second step in a row on, for the rest of the episode:"
    for penalty in program.penalties:
        cost = f"Φ and the bonus for success are {penalty.cost:.2f} less"
        yield from _wrapped(1, f"- {penalty.name}: {cost} once {in_words(penalty.expr)}")


# --- what it earns -------------------------------------------------------------------------------

_PAYS = {
    "level": "Each step pays Φ / T. Success in step M pays what is left, (T - M + 1) / T, and B "
    "at once: a return lies in [0, 1 + B] and falls with M.",
    "telescope": "Each step pays the change of Φ, success B on top: a return is the last Φ minus "
    "the first, plus B.",
    "pbrs": "Each step pays the change of Φ, which counts as 0 once the episode has ended; "
    "success pays B: every failure has the same return.",
    "sparse": "Success pays B, nothing else pays.",
}


def _earnings(program: ir.Program, max_steps: int | None) -> Iterator[str]:
    horizon = "T steps" if max_steps is None else f"T = {max_steps} steps"
    yield from _wrapped(
        0,
        f"Reward (shaping {program.shaping}): Φ is the value of the whole, in [0, 1], at most "
        f"{ir.PHI_CAP} before success; an episode has at most {horizon}; B = "
        f"{ir.SUCCESS_BONUS:g}. {_PAYS[program.shaping]}",
    )
    if program.gamma != 1.0:
        lost = f"{1 - program.gamma:.3g} Φ"
        yield from _wrapped(
            0, f"With γ = {program.gamma:g} a step that changes nothing pays -{lost}."
        )
    if any(cell.mode == "all" for cell in Layout(program).root.below()):
        yield from _wrapped(0, "Below, what stands beside a stage counts as done.")
    if program.shaping == "sparse":
        return
    rows = list(_rows(program, max_steps))
    longest = max(len(row[0]) for row in rows)
    yield ""
    yield f"  {'once done':<{longest}}     Φ   {_column(program, max_steps)}"
    for name, phi, pays in rows:
        yield f"  {name:<{longest}}  {phi:.2f}   {pays}"


def _column(program: ir.Program, max_steps: int | None) -> str:
    if program.shaping != "level":
        return "paid for it, from start to end"
    return "paid per step" if max_steps is not None else "paid for a whole episode there"


def _rows(program: ir.Program, max_steps: int | None) -> Iterator[tuple[str, float, str]]:
    for cell in Layout(program).root.below():
        if isinstance(cell.node, ir.Stage):
            scale, before = scale_and_before(cell)
            phi = min(ir.PHI_CAP, before + scale)
            yield cell.node.path, phi, _paid(program, scale, phi, max_steps)
    if program.shaping == "level":
        yield "success in step M", 1.0, f"{1 + ir.SUCCESS_BONUS:g} - (M - 1) / T, at once"
    else:
        yield "success", 1.0, f"{ir.SUCCESS_BONUS:g} on top"


def _paid(program: ir.Program, scale: float, phi: float, max_steps: int | None) -> str:
    if program.shaping != "level":
        return f"{scale:.2f}"
    return f"{phi:.2f}" if max_steps is None else f"{phi / max_steps:.5f}"


def _letting_go(program: ir.Program) -> Iterator[str]:
    found = list(releases(program))
    if not found:
        return
    if program.shaping in ("pbrs", "sparse"):
        yield from _wrapped(
            0, f"Letting go: holding on earns nothing under `{program.shaping}`; it always pays."
        )
        return
    yield from _wrapped(
        0,
        "Letting go: holding on is safe money, so it pays only where all goes well from there "
        "with a probability above",
    )
    for release in found:
        yield from _wrapped(1, f"- {_odds(release, program.shaping)}")


def _odds(release: Release, shaping: str) -> str:
    where = (
        f"with {release.item} in the hand, {release.holding.path} done and {release.stage.path} as "
        f"far as it goes (Φ = {release.phi_held:.2f}, {release.phi_failed:.2f} after a failure)"
    )
    early = release.break_even(shaping, 1.0, ir.SUCCESS_BONUS)
    if shaping == "telescope":
        return f"{early:.0%} {where}"
    late = release.break_even(shaping, 0.5, ir.SUCCESS_BONUS)
    return f"{early:.0%} at the start of an episode, {late:.0%} halfway, {where}"


# --- layout --------------------------------------------------------------------------------------


def _line(depth: int, text: str) -> str:
    return f"{'  ' * depth}{text}"


def _wrapped(depth: int, text: str) -> list[str]:
    indent = "  " * depth
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  " if depth else "",
        break_long_words=False,
        break_on_hyphens=False,
    )
