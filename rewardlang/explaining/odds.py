"""What letting go must promise: the break-even probability of a placement.

With levels, holding an object aloft is safe money. With τ the part of the episode that is left,
Φ_h the value while holding, Φ_f the value after a failed release and p the probability that all
goes well from there on:

    hold      τ Φ_h
    let go    p (τ + B) + (1 - p) τ Φ_f

so letting go pays where p > τ (Φ_h - Φ_f) / (τ (1 - Φ_f) + B). Under `telescope`, with γ = 1, the
same with τ = 1 at any time; under `pbrs` and `sparse` holding earns nothing, and it always pays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rewardlang import ir
from rewardlang.codegen.layout import Cell, Layout


@dataclass(frozen=True)
class Release:
    """A point where something held has to be let go: after `holding`, during `stage`."""

    holding: ir.Stage
    stage: ir.Stage
    item: str
    phi_held: float  # at most, with the item in the hand, all that comes before done
    phi_failed: float  # after dropping it, with nothing of this `seq` done

    def break_even(self, shaping: str, left: float, bonus: float) -> float:
        """Probability above which letting go pays, with a part `left` in (0, 1] of the episode."""
        if shaping in ("pbrs", "sparse"):
            return 0.0
        left = 1.0 if shaping == "telescope" else left
        at_stake = left * (self.phi_held - self.phi_failed)
        return at_stake / (left * (1.0 - self.phi_failed) + bonus)


def releases(program: ir.Program) -> Iterator[Release]:
    """The points of a program where something held has to be let go, in program order."""
    for cell in Layout(program).root.below():
        if cell.mode == "seq":
            yield from _in_seq(cell)


def _in_seq(seq: Cell) -> Iterator[Release]:
    done = 0.0
    scale, before = scale_and_before(seq)
    for cell, following in zip(seq.children, seq.children[1:], strict=False):
        done += cell.node.share
        if not (isinstance(cell.node, ir.Stage) and isinstance(following.node, ir.Stage)):
            continue
        held = _held(cell.node) - _held(following.node)
        for item in sorted(held):
            # the next stage grows while the item is still held, up to the cap
            reached = done + following.node.share * ir.PHI_CAP
            phi = min(ir.PHI_CAP, before + scale * reached)
            yield Release(cell.node, following.node, item, phi, before)


def scale_and_before(cell: Cell) -> tuple[float, float]:
    """A node's share of Φ, and what Φ is when it starts.

    Before: what comes earlier in a `seq` is done, and so is all that stands beside it in an `all`.
    """
    scale, before = 1.0, 0.0
    chain = []
    while cell.parent is not None:
        chain.append(cell)
        cell = cell.parent
    for below in reversed(chain):
        assert below.parent is not None
        if below.parent.mode != "any":
            siblings = below.parent.children
            counted = siblings[: below.index] if below.parent.mode == "seq" else siblings
            before += scale * sum(c.node.share for c in counted if c is not below)
        scale *= below.node.share
    return scale, before


def _held(stage: ir.Stage) -> set[str]:
    """Things that must be in the hand while the stage is worked on, or to finish it."""
    held: set[str] = set()
    for expr in (stage.while_, stage.until):
        found = expr.operands if isinstance(expr, ir.And) else (expr,)
        for atom in found:
            if isinstance(atom, ir.Atom) and atom.predicate == "grasped":
                held.update(str(arg) for arg in atom.args)
    return held
