"""What LIBERO and we answer about the same states, counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import rewardlang
from tgrpo.parity.states import Sample
from tgrpo.parity.world import STANDS, ParityWorld, Stand

SHOWN = 10  # differences that a report keeps, per atom
COUNTED = ("true", "false", "near_true", "near_false")

Atom = tuple[str, ...]


@dataclass(frozen=True)
class Quota:
    """How many states are wanted, per atom: of each answer, and of those near a threshold.

    Half of them under each placement of the fixtures.
    """

    each: int = 200
    near: int = 100


@dataclass
class Counts:
    """States compared, by LIBERO's answer; those near are among them."""

    true: int = 0
    false: int = 0
    near_true: int = 0
    near_false: int = 0

    def add(self, answer: bool, near: bool) -> None:
        if answer:
            self.true, self.near_true = self.true + 1, self.near_true + near
        else:
            self.false, self.near_false = self.false + 1, self.near_false + near

    def meets_half(self, quota: Quota) -> bool:
        """Whether this placement has its half of the quota."""
        return (
            2 * min(self.true, self.false) >= quota.each
            and 2 * min(self.near_true, self.near_false) >= quota.near
        )


@dataclass(frozen=True)
class Difference:
    """A state about which LIBERO and we disagree."""

    stand: Stand
    samples: tuple[Sample, ...]
    libero: bool


@dataclass(frozen=True)
class Parity:
    """What was found about some atoms of a goal: one, or all of them together.

    Counts by placement of the fixtures; `differences` holds the first few of `differing`.
    """

    atoms: tuple[Atom, ...]
    placements: tuple[Counts, ...]
    differing: int
    differences: tuple[Difference, ...]

    def total(self, name: str) -> int:
        """A count of `COUNTED` over all placements."""
        return sum(getattr(counts, name) for counts in self.placements)

    def missing(self, quota: Quota) -> tuple[str, ...]:
        """Where it falls short of the quota, in words: "12 near_true of 100"."""
        wanted = zip(COUNTED, (quota.each, quota.each, quota.near, quota.near), strict=True)
        return tuple(
            f"{self.total(name)} {name} of {count}"
            for name, count in wanted
            if self.total(name) < count
        )


@dataclass(frozen=True)
class Seen:
    """A state of one atom, and whether it is near a threshold."""

    sample: Sample
    near: bool


class Asked:
    """Atoms of which both tests are asked, what they answered, and what was seen where."""

    def __init__(self, world: ParityWorld, atoms: tuple[Atom, ...]) -> None:
        self.world = world
        self.atoms = atoms
        self.counts = {moved: Counts() for moved in STANDS}
        self.seen: dict[tuple[Stand, bool], list[Seen]] = {}
        scene = world.scene.model_copy(update={"goal": atoms})
        self._ours = rewardlang.native_success(scene).bind(world.model)
        self._theirs = self._libero()
        self._differing = 0
        self._differences: list[Difference] = []

    def _libero(self) -> Callable[[], bool]:
        if set(self.atoms) == set(self.world.scene.goal):
            return self.world.success
        (atom,) = self.atoms
        return lambda: self.world.holds(atom)

    def ask(self, stand: Stand, samples: Sequence[Sample], *, near: bool = False) -> bool:
        """LIBERO's answer about a state, once ours about the same one is compared with it."""
        self.world.write(stand, samples)
        theirs = self._theirs()
        with self.world.tests.forbidden():
            ours = self._ours(self.world.data)
        if ours != theirs:
            self._differ(Difference(stand, tuple(samples), theirs))
        self.counts[stand.moved].add(theirs, near)
        return theirs

    def look(self, stand: Stand, sample: Sample, *, near: bool = False) -> bool:
        """The same, and the state is remembered."""
        answer = self.ask(stand, [sample], near=near)
        self.seen.setdefault((stand, answer), []).append(Seen(sample, near))
        return answer

    def parity(self) -> Parity:
        placements = tuple(self.counts.values())
        return Parity(self.atoms, placements, self._differing, tuple(self._differences))

    def _differ(self, difference: Difference) -> None:
        self._differing += 1
        if len(self._differences) < SHOWN:
            self._differences.append(difference)
