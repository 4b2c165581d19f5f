"""What a batch answers: memories and steps as arrays, written block by block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypeVar

from rewardlang.codegen.layout import PHI, STEPS
from rewardlang.runtime.arrays import Array, arrays_of, as_tensor


@dataclass(frozen=True)
class BatchedMemory:
    """What has been, in N episodes: `Memory`'s slots as rows of an array, (slots, N)."""

    slots: Array

    @property
    def steps(self) -> Array:
        """(N,) control steps since reset."""
        return self.slots[STEPS]

    @property
    def phi(self) -> Array:
        """(N,) Φ in [0, 1] after the last step, or at reset."""
        return self.slots[PHI]


@dataclass(frozen=True)
class BatchedSteps:
    """What control steps are worth: `RewardStep`'s fields as arrays, (N,) of one step of N
    episodes or (N, T) of whole episodes. In padding nothing is paid and no stage is worked on;
    `phi` and `success` stay as they were.

    reward          what `shaping` pays for the step
    phi             the program's value, at most 0.99 before success
    success         the program's success condition has held, now or before
    native_success  LIBERO's own goal holds now
    active          (…, S): the stages being worked on after the step, in the order of `stages`
    stages          paths of the program's S stages
    """

    reward: Array
    phi: Array
    success: Array
    native_success: Array
    active: Array
    stages: tuple[str, ...]


def empty_steps(like: Array, count: int, length: int, stages: tuple[str, ...]) -> BatchedSteps:
    """A place for the steps of `count` episodes of `length` steps."""
    full = arrays_of(like).full
    shape = (count, length)
    return BatchedSteps(
        reward=full(like, shape, 0.0),
        phi=full(like, shape, 0.0),
        success=full(like, shape, False),
        native_success=full(like, shape, False),
        active=full(like, (*shape, len(stages)), False),
        stages=stages,
    )


def write_block(steps: BatchedSteps, block: BatchedSteps, lanes: slice, times: slice) -> None:
    """A block's steps into those of all; the first of an episode, at reset, is none."""
    skip = 1 if times.start == 0 else 0
    at = slice(times.start + skip - 1, times.stop - 1)
    for field in fields(BatchedSteps):
        if field.name != "stages":
            getattr(steps, field.name)[lanes, at] = getattr(block, field.name)[:, skip:]


Answer = TypeVar("Answer", BatchedSteps, BatchedMemory)


def mapped(answer: Answer, change: Callable[[Array], Array]) -> Answer:
    """The same with every array changed."""
    values = ((field.name, getattr(answer, field.name)) for field in fields(answer))
    return type(answer)(
        **{name: value if name == "stages" else change(value) for name, value in values}
    )


def of_torch(answer: Answer) -> Answer:
    """An answer of numpy's arrays as torch sees them."""
    return mapped(answer, as_tensor)
