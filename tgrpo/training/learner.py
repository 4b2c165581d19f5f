"""What a learner is to the run: groups in, a changed policy and metrics out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from torch import Tensor

from tgrpo.trajectory import Group


class Learner(Protocol):
    """Owns the state of its optimisers, and changes the policy that it was made with.

    Equal seeds and equal sequences of groups give bitwise equal parameters on one machine with
    one number of threads. What is random is keyed by (seed, number of the update), so that
    `state_tensors` and the policy are all that a resumed run needs.
    """

    def update(self, groups: Sequence[Group]) -> dict[str, float]:
        """One update from `groups`, all sampled by the current policy. Returns metrics by name."""
        ...

    def state_tensors(self) -> dict[str, Tensor]:
        """State of optimisers, counters, and every parameter outside the policy."""
        ...

    def load_state_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state_tensors` gave. Raises KeyError for another learner's state."""
        ...
