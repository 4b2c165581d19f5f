"""States of a goal on both sides of its thresholds, found by asking until a quota is met."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from tgrpo.parity.answers import Asked, Quota
from tgrpo.parity.states import FINEST, Sample, Space, space_of
from tgrpo.parity.world import Stand

PER_EDGE = 4  # near states on each side of a place where the answer changes
PER_WAY = 4  # states on the way to it
ATTEMPTS = 6  # draws per state wanted, before a quota is given up


def explore(one: Asked, stands: Sequence[Stand], quota: Quota, rng: np.random.Generator) -> None:
    """Looks at states of one atom until half the quota is met under one placement."""
    (atom,), scene = one.atoms, one.world.scene
    counts = one.counts[stands[0].moved]
    for attempt in range(ATTEMPTS * quota.each):
        stand = stands[attempt % len(stands)]
        space = space_of(scene, atom, partial(one.world.rotation, stand))
        if attempt < len(stands):
            for sample in space.exact:
                one.look(stand, sample)
        sample = space.draw(rng)
        if one.look(stand, sample):
            _follow(one, stand, space, sample, rng)
        if counts.meets_half(quota):
            return


def _follow(
    one: Asked, stand: Stand, space: Space, start: Sample, rng: np.random.Generator
) -> None:
    """From a true state to where the answer changes, then to states on both sides of there."""
    way = space.way(rng)
    found = edge(lambda distance: one.look(stand, start.along(way, distance)), space)
    if found is None:
        return
    for distance in rng.uniform(0.0, found, PER_WAY):
        one.look(stand, start.along(way, distance))
    closest = FINEST * space.near
    for side in (-1.0, 1.0):
        powers = rng.uniform(math.log(closest), math.log(space.near - closest), PER_EDGE)
        for distance in found + side * np.exp(powers):
            one.look(stand, start.along(way, distance), near=True)


def edge(holds: Callable[[float], bool], space: Space) -> float | None:
    """How far it is to a place where the answer changes; None where that is out of reach."""
    low, high = 0.0, space.near
    while holds(high):
        if high > space.reach:
            return None
        low, high = high, 2 * high
    while high - low > FINEST * space.near:
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return (low + high) / 2


def combine(
    whole: Asked,
    parts: Sequence[Asked],
    stands: Sequence[Stand],
    quota: Quota,
    rng: np.random.Generator,
) -> None:
    """The whole goal, in states that are true of every atom, or of every one but one."""
    both = (True, False)
    possible = [
        at for at in stands if all((at, answer) in part.seen for part in parts for answer in both)
    ]
    counts = whole.counts[stands[0].moved]
    for attempt in range(ATTEMPTS * quota.each if possible else 0):
        stand = possible[attempt % len(possible)]
        spoilt = rng.integers(len(parts)) if attempt % 2 else -1
        pools = [part.seen[stand, number != spoilt] for number, part in enumerate(parts)]
        states = [pool[rng.integers(len(pool))] for pool in pools]
        decisive = states if spoilt < 0 else [states[spoilt]]
        near = any(state.near for state in decisive)
        whole.ask(stand, [state.sample for state in states], near=near)
        if counts.meets_half(quota):
            return
